"""The deletion of stacks: what goes, what stays, and in which order.

It goes by the templates that are deployed, not by the params: these may have changed since.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from cfnlint.decode.decode import decode_str

from moorage.deploy.aws import AwsError, aws_errors
from moorage.deploy.contents import EMPTIED, Content, content_text, empty_resource, read_content
from moorage.deploy.context import Context
from moorage.deploy.jobs import Job, run_jobs
from moorage.deploy.progress import Ended, Noted
from moorage.deploy.protection import is_protected, turn_protection_off
from moorage.deploy.recovery import delete_stack
from moorage.deploy.stack_resources import CLUSTER, TASK_DEFINITION, read_resources
from moorage.deploy.stack_state import StackState
from moorage.deploy.target import Target
from moorage.deploy.task_definitions import delete_family, family_of
from moorage.facts.deletion_policies import KEEPING, SNAPSHOT
from moorage.records import record

if TYPE_CHECKING:
    from moorage.deploy.aws import Aws

_PAUSE = 5.0
_LONGEST_DRAIN = 20 * 60
"""Seconds that are waited for tasks to stop. Those of a service have stopped when its stack is
deleted; others can run for any time."""


@record
class RemovedResource:
    """A resource of a stack that is deleted."""

    logical_id: str
    physical_id: str
    type: str
    kept: bool
    """Whether it stays, or a snapshot of it, because of its `DeletionPolicy`."""
    snapshot: bool = False
    """Whether it is deleted, and a snapshot of it stays."""
    protected: bool = False
    """Whether its deletion protection is on."""
    content: Content | None = None
    """What it holds; None if that is not known."""
    emptied_with_stack: bool = False
    """Whether CloudFormation deletes what it holds."""

    @property
    def deleted(self) -> bool:
        return not self.kept or self.snapshot

    @property
    def filled(self) -> bool:
        """Whether it can be emptied."""
        return self.type in EMPTIED and self.content is not None and not self.content.empty

    @property
    def in_the_way(self) -> bool:
        """Whether the stack can be deleted only after it was emptied."""
        return self.filled and not self.kept and not self.emptied_with_stack


@record
class Removal:
    """A stack that is deleted."""

    name: str
    state: StackState
    resources: tuple[RemovedResource, ...]
    after: tuple[str, ...]
    """Names of the stacks that are deleted before it, because they import from it."""

    @property
    def families(self) -> list[str]:
        """The families of its task definitions."""
        arns = [
            resource.physical_id
            for resource in self.resources
            if resource.type == TASK_DEFINITION and resource.physical_id
        ]
        return sorted({family_of(arn) for arn in arns})


@record
class Consent:
    """What the user agrees to besides the deletion of stacks."""

    emptied: Collection[tuple[str, str]] = ()
    """Names of stacks, and logical IDs of their buckets and repositories that are emptied."""
    task_definitions: bool = False
    """Whether the registered revisions of task definitions are deleted too."""
    unprotected: bool = False
    """Whether termination and deletion protections are turned off."""


def plan_removal(
    aws: Aws, target: Target, states: Mapping[str, StackState], orphans: Sequence[StackState]
) -> list[Removal]:
    """The stacks of a target that exist, and others of the environment, each after those that use
    it. Two requests for each stack, and one for each bucket, repository, and log group or file
    system that stays."""
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
        if resource.get("ResourceStatus") == "DELETE_COMPLETE":
            continue
        body = bodies.get(resource["LogicalResourceId"], {})
        kind, identity = resource["ResourceType"], resource.get("PhysicalResourceId", "")
        policy = body.get("DeletionPolicy")
        kept = policy in KEEPING
        yield RemovedResource(
            logical_id=resource["LogicalResourceId"],
            physical_id=identity,
            type=kind,
            kept=kept,
            snapshot=policy == SNAPSHOT,
            protected=is_protected(body),
            content=read_content(aws, kind, identity) if kept or kind in EMPTIED else None,
            emptied_with_stack=body.get("Properties", {}).get("EmptyOnDelete") in (True, "true"),
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


def remove_stacks(
    context: Context, removals: Sequence[Removal], parallel: int, consent: Consent
) -> dict[str, str]:
    """Deletes stacks, each after its users, and stops at the first failure. Returns why each one
    failed: empty if it succeeded. Those that were never begun are left out."""
    return run_jobs(
        {removal.name: partial(_remove, context, removal, consent) for removal in removals},
        context.clock,
        after={removal.name: removal.after for removal in removals},
        parallel=parallel,
        may_go_on=lambda reason: not reason,
    )


def _remove(context: Context, removal: Removal, consent: Consent) -> Job[str]:
    try:
        reason = yield from _wait_for_tasks(context, removal)
        if not reason:
            _empty(context, removal, consent, kept=False)
            if consent.unprotected:
                _turn_protection_off(context, removal)
            reason = yield from delete_stack(context, removal.name, removal.state.id)
        if not reason:
            _empty(context, removal, consent, kept=True)
            _delete_families(context, removal, consent)
    except AwsError as error:
        reason = str(error)
    context.emit(Ended(removal.name, context.at, "failed" if reason else "succeeded", reason))
    return reason


def _wait_for_tasks(context: Context, removal: Removal) -> Job[str]:
    """Waits until no task runs in the stack's clusters: ECS deletes none that has tasks. Returns
    why they cannot be deleted; empty if they can."""
    clusters = [
        resource.physical_id
        for resource in removal.resources
        if resource.type == CLUSTER and not resource.kept and resource.physical_id
    ]
    end = context.clock.now() + _LONGEST_DRAIN
    while clusters and (running := _count_tasks(context, clusters)):
        text = f"waits for {running} {'task' if running == 1 else 'tasks'} in its cluster to stop"
        context.emit(Noted(removal.name, context.at, text))
        if context.clock.now() >= end:
            return (
                f"tasks still run in {', '.join(clusters)} that no service has started. Stop them "
                "with `aws ecs stop-task`, or wait for their end, then repeat the command"
            )
        yield _PAUSE
    return ""


def _count_tasks(context: Context, clusters: Sequence[str]) -> int:
    """The tasks that run in clusters; 0 if that is not known."""
    try:
        with aws_errors():
            answer = context.aws.ecs.describe_clusters(clusters=clusters)
    except AwsError as error:
        if error.connection or error.wrong_usage:
            raise
        return 0
    return sum(
        cluster.get("runningTasksCount", 0) + cluster.get("pendingTasksCount", 0)
        for cluster in answer["clusters"]
    )


def _empty(context: Context, removal: Removal, consent: Consent, *, kept: bool) -> None:
    """Empties what the user agreed to: before the deletion what goes, after it what stays."""
    for resource in removal.resources:
        if resource.kept != kept or (removal.name, resource.logical_id) not in consent.emptied:
            continue
        text = f"emptying {resource.logical_id}: {content_text(resource.content or Content())}"
        context.emit(Noted(removal.name, context.at, text))
        empty_resource(context.aws, resource.type, resource.physical_id)


def _turn_protection_off(context: Context, removal: Removal) -> None:
    """Turns off the termination protection of the stack and the deletion protection of resources,
    immediately before the deletion: if that is not reached, they stay on."""
    with aws_errors():
        if removal.state.protected:
            context.aws.cloudformation.update_termination_protection(
                StackName=removal.state.stack_name, EnableTerminationProtection=False
            )
        for resource in removal.resources:
            if resource.protected:
                turn_protection_off(context.aws, resource.type, resource.physical_id)


def _delete_families(context: Context, removal: Removal, consent: Consent) -> None:
    for family in removal.families if consent.task_definitions else ():
        number = delete_family(context.aws, family)
        text = f"{number} {'revision' if number == 1 else 'revisions'} of {family} deleted"
        context.emit(Noted(removal.name, context.at, text))
