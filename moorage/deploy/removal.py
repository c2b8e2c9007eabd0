"""The deletion of stacks: what goes, what stays, and in which order.

It goes by the templates that are deployed, not by the params: these may have changed since.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from cfnlint.decode.decode import decode_str

from moorage.deploy.aws import AwsError, aws_errors
from moorage.deploy.context import Context
from moorage.deploy.jobs import Job, run_jobs
from moorage.deploy.progress import Ended
from moorage.deploy.recovery import delete_stack
from moorage.deploy.stack_resources import read_resources
from moorage.deploy.stack_state import StackState
from moorage.deploy.target import Target

if TYPE_CHECKING:
    from moorage.deploy.aws import Aws

_KEEPING = ("Retain", "RetainExceptOnCreate", "Snapshot")
_PROTECTION = "deletion_protection.enabled"
_LOAD_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"


@dataclass(frozen=True)
class RemovedResource:
    """A resource of a stack that is deleted."""

    logical_id: str
    physical_id: str
    type: str
    kept: bool
    """Whether it stays, because of its `DeletionPolicy`."""
    protected: bool = False
    """Whether its deletion protection is on."""


@dataclass(frozen=True)
class Removal:
    """A stack that is deleted."""

    name: str
    state: StackState
    resources: tuple[RemovedResource, ...]
    after: tuple[str, ...]
    """Names of the stacks that are deleted before it, because they import from it."""


def plan_removal(
    aws: Aws, target: Target, states: Mapping[str, StackState], orphans: Sequence[StackState]
) -> list[Removal]:
    """The stacks of a target that exist, and others of the environment, each after those that use
    it. Two requests for each stack."""
    doomed = {
        stack.name: states[stack.stack_name]
        for stack in target.stacks
        if stack.stack_name in states
    }
    doomed |= {_orphan_name(state): state for state in orphans}
    templates = {name: _read_template(aws, state) for name, state in doomed.items()}
    users = {name: [*_find_users(name, doomed, templates)] for name in doomed}
    for stack in target.stacks:
        for needed in stack.depends_on:
            if stack.name in doomed and needed in doomed:
                users[needed].append(stack.name)
    return [
        Removal(
            name,
            doomed[name],
            tuple(_read_resources(aws, doomed[name], templates[name])),
            tuple(dict.fromkeys(users[name])),
        )
        for name in _order(users)
    ]


def _orphan_name(state: StackState) -> str:
    return state.tags.get("stack", state.stack_name)


def _read_template(aws: Aws, state: StackState) -> Mapping[str, Any]:
    """The deployed template; without resources if the stack has a change set only."""
    if not state.exists:
        return {}
    with aws_errors():
        body: object = aws.cloudformation.get_template(StackName=state.id)["TemplateBody"]
    if isinstance(body, str):
        body, errors = decode_str(body)
        if errors:
            raise AwsError(f"the template of {state.stack_name} cannot be read")
    return body if isinstance(body, Mapping) else {}


def _find_users(
    name: str, doomed: Mapping[str, StackState], templates: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """The stacks that import from this one."""
    exports = {output.export for output in doomed[name].outputs if output.export}
    for other, template in templates.items():
        if other != name and exports.intersection(_imports(template)):
            yield other


def _imports(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "Fn::ImportValue" and isinstance(item, str):
                yield str(item)
            else:
                yield from _imports(item)
    elif isinstance(value, list):
        for item in value:
            yield from _imports(item)


def _order(users: Mapping[str, Sequence[str]]) -> list[str]:
    """Each stack after its users; of those that could be next, the last one of the deployment."""
    order: list[str] = []
    waiting = [*users][::-1]
    while waiting:
        free = [name for name in waiting if {*users[name]} <= {*order}]
        chosen = free[0] if free else waiting[0]
        order.append(chosen)
        waiting.remove(chosen)
    return order


def _read_resources(
    aws: Aws, state: StackState, template: Mapping[str, Any]
) -> Iterator[RemovedResource]:
    bodies = template.get("Resources", {})
    for resource in read_resources(aws, state.id):
        if resource.get("ResourceStatus") != "DELETE_COMPLETE":
            body = bodies.get(resource["LogicalResourceId"], {})
            yield RemovedResource(
                resource["LogicalResourceId"],
                resource.get("PhysicalResourceId", ""),
                resource["ResourceType"],
                body.get("DeletionPolicy") in _KEEPING,
                _is_protected(body),
            )


def _is_protected(body: Mapping[str, Any]) -> bool:
    """Whether the template turns on the deletion protection of a load balancer."""
    attributes = body.get("Properties", {}).get("LoadBalancerAttributes", ())
    return body.get("Type") == _LOAD_BALANCER and any(
        item.get("Key") == _PROTECTION and str(item.get("Value")).lower() == "true"
        for item in attributes
        if isinstance(item, Mapping)
    )


def find_remaining_users(
    removals: Sequence[Removal], target: Target, states: Mapping[str, StackState]
) -> Iterator[str]:
    """Deployed stacks that are not deleted although they need one that is."""
    doomed = {removal.name for removal in removals}
    for stack in target.stacks:
        needed = sorted(doomed.intersection(stack.depends_on))
        if stack.name not in doomed and stack.stack_name in states and needed:
            yield f"`{stack.name}` needs {', '.join(f'`{name}`' for name in needed)}"


def turn_protection_off(aws: Aws, removals: Sequence[Removal]) -> None:
    """Turns off the termination protection of stacks and the deletion protection of resources."""
    with aws_errors():
        for removal in removals:
            if removal.state.protected:
                aws.cloudformation.update_termination_protection(
                    StackName=removal.state.stack_name, EnableTerminationProtection=False
                )
            for resource in removal.resources:
                if resource.protected:
                    aws.elbv2.modify_load_balancer_attributes(
                        LoadBalancerArn=resource.physical_id,
                        Attributes=[{"Key": _PROTECTION, "Value": "false"}],
                    )


def remove_stacks(context: Context, removals: Sequence[Removal], parallel: int) -> dict[str, str]:
    """Deletes stacks, each after its users, and stops at the first failure. Returns why each one
    failed: empty if it succeeded. Those that were never begun are left out."""
    return run_jobs(
        {removal.name: partial(_remove, context, removal) for removal in removals},
        context.clock,
        after={removal.name: removal.after for removal in removals},
        parallel=parallel,
        may_go_on=lambda reason: not reason,
    )


def _remove(context: Context, removal: Removal) -> Job[str]:
    try:
        reason = yield from delete_stack(context, removal.name, removal.state.id)
    except AwsError as error:
        reason = str(error)
    context.emit(Ended(removal.name, context.at, "failed" if reason else "succeeded", reason))
    return reason


def removals_text(removals: Sequence[Removal]) -> str:
    """What is deleted, and what stays."""
    return "".join(f"{line}\n" for removal in removals for line in _removal_lines(removal))


def _removal_lines(removal: Removal) -> Iterator[str]:
    gone = [resource for resource in removal.resources if not resource.kept]
    noun = "resource" if len(gone) == 1 else "resources"
    yield f"{removal.name} ({removal.state.stack_name}) and {len(gone)} {noun} will be deleted"
    for resource in removal.resources:
        if resource.kept:
            yield f"  stays: {resource.logical_id}  {resource.type}  {resource.physical_id}"


def removals_json(removals: Sequence[Removal]) -> str:
    """The same as JSON, a line for each stack."""
    return "".join(
        json.dumps(
            {
                "event": "removal",
                "stack": removal.name,
                "stack_name": removal.state.stack_name,
                "deleted": [item.logical_id for item in removal.resources if not item.kept],
                "kept": [
                    {"logical_id": item.logical_id, "id": item.physical_id, "type": item.type}
                    for item in removal.resources
                    if item.kept
                ],
            }
        )
        + "\n"
        for removal in removals
    )
