"""What secrets of containers are taken from."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import container_secrets, ecs
from moorage.cfn.nodes import Node
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule


@rule(
    "E9360",
    "ValueFrom does not lead to the secret",
    error_messages=(
        "ResourceInitializationError: unable to pull secrets or registry auth: ... Parameter name: "
        'can\'t be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of '
        "sub-paths divided by slash symbol",
        "ResourceInitializationError: unable to pull secrets or registry auth: ... unexpected ARN "
        "format with parameters when trying to retrieve ASM secret",
    ),
    fix="Give a secret of Secrets Manager by its whole ARN, alone or followed by `:key:stage:id`, "
    "of which each may be empty: `${Secret}:password::`.",
    sources=(
        "aws/aws-cdk#10519",
        "cloudposse/terraform-aws-ecs-container-definition#144",
        "aws/amazon-ecs-agent agent/taskresource/asmsecret/asmsecret.go",
        "localstack/localstack#11538",
        "AWS docs: Pass Secrets Manager secrets through Amazon ECS environment variables",
    ),
    failure_ids=("td-secret-by-name", "td-secret-json-key-without-colons"),
)
def secret_source(view: View) -> Iterator[Problem]:
    """ECS reads what is no ARN as the name of a parameter in Parameter Store, so a secret of
    Secrets Manager that is given by its name is looked for in the wrong service. After the ARN it
    takes either nothing or exactly three fields, the key of the JSON, the version's stage and its
    id; with any other number of colons the agent refuses the ARN. In either case no task starts,
    and the service waits for hours until the stack is rolled back."""
    names = [one["Name"] for one in view.resources_of_type(container_secrets.SECRET)]
    parameters = [one["Name"] for one in view.resources_of_type(container_secrets.PARAMETER)]
    for task in ecs.task_definitions(view):
        for node in container_secrets.secret_sources(task):
            after = container_secrets.count_fields_after_arn(node)
            if after is not None:
                if after not in (0, 3):
                    yield problem(
                        node,
                        f"{_named(node)} has {after} of the 3 fields after the secret's ARN, and "
                        f"ECS takes none or all",
                        "End it with `:key::`, with both colons even though nothing follows them.",
                    )
            elif container_secrets.is_invalid_parameter_name(node) or _is_one_of(
                names, parameters, node
            ):
                yield problem(
                    node,
                    f"{_named(node)} is no ARN, so ECS looks in Parameter Store and not in "
                    f"Secrets Manager, and no parameter has such a name",
                    "Write the secret's whole ARN, or `!Ref` it; a parameter with slashes in its "
                    "name begins with one.",
                )


def _is_one_of(secret_names: list[Node], parameters: list[Node], node: Node) -> bool:
    """Whether it is the name of a secret here, and not of a parameter."""
    if node.text is None or any(one.is_same_as(node) is not False for one in parameters):
        return False
    return any(one.is_same_as(node) for one in secret_names)


def _named(node: Node) -> str:
    return f"`{node.text}`" if node.text is not None else "ValueFrom"


RULES = (secret_source,)
