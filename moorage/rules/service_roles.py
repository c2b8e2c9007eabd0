"""Trust policies of the roles of builds, pipelines, rules, state machines, pipes and functions."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn.nodes import Node
from moorage.cfn.permissions import find_role
from moorage.cfn.stack import Resource
from moorage.cfn.trust_policies import trusted_services, trusts
from moorage.cfn.view import View
from moorage.rules.message_parts import join_and
from moorage.rules.rule import Problem, problem, rule

_ROLES = {
    "AWS::CodeBuild::Project": ("ServiceRole", "codebuild"),
    "AWS::CodePipeline::Pipeline": ("RoleArn", "codepipeline"),
    "AWS::Lambda::Function": ("Role", "lambda"),
    "AWS::Pipes::Pipe": ("RoleArn", "pipes"),
    "AWS::StepFunctions::StateMachine": ("RoleArn", "states"),
}
"""The property with the role, and the service that assumes it, by the type of the resource."""


@rule(
    "E9056",
    "A role does not trust the service that calls others with it.",
    error_messages=(
        "CodeBuild is not authorized to perform: sts:AssumeRole on arn:aws:iam::...:role/...",
        "CodePipeline is not authorized to perform AssumeRole on role ...",
        "Neither the global service principal states.amazonaws.com, nor the regional one is "
        "authorized to assume the provided role.",
        "The role defined for the function cannot be assumed by Lambda.",
    ),
    fix="Write the principal of the service in the trust policy: codebuild, codepipeline, events "
    "for rules, states for state machines, pipes, or lambda, each with `.amazonaws.com`.",
    sources=(
        "AWS CodeBuild user guide: Allow CodeBuild to interact with other AWS services",
        "AWS CodePipeline user guide: Manage the CodePipeline service role",
        "AWS Step Functions developer guide: Creating an IAM role for your state machine",
        "Amazon EventBridge user guide: Using identity-based policies (IAM roles)",
    ),
)
def untrusted_service(view: View) -> Iterator[Problem]:
    """These services assume the role that the resource names. If its trust policy has another
    principal, such as that of ECS, the resource is refused, or each build, execution or
    invocation fails."""
    for resource, node, service in _uses(view):
        role = find_role(node)
        if role is not None and trusts(role, service) is False:
            trusted = trusted_services(role)
            but_trusted = f" but {join_and(trusted)}" if trusted else ""
            policy = role["AssumeRolePolicyDocument"]
            statements = policy["Statement"].as_list
            yield problem(
                statements[0]["Principal"] if statements else policy,
                f"Role `{role.id}`, the role of `{resource.id}`, does not trust "
                f"{service}.amazonaws.com{but_trusted}",
                f"Write `Service: {service}.amazonaws.com`.",
            )


def _uses(view: View) -> Iterator[tuple[Resource, Node, str]]:
    for resource_type, (key, service) in _ROLES.items():
        for resource in view.resources_of_type(resource_type):
            yield resource, resource[key], service
    for event_rule in view.resources_of_type("AWS::Events::Rule"):
        for target in event_rule["Targets"].items:
            yield event_rule, target["RoleArn"], "events"


RULES = (untrusted_service,)
