"""The sources of containers' secrets: Secrets Manager and Parameter Store."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import container_secrets, ecs
from moorage.cfn.nodes import Node
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule


@rule(
    "E9155",
    "ValueFrom of a secret has the wrong form.",
    error_messages=(
        "ResourceInitializationError: unable to pull secrets or registry auth: ... Parameter name: "
        'can\'t be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of '
        "sub-paths divided by slash symbol",
        "ResourceInitializationError: unable to pull secrets or registry auth: ... unexpected ARN "
        "format with parameters when trying to retrieve ASM secret",
    ),
    fix="Write the full ARN of the Secrets Manager secret, alone or followed by "
    "`:<json-key>:<version-stage>:<version-id>`, of which each can be empty: "
    "`${Secret}:password::`.",
    sources=(
        "aws/aws-cdk#10519",
        "cloudposse/terraform-aws-ecs-container-definition#144",
        "aws/amazon-ecs-agent agent/taskresource/asmsecret/asmsecret.go",
        "localstack/localstack#11538",
        "AWS docs: Pass Secrets Manager secrets through Amazon ECS environment variables",
    ),
    failure_ids=("td-secret-by-name", "td-secret-json-key-without-colons"),
)
def malformed_secret_source(view: View) -> Iterator[Problem]:
    """ECS reads a ValueFrom that is not an ARN as the name of a parameter in Parameter Store, so it
    does not find a Secrets Manager secret by its name. After the ARN of a secret it accepts either
    nothing or exactly three fields: the JSON key, the version stage and the version id. With any
    other number of fields the ECS agent rejects the ARN. In both cases no task starts, and the
    service waits for hours until the stack is rolled back."""
    secret_names = [
        resource["Name"] for resource in view.resources_of_type(container_secrets.SECRET)
    ]
    parameter_names = [
        resource["Name"] for resource in view.resources_of_type(container_secrets.PARAMETER)
    ]
    for task in ecs.task_definitions(view):
        for node in container_secrets.secret_sources(task):
            fields = container_secrets.count_fields_after_arn(node)
            if fields is not None:
                if fields not in (0, 3):
                    yield problem(
                        node,
                        f"{_describe(node)} has {fields} field{'s' if fields > 1 else ''} after "
                        f"the ARN of the secret, and ECS accepts none or three",
                        "For a JSON key, write `<arn>:<json-key>::` with both colons at the end.",
                    )
            elif container_secrets.is_invalid_parameter_name(node) or _is_secret_name(
                node, secret_names, parameter_names
            ):
                yield problem(
                    node,
                    f"{_describe(node)} is not an ARN, so ECS looks for it in Parameter Store and "
                    f"not in Secrets Manager, and no parameter has that name",
                    "Write the full ARN of the secret, or `!Ref` of the secret. The name of a "
                    "parameter with slashes begins with a slash.",
                )


def _is_secret_name(node: Node, secret_names: list[Node], parameter_names: list[Node]) -> bool:
    """Whether a value is the name of a secret in view, and certainly not of a parameter."""
    if node.text is None or any(name.is_same_as(node) is not False for name in parameter_names):
        return False
    return any(name.is_same_as(node) for name in secret_names)


def _describe(node: Node) -> str:
    return f"`{node.text}`" if node.text is not None else "ValueFrom"


RULES = (malformed_secret_source,)
