"""Secrets of containers: their sources, and secrets in plain text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set

from moorage.cfn import container_secrets, ecs
from moorage.cfn.nodes import Node
from moorage.cfn.view import View
from moorage.facts.secret_values import find_in_command, is_plain_secret
from moorage.rules.message_parts import name_container
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
    parameter_names = _names(view, container_secrets.PARAMETER)
    secret_names = {name.text for name in _names(view, container_secrets.SECRET)}
    secret_names -= {None, *(name.text for name in parameter_names)}
    unknown_names = [name for name in parameter_names if name.text is None]
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
                node, secret_names, unknown_names
            ):
                yield problem(
                    node,
                    f"{_describe(node)} is not an ARN, so ECS looks for it in Parameter Store and "
                    f"not in Secrets Manager, and no parameter has that name",
                    "Write the full ARN of the secret, or `!Ref` of the secret. The name of a "
                    "parameter with slashes begins with a slash.",
                )


def _names(view: View, resource_type: str) -> list[Node]:
    return [resource["Name"] for resource in view.resources_of_type(resource_type)]


def _is_secret_name(node: Node, secret_names: Set[str | None], others: Iterable[Node]) -> bool:
    """Whether a value is one of these names of secrets, and certainly none of the others, of
    parameters."""
    return node.text in secret_names and all(name.is_same_as(node) is False for name in others)


def _describe(node: Node) -> str:
    return f"`{node.text}`" if node.text is not None else "ValueFrom"


@rule(
    "W9156",
    "A container definition has a secret in plain text.",
    fix="Store the value in Secrets Manager or in Parameter Store, and refer to it in Secrets, or "
    "in SecretOptions of the log driver.",
    sources=(
        "AWS docs: Pass sensitive data to an Amazon ECS container",
        "AWS docs: Amazon ECS task definition parameters, Environment",
    ),
)
def secret_in_plain_text(view: View) -> Iterator[Problem]:
    """Everybody who is allowed to describe the task definition or to read the template can read the
    value. It is taken for a secret if it has the form of one, such as an access key or a password
    in a URL, or if the variable, label or option is named like one and the value is neither a
    reference nor a path."""
    for task in ecs.task_definitions(view):
        for container in ecs.containers(task):
            owner = f"In {name_container(container)} of task definition `{task.id}`"
            settings = [
                (setting["Name"].text or "", setting["Value"])
                for setting in container["Environment"].items
            ]
            settings += container["DockerLabels"].entries
            settings += container.at("LogConfiguration", "Options").entries
            settings += container.at("FirelensConfiguration", "Options").entries
            for name, node in settings:
                if node.text is not None and is_plain_secret(name, node.text):
                    yield problem(
                        node, f"{owner}, `{name}` looks like a secret in plain text", _STORE
                    )
            for key in (("EntryPoint",), ("Command",), ("HealthCheck", "Command")):
                words = container.at(*key).items
                secrets = find_in_command([word.text or "" for word in words])
                for index, option in {index: option for index, option, _ in secrets}.items():
                    subject = f"the value of `{option}`" if option else "a word of the command"
                    message = f"{owner}, {subject} looks like a secret in plain text"
                    yield problem(words[index], message, _STORE)


_STORE = "Store the value, and refer to it in Secrets."

RULES = (malformed_secret_source, secret_in_plain_text)
