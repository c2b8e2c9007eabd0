"""The rollout of an ECS service: its tasks, targets and deployment at a moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from moorage.deploy.aws import AwsError, aws_errors
from moorage.records import record

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import (
        DeploymentLifecycleHookDetailTypeDef,
        DeploymentTypeDef,
        ServiceDeploymentTypeDef,
        ServiceTypeDef,
    )

    from moorage.deploy.aws import Aws

_SERVICES_PER_REQUEST = 10
"""Amazon ECS API reference, DescribeServices."""
_DEPLOYMENTS_PER_REQUEST = 20
"""Amazon ECS API reference, DescribeServiceDeployments."""


@record
class Rollout:
    """A service at a moment."""

    arn: str
    desired: int = 0
    running: int = 0
    """Tasks of the newest deployment that run."""
    pending: int = 0
    failed: int = 0
    """Tasks of the newest deployment that did not start or stopped."""
    state: str = ""
    """`IN_PROGRESS`, `COMPLETED` or `FAILED`; empty if ECS does not report it."""
    reason: str = ""
    stage: str = ""
    """The stage of a deployment that shifts traffic, such as `BAKE_TIME`."""
    traffic: float | None = None
    """Percentage of the requests that go to the new tasks, where ECS shifts it."""
    failures_left: int | None = None
    """How many more tasks may fail until the circuit breaker stops the deployment."""
    healthy: int = 0
    targets: int = 0
    """Targets of all target groups; those that are being deregistered do not count."""
    waiting_hook: str = ""
    """The ID of a lifecycle hook that waits until somebody continues the deployment."""
    hook_ends: str = ""
    """What ECS does at the end of the waiting time, and when that is."""
    deployment: str = ""
    """The ARN of the current service deployment."""
    triggered_alarms: tuple[str, ...] = ()
    """Alarms that have ended the deployment."""


def read_rollouts(aws: Aws, arns: Sequence[str]) -> list[Rollout]:
    """The services with these ARNs: one request for each ten of them, one for each twenty
    deployments, and one for each target group."""
    with aws_errors():
        services = [*_describe_services(aws, arns)]
        current = [arn for service in services if (arn := service.get("currentServiceDeployment"))]
        deployments = {
            deployment.get("serviceArn", ""): deployment
            for start in range(0, len(current), _DEPLOYMENTS_PER_REQUEST)
            for deployment in aws.ecs.describe_service_deployments(
                serviceDeploymentArns=current[start : start + _DEPLOYMENTS_PER_REQUEST]
            )["serviceDeployments"]
        }
        return [
            to_rollout(
                service,
                deployments.get(service.get("serviceArn", "")),
                [*_target_states(aws, service)],
            )
            for service in services
        ]


def _describe_services(aws: Aws, arns: Iterable[str]) -> Iterator[ServiceTypeDef]:
    by_cluster: dict[str, list[str]] = {}
    for arn in arns:
        by_cluster.setdefault(cluster_of(arn), []).append(arn)
    for cluster, found in by_cluster.items():
        for start in range(0, len(found), _SERVICES_PER_REQUEST):
            part = found[start : start + _SERVICES_PER_REQUEST]
            yield from aws.ecs.describe_services(cluster=cluster, services=part)["services"]


def describe_service(aws: Aws, arn: str) -> ServiceTypeDef:
    """What ECS says of a service. Raises AwsError if there is none."""
    with aws_errors():
        found = aws.ecs.describe_services(cluster=cluster_of(arn), services=[arn])["services"]
    if not found:
        raise AwsError(f"ECS has no service {arn.split('/')[-1]} any more: it was deleted by hand")
    return found[0]


def cluster_of(service_arn: str) -> str:
    """The name of the cluster in the ARN of a service or task.

    >>> cluster_of("arn:aws:ecs:eu-central-1:111122223333:service/shop-dev/web")
    'shop-dev'
    """
    parts = service_arn.split(":")[-1].split("/")
    return parts[1] if len(parts) > 2 else "default"


def _target_states(aws: Aws, service: ServiceTypeDef) -> Iterator[str]:
    """The health of each target of the service, without those that are being deregistered."""
    groups = {
        group
        for balancer in service.get("loadBalancers", ())
        for group in (
            balancer.get("targetGroupArn"),
            balancer.get("advancedConfiguration", {}).get("alternateTargetGroupArn"),
        )
        if group
    }
    for group in sorted(groups):
        answer = aws.elbv2.describe_target_health(TargetGroupArn=group)
        for target in answer["TargetHealthDescriptions"]:
            state = target.get("TargetHealth", {}).get("State", "")
            if state != "draining":
                yield state


def to_rollout(
    service: ServiceTypeDef, deployment: ServiceDeploymentTypeDef | None, targets: Sequence[str]
) -> Rollout:
    """What ECS says of a service, of its current deployment and of its targets."""
    newest = _newest(service)
    details: ServiceDeploymentTypeDef = deployment or {}
    strategy = details.get("deploymentConfiguration", {}).get("strategy", "ROLLING")
    breaker = details.get("deploymentCircuitBreaker", {})
    left = breaker.get("threshold", 0) - breaker.get("failureCount", 0)
    revision = details.get("targetServiceRevision", {})
    hooks = details.get("lifecycleHookDetails", ())
    waiting = next((hook for hook in hooks if hook.get("status") == "AWAITING_ACTION"), None)
    shifts = strategy != "ROLLING"
    return Rollout(
        arn=service.get("serviceArn", ""),
        desired=newest.get("desiredCount", service.get("desiredCount", 0)),
        running=newest.get("runningCount", service.get("runningCount", 0)),
        pending=newest.get("pendingCount", service.get("pendingCount", 0)),
        failed=newest.get("failedTasks", 0),
        state=newest.get("rolloutState", ""),
        reason=newest.get("rolloutStateReason", ""),
        stage=details.get("lifecycleStage", "") if shifts else "",
        traffic=revision.get("requestedProductionTrafficWeight") if shifts else None,
        failures_left=left if breaker.get("status") == "MONITORING" else None,
        healthy=sum(state == "healthy" for state in targets),
        targets=len(targets),
        waiting_hook=waiting.get("hookId", "") if waiting else "",
        hook_ends=_hook_ends(waiting) if waiting else "",
        deployment=details.get("serviceDeploymentArn", ""),
        triggered_alarms=tuple(details.get("alarms", {}).get("triggeredAlarmNames", ())),
    )


def _hook_ends(hook: DeploymentLifecycleHookDetailTypeDef) -> str:
    """What ECS does with a paused deployment when the time of its hook is over."""
    ends = hook.get("expiresAt")
    if ends is None:
        return ""
    action = {"ROLLBACK": "rolls it back", "CONTINUE": "continues it"}
    done = action.get(hook.get("timeoutAction", ""), "ends the wait")
    return f"ECS {done} at {ends:%Y-%m-%d %H:%M} UTC"


def hook_text(rollout: Rollout, region: str) -> str:
    """What a paused deployment waits for, and how to continue it."""
    ends = f"; otherwise {rollout.hook_ends}" if rollout.hook_ends else ""
    return (
        f"the deployment waits at the hook {rollout.waiting_hook}{ends}. Continue it: aws ecs "
        f"continue-service-deployment --region {region} --service-deployment-arn "
        f"{rollout.deployment} --hook-id {rollout.waiting_hook} --action CONTINUE (or ROLLBACK)"
    )


def _newest(service: ServiceTypeDef) -> DeploymentTypeDef:
    for deployment in service.get("deployments", ()):
        if deployment.get("status") == "PRIMARY":
            return deployment
    return {}
