"""The state of an environment: its stacks, services, targets and alarms, read with few requests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from moorage.deploy.aws import aws_errors
from moorage.deploy.rollout import Rollout, read_rollouts
from moorage.deploy.stack_resources import SERVICE, read_services
from moorage.deploy.stack_state import SETTLED, StackState, read_states
from moorage.deploy.target import Target
from moorage.records import record

if TYPE_CHECKING:
    from types_boto3_cloudwatch.type_defs import (
        CompositeAlarmTypeDef,
        MetricAlarmTypeDef,
    )

    from moorage.deploy.aws import Aws


@record
class Alarm:
    """An alarm of a stack."""

    name: str
    state: str
    """`OK`, `ALARM` or `INSUFFICIENT_DATA`."""
    reason: str = ""


@record
class StackStatus:
    """A stack with what runs in it."""

    name: str
    stack_name: str
    state: StackState | None
    """None if it is not deployed."""
    services: Mapping[str, Rollout]
    """By logical ID."""
    alarms: tuple[Alarm, ...] = ()
    in_params: bool = True
    """Whether the params have this stack."""

    @property
    def healthy(self) -> bool:
        """Whether the stack is deployed, its services run and no alarm is on."""
        settled = (*SETTLED, "UPDATE_ROLLBACK_COMPLETE")
        return (
            self.state is not None
            and self.state.status in settled
            and all(is_healthy(service) for service in self.services.values())
            and all(alarm.state != "ALARM" for alarm in self.alarms)
        )


def is_healthy(service: Rollout) -> bool:
    """Whether a service has the tasks that it should have, and they answer."""
    enough = service.running >= service.desired and service.state != "FAILED"
    return enough and service.healthy >= min(service.targets, service.desired)


def find_orphans(target: Target, states: Mapping[str, StackState]) -> list[StackState]:
    """The stacks of the environment that are deployed but not in the params any more, by their
    tags and names. Nested stacks, and the stacks of stack sets, have the same tags and other names:
    they are deleted with what they belong to."""
    known = {stack.stack_name for stack in target.stacks}
    ours = (target.app, target.env)
    return [
        state
        for name, state in sorted(states.items())
        if name not in known
        and not state.nested
        and (state.tags.get("app"), state.tags.get("env")) == ours
        and name == f"{target.app}-{target.env}-{state.tags.get('stack')}"
    ]


def read_status(aws: Aws, target: Target) -> list[StackStatus]:
    """The status of each stack, in the order of their deployment; what is not in the params at the
    end.

    Besides the stacks, it takes a request for each stack with services, for each ten services, each
    twenty deployments, each target group and each hundred alarms.
    """
    states = read_states(aws.cloudformation)
    stacks = [
        StackStatus(stack.name, stack.stack_name, states.get(stack.stack_name), {})
        for stack in target.stacks
    ]
    stacks += [
        StackStatus(
            state.tags.get("stack", state.stack_name), state.stack_name, state, {}, (), False
        )
        for state in find_orphans(target, states)
    ]
    running = {
        stack.name
        for stack in target.stacks
        if any(item["Type"] == SERVICE for item in stack.body.get("Resources", {}).values())
    }
    arns = {
        arn: (stack.stack_name, logical_id)
        for stack in stacks
        if stack.state is not None and (stack.name in running or not stack.in_params)
        for logical_id, arn in read_services(aws, stack.state.id)
    }
    rollouts = {rollout.arn: rollout for rollout in read_rollouts(aws, list(arns))}
    alarms = list(_read_alarms(aws, f"{target.app}-{target.env}-"))
    names = [stack.stack_name for stack in stacks]
    return [
        replace(
            stack,
            services={
                logical_id: rollouts[arn]
                for arn, (owner, logical_id) in arns.items()
                if owner == stack.stack_name and arn in rollouts
            },
            alarms=tuple(
                alarm for alarm in alarms if _owner(alarm.name, names) == stack.stack_name
            ),
        )
        for stack in stacks
    ]


def _read_alarms(aws: Aws, prefix: str) -> Iterator[Alarm]:
    with aws_errors():
        pages = list(
            aws.cloudwatch.get_paginator("describe_alarms").paginate(
                AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm", "CompositeAlarm"]
            )
        )
    for page in pages:
        for metric in page.get("MetricAlarms", ()):
            yield _to_alarm(metric)
        for composite in page.get("CompositeAlarms", ()):
            yield _to_alarm(composite)


def _to_alarm(alarm: MetricAlarmTypeDef | CompositeAlarmTypeDef) -> Alarm:
    return Alarm(
        alarm.get("AlarmName", ""), alarm.get("StateValue", ""), alarm.get("StateReason", "")
    )


def _owner(alarm: str, stack_names: Iterable[str]) -> str:
    """The stack of an alarm: CloudFormation's names begin with the name of the stack."""
    fitting = [name for name in stack_names if alarm.startswith(f"{name}-")]
    return max(fitting, key=len, default="")
