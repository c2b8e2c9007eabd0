"""Deploys stack sets: in the order of their dependencies, independent ones side by side.

An operation of a stack set ends before a stack set that imports from it begins, so that imports are
resolved in each account and region. What `targets` no longer has is deleted at the end, in the
reverse order.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from moorage.deploy.aws import AwsError, aws_errors
from moorage.deploy.context import Context, Emit
from moorage.deploy.jobs import Job, run_jobs
from moorage.deploy.progress import Ended, Planned, Result, Started, Verb
from moorage.deploy.stack_sets.operations import (
    End,
    Failure,
    Running,
    end_text,
    run_operation,
    wait_for_others,
)
from moorage.deploy.stack_sets.order import find_users
from moorage.deploy.stack_sets.plan import SetPlan
from moorage.deploy.stack_sets.requests import (
    Group,
    call_as,
    execution_request,
    operation_preferences,
    stack_set_request,
)
from moorage.model import Targets
from moorage.records import record


@record
class Outcome:
    """How a stack set ended."""

    stack: str
    result: Result
    reason: str = ""
    failures: tuple[Failure, ...] = ()
    """Stacks that failed, also where the failure tolerance allows it."""


@dataclass
class SetExecution:
    """A deployment of stack sets that is being executed."""

    context: Context
    plans: Sequence[SetPlan]
    targets: Targets
    arns: dict[str, str] = field(default_factory=dict)
    """The ARNs of stack sets by the names of their stacks."""
    under_way: dict[str, Running] = field(default_factory=dict)
    """Operations that have not ended, by the names of stacks."""

    def run(self, emit: Emit, parallel: int) -> dict[str, Outcome]:
        """Deploys the stack sets, at most `parallel` at once. Those that were never begun are not
        in the result."""
        self.context = replace(self.context, emit=emit)
        for plan in self.plans:
            if plan.before is not None:
                self.arns[plan.stack.name] = plan.before.arn
            if plan.kind != "nothing":
                emit(Planned(plan.stack.name, _verb(plan)))
        outcomes = self._run(
            {plan.stack.name: partial(self._deploy, plan) for plan in self.plans},
            {plan.stack.name: plan.stack.depends_on for plan in self.plans},
            parallel,
        )
        if any(outcome.result == "failed" for outcome in outcomes.values()):
            return outcomes
        shrinking = [plan for plan in self.plans if plan.removed]
        stacks = [plan.stack for plan in self.plans]
        ends = self._run(
            {plan.stack.name: partial(self._shrink, plan) for plan in shrinking},
            {plan.stack.name: find_users(stacks, plan.stack.name) for plan in shrinking},
            parallel,
        )
        return outcomes | ends

    def _run(
        self,
        jobs: dict[str, Callable[[], Job[Outcome]]],
        after: dict[str, Collection[str]],
        parallel: int,
    ) -> dict[str, Outcome]:
        return run_jobs(
            {name: partial(self._report, name, job) for name, job in jobs.items()},
            self.context.clock,
            after=after,
            parallel=parallel,
            may_go_on=lambda outcome: outcome.result != "failed",
        )

    def _report(self, name: str, job: Callable[[], Job[Outcome]]) -> Job[Outcome]:
        """Runs a job, and emits how it ended."""
        try:
            with aws_errors():
                outcome = yield from job()
        except AwsError as error:
            rest = ". CloudFormation goes on with the operation" if name in self.under_way else ""
            outcome = Outcome(name, "failed", f"{error}{rest}")
        self.context.emit(Ended(name, self.context.at, outcome.result, outcome.reason))
        return outcome

    def _deploy(self, plan: SetPlan) -> Job[Outcome]:
        name = plan.stack.name
        if not (plan.before is None or plan.updates or plan.switches or plan.added):
            return Outcome(name, "unchanged")
        verb = _verb(plan)
        self.context.emit(Started(name, self.context.at, verb))
        running = Running(name, plan.stack.stack_name, "", verb)
        if plan.before is not None and plan.before.under_way:
            yield from wait_for_others(self.context, running, call_as(self.targets))
        if plan.before is None:
            self._create(plan)
        failures: tuple[Failure, ...] = ()
        for start, what in self._operations(plan):
            end = yield from self._operate(replace(running, verb=what), start)
            failures += end.failures
            if not end.succeeded:
                return Outcome(name, "failed", end_text(end), failures)
        tolerated = end_text(End("", "", failures)) if failures else ""
        return Outcome(name, "succeeded", tolerated, failures)

    def _operate(self, running: Running, start: Callable[[], str]) -> Job[End]:
        def begin() -> str:
            operation = start()
            self.under_way[running.stack] = replace(running, id=operation)
            return operation

        end = yield from run_operation(self.context, running, call_as(self.targets), begin)
        del self.under_way[running.stack]
        return end

    def _operations(self, plan: SetPlan) -> Iterator[tuple[Callable[[], str], Verb]]:
        """The operations that bring a stack set up to date, and what each one does."""
        if plan.switches:
            yield partial(self._switch_execution, plan), "update"
        if plan.updates:
            yield partial(self._update, plan), "update"
        for group in plan.added:
            yield partial(self._add, plan, group), "create"

    def _request(self, plan: SetPlan) -> dict[str, Any]:
        needed = [self.arns[name] for name in plan.stack.depends_on if name in self.arns]
        return stack_set_request(plan.stack, self.targets, needed)

    def _create(self, plan: SetPlan) -> None:
        """Creates the stack set, without stacks. One that an interrupted deployment has created is
        read by the next one."""
        client = self.context.aws.cloudformation
        client.create_stack_set(
            **self._request(plan),
            **execution_request(self.targets),
            ClientRequestToken=self.context.new_name(),
        )
        caller = call_as(self.targets)
        found = client.describe_stack_set(StackSetName=plan.stack.stack_name, **caller)
        self.arns[plan.stack.name] = found["StackSet"].get("StackSetARN", "")

    def _update(self, plan: SetPlan) -> str:
        """Updates the stack set and all its stacks."""
        assert plan.before is not None
        regions = {item.region for item in plan.before.instances}
        answer = self.context.aws.cloudformation.update_stack_set(
            **self._request(plan),
            **operation_preferences(self.targets, regions),
            OperationId=self.context.new_name(),
        )
        return answer["OperationId"]

    def _switch_execution(self, plan: SetPlan) -> str:
        """Turns managed execution on or off. CloudFormation refuses that together with a template
        (aws-cloudformation/rain#748)."""
        answer = self.context.aws.cloudformation.update_stack_set(
            StackSetName=plan.stack.stack_name,
            UsePreviousTemplate=True,
            Capabilities=list(plan.stack.capabilities),  # type: ignore[arg-type]
            **execution_request(self.targets),
            **call_as(self.targets),
            OperationId=self.context.new_name(),
        )
        return answer["OperationId"]

    def _add(self, plan: SetPlan, group: Group) -> str:
        """Creates stacks in more accounts and regions."""
        answer = self.context.aws.cloudformation.create_stack_instances(
            StackSetName=plan.stack.stack_name,
            **group.request,
            **operation_preferences(self.targets, group.regions),
            **call_as(self.targets),
            OperationId=self.context.new_name(),
        )
        return answer["OperationId"]

    def _shrink(self, plan: SetPlan) -> Job[Outcome]:
        """Deletes the stacks in accounts and regions that `targets` no longer has."""
        name = plan.stack.name
        self.context.emit(Started(name, self.context.at, "delete"))
        running = Running(name, plan.stack.stack_name, "", "delete")
        for group in plan.removed:
            end = yield from self._operate(running, partial(self._delete, running, group))
            if end.failures or not end.succeeded:
                return Outcome(name, "failed", end_text(end), end.failures)
        return Outcome(name, "succeeded")

    def _delete(self, running: Running, group: Group) -> str:
        return delete_instances(self.context, running.stack_set, group, self.targets)

    def stop(self) -> None:
        """Stops the operations that are under way: stacks that have not begun are cancelled."""
        for running in self.under_way.values():
            with aws_errors():
                self.context.aws.cloudformation.stop_stack_set_operation(
                    StackSetName=running.stack_set,
                    OperationId=running.id,
                    **call_as(self.targets),
                )


def delete_instances(context: Context, stack_set: str, group: Group, targets: Targets) -> str:
    """Starts to delete stacks, with what is in them. Returns the ID of the operation."""
    answer = context.aws.cloudformation.delete_stack_instances(
        StackSetName=stack_set,
        **group.request,
        RetainStacks=False,
        **call_as(targets),
        OperationId=context.new_name(),
    )
    return answer["OperationId"]


def _verb(plan: SetPlan) -> Verb:
    return "create" if plan.before is None else "update"
