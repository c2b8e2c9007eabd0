"""The params of deployments in which ECS shifts traffic from one target group to another.

Amazon ECS API reference, DeploymentConfiguration, LinearConfiguration, CanaryConfiguration and
DeploymentLifecycleHook; limits: moorage.facts.ecs_deployments.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from awacs.aws import Action
from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag
from troposphere import ecs, iam

from moorage.facts.alarm_metrics import ALARM_NAME
from moorage.facts.arn_patterns import arn_pattern
from moorage.facts.ecs_deployments import (
    BAKE_MINUTES,
    CANARY_PERCENT,
    LAMBDA_HOOK_MINUTES,
    LINEAR_PERCENT,
    PAUSE_MINUTES,
)
from moorage.facts.quotas import LISTENER_RULE_PRIORITIES
from moorage.findings.wording import shown
from moorage.model import Base, Environment, wrong
from moorage.references import sort_key

from ..common.fields import Cidr, UniqueList, duration, format_duration, text
from ..common.iam import allow, role
from ..common.references import External
from ..common.request_conditions import Headers, Host
from ..load_balancers.certificates import CertificateArn, SslPolicy

_MINUTE = 60


def check_whole_minutes(seconds: int) -> int:
    if seconds % _MINUTE:
        hint = f"Write `{format_duration(-(-seconds // _MINUTE) * _MINUTE)}`."
        raise wrong("M3214", f"`{format_duration(seconds)}` is not a number of whole minutes", hint)
    return seconds


def minutes(low: int, high: int) -> Any:
    return duration(low * _MINUTE, high * _MINUTE)


def _check_tenths(value: float) -> float:
    if round(value, 1) != value:
        hint = f"Write `{round(value, 1)}`."
        raise wrong("M3214", f"{shown(value)} is not a multiple of 0.1", hint)
    if not _is_multiple_for_cfn_lint(value):
        nearby = round(value + 0.1, 1)
        while not _is_multiple_for_cfn_lint(nearby):
            nearby = round(nearby + 0.1, 1)
        message = f"A rounding error makes cfn-lint refuse {shown(value)}"
        raise wrong("M3214", message, f"Write `{nearby}`.")
    return int(value) if value == int(value) else value


def _is_multiple_for_cfn_lint(value: float) -> bool:
    """The check of `multipleOf: 0.1` by cfn-lint's schema validator."""
    return value / 0.1 == int(value / 0.1)


BakeTime = Annotated[int, minutes(*BAKE_MINUTES), AfterValidator(check_whole_minutes)]
HookTime = Annotated[int, minutes(*LAMBDA_HOOK_MINUTES), AfterValidator(check_whole_minutes)]
PauseTime = Annotated[int, minutes(*PAUSE_MINUTES), AfterValidator(check_whole_minutes)]

AlarmName = Annotated[str, text(ALARM_NAME, "the name of an alarm in CloudWatch", "shop-5xx")]
FunctionArn = Annotated[
    str,
    text(
        arn_pattern("lambda", r"function:[A-Za-z0-9_-]{1,64}(:(\$LATEST|[A-Za-z0-9_-]{1,128}))?"),
        "the ARN of a Lambda function",
        "arn:aws:lambda:eu-central-1:123456789012:function:smoke-test",
    ),
]
Stage = Literal[
    "reconcile_service",
    "pre_scale_up",
    "post_scale_up",
    "test_traffic_shift",
    "post_test_traffic_shift",
    "pre_production_traffic_shift",
    "production_traffic_shift",
    "post_production_traffic_shift",
]


class _Hook(Base):
    stages: UniqueList[Stage] = Field(
        min_length=1, description="Stages of the deployment at which it runs."
    )
    on_timeout: Literal["rollback", "continue"] = Field(
        "rollback", description="What the deployment does when the hook takes too long."
    )


class LambdaHook(_Hook):
    """A Lambda function that ECS invokes, and that decides whether the deployment continues."""

    function: External[FunctionArn] = Field(description="ARN of the function.")
    timeout: HookTime | None = Field(
        None, description="Time limit for all invocations of the function; 1d by default."
    )
    details: dict[str, Any] = Field({}, description="Values that the function receives.")


class PauseHook(_Hook):
    """A pause, until `aws ecs continue-service-deployment` continues the deployment."""

    pause: PauseTime = Field(description="Maximum duration of the pause.")


def _reject_both_kinds(value: Any) -> Any:
    if isinstance(value, Mapping) and {"function", "pause"} <= value.keys():
        message = "A hook calls a `function` or is a `pause`, not both"
        raise wrong("M3239", message, "Write two hooks, or remove one of the keys.")
    return value


def _kind_of_hook(value: Any) -> str:
    is_pause = isinstance(value, PauseHook) or (isinstance(value, Mapping) and "pause" in value)
    return "pause hook" if is_pause else "function hook"


Hook = Annotated[
    Annotated[LambdaHook, Tag("function hook")] | Annotated[PauseHook, Tag("pause hook")],
    Discriminator(_kind_of_hook),
    BeforeValidator(_reject_both_kinds),
]


