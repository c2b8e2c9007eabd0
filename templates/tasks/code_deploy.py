"""The params of blue/green deployments by CodeDeploy: `release: {strategy: codedeploy}`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from moorage.facts.codedeploy import (
    CONFIGURATIONS,
    HOOK_MINUTES,
    HOOKS,
    READY_WAIT_MINUTES,
    SHIFT_MINUTES,
    SHIFT_PERCENT,
    STEADY_STATE_MINUTES,
    TERMINATION_WAIT_MINUTES,
)
from moorage.model import Base

from ..common.fields import UniqueList, text
from .traffic_shift import AlarmName, ReleaseBase, TestTraffic, check_whole_minutes, minutes

_MINUTE = 60

FunctionName = Annotated[
    str, text(r"[A-Za-z0-9_-]{1,64}", "the name of a Lambda function", "smoke-test")
]
Percent = Annotated[int, Field(ge=SHIFT_PERCENT[0], le=SHIFT_PERCENT[1])]
Interval = Annotated[int, minutes(1, SHIFT_MINUTES), AfterValidator(check_whole_minutes)]


class OwnConfiguration(Base):
    """A custom deployment configuration."""

    kind: Literal["canary", "linear"] = Field(
        description="`canary` shifts a part of the traffic and later the rest; `linear` shifts all "
        "of it in equal steps."
    )
    percent: Percent = Field(description="Percentage of the traffic that is shifted at a time.")
    interval: Interval = Field(description="Time between two shifts.")

    @property
    def minutes(self) -> int:
        """Minutes until all traffic is shifted."""
        waits = 1 if self.kind == "canary" else -(-100 // self.percent)
        return waits * self.interval // _MINUTE


Configuration = Annotated[
    Annotated[
        Literal[
            "all_at_once",
            "canary_10_percent_5_minutes",
            "canary_10_percent_15_minutes",
            "linear_10_percent_every_1_minute",
            "linear_10_percent_every_3_minutes",
        ],
        Tag("name"),
    ]
    | Annotated[OwnConfiguration, Tag("own configuration")],
    Discriminator(lambda value: "name" if isinstance(value, str) else "own configuration"),
]


class CodeDeployHooks(Base):
    """Names of Lambda functions that CodeDeploy calls, and that report whether it continues."""

    before_install: FunctionName | None = Field(
        None, description="Called before the new tasks start."
    )
    after_install: FunctionName | None = Field(
        None, description="Called when the new tasks are started."
    )
    after_allow_test_traffic: FunctionName | None = Field(
        None, description="Called when test traffic reaches the new tasks."
    )
    before_allow_traffic: FunctionName | None = Field(
        None, description="Called before production traffic reaches the new tasks."
    )
    after_allow_traffic: FunctionName | None = Field(
        None, description="Called when production traffic reaches the new tasks."
    )

    @property
    def by_event(self) -> dict[str, str]:
        """The functions by the names of the events in an AppSpec, in the order of the events."""
        functions = {event: getattr(self, key) for key, event in HOOKS.items()}
        return {event: function for event, function in functions.items() if function}


class CodeDeploy(ReleaseBase):
    """CodeDeploy starts all new tasks in a second target group, and shifts the traffic to it.

    The service has the deployment controller CODE_DEPLOY.
    """

    strategy: Literal["codedeploy"] = Field(description="`codedeploy`.")
    configuration: Configuration = Field(
        "all_at_once",
        description="How traffic is shifted: a configuration that CodeDeploy has, or "
        "a map with its `kind`, `percent` and `interval`. Behind a Network Load Balancer only "
        "`all_at_once`.",
    )
    rollback: UniqueList[Literal["failure", "request"]] = Field(
        ["failure"],
        description="What rolls a deployment back, in addition to the alarms of `rollback_on`: "
        "its failure, or a request to stop it.",
    )
    rollback_on: UniqueList[AlarmName] = Field(
        [],
        description="Alarms of this stack, such as `target_5xx`, or names of alarms in CloudWatch: "
        "the deployment is stopped and rolled back when one of them goes into the state ALARM.",
    )
    wait: (
        Annotated[int, minutes(*READY_WAIT_MINUTES), AfterValidator(check_whole_minutes)] | None
    ) = Field(
        None,
        description="Wait for `aws deploy continue-deployment` before traffic shifts, and stop "
        "the deployment after this time. By default it does not wait.",
    )
    terminate_after: Annotated[
        int, minutes(*TERMINATION_WAIT_MINUTES), AfterValidator(check_whole_minutes)
    ] = Field(
        300,
        description="Time between the shift of all traffic and the end of the old tasks, in which "
        "a rollback is immediate.",
    )
    test: TestTraffic | None = Field(
        None, description="Listener for test traffic, which reaches the new tasks first."
    )
    hooks: CodeDeployHooks = Field(
        CodeDeployHooks.unvalidated(),
        description="Lambda functions that decide whether a deployment continues.",
    )

    @property
    def shifts_gradually(self) -> bool:
        """Whether traffic is shifted in more than one step."""
        return self.configuration != "all_at_once"

    @property
    def maximum_duration(self) -> int:
        """The maximum duration of a deployment in seconds, with a margin of 15 minutes."""
        config = self.configuration
        shift = CONFIGURATIONS[config][1] if isinstance(config, str) else config.minutes
        hooks = len(self.hooks.by_event) * HOOK_MINUTES
        total = STEADY_STATE_MINUTES + hooks + shift + 15
        return total * _MINUTE + (self.wait or 0) + self.terminate_after
