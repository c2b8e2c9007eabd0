"""Reads the evidence about services: from ECS, their load balancers, logs and CodeDeploy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

from moorage.deploy.diagnosis.model import (
    CodeDeployment,
    Hook,
    Rollout,
    Service,
    ServiceDeployment,
    ServiceEvent,
    Target,
)
from moorage.deploy.diagnosis.reader import Clients, Reader
from moorage.deploy.diagnosis.task_evidence import collect_tasks
from moorage.records import record

_MAX_EVENTS = 100
_MAX_TARGET_GROUPS = 5
_BATCH = 10
"""Services that one call of DescribeServices takes: Amazon ECS API reference."""


@record
class ServiceResource:
    """A service of a stack, and the family of its task definition."""

    logical_id: str
    arn: str
    family: str = ""

    @property
    def name(self) -> str:
        return self.arn.rpartition("/")[2]

    @property
    def cluster(self) -> str:
        """`arn:...:service/cluster/name`; ARNs of the old form have no cluster."""
        parts = self.arn.split("/")
        return parts[1] if len(parts) == 3 else "default"


def find_troubled_services(
    reader: Reader, clients: Clients, services: Sequence[ServiceResource]
) -> set[str]:
    """The ARNs of the services that do not have their tasks, or whose deployment does not end."""
    clusters: dict[str, list[str]] = {}
    for service in services:
        clusters.setdefault(service.cluster, []).append(service.arn)
    troubled = set()
    for cluster, arns in clusters.items():
        for start in range(0, len(arns), _BATCH):
            answer = reader.read(
                f"services of cluster {cluster}",
                clients.ecs.describe_services,
                cluster=cluster,
                services=arns[start : start + _BATCH],
            )
            troubled |= {
                each["serviceArn"] for each in answer.get("services", ()) if _is_troubled(each)
            }
    return troubled


def _is_troubled(service: Mapping[str, Any]) -> bool:
    rollouts = service.get("deployments", ())
    return service.get("runningCount", 0) < service.get("desiredCount", 0) or any(
        each.get("failedTasks", 0) or each.get("rolloutState", "COMPLETED") != "COMPLETED"
        for each in rollouts
    )


def collect_service(
    reader: Reader,
    clients: Clients,
    resource: ServiceResource,
    target_groups: Mapping[str, str],
    start: datetime | None = None,
) -> Service:
    """The evidence about one service.

    `target_groups` are logical IDs by ARN. `start`: when the operation that failed began.
    """
    answer = reader.read(
        f"service {resource.name}",
        clients.ecs.describe_services,
        cluster=resource.cluster,
        services=[resource.arn],
    )
    described: Mapping[str, Any] = next(iter(answer.get("services", ())), {})
    active = described.get("status") in ("ACTIVE", "DRAINING")
    controller = described.get("deploymentController", {}).get("type", "ECS")
    service = Service(
        resource.logical_id,
        resource.name,
        status=described.get("status", ""),
        desired=described.get("desiredCount", 0),
        running=described.get("runningCount", 0),
        events=tuple(islice(_events(described), _MAX_EVENTS)),
        rollouts=tuple(_rollouts(described)),
    )
    chosen = {"serviceName": resource.name} if active else {"family": resource.family}
    tasks = collect_tasks(reader, clients, resource.cluster, chosen)
    targets = _targets(reader, clients, described, target_groups) if active else ()
    by_ecs = active and controller == "ECS"
    deployments = _deployments(reader, clients, resource, start) if by_ecs else ()
    return replace(
        service,
        tasks=tasks,
        targets=tuple(targets),
        deployments=tuple(deployments),
        code_deployments=tuple(_code_deployments(reader, clients, described)),
    )


def _events(described: Mapping[str, Any]) -> Iterator[ServiceEvent]:
    for each in described.get("events", ()):
        yield ServiceEvent(each["createdAt"], each.get("message", ""))


def _rollouts(described: Mapping[str, Any]) -> Iterator[Rollout]:
    for each in described.get("deployments", ()):
        yield Rollout(
            each.get("status", ""),
            each.get("rolloutState", ""),
            each.get("rolloutStateReason", ""),
            each.get("desiredCount", 0),
            each.get("runningCount", 0),
            each.get("failedTasks", 0),
        )


def _targets(
    reader: Reader,
    clients: Clients,
    described: Mapping[str, Any],
    names: Mapping[str, str],
) -> Iterator[Target]:
    arns: list[str] = []
    for each in described.get("loadBalancers", ()):
        arns.append(each.get("targetGroupArn", ""))
        arns.append(each.get("advancedConfiguration", {}).get("alternateTargetGroupArn", ""))
    for each in described.get("taskSets", ()):
        arns += [balancer.get("targetGroupArn", "") for balancer in each.get("loadBalancers", ())]
    for arn in [*dict.fromkeys(filter(None, arns))][:_MAX_TARGET_GROUPS]:
        name = names.get(arn, arn)
        answer = reader.read(
            f"health of the targets of {name}",
            clients.elbv2.describe_target_health,
            TargetGroupArn=arn,
        )
        for each in answer.get("TargetHealthDescriptions", ()):
            health = each.get("TargetHealth", {})
            yield Target(
                name,
                each.get("Target", {}).get("Id", ""),
                health.get("State", ""),
                health.get("Reason", ""),
                health.get("Description", ""),
            )


def _deployments(
    reader: Reader, clients: Clients, resource: ServiceResource, start: datetime | None
) -> Iterator[ServiceDeployment]:
    """The newest deployment; of those since an operation failed, the newest that was not
    successful: the rollback of the stack is a deployment, too."""
    what = f"deployments of service {resource.name}"
    answer = reader.read(
        what,
        clients.ecs.list_service_deployments,
        cluster=resource.cluster,
        service=resource.name,
        maxResults=10,
    )
    listed = [each for each in answer.get("serviceDeployments", ()) if "createdAt" in each]
    if not listed:
        return
    failed = [
        each
        for each in listed
        if start and each["createdAt"] >= start and each.get("status") != "SUCCESSFUL"
    ]
    newest = max(failed or listed, key=lambda each: each["createdAt"])
    answer = reader.read(
        what,
        clients.ecs.describe_service_deployments,
        serviceDeploymentArns=[newest["serviceDeploymentArn"]],
    )
    for each in answer.get("serviceDeployments", ()):
        breaker = each.get("deploymentCircuitBreaker", {})
        yield ServiceDeployment(
            each.get("status", ""),
            each.get("statusReason", ""),
            each.get("lifecycleStage", ""),
            each.get("rollback", {}).get("reason", ""),
            breaker.get("status", ""),
            breaker.get("failureCount", 0),
            breaker.get("threshold", 0),
            tuple(each.get("alarms", {}).get("triggeredAlarmNames", ())),
            tuple(_hooks(each)),
        )


def _hooks(deployment: Mapping[str, Any]) -> Iterator[Hook]:
    for each in deployment.get("lifecycleHookDetails", ()):
        yield Hook(each.get("targetType", ""), each.get("status", ""), each.get("targetArn", ""))


def _code_deployments(
    reader: Reader, clients: Clients, described: Mapping[str, Any]
) -> Iterator[CodeDeployment]:
    """The deployment of the newest task set that CodeDeploy created; its `externalId` is the
    deployment's (Amazon ECS API reference, TaskSet)."""
    sets = [
        each
        for each in described.get("taskSets", ())
        if each.get("startedBy") == "CODE_DEPLOY" and each.get("externalId")
    ]
    if not sets:
        return
    newest = max(sets, key=lambda each: str(each.get("createdAt", "")))
    answer = reader.read(
        f"CodeDeploy deployment {newest['externalId']}",
        clients.codedeploy.get_deployment,
        deploymentId=newest["externalId"],
    )
    info = answer.get("deploymentInfo")
    if info is not None:
        error = info.get("errorInformation", {})
        yield CodeDeployment(
            newest["externalId"],
            info.get("status", ""),
            error.get("code", ""),
            error.get("message", ""),
            info.get("rollbackInfo", {}).get("rollbackMessage", ""),
        )