class TestTraffic(Base):
    """Requests that reach the new tasks before production traffic does. A request must match all
    conditions that are set, and those of the route."""

    __test__ = False  # pytest would take it for a test

    headers: Headers = Field(
        {},
        description="ALB and Service Connect: headers by name, with their values.",
    )
    hosts: UniqueList[Host] = Field([], description="ALB: host names.")
    port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Port of a listener for test traffic: of an NLB, or of an ALB if neither "
        "`headers` nor `hosts` is set.",
    )
    certificate: External[CertificateArn] | None = Field(
        None, description="ALB: ARN of the certificate of the listener at `port`."
    )
    ssl_policy: SslPolicy = Field(
        "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
        description="ALB: security policy of the listener at `port`, with a certificate.",
    )
    clients: UniqueList[Cidr] = Field(
        [],
        description="ALB: CIDR blocks that are allowed to connect to the listener at `port`. The "
        "test listener of an NLB allows the clients of the production listener.",
    )
    priority: int | None = Field(
        None,
        ge=LISTENER_RULE_PRIORITIES[0],
        le=LISTENER_RULE_PRIORITIES[1],
        description="ALB: priority of the rule for `headers` or `hosts`. Default: computed. The "
        "rule then precedes that of the route, unless the route has a `priority`.",
    )


class ReleaseBase(Base):
    """Settings of all strategies."""

    strategy: str
    rollback_on: UniqueList[AlarmName] = Field(
        [],
        description="Alarms of this stack, such as `target_5xx`, or names of alarms in CloudWatch: "
        "the deployment is rolled back when one of them goes into the state ALARM.",
    )


class Shift(ReleaseBase):
    """Settings of all strategies by which ECS shifts traffic between two target groups."""

    bake_time: BakeTime = Field(
        900,
        description="Time after all traffic has shifted, in which both revisions run and a "
        "rollback is immediate.",
    )
    test: TestTraffic | None = Field(
        None, description="Test traffic, which reaches the new tasks first."
    )
    hooks: list[Hook] = Field([], description="Lifecycle hooks: Lambda functions and pauses.")


class BlueGreen(Shift):
    """ECS starts all new tasks, and then shifts all traffic to them at once."""

    strategy: Literal["blue_green"] = Field(description="`blue_green`.")


class Linear(Shift):
    """ECS starts all new tasks, and then shifts traffic to them in equal steps."""

    strategy: Literal["linear"] = Field(description="`linear`.")
    step_percent: Annotated[
        float,
        Field(ge=LINEAR_PERCENT[0], le=LINEAR_PERCENT[1]),
        AfterValidator(_check_tenths),
    ] = Field(10, description="Percentage of the traffic that each step shifts.")
    step_bake_time: BakeTime = Field(360, description="Time between two steps.")


class Canary(Shift):
    """ECS starts all new tasks, shifts a small part of the traffic to them, and later the rest."""

    strategy: Literal["canary"] = Field(description="`canary`.")
    canary_percent: Annotated[
        float,
        Field(ge=CANARY_PERCENT[0], le=CANARY_PERCENT[1]),
        AfterValidator(_check_tenths),
    ] = Field(5, description="Percentage of the traffic that is shifted first.")
    canary_bake_time: BakeTime = Field(
        600, description="Time after which the rest of the traffic is shifted."
    )


# Resources -----------------------------------------------------------------------------------


def shift_properties(shift: Shift, hook_role: Any | None) -> dict[str, Any]:
    """The properties of a DeploymentConfiguration that only a traffic shift has."""
    properties: dict[str, Any] = {
        "Strategy": shift.strategy.upper(),
        "BakeTimeInMinutes": shift.bake_time // _MINUTE,
    }
    if isinstance(shift, Linear):
        properties["LinearConfiguration"] = ecs.LinearConfiguration(
            StepPercent=shift.step_percent, StepBakeTimeInMinutes=shift.step_bake_time // _MINUTE
        )
    if isinstance(shift, Canary):
        properties["CanaryConfiguration"] = ecs.CanaryConfiguration(
            CanaryPercent=shift.canary_percent,
            CanaryBakeTimeInMinutes=shift.canary_bake_time // _MINUTE,
        )
    if shift.hooks:
        properties["LifecycleHooks"] = [_hook(hook, hook_role) for hook in shift.hooks]
    return properties


def _hook(hook: LambdaHook | PauseHook, role: Any | None) -> ecs.DeploymentLifecycleHook:
    optional: dict[str, Any] = {}
    if isinstance(hook, LambdaHook):
        optional = {"HookTargetArn": hook.function, "RoleArn": role}
        optional |= {"HookDetails": hook.details} if hook.details else {}
    timeout = hook.timeout if isinstance(hook, LambdaHook) else hook.pause
    if timeout is not None or hook.on_timeout != "rollback":
        minutes = {} if timeout is None else {"TimeoutInMinutes": timeout // _MINUTE}
        optional["TimeoutConfiguration"] = ecs.HookTimeoutConfig(
            Action=hook.on_timeout.upper(), **minutes
        )
    return ecs.DeploymentLifecycleHook(
        TargetType="AWS_LAMBDA" if isinstance(hook, LambdaHook) else "PAUSE",
        LifecycleStages=[stage.upper() for stage in hook.stages],
        **optional,
    )


def hook_roles(shift: Shift | None, env: Environment) -> list[iam.Role]:
    """The role with which ECS invokes the functions of lifecycle hooks, if there are any (ECS
    developer guide, "Permissions required for Lambda functions in Amazon ECS blue/green
    deployments")."""
    hooks = shift.hooks if shift else []
    hooked = {hook.function for hook in hooks if isinstance(hook, LambdaHook)}
    functions = sorted(hooked, key=sort_key)
    if not functions:
        return []
    statement = allow("InvokeHooks", [Action("lambda", "InvokeFunction")], functions)
    return [role("HookRole", "ecs.amazonaws.com", {"InvokeHooks": [statement]}, env)]
