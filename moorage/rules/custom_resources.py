"""Functions that CloudFormation invokes, and functions whose permissions come too late."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn.nodes import Node
from moorage.cfn.permissions import find_role
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule

_FUNCTION = "AWS::Lambda::Function"
_GUIDE = "AWS CloudFormation user guide: Create custom provisioning logic with custom resources"


@rule(
    "E9967",
    "A custom resource has the name of its function, not the ARN.",
    error_messages=("Invalid service token.",),
    fix="Write `ServiceToken: !GetAtt <function>.Arn`.",
    sources=(_GUIDE,),
)
def token_is_a_name(view: View) -> Iterator[Problem]:
    """The service token is the ARN of a function or topic. `Ref` of a function is its name."""
    for custom in _custom_resources(view):
        token = custom["ServiceToken"]
        if token.attr and token.attr.resource.type == _FUNCTION and token.attr.name == "Ref":
            yield problem(
                token,
                f"The `ServiceToken` of `{custom.id}` is the name of a function",
                f"Write `!GetAtt {token.attr.resource.id}.Arn`.",
            )


@rule(
    "W9972",
    "A custom resource or an event source may be created before the policy of its function's role.",
    error_messages=(
        "is not authorized to perform",
        "The provided execution role does not have permissions to call ReceiveMessage on SQS",
    ),
    fix="Write `DependsOn: <policy>`.",
    sources=(_GUIDE, "AWS Lambda developer guide: Using Lambda with Amazon SQS"),
)
def policy_is_created_later(view: View) -> Iterator[Problem]:
    """A reference to the function waits for its role, but not for a policy in a resource of its
    own. The function can be invoked, or its permissions checked, before it has them. Templates
    written by the CDK are not checked."""
    for resource, reference in _uses_of_functions(view):
        function = reference.resource
        role = find_role(function["Role"]) if function and function.type == _FUNCTION else None
        if role is None or resource.stack.template.is_from_cdk:
            continue
        types = ("AWS::IAM::Policy", "AWS::IAM::RolePolicy")
        for policy in view.referring((role,), types, ("Roles", "RoleName")):
            if policy.stack is not resource.stack:
                continue
            # A policy that refers to the resource cannot be created before it.
            if not view.is_created_before(policy, resource) and not view.is_created_before(
                resource, policy
            ):
                yield problem(
                    reference,
                    f"`{resource.id}` may be created before policy `{policy.id}` of the role of "
                    f"its function",
                    f"Write `DependsOn: {policy.id}`.",
                )


def _custom_resources(view: View) -> Iterator[Resource]:
    yield from view.resources_with_type_prefix("Custom::")
    yield from view.resources_of_type("AWS::CloudFormation::CustomResource")


def _uses_of_functions(view: View) -> Iterator[tuple[Resource, Node]]:
    for custom in _custom_resources(view):
        yield custom, custom["ServiceToken"]
    for mapping in view.resources_of_type("AWS::Lambda::EventSourceMapping"):
        yield mapping, mapping["FunctionName"]


RULES = (token_is_a_name, policy_is_created_later)
