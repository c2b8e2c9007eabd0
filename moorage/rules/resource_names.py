"""Physical names and other texts that AWS refuses, or takes only once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from moorage.cfn import ecs, lifecycle, networks
from moorage.cfn.nodes import Node
from moorage.cfn.view import Resource, View
from moorage.rules.rule import Problem, problem, rule

_MOST = 32
"""Characters of a load balancer's or target group's name."""
_NAME_SOURCES = (
    "AWS docs: AWS::ElasticLoadBalancingV2::LoadBalancer",
    "AWS docs: AWS::ElasticLoadBalancingV2::TargetGroup",
)
_BLOCKERS = {ecs.LOAD_BALANCER: "Name", ecs.TARGET_GROUP: "Name", ecs.SERVICE: "ServiceName"}
_GLOBAL = {
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::User": "UserName",
}
_RULE_TEXT = re.compile(r"[A-Za-z0-9 ._\-:/()#,@\[\]+=&;{}!$*]*")
_TAGGED = (
    "AWS::ECR::Repository",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
)
"""Types with tags whose schema in cfn-lint lacks the pattern."""


def _balancing(view: View) -> Iterator[Resource]:
    """Load balancers and target groups with a name."""
    return (
        one
        for one in view.resources_of_type(ecs.LOAD_BALANCER, ecs.TARGET_GROUP)
        if one["Name"].present
    )


@rule(
    "E9308",
    "A name that Elastic Load Balancing refuses",
    error_messages=(
        "Target group name '...' cannot be longer than '32' characters",
        "The load balancer name '...' cannot contain double hyphens(--)",
    ),
    fix="Leave Name out: CloudFormation makes one that fits and is unique.",
    sources=(*_NAME_SOURCES, "cloudposse/terraform-aws-alb#27", "zalando-stups/senza#395"),
    failure_ids=(
        "name-target-group-over-32",
        "name-load-balancer-internal-prefix",
        "name-target-group-underscore",
        "name-load-balancer-double-hyphen",
    ),
)
def refused_name(view: View) -> Iterator[Problem]:
    """Names of load balancers and target groups have up to 32 letters of ASCII, digits and
    hyphens, no hyphen at either end; that of a load balancer has no two hyphens in a row and does
    not begin with `internal-`."""
    for resource in _balancing(view):
        why = _refused(resource)
        if why:
            yield problem(
                resource["Name"],
                f"The name of {resource.id} {why}, and Elastic Load Balancing refuses it",
                "Leave Name out, or write up to 32 letters, digits and single hyphens.",
            )


def _refused(resource: Resource) -> str | None:
    """What is wrong with a name, whatever its unknown parts turn out to be."""
    whys = [_wrong(resource, one) for one in _spellings(resource["Name"])]
    return whys[0] if whys and all(whys) else None


def _spellings(node: Node) -> list[str]:
    """Every text that a name can be, with a NUL for what is not known."""
    if node.choices:
        return list(node.choices)
    parts = [one if isinstance(one, str) else "\0" for one in node.parts]
    return ["".join(parts)] if parts else []


def _wrong(resource: Resource, name: str) -> str | None:
    if re.search(r"[^A-Za-z0-9\0-]", name):
        return "has characters other than letters, digits and hyphens"
    if len(name.replace("\0", "")) > _MOST:
        return f"is longer than {_MOST} characters"
    if name.startswith("-") or name.endswith("-"):
        return "begins or ends with a hyphen"
    if resource.type == ecs.LOAD_BALANCER and name.startswith("internal-"):
        return "begins with `internal-`, which is reserved"
    if resource.type == ecs.LOAD_BALANCER and "--" in name:
        return "has two hyphens in a row"
    return None


@rule(
    "W9309",
    "A name that is put together may be too long for Elastic Load Balancing",
    error_messages=("Target group name '...' cannot be longer than '32' characters",),
    fix="Leave Name out: CloudFormation shortens the stack's name as needed.",
    sources=(*_NAME_SOURCES, "byu-oit/handel#34", "docker-archive/ecs-plugin#160"),
    failure_ids=("name-target-group-from-stack-name",),
)
def long_name(view: View) -> Iterator[Problem]:
    """What stands in the template is short, and the stack's name or the parameter that comes with
    it is not: the names of load balancers and target groups have 32 characters, those of stacks
    up to 128. It works for the first stack and fails for the one with the longer name."""
    for resource in _balancing(view):
        length = lifecycle.max_length(resource["Name"])
        if length > _MOST and not _refused(resource):
            yield problem(
                resource["Name"],
                f"The name of {resource.id} can get {length} characters long, and Elastic Load "
                f"Balancing takes {_MOST}",
                "Leave Name out, or limit its parts by AllowedValues or MaxLength.",
            )


@rule(
    "W9310",
    "A fixed name stands in the way of replacement",
    error_messages=(
        "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
        "Rename ... and update the stack again.",
        "Creation of service was not idempotent",
    ),
    fix="Leave the name out, and refer to the resource by Ref and GetAtt.",
    sources=(
        "aws/aws-cdk#4347",
        "aws-cloudformation/cloudformation-coverage-roadmap#2214",
        "honerlaw/serverless-fargate-plugin#19",
        "awslabs/ecs-refarch-continuous-deployment#11",
    ),
    failure_ids=("upd-custom-named-resource", "svc-fixed-service-name"),
)
def name_blocks_replacement(view: View) -> Iterator[Problem]:
    """Some changes replace a load balancer (Scheme, Type), a target group (Port, Protocol,
    TargetType) or a service (LaunchType, Cluster). CloudFormation creates the new one before it
    deletes the old one, and the name is still taken."""
    for kind, key in _BLOCKERS.items():
        for resource in view.resources_of_type(kind):
            name = resource[key]
            if lifecycle.fixed_text(name) and not (key == "Name" and _refused(resource)):
                yield problem(
                    name,
                    f"{resource.id} has a fixed name, so CloudFormation can't update the stack "
                    f"once a change must replace it",
                    f"Leave {key} out.",
                )


@rule(
    "W9311",
    "Only the first stack can have this name or number",
    error_messages=(
        "... already exists in stack arn:...",
        "Resource of type 'AWS::Logs::LogGroup' with identifier '...' already exists.",
        "Priority '1' is currently in use",
    ),
    fix="Leave a name out, or put the stack's name and region in it; make a priority a parameter.",
    sources=(
        "serverless/serverless#3237",
        "stelligent/mu#85",
        "AWS docs: Acknowledging IAM resources in CloudFormation templates",
    ),
    failure_ids=(
        "iam-fixed-role-name",
        "stk-retained-named-log-group",
        "lb-fixed-priority-on-shared-listener",
    ),
)
def taken_by_the_first(view: View) -> Iterator[Problem]:
    """IAM names are one set for all regions of an account. A log group that is retained still has
    its name when the stack is created again. A listener of another stack takes each priority
    once. A second stack of the same template fails, or the next try after a failed one."""
    for kind, key in _GLOBAL.items():
        for resource in view.resources_of_type(kind):
            if lifecycle.fixed_text(resource[key]):
                yield problem(
                    resource[key],
                    f"{resource.id} has a fixed name, which a second stack or another region "
                    f"can't have again, and which needs CAPABILITY_NAMED_IAM",
                    f"Leave {key} out.",
                )
    for group in view.resources_of_type("AWS::Logs::LogGroup"):
        kept = group.body["DeletionPolicy"].text == "Retain"
        if kept and lifecycle.fixed_text(group["LogGroupName"]):
            yield problem(
                group["LogGroupName"],
                f"{group.id} stays when its stack is deleted or fails to be created, and then "
                f"nothing can be created under its name",
                "Leave LogGroupName out, or write `DeletionPolicy: Delete`.",
            )
    for one in view.resources_of_type(ecs.LISTENER_RULE):
        if lifecycle.fixed_text(one["Priority"]) and lifecycle.varies_between_stacks(
            one["ListenerArn"]
        ):
            yield problem(
                one["Priority"],
                f"{one.id} has a fixed priority on a listener that is given from outside, and "
                f"the next stack with this template asks for the same",
                "Make Priority a parameter.",
            )


@rule(
    "E9312",
    "A template creates a role that AWS creates by itself",
    error_messages=("Service role name AWSServiceRoleForECS has been taken in this account",),
    fix="Remove the resource: the first use of the service creates the role, and "
    "`aws iam create-service-linked-role` does where that is too late.",
    sources=("aws-samples/aws-container-devsecops-workshop#4",),
    failure_ids=("iam-service-linked-role-in-template",),
)
def service_linked_role(view: View) -> Iterator[Problem]:
    """The service-linked roles of ECS, of Elastic Load Balancing and of scaling ECS exist once in
    an account. Where one of these services was ever used, the role is there already and the stack
    fails."""
    linked = (
        "ecs.amazonaws.com",
        "elasticloadbalancing.amazonaws.com",
        "ecs.application-autoscaling.amazonaws.com",
    )
    for role in view.resources_of_type("AWS::IAM::ServiceLinkedRole"):
        name = role["AWSServiceName"]
        if name.text in linked and role.body["Condition"].absent:
            yield problem(
                name,
                f"An account has one role for {name.text}, and creating {role.id} fails where it "
                f"exists already",
                "Remove the resource, or make it depend on a condition.",
            )


@rule(
    "E9313",
    "A description or tag with characters that AWS refuses",
    error_messages=(
        "Invalid rule description. Valid descriptions are strings less than 256 characters from "
        "the following set: a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
        "InvalidParameterException: Invalid parameter at 'tags'",
    ),
    fix="Write plain ASCII in descriptions of rules, without quotes; letters, digits, spaces and "
    "_.:/=+-@ in tags.",
    sources=(
        "aws-cloudformation/cfn-lint#173",
        "hashicorp/terraform-provider-aws#18874",
        "aprin-labs/archimedes#1054",
    ),
    failure_ids=("sg-rule-description-apostrophe",),
)
def refused_characters(view: View) -> Iterator[Problem]:
    """EC2 takes a small set of characters in descriptions of security group rules: no apostrophe,
    no letter beyond ASCII, no dash or arrow pasted from a document. Tags take letters of any
    script, but few other signs."""
    for one in _rules(view):
        told = one["Description"]
        if not all(_RULE_TEXT.fullmatch(part) for part in _literals(told)):
            why = "has characters that EC2 refuses"
        elif sum(map(len, _literals(told))) > 255:
            why = "is longer than the 255 characters that EC2 takes"
        else:
            continue
        hint = "Write up to 255 of a-z, A-Z, 0-9, spaces and ._-:/()#,@[]+=&;{}!$* only."
        yield problem(told, f"The description of this rule {why}", hint)
    for resource in view.resources_of_type(*_TAGGED):
        for tag in resource["Tags"].items:
            for node in (tag["Key"], tag["Value"]):
                if not all(map(_is_tag_text, _literals(node))):
                    yield problem(
                        node,
                        f"This tag of {resource.id} has characters that AWS refuses",
                        "Write letters, digits, spaces and _.:/=+-@ only.",
                    )


def _rules(view: View) -> Iterator[Node]:
    """The rules of security groups, in line and as resources."""
    for group in view.resources_of_type(networks.SECURITY_GROUP):
        yield from group["SecurityGroupIngress"].items
        yield from group["SecurityGroupEgress"].items
    for one in view.resources_of_type(
        f"{networks.SECURITY_GROUP}Ingress", f"{networks.SECURITY_GROUP}Egress"
    ):
        yield one.props


def _literals(node: Node) -> list[str]:
    return [part for part in node.parts if isinstance(part, str)]


def _is_tag_text(text: str) -> bool:
    """Whether it is letters, separators and digits of any script, and _.:/=+-@ besides."""
    return all(one in "_.:/=+-@" or unicodedata.category(one)[0] in "LZN" for one in text)


RULES = (
    refused_name,
    long_name,
    name_blocks_replacement,
    taken_by_the_first,
    service_linked_role,
    refused_characters,
)
