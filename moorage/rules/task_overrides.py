"""Overrides with which schedules, event rules, pipes and state machines run tasks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.rules.message_parts import join_or, quote
from moorage.rules.rule import Problem, problem, rule


@rule(
    "E9007",
    "The overrides of a task name a container that the task definition does not have.",
    error_messages=("Override for container named ... is not a container in the TaskDefinition.",),
    fix="Write the name of a container of the task definition.",
    sources=("Amazon ECS API reference: ContainerOverride, name",),
)
def unknown_container(view: View) -> Iterator[Problem]:
    """Overrides change a container by its name. ECS refuses to run a task with overrides for a
    container that its task definition does not have, so no task starts."""
    for user, task_definition, place, name in _overrides(view):
        task = ecs.resource_of_type(task_definition, ecs.TASK_DEFINITION)
        containers = task["ContainerDefinitions"] if task else None
        if containers is None or not containers.items or not containers.all_known:
            continue
        names = [container["Name"].text for container in containers.items]
        known = [container for container in names if container is not None]
        if len(known) == len(names) and name not in known:
            yield problem(
                place,
                f"`{user.id}` overrides container `{name}`, which its task definition does not "
                f"have",
                f"Write {join_or(quote(known))}.",
            )


def _overrides(view: View) -> Iterator[tuple[Resource, Node, Node, str]]:
    """Resources that run tasks, with the task definition, the place of overrides and the name of
    each container in them."""
    for user, target in _targets(view):
        task_definition = target["EcsParameters"]["TaskDefinitionArn"]
        for name in _names_in_json(target["Input"].text):
            yield user, task_definition, target["Input"], name
    for pipe in view.resources_of_type("AWS::Pipes::Pipe"):
        parameters = pipe["TargetParameters"]["EcsTaskParameters"]
        for override in parameters["Overrides"]["ContainerOverrides"].items:
            if override["Name"].text:
                yield pipe, parameters["TaskDefinitionArn"], override, override["Name"].text
    for machine in view.resources_of_type("AWS::StepFunctions::StateMachine"):
        for _, state in machine["Definition"]["States"].entries:
            parameters = state["Parameters"]
            for override in parameters["Overrides"]["ContainerOverrides"].items:
                if override["Name"].text:
                    yield machine, parameters["TaskDefinition"], override, override["Name"].text


def _targets(view: View) -> Iterator[tuple[Resource, Node]]:
    for schedule in view.resources_of_type("AWS::Scheduler::Schedule"):
        yield schedule, schedule["Target"]
    for event_rule in view.resources_of_type("AWS::Events::Rule"):
        for target in event_rule["Targets"].items:
            yield event_rule, target


def _names_in_json(text: str | None) -> Iterator[str]:
    try:
        body: Any = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return
    overrides = body.get("containerOverrides") if isinstance(body, Mapping) else None
    for override in overrides if isinstance(overrides, list) else ():
        name = override.get("name") if isinstance(override, Mapping) else None
        if isinstance(name, str):
            yield name


RULES = (unknown_container,)
