"""Permission of schedules and event rules to run a task definition."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn.nodes import Node
from moorage.cfn.permissions import Statement, find_role, policies_of_role
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule

_RUN_TASK = "ecs:RunTask"


@rule(
    "E9742",
    "The role of a schedule may not run any revision of its task definition.",
    error_messages=(
        "User: ... is not authorized to perform: ecs:RunTask on resource: "
        "arn:aws:ecs:...:task-definition/...:1",
    ),
    fix="Write `!Ref <task definition>`, or end the ARN with `:*`.",
    sources=(
        "Service authorization reference: Amazon ECS, task-definition",
        "pulumi/pulumi#6725",
    ),
    failure_ids=("sched-run-task-without-revision",),
)
def revision_is_missing(view: View) -> Iterator[Problem]:
    """The ARN of a task definition ends with its revision. A policy whose resources end with the
    family matches none, so no run starts."""
    for name, target in _targets(view):
        role = find_role(target["RoleArn"])
        if role is None or target["EcsParameters"].absent:
            continue
        policies = policies_of_role(role)
        statements = [
            statement
            for statement in policies.statements
            if statement.allows is not False and statement.covers_action(_RUN_TASK) is not False
        ]
        if statements and policies.complete and all(map(_lacks_revision, statements)):
            yield problem(
                statements[0].node["Resource"],
                f"The role of {name} allows `{_RUN_TASK}` on a task definition without its "
                f"revision",
                "End the ARN with `:*`, or write `!Ref` of the task definition.",
            )


def _targets(view: View) -> Iterator[tuple[str, Node]]:
    for schedule in view.resources_of_type("AWS::Scheduler::Schedule"):
        yield f"schedule `{schedule.id}`", schedule["Target"]
    for event_rule in view.resources_of_type("AWS::Events::Rule"):
        for target in event_rule["Targets"].items:
            yield f"event rule `{event_rule.id}`", target


def _lacks_revision(statement: Statement) -> bool:
    """Whether all resources are task definitions that end with a literal family."""
    resources = statement.node["Resource"].as_list
    return bool(resources) and all(map(_ends_with_family, resources))


def _ends_with_family(resource: Node) -> bool:
    parts = resource.parts
    texts = [part if isinstance(part, str) else "\0" for part in parts]
    _, separator, family = "".join(texts).rpartition(":task-definition/")
    return (
        bool(separator)
        and not any(character in family for character in ":*?")
        and isinstance(parts[-1], str)
    )


RULES = (revision_is_missing,)
