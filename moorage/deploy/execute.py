"""Executes a deployment: stacks in the order of their dependencies, independent ones side by side.

A stack goes through these steps: create its change set, unless the preview has one; execute it and
wait; then what follows the update (actions.py). The first failure stops the deployment: stacks that
are being updated are finished, no other is begun.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from botocore.exceptions import ClientError

from moorage.deploy.actions import find_reason_to_stop, finish_stack
from moorage.deploy.aws import AwsError, aws_errors, error_code
from moorage.deploy.change_sets import Preview
from moorage.deploy.context import Context, Emit
from moorage.deploy.events import EventReader
from moorage.deploy.following import failure_text, follow_stack
from moorage.deploy.jobs import Job, run_jobs
from moorage.deploy.preview import preview_now
from moorage.deploy.preview_text import problem_text
from moorage.deploy.progress import Ended, Noted, Planned, Result, RolledOut, Started, Verb
from moorage.deploy.releases import (
    needs_two_updates,
    read_live,
    release_parameters,
    sync_weights,
)
from moorage.deploy.rollout import read_rollouts
from moorage.deploy.stack_resources import read_services
from moorage.deploy.stack_state import StackState, read_state
from moorage.records import record

_CHANGED = ("InvalidChangeSetStatus", "ChangeSetNotFound")
"""Errors of ExecuteChangeSet after another update of the stack: it makes a change set obsolete, and
deletes it."""


@record
class Outcome:
    """How a stack ended."""

    stack: str
    result: Result
    reason: str = ""
    state: StackState | None = None
    """What CloudFormation has now, if the stack was not left as it was."""


@dataclass
class Execution:
    """A deployment that is being executed: what it does, and what is under way."""

    context: Context
    previews: Sequence[Preview]
    due_tasks: Collection[str]
    states: Mapping[str, StackState]
    expected: Mapping[str, int] = field(default_factory=dict)
    """Seconds that stacks usually take."""
    wait: bool = True
    """Whether to wait for stacks that no other stack needs."""
    under_way: dict[str, tuple[Verb, str]] = field(default_factory=dict)
    """Stacks that CloudFormation is working on: what it does, and the ID of the stack."""
    finishing: set[str] = field(default_factory=set)
    """Stacks whose task or CodeDeploy deployment is under way."""

    def run(self, emit: Emit, parallel: int) -> dict[str, Outcome]:
        """Deploys the stacks, at most `parallel` at once. Those that were never begun are not in
        the result."""
        self.context = replace(self.context, emit=emit)
        for preview in self.previews:
            if preview.kind != "nothing":
                name, verb = preview.stack.name, _verb(preview)
                emit(Planned(name, verb, self.expected.get(name)))
        return run_jobs(
            {preview.stack.name: partial(self._deploy, preview) for preview in self.previews},
            self.context.clock,
            after={preview.stack.name: preview.stack.depends_on for preview in self.previews},
            parallel=parallel,
            may_go_on=lambda outcome: outcome.result != "failed",
        )

    def cancel(self, names: Iterable[str]) -> None:
        """Cancels updates that are under way."""
        for name in names:
            with aws_errors():
                stack_id = self.under_way[name][1]
                self.context.aws.cloudformation.cancel_update_stack(StackName=stack_id)

    def forget_ended(self) -> None:
        """Takes out of `under_way` what has ended since, or has never begun."""
        for name, (_, stack_id) in list(self.under_way.items()):
            if not read_state(self.context.aws.cloudformation, stack_id).in_progress:
                del self.under_way[name]

    def _deploy(self, preview: Preview) -> Job[Outcome]:
        """Deploys a stack and what follows its update, and emits how it ended."""
        name = preview.stack.name
        try:
            outcome = yield from self._update(preview)
            if outcome.result in ("succeeded", "unchanged"):
                outcome = yield from self._finish(preview, outcome)
        except AwsError as error:
            reason = str(error)
            if preview.stack.for_administrators:
                reason = f"{reason.rstrip('.')}. An administrator must deploy this stack"
            if name in self.under_way:
                reason = f"{reason.rstrip('.')}. CloudFormation goes on with the update"
            outcome = Outcome(name, "failed", reason)
        self.context.emit(Ended(name, self.context.at, outcome.result, outcome.reason))
        return outcome

    def _update(self, preview: Preview) -> Job[Outcome]:
        stack, context = preview.stack, self.context
        if preview.kind == "later":
            state = self.states.get(stack.stack_name)
            preview = yield from preview_now(context, stack, state)
        if preview.kind == "update" and stack.pairs:
            return (yield from self._update_release(preview))
        return (yield from self._apply(preview))

    def _update_release(self, preview: Preview) -> Job[Outcome]:
        """Updates a stack whose service shifts traffic, so that its weights stay as they are. An
        update that changes a rule and deploys tasks is done in two: first without the tasks."""
        stack, context, stack_id = preview.stack, self.context, preview.stack_id
        client = context.aws.cloudformation
        if preview.failed:
            return (yield from self._apply(preview))
        if (yield from sync_weights(context, stack, stack_id)):
            preview = yield from preview_now(context, stack, read_state(client, stack_id))
        state = read_state(client, stack_id)
        live = read_live(context.aws, stack, state)
        if needs_two_updates(preview, live):
            text = "first everything but the task definition, then that"
            context.emit(Noted(stack.name, context.at, text))
            parameters = release_parameters(stack, live, hold=True)
            first = yield from preview_now(context, stack, state, parameters)
            outcome = yield from self._apply_and_sync(first)
            if outcome.result == "failed":
                return outcome
            preview = yield from preview_now(context, stack, read_state(client, stack_id))
        return (yield from self._apply_and_sync(preview))

    def _apply_and_sync(self, preview: Preview) -> Job[Outcome]:
        """Executes a change set; afterwards the parameters say which groups are in production. If
        both fail, the outcome has the reason of the first failure."""
        outcome = yield from self._apply(preview)
        try:
            yield from sync_weights(self.context, preview.stack, preview.stack_id)
        except AwsError as error:
            if outcome.result != "failed":
                raise
            self.context.emit(Noted(preview.stack.name, self.context.at, str(error)))
        return outcome

    def _apply(self, preview: Preview) -> Job[Outcome]:
        """Executes a change set, and waits for it if `wait` or another stack requires that."""
        stack, context = preview.stack, self.context
        if preview.failed:
            problems = [problem_text(item) for item in preview.problems if item.level == "error"]
            return Outcome(stack.name, "failed", "; ".join(problems))
        if preview.kind == "nothing" or preview.change_set is None:
            return Outcome(stack.name, "unchanged", state=self.states.get(stack.stack_name))
        if reason := find_reason_to_stop(context, stack):
            return Outcome(stack.name, "failed", reason)
        verb = _verb(preview)
        reader = EventReader(context.aws.cloudformation, preview.stack_id)
        reader.skip()
        context.emit(Started(stack.name, context.at, verb))
        self.under_way[stack.name] = (verb, preview.stack_id)
        try:
            with aws_errors():
                self._execute(preview.change_set)
        except AwsError:
            del self.under_way[stack.name]
            raise
        if not self.wait and not self._is_needed(stack.name):
            return Outcome(stack.name, "started")
        end = yield from follow_stack(context, stack.name, reader)
        del self.under_way[stack.name]
        try:
            state = read_state(context.aws.cloudformation, preview.stack_id)
        except AwsError:
            if end.succeeded:
                raise
            return Outcome(stack.name, "failed", failure_text(end))
        if not end.succeeded:
            return Outcome(stack.name, "failed", failure_text(end), state)
        reason = self._show_rollouts(preview) if stack.express else ""
        return Outcome(stack.name, "succeeded", reason, state)

    def _show_rollouts(self, preview: Preview) -> str:
        """Shows the services of a stack that was created in express mode, whose tasks only start
        now. Returns how the user follows them."""
        stack, context = preview.stack, self.context
        try:
            services = {arn: name for name, arn in read_services(context.aws, preview.stack_id)}
            for rollout in read_rollouts(context.aws, [*services]) if services else ():
                name = services.get(rollout.arn, "")
                context.emit(RolledOut(stack.name, context.at, name, rollout))
        except AwsError as error:
            context.emit(Noted(stack.name, context.at, f"{error}. The rollout is not shown"))
        env = stack.tags["env"]
        return f"CloudFormation has not waited for it. `moorage status {env}` shows whether it runs"

    def _execute(self, change_set: str) -> None:
        """Executes a change set, unless somebody else has updated the stack since."""
        try:
            self.context.aws.cloudformation.execute_change_set(
                ChangeSetName=change_set,
                ClientRequestToken=self.context.new_name(),
            )
        except ClientError as error:
            if error_code(error) in _CHANGED:
                raise AwsError(
                    "the stack was updated by somebody else after this deployment had read it. "
                    "Deploy again"
                ) from error
            raise
        self.context.open_change_sets.pop(change_set.split("/")[1], None)

    def _is_needed(self, name: str) -> bool:
        """Whether something of this deployment comes after the update of the stack."""
        for preview in self.previews:
            shifts = preview.stack.pairs or preview.stack.code_deploy is not None
            if name in preview.stack.depends_on or (name == preview.stack.name and shifts):
                return True
        return name in self.due_tasks

    def _finish(self, preview: Preview, outcome: Outcome) -> Job[Outcome]:
        stack, state = preview.stack, outcome.state
        due = stack.name in self.due_tasks
        if state is None:
            return outcome
        self.finishing.add(stack.name)
        reason = yield from finish_stack(self.context, stack, state, task_due=due)
        self.finishing.discard(stack.name)
        if reason:
            return Outcome(stack.name, "failed", reason, state)
        if due and outcome.result == "unchanged":
            return Outcome(stack.name, "unchanged", "its task has run", state)
        return outcome


def _verb(preview: Preview) -> Verb:
    return "update" if preview.kind == "update" else "create"
