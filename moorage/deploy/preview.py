"""Previews of all stacks: their change sets, created side by side and deleted again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from moorage.deploy.account_quotas import find_exceeded_quotas
from moorage.deploy.actions import read_parameters
from moorage.deploy.aws import AwsError, aws_errors
from moorage.deploy.change_sets import Preview, Problem, delete_change_set, preview_stack
from moorage.deploy.context import Context
from moorage.deploy.jobs import Job, run_jobs
from moorage.deploy.one_off import has_succeeded
from moorage.deploy.preflight import find_missing, find_stack_needs, missing_problem
from moorage.deploy.problem_places import place_problems
from moorage.deploy.stack_state import REVIEW, StackState, exports_of, read_state
from moorage.deploy.target import DeployStack, Target


def preview_stacks(
    context: Context, target: Target, states: Mapping[str, StackState]
) -> list[Preview]:
    """What a deployment will do, in the order of the stacks. A change set that was created by then
    is deleted if another one cannot be created because AWS cannot be used."""
    exports = exports_of([state for state in states.values() if state.exists])
    jobs = {
        stack.name: partial(_preview, context, target, stack, states.get(stack.stack_name), exports)
        for stack in target.stacks
    }
    done: list[Preview] = []

    def keep(preview: Preview) -> bool:
        done.append(preview)
        return True

    try:
        previews = run_jobs(jobs, context.clock, may_go_on=keep)
    except BaseException:
        discard_previews(context, done)
        raise
    try:
        return _add_missing(context, [previews[name] for name in target.names])
    except BaseException:
        discard_previews(context, done)
        raise


def _add_missing(context: Context, previews: Sequence[Preview]) -> list[Preview]:
    """The previews, with a problem for each thing that a changed stack needs and AWS lacks, and for
    each quota that is too low."""
    region = context.aws.region
    changed = [preview for preview in previews if preview.kind != "nothing"]
    needs = {
        preview.stack.name: [
            need
            for need in find_stack_needs(preview.stack, region, context.account)
            if need.kind != "role" or preview.kind != "update"  # then the cluster exists already
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
) -> Job[Preview]:
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
    return place_problems((yield from preview_stack(client, stack, state, name, parameters)))


def discard_previews(context: Context, previews: Iterable[Preview]) -> None:
    """Deletes change sets that were not executed, and the empty stacks that came with them. It goes
    on if one cannot be deleted: it does no harm, and the next deployment works with it."""
    client = context.aws.cloudformation
    for preview in previews:
        try:
            if preview.change_set:
                delete_change_set(client, preview.change_set)
            created = preview.kind == "create" and preview.stack_id
            if created and read_state(client, preview.stack_id).status == REVIEW:
                with aws_errors():
                    client.delete_stack(StackName=preview.stack_id)
        except AwsError:
            continue


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
