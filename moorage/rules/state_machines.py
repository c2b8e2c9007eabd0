"""State machines: transitions between states, errors, and the tasks that they run in ECS."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from moorage.cfn.permissions import allows, find_role
from moorage.cfn.stack import Resource
from moorage.cfn.state_machines import Block, State, find_blocks
from moorage.cfn.values import Attr
from moorage.cfn.view import View
from moorage.facts.state_machines import (
    ALL_ERRORS,
    RUN_TASK,
    RUN_TASK_KEYS,
    TERMINAL_STATES,
    WAITS,
)
from moorage.rules.grants import describe_grants
from moorage.rules.message_parts import join_and, quote
from moorage.rules.rule import Problem, problem, rule

_GUIDE = "AWS Step Functions developer guide"


def _machines(view: View) -> Iterator[tuple[Resource, list[Block]]]:
    def find_all() -> list[tuple[Resource, list[Block]]]:
        machines = view.resources_of_type("AWS::StepFunctions::StateMachine")
        return [(machine, find_blocks(machine)) for machine in machines]

    yield from view.cached("state machines", find_all)


# Transitions and errors ----------------------------------------------------------------------


@rule(
    "E9059",
    "The states of a state machine do not fit together.",
    error_messages=(
        "MISSING_TRANSITION_TARGET: Missing 'Next' target: ...",
        'MISSING_TRANSITION_TARGET: State "..." is not reachable.',
        "MISSING_END_STATE: Workflow has no terminal state",
        "States.ALL must appear alone and at end of list",
        "Express state machine does not support '...' service integration",
    ),
    fix="Write `Next` with the name of a state of the same `States`, or `End: true`; `States.ALL` "
    "alone in the last entry of `Retry` and `Catch`; and `STANDARD` for a machine that waits.",
    sources=(
        f"{_GUIDE}: Using Amazon States Language to define Step Functions workflows",
        "AWS's error message, reproduced by cdk-preflight",
    ),
)
def invalid_states(view: View) -> Iterator[Problem]:
    """Step Functions checks the whole definition before it creates a state machine: each state must
    be reachable, each transition must have a target, and a workflow must end. A state machine of
    the type EXPRESS cannot wait for what it starts."""
    for machine, blocks in _machines(view):
        for block in blocks:
            yield from _transition_problems(machine, block)
            for state in block.states:
                yield from _state_problems(machine, state)


def _transition_problems(machine: Resource, block: Block) -> Iterator[Problem]:
    names = {state.name for state in block.states}
    targets = {block.start}
    is_known = block.start is not None
    are_all_found = True
    for state in block.states:
        for target in _targets(state):
            is_known = is_known and target is not None
            if target is not None and target not in names:
                are_all_found = False
                yield problem(
                    state.node,
                    f"State `{state.name}` of state machine `{machine.id}` is followed by "
                    f"`{target}`, which is not among its states",
                    "Write the name of another state of the same `States`.",
                )
            if target != state.name:
                targets.add(target)
    for state in block.states if is_known else ():
        if state.name not in targets:
            yield problem(
                state.node,
                f"No state of state machine `{machine.id}` leads to state `{state.name}`",
                "Write its name as `Next` of another state, or remove the state.",
            )
    # A state that is missing may have been the end.
    may_end = not are_all_found or any(map(_may_end, block.states))
    if block.is_top and block.states and not may_end:
        yield problem(
            block.node,
            f"State machine `{machine.id}` has no state at which it ends",
            "Write `End: true` in the last state.",
        )


def _targets(state: State) -> Iterator[str | None]:
    """The names of the states that may follow; None for one that only the deployment knows."""
    for key in ("Next", "Default"):
        if key in state.fields:
            yield state.text(key)
    for key in ("Choices", "Catch"):
        value = state.fields.get(key, [])
        if not isinstance(value, list):
            yield None
            continue
        for item in value:
            target = item.get("Next") if isinstance(item, dict) else None
            yield target if isinstance(target, str) else None


def _may_end(state: State) -> bool:
    kind = state.text("Type")
    end = state.fields.get("End", False)
    return kind is None or kind in TERMINAL_STATES or str(end).lower() != "false"


def _state_problems(machine: Resource, state: State) -> Iterator[Problem]:
    name = f"State `{state.name}` of state machine `{machine.id}`"
    for key in ("Retry", "Catch"):
        entries = state.maps(key)
        for index, entry in enumerate(entries):
            errors = entry.get("ErrorEquals")
            if not isinstance(errors, list) or ALL_ERRORS not in errors:
                continue
            if len(errors) > 1 or index < len(entries) - 1:
                yield problem(
                    state.node,
                    f"{name} has `{ALL_ERRORS}` in `{key}` together with other errors, or before "
                    f"the last entry",
                    f"Write `ErrorEquals: [{ALL_ERRORS}]` as the last entry of `{key}`.",
                )
    resource = state.text("Resource") or ""
    if machine["StateMachineType"].text == "EXPRESS" and resource.endswith(WAITS):
        yield problem(
            state.node,
            f"{name} waits for `{resource}`, which a state machine of the type EXPRESS cannot",
            f"Write `StateMachineType: STANDARD`, or the resource without "
            f"`.{resource.rpartition('.')[2]}`.",
        )


# Tasks in ECS --------------------------------------------------------------------------------


@rule(
    "E9038",
    "A state machine cannot run its task in ECS.",
    error_messages=(
        'The field "..." is not supported by Step Functions',
        "The field 'TaskDefinition' is required but was missing",
        "User: ... is not authorized to perform: ecs:RunTask on resource: ...",
        "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
    ),
    fix="Write the parameters of `ecs:runTask` with capital letters, among them `TaskDefinition` "
    "and, for `LaunchType: FARGATE`, `NetworkConfiguration`; and allow `ecs:RunTask` in a policy "
    "of the role.",
    sources=(f"{_GUIDE}: Run Amazon ECS or Fargate tasks with Step Functions",),
)
def task_cannot_run(view: View) -> Iterator[Problem]:
    """Step Functions passes the parameters of a state to RunTask of ECS, with the permissions of
    the state machine's role, and learns from a rule of EventBridge that a task ended. It refuses
    unknown parameters and a state without a task definition; ECS refuses the task without a
    network, and each execution fails."""
    for machine, blocks in _machines(view):
        states = [state for block in blocks for state in block.states]
        tasks = [state for state in states if re.fullmatch(RUN_TASK, state.text("Resource") or "")]
        for state in tasks:
            parameters = state.fields.get("Parameters", state.fields.get("Arguments", {}))
            if isinstance(parameters, dict):
                yield from _parameter_problems(machine, state, parameters)
        role = find_role(machine["RoleArn"]) if tasks else None
        definitions = list(_task_definitions(machine, tasks))
        missing = [
            action
            for action in _needed_actions(machine, tasks, definitions)
            if role and allows(role, action, None) is False
        ]
        if role and missing:
            names = join_and(quote(missing))
            only_definition = definitions[0] if len(definitions) == 1 else None
            yield problem(
                role,
                f"State machine `{machine.id}` runs a task, and its role does not allow {names}",
                f"Allow {describe_grants(missing, only_definition)}.",
            )


def _needed_actions(
    machine: Resource, tasks: list[State], definitions: list[Resource]
) -> Iterator[str]:
    yield "ecs:RunTask"
    if any(map(_has_roles, definitions)):
        yield "iam:PassRole"
    waits = any((state.text("Resource") or "").endswith(".sync") for state in tasks)
    if waits and machine["Definition"].absent:
        yield "events:PutRule"  # E9741 finds it for `Definition`.


def _task_definitions(machine: Resource, tasks: list[State]) -> Iterator[Resource]:
    """The task definitions in view that a state machine may run."""
    parts = machine["DefinitionString"].parts
    found: list[Resource | None] = [part.resource for part in parts if isinstance(part, Attr)]
    found += [node.resource for _, node in machine["DefinitionSubstitutions"].entries]
    found += [state.node["Parameters"]["TaskDefinition"].resource for state in tasks]
    yield from (item for item in found if item and item.type == "AWS::ECS::TaskDefinition")


def _has_roles(task: Resource) -> bool:
    return any(task[key].certainly_present for key in ("TaskRoleArn", "ExecutionRoleArn"))


def _parameter_problems(
    machine: Resource, state: State, parameters: Mapping[str, Any]
) -> Iterator[Problem]:
    name = f"State `{state.name}` of state machine `{machine.id}`"
    keys = {key.removesuffix(".$") for key in parameters}
    wrong = [key for key in sorted(keys) if _capitalize(key) in RUN_TASK_KEYS - {key}]
    if wrong:
        right = quote(_capitalize(key) for key in wrong)
        yield problem(
            state.node,
            f"{name} runs a task with {join_and(quote(wrong))}, which Step Functions does not know",
            f"Write {join_and(right)}.",
        )
        return
    if "TaskDefinition" not in keys:
        yield problem(
            state.node,
            f"{name} runs a task without a `TaskDefinition`",
            "Write `TaskDefinition` in `Parameters`.",
        )
    if parameters.get("LaunchType") == "FARGATE" and "NetworkConfiguration" not in keys:
        yield problem(
            state.node,
            f"{name} runs a task on Fargate without a `NetworkConfiguration`",
            "Write `NetworkConfiguration: {AwsvpcConfiguration: {Subnets: [...]}}`.",
        )
    if {"LaunchType", "CapacityProviderStrategy"} <= keys:
        yield problem(
            state.node,
            f"{name} runs a task with a `LaunchType` and a `CapacityProviderStrategy`",
            "Keep one of them.",
        )


def _capitalize(key: str) -> str:
    return key[:1].upper() + key[1:]


RULES = (invalid_states, task_cannot_run)
