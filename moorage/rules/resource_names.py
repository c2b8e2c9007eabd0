"""Names, descriptions and tags that AWS rejects, or accepts only once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from moorage.cfn import ecs, fixed_values, networks
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule

_MAX_NAME_LENGTH = 32
"""Characters in the name of a load balancer or target group."""
_MAX_DESCRIPTION_LENGTH = 255
"""Characters in the description of a security group rule."""
_NAME_SOURCES = (
    "AWS docs: AWS::ElasticLoadBalancingV2::LoadBalancer",
    "AWS docs: AWS::ElasticLoadBalancingV2::TargetGroup",
)
_REPLACED_TYPES = {
    ecs.LOAD_BALANCER: "Name",
    ecs.TARGET_GROUP: "Name",
    ecs.SERVICE: "ServiceName",
}
"""Types that some updates replace, with the property of their name."""
_IAM_NAMES = {
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::User": "UserName",
}
_RULE_DESCRIPTION = re.compile(r"[A-Za-z0-9 ._\-:/()#,@\[\]+=&;{}!$*]*")
_TAGGED_TYPES = (
    "AWS::ECR::Repository",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
)
"""Types with tags whose characters cfn-lint does not check."""


# Names in Elastic Load Balancing -------------------------------------------------------------


def _named_elb_resources(view: View) -> Iterator[Resource]:
    """Load balancers and target groups with a Name."""
    resources = view.resources_of_type(ecs.LOAD_BALANCER, ecs.TARGET_GROUP)
    return (resource for resource in resources if resource["Name"].present)


@rule(
    "E9955",
    "Elastic Load Balancing rejects a name.",
    error_messages=(
        "Target group name '...' cannot be longer than '32' characters",
        "The load balancer name '...' cannot contain double hyphens(--)",
    ),
    fix="Remove Name: CloudFormation then generates a valid and unique name.",
    sources=(*_NAME_SOURCES, "cloudposse/terraform-aws-alb#27", "zalando-stups/senza#395"),
    failure_ids=(
        "name-target-group-over-32",
        "name-load-balancer-internal-prefix",
        "name-target-group-underscore",
        "name-load-balancer-double-hyphen",
    ),
)
def invalid_name(view: View) -> Iterator[Problem]:
    """The name of a load balancer or target group has up to 32 ASCII letters, digits and hyphens,
    and neither begins nor ends with a hyphen. The name of a load balancer also has no two hyphens
    in a row and does not begin with `internal-`."""
    for resource in _named_elb_resources(view):
        mistake = _name_mistake(resource)
        if mistake:
            yield problem(
                resource["Name"],
                f"The name of `{resource.id}` {mistake}, and AWS rejects it",
                "Remove Name, or write up to 32 letters, digits and single hyphens.",
            )


def _name_mistake(resource: Resource) -> str | None:
    """Why a name is invalid, whatever the values of its unknown parts are."""
    mistakes = [_text_mistake(resource, text) for text in _possible_texts(resource["Name"])]
    return mistakes[0] if mistakes and all(mistakes) else None


def _possible_texts(node: Node) -> list[str]:
    """Every text that a name can be, with a NUL for an unknown part."""
    if node.choices:
        return list(node.choices)
    parts = [part if isinstance(part, str) else "\0" for part in node.parts]
    return ["".join(parts)] if parts else []


def _text_mistake(resource: Resource, name: str) -> str | None:
    if re.search(r"[^A-Za-z0-9\0-]", name):
        return "has characters other than letters, digits and hyphens"
    if len(name.replace("\0", "")) > _MAX_NAME_LENGTH:
        return f"is longer than {_MAX_NAME_LENGTH} characters"
    if name.startswith("-") or name.endswith("-"):
        return "begins or ends with a hyphen"
    if resource.type == ecs.LOAD_BALANCER and name.startswith("internal-"):
        return "begins with `internal-`, which is reserved"
    if resource.type == ecs.LOAD_BALANCER and "--" in name:
        return "has two hyphens in a row"
    return None


@rule(
    "W9958",
    "A name with parameters or pseudo parameters can be too long for Elastic Load Balancing.",
    error_messages=("Target group name '...' cannot be longer than '32' characters",),
    fix="Remove Name: CloudFormation then shortens the name of the stack if necessary.",
    sources=(*_NAME_SOURCES, "byu-oit/handel#34", "docker-archive/ecs-plugin#160"),
    failure_ids=("name-target-group-from-stack-name",),
)
def possibly_long_name(view: View) -> Iterator[Problem]:
    """The names of load balancers and target groups have up to 32 characters, those of stacks up to
    128. A name that contains the stack name or a parameter works for one stack and fails for
    another one with a longer name."""
    for resource in _named_elb_resources(view):
        length = fixed_values.max_length(resource["Name"])
        if (
            length > _MAX_NAME_LENGTH
            and not _name_mistake(resource)
            and not resource["Name"].choices
        ):
            yield problem(
                resource["Name"],
                f"The name of `{resource.id}` can have {length} characters, and AWS accepts "
                f"{_MAX_NAME_LENGTH}",
                "Remove Name, or limit the parameters in it with AllowedValues or MaxLength.",
            )


# Names and numbers that exist once -----------------------------------------------------------


@rule(
    "W9961",
    "A fixed name or priority prevents a second stack from the same template.",
    error_messages=(
        "... already exists in stack arn:...",
        "Resource of type 'AWS::Logs::LogGroup' with identifier '...' already exists.",
        "Priority '1' is currently in use",
    ),
    fix="Remove the name, or include the stack name and the region in it. Make a priority a "
    "parameter.",
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
def fixed_unique_value(view: View) -> Iterator[Problem]:
    """IAM names are unique in an account, for all regions. A log group with DeletionPolicy Retain
    still exists when its stack is created again. A listener of another stack can have each priority
    only once. A second stack with the same template fails, or the same stack after a failed first
    attempt."""
    for resource_type, key in _IAM_NAMES.items():
        for resource in view.resources_of_type(resource_type):
            if fixed_values.fixed_text(resource[key]):
                yield problem(
                    resource[key],
                    f"`{resource.id}` has a fixed {key}, so the template cannot be deployed twice "
                    f"in an account, not even in another region, and needs CAPABILITY_NAMED_IAM",
                    f"Remove {key}.",
                )
    for group in view.resources_of_type("AWS::Logs::LogGroup"):
        is_retained = group.body["DeletionPolicy"].text == "Retain"
        if is_retained and fixed_values.fixed_text(group["LogGroupName"]):
            yield problem(
                group["LogGroupName"],
                f"Log group `{group.id}` is retained when its stack is deleted or fails to be "
                f"created, and then its fixed name cannot be used again",
                "Remove LogGroupName, or write `DeletionPolicy: Delete`.",
            )
    for listener_rule in view.resources_of_type(ecs.LISTENER_RULE):
        priority, listener = listener_rule["Priority"], listener_rule["ListenerArn"]
        if fixed_values.fixed_text(priority) and fixed_values.varies_between_stacks(listener):
            yield problem(
                priority,
                f"Listener rule `{listener_rule.id}` has a fixed priority on a listener that is "
                f"not in the template, so a second stack with this template needs the same "
                f"priority",
                "Make Priority a parameter.",
            )


@rule(
    "W9980",
    "A fixed name prevents updates that replace the resource.",
    error_messages=(
        "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
        "Rename ... and update the stack again.",
        "Creation of service was not idempotent",
    ),
    fix="Remove the name, and refer to the resource with `!Ref` and `!GetAtt`.",
    sources=(
        "aws/aws-cdk#4347",
        "aws-cloudformation/cloudformation-coverage-roadmap#2214",
        "honerlaw/serverless-fargate-plugin#19",
        "awslabs/ecs-refarch-continuous-deployment#11",
    ),
    failure_ids=("upd-custom-named-resource", "svc-fixed-service-name"),
)
def name_prevents_replacement(view: View) -> Iterator[Problem]:
    """Some updates replace a load balancer (Scheme, Type), a target group (Port, Protocol,
    TargetType) or a service (LaunchType, Cluster). CloudFormation creates the new resource before
    it deletes the old one, which still has the name."""
    for resource_type, key in _REPLACED_TYPES.items():
        for resource in view.resources_of_type(resource_type):
            is_invalid = key == "Name" and _name_mistake(resource)
            if fixed_values.fixed_text(resource[key]) and not is_invalid:
                yield problem(
                    resource[key],
                    f"`{resource.id}` has a fixed {key}, so updates that replace it fail",
                    f"Remove {key}.",
                )


# Descriptions and tags -----------------------------------------------------------------------


@rule(
    "E9970",
    "A description or a tag has characters that AWS rejects.",
    error_messages=(
        "Invalid rule description. Valid descriptions are strings less than 256 characters from "
        "the following set: a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
        "InvalidParameterException: Invalid parameter at 'tags'",
    ),
    fix="Write only ASCII letters, digits, spaces and ._-:/()#,@[]+=&;{}!$* in descriptions of "
    "security group rules, and letters, digits, spaces and _.:/=+-@ in tags.",
    sources=(
        "aws-cloudformation/cfn-lint#173",
        "hashicorp/terraform-provider-aws#18874",
        "aprin-labs/archimedes#1054",
    ),
    failure_ids=("sg-rule-description-apostrophe",),
)
def invalid_characters(view: View) -> Iterator[Problem]:
    """EC2 accepts few characters in descriptions of security group rules: no apostrophes, no
    letters beyond ASCII, no typographic dashes and arrows. Tags can have letters of any script, but
    few other characters."""
    for group_rule in _security_group_rules(view):
        description = group_rule["Description"]
        texts = _literal_parts(description)
        if not all(_RULE_DESCRIPTION.fullmatch(text) for text in texts):
            mistake = "has characters that EC2 rejects"
        elif sum(map(len, texts)) > _MAX_DESCRIPTION_LENGTH:
            mistake = f"is longer than {_MAX_DESCRIPTION_LENGTH} characters, and EC2 rejects it"
        else:
            continue
        yield problem(
            description,
            f"The description of a rule in `{group_rule.path[1]}` {mistake}",
            f"Write up to {_MAX_DESCRIPTION_LENGTH} of a-z, A-Z, 0-9, spaces and "
            f"._-:/()#,@[]+=&;{{}}!$*.",
        )
    for resource in view.resources_of_type(*_TAGGED_TYPES):
        for tag in resource["Tags"].items:
            for node in (tag["Key"], tag["Value"]):
                if not all(map(_is_tag_text, _literal_parts(node))):
                    yield problem(
                        node,
                        f"A tag of `{resource.id}` has characters that AWS rejects",
                        "Write only letters, digits, spaces and _.:/=+-@.",
                    )


def _security_group_rules(view: View) -> Iterator[Node]:
    """Inline and separate rules of security groups."""
    for group in view.resources_of_type(networks.SECURITY_GROUP):
        yield from group["SecurityGroupIngress"].items
        yield from group["SecurityGroupEgress"].items
    for resource in view.resources_of_type(
        f"{networks.SECURITY_GROUP}Ingress", f"{networks.SECURITY_GROUP}Egress"
    ):
        yield resource.props


def _literal_parts(node: Node) -> list[str]:
    return [part for part in node.parts if isinstance(part, str)]


def _is_tag_text(text: str) -> bool:
    """Whether all characters are letters, separators, numbers or one of _.:/=+-@."""
    return all(char in "_.:/=+-@" or unicodedata.category(char)[0] in "LZN" for char in text)


RULES = (
    invalid_name,
    possibly_long_name,
    fixed_unique_value,
    invalid_characters,
    name_prevents_replacement,
)
