"""Previews of all stacks: their change sets, created side by side and deleted again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from botocore.exceptions import ClientError

from moorage.cfn.needs import Need
from moorage.cfn.outside_needs import find_created_parameters, find_outside_needs
from moorage.deploy.account_quotas import find_exceeded_quotas
from moorage.deploy.actions import read_parameters
from moorage.deploy.aws import AwsError, aws_errors, error_code
from moorage.deploy.change_sets import Preview, Problem, preview_stack
from moorage.deploy.context import Context, OpenChangeSet
from moorage.deploy.jobs import Job, run_job, run_jobs
from moorage.deploy.one_off import has_succeeded
from moorage.deploy.preflight import find_missing, find_stack_needs, missing_problem
from moorage.deploy.problem_places import place_problems
from moorage.deploy.service_role import with_service_role
from moorage.deploy.stack_state import REVIEW, StackState, exports_of
from moorage.deploy.target import DeployStack, Target

_BUSY = "InvalidChangeSetStatus"
_LONGEST_CREATION = 20
"""Seconds that a deletion waits for the creation of a change set."""


def preview_stacks(
    context: Context, target: Target, states: Mapping[str, StackState]
) -> list[Preview]:
    """What a deployment will do, in the order of the stacks. Its change sets are in
    `context.open_change_sets`, also if it fails or is interrupted."""
    target = with_service_role(target, states)
    exports = exports_of([state for state in states.values() if state.exists])
    unavailable = _find_unavailable(context, target, exports)
    jobs = {
        stack.name: partial(
            _preview,
            context,
            target,
            stack,
            states.get(stack.stack_name),
            exports,
            unavailable.get(stack.name, ()),
        )
        for stack in target.stacks
    }
    previews = run_jobs(jobs, context.clock)
    return _add_missing(context, [previews[name] for name in target.names])


def _find_unavailable(
    context: Context, target: Target, exports: Collection[str]
) -> dict[str, list[Need]]:
    """The exports of other stacks, and the parameters, that stacks need and AWS does not have."""
    needs = {
        stack.name: [
            need
            for need in find_outside_needs(stack.body, stack.imports)
            if need.kind == "value" or need.name not in exports
        ]
        for stack in target.stacks
    }
    values = [need for found in needs.values() for need in found if need.kind == "value"]
    with aws_errors():
        missing = find_missing(context.aws, values)
    return {
        name: [need for need in found if need.kind == "export" or need in missing]
        for name, found in needs.items()
    }


def _add_missing(context: Context, previews: Sequence[Preview]) -> list[Preview]:
    """The previews, with a problem for each thing that a changed stack needs and AWS lacks, and for
    each quota that is too low."""
    region = context.aws.region
    changed = [preview for preview in previews if preview.kind != "nothing"]
    needs = {
        preview.stack.name: [
            need
            for need in find_stack_needs(preview.stack, region, context.account)
            if need.kind not in ("export", "value")  # looked for before
            and (need.kind != "role" or preview.kind != "update")  # then the cluster exists already
        ]
        for preview in changed
    }
    with aws_errors():
        missing = find_missing(context.aws, [item for found in needs.values() for item in found])
        exceeded = find_exceeded_quotas(context.aws, changed)

    def problems_of(stack: DeployStack) -> Iterator[Problem]:
        for need in needs.get(stack.name, ()):
            if need in missing:
                yield missing_problem(need, stack, region)
        if stack.name in exceeded:
            yield exceeded[stack.name]

    return [
        replace(preview, problems=(*preview.problems, *problems_of(preview.stack)))
        for preview in previews
    ]


def _preview(
    context: Context,
    target: Target,
    stack: DeployStack,
    state: StackState | None,
    exports: Collection[str],
    unavailable: Sequence[Need],
) -> Job[Preview]:
    """`unavailable` are the exports and parameters from outside of the environment that AWS does
    not have. It would not create a change set without them."""
    created = {name for other in target.stacks for name in find_created_parameters(other.body)}
    absent = [need for need in unavailable if need.name not in created]
    if absent:
        problems = tuple(missing_problem(need, stack, context.aws.region) for need in absent)
        is_new = state is None or not state.exists
        return Preview(stack, "create" if is_new else "update", problems=problems)
    if unavailable:
        return Preview(stack, "later")
    missing = sorted(stack.imports.difference(exports))
    if missing and (state is None or not state.exists):
        if {*stack.depends_on} & {*target.names}:
            return Preview(stack, "later")
        needed = ", ".join(f"`{name}`" for name in stack.depends_on)
        message = f"It imports {missing[0]}, which no stack exports yet. Deploy {needed} first"
        return Preview(stack, "create", problems=(Problem("error", message),))
    return (yield from preview_now(context, stack, state))


def preview_now(
    context: Context,
    stack: DeployStack,
    state: StackState | None,
    parameters: Mapping[str, str] | None = None,
) -> Job[Preview]:
    """Creates the change set of one stack, with these parameters or those that it must have now."""
    if parameters is None:
        try:
            parameters = read_parameters(context, stack, state)
        except AwsError as error:
            if error.connection or error.wrong_usage:
                raise
            return Preview(stack, "update", problems=(Problem("error", str(error)),))
    client, name = context.aws.cloudformation, context.new_name()
    context.open_change_sets[name] = OpenChangeSet(stack.name, stack.stack_name, state is None)
    preview = yield from preview_stack(client, stack, state, name, parameters)
    if preview.kind == "nothing":
        del context.open_change_sets[name]
    elif preview.change_set is None:
        opened = context.open_change_sets[name]
        context.open_change_sets[name] = replace(opened, deleted=True)
    return place_problems(preview)


def delete_change_sets(context: Context) -> list[str]:
    """Deletes the change sets of this command that were not executed, and the stacks that exist
    only because of them. Returns the names of the stacks whose change sets remain."""
    for name in list(context.open_change_sets):
        try:
            with aws_errors():
                run_job(_delete(context, name), context.clock)
        except AwsError:
            continue
        del context.open_change_sets[name]
    return [item.stack for item in context.open_change_sets.values()]


def _delete(context: Context, name: str) -> Job[None]:
    """Deletes a change set. While it is being created, CloudFormation refuses that."""
    client, opened = context.aws.cloudformation, context.open_change_sets[name]
    end = context.clock.now() + _LONGEST_CREATION
    while not opened.deleted:
        try:
            client.delete_change_set(ChangeSetName=name, StackName=opened.stack_name)
            break
        except ClientError as error:
            if _is_gone(error):
                break
            if error_code(error) != _BUSY or context.clock.now() >= end:
                raise
        yield 1
    if opened.creates:
        try:
            states = client.describe_stacks(StackName=opened.stack_name)["Stacks"]
            if states[0]["StackStatus"] == REVIEW:
                client.delete_stack(StackName=opened.stack_name)
        except ClientError as error:
            if not _is_gone(error):
                raise


def _is_gone(error: ClientError) -> bool:
    """Whether there is no such change set or stack: the request to create it did not arrive."""
    return error_code(error) == "ChangeSetNotFound" or "does not exist" in str(error)


def find_due_tasks(
    context: Context, previews: Iterable[Preview], states: Mapping[str, StackState]
) -> frozenset[str]:
    """The stacks whose task runs: those that change, and those whose last run has not succeeded.
    The others take two requests each."""
    tasks = [preview for preview in previews if preview.stack.run is not None]
    return frozenset(
        preview.stack.name
        for preview in tasks
        if preview.kind != "nothing"
        or not has_succeeded(context.aws, states[preview.stack.stack_name])
    )
