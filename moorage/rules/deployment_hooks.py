"""Lifecycle hooks of deployments, and EventBridge rules for the events of ECS."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.facts.ecs_deployments import (
    EVENT_SOURCE,
    EVENT_TYPES,
    LAMBDA_HOOK_MINUTES,
    MAX_HOOKS_OF_A_KIND,
    STAGES_NEAR_SHIFTS,
)
from moorage.rules.message_parts import join_and, join_or, quote
from moorage.rules.rule import Problem, problem, rule

_EVENT_RULE = "AWS::Events::Rule"


def lifecycle_hooks(view: View) -> Iterator[tuple[Resource, Node]]:
    """The lifecycle hooks of deployments, each with its service."""
    for service in ecs.services(view):
        for hook in service["DeploymentConfiguration"]["LifecycleHooks"].items:
            if not hook.unknown:
                yield service, hook


@rule(
    "E9305",
    "A PAUSE hook has a property of Lambda hooks, or a stage at which no deployment can pause.",
    error_messages=("Invalid lifecycle stage provided for Pause Hook",),
    fix="Remove HookTargetArn, RoleArn and HookDetails, and pause at another stage than "
    "TEST_TRAFFIC_SHIFT and PRODUCTION_TRAFFIC_SHIFT, such as PRE_PRODUCTION_TRAFFIC_SHIFT.",
    sources=(
        "AWS docs: Pause lifecycle hooks for Amazon ECS service deployments",
        "AWS docs: ECS API reference, DeploymentLifecycleHook",
    ),
)
def wrong_pause_hook(view: View) -> Iterator[Problem]:
    """A hook with `TargetType: PAUSE` calls nothing: it stops the deployment until somebody
    continues it. So it has no function, no role and no details for a function, and it cannot stop
    the deployment while traffic is being shifted."""
    for service, hook in lifecycle_hooks(view):
        if hook["TargetType"].text != "PAUSE":
            continue
        keys = ("HookTargetArn", "RoleArn", "HookDetails")
        lambda_keys = [key for key in keys if hook[key].certainly_present]
        if lambda_keys:
            yield problem(
                hook[lambda_keys[0]],
                f"A PAUSE hook of service `{service.id}` has {join_and(lambda_keys)}, which ECS "
                f"accepts for Lambda hooks only",
                f"Remove {join_and(lambda_keys)}, or write `TargetType: AWS_LAMBDA`.",
            )
        for stage in hook["LifecycleStages"].items:
            if stage.text in STAGES_NEAR_SHIFTS:
                yield problem(
                    stage,
                    f"A PAUSE hook of service `{service.id}` has the stage {stage.text}, at which "
                    f"a deployment cannot pause",
                    f"Write {join_or(quote(STAGES_NEAR_SHIFTS[stage.text]))}.",
                )


@rule(
    "E9306",
    "A Lambda hook has no function or no role, or waits too long.",
    error_messages=(
        "One or more lifecycle hook(s) failed. ECS was unable to assume role",
        "... ECS was unable to invoke hook target",
    ),
    fix="Write HookTargetArn with the ARN of the function, RoleArn with a role that is allowed to "
    "invoke it, and a TimeoutInMinutes of at most 1440.",
    sources=(
        "AWS docs: Lambda lifecycle hooks for Amazon ECS service deployments",
        "AWS docs: Permissions required for Lambda functions in Amazon ECS blue/green deployments",
    ),
)
def incomplete_lambda_hook(view: View) -> Iterator[Problem]:
    """A hook is a Lambda hook unless TargetType is PAUSE. ECS invokes the function HookTargetArn
    with the role RoleArn, and waits for its result for at most 24 hours. CloudFormation accepts a
    hook without them, and a timeout of up to 14 days, because those are correct for a PAUSE
    hook."""
    for service, hook in lifecycle_hooks(view):
        kind = hook["TargetType"]
        if not kind.absent and kind.text != "AWS_LAMBDA":
            continue
        missing = [key for key in ("HookTargetArn", "RoleArn") if hook[key].absent]
        if missing:
            default = ", and a hook without TargetType is a Lambda hook" if kind.absent else ""
            yield problem(
                hook,
                f"A Lambda hook of service `{service.id}` lacks {join_and(missing)}{default}",
                f"Write {join_and(missing)}, or `TargetType: PAUSE` to wait for a person.",
            )
        minutes = hook["TimeoutConfiguration"]["TimeoutInMinutes"]
        longest = LAMBDA_HOOK_MINUTES[1]
        if (minutes.number or 0) > longest:
            yield problem(
                minutes,
                f"A Lambda hook of service `{service.id}` has a timeout of {minutes.text} minutes, "
                f"and ECS accepts at most {longest}",
                f"Write `TimeoutInMinutes: {longest}` or less.",
            )


@rule(
    "E9310",
    "A service has more than ten Lambda hooks or more than ten PAUSE hooks.",
    error_messages=("(in substance) The number of lifecycle hooks exceeds the limit of 10",),
    fix="Do the same in fewer hooks: a hook can have several stages.",
    sources=("AWS docs: Pause lifecycle hooks for Amazon ECS service deployments (limits)",),
)
def too_many_hooks(view: View) -> Iterator[Problem]:
    """A service can have ten hooks of each kind. CloudFormation does not check the number, and ECS
    refuses the service."""
    for service in ecs.services(view):
        hooks = service["DeploymentConfiguration"]["LifecycleHooks"]
        if not hooks.all_known or any(hook["TargetType"].unknown for hook in hooks.items):
            continue
        kinds = [hook["TargetType"] for hook in hooks.items]
        counts = Counter("PAUSE" if kind.text == "PAUSE" else "Lambda" for kind in kinds)
        for kind, count in counts.items():
            if count > MAX_HOOKS_OF_A_KIND:
                yield problem(
                    hooks,
                    f"Service `{service.id}` has {count} {kind} hooks, and ECS accepts at most "
                    f"{MAX_HOOKS_OF_A_KIND}",
                    "Write fewer hooks: a hook can have several LifecycleStages.",
                )


# Events --------------------------------------------------------------------------------------


@rule(
    "W9308",
    "The event pattern of an EventBridge rule has a detail-type that ECS does not send.",
    fix="Write a `detail-type` that ECS sends: for deployments `ECS Deployment State Change`, for "
    "tasks `ECS Task State Change`, for a service `ECS Service Action`.",
    sources=(
        "AWS docs: Amazon ECS events",
        "AWS docs: Amazon ECS service deployment state change events",
        "AWS docs: Daemon events",
    ),
)
def unknown_event_type(view: View) -> Iterator[Problem]:
    """A rule whose pattern matches no event is created without an error and never runs its
    targets, so a failed deployment causes no notification. The events of deployments have the type
    `ECS Deployment State Change`, without the word Service. This is a warning because AWS adds
    types of events."""
    for event_rule in view.resources_of_type(_EVENT_RULE):
        pattern = event_rule["EventPattern"]
        sources, types = pattern["source"], pattern["detail-type"]
        if not all(node.items and node.all_known for node in (sources, types)):
            continue
        if any(source.text != EVENT_SOURCE for source in sources.items):
            continue
        for event_type in types.items:
            name = event_type.text
            if name is None or name in EVENT_TYPES or " via CloudTrail" in name:
                continue
            yield problem(
                event_type,
                f"Rule `{event_rule.id}` waits for events of the type `{name}`, which ECS does not "
                f"send",
                f"Write {join_or(quote(EVENT_TYPES[:3]))}.",
            )


RULES = (wrong_pause_hook, incomplete_lambda_hook, too_many_hooks, unknown_event_type)
