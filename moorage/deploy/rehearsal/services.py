"""Services of ECS whose tasks run at once, with their deployments, which moto does not have."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.ecs import models
from moto.ecs.responses import EC2ContainerServiceResponse


class Service(models.Service):
    """A service whose tasks run at once; moto's never start. Each of its deployments succeeds."""

    __module__ = models.Service.__module__  # moto finds a backend's URLs by it

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.revisions: list[tuple[str, datetime]] = []
        super().__init__(*args, **kwargs)
        self.running_count, self.pending_count = self.desired_count, 0
        for deployment in getattr(self, "deployments", ()):
            deployment["runningCount"], deployment["pendingCount"] = self.desired_count, 0
            deployment["rolloutState"] = "COMPLETED"
            deployment["rolloutStateReason"] = f"ECS deployment {deployment['id']} completed."

    @property
    def task_definition(self) -> Any:
        """The task definition that was deployed last."""
        return self.revisions[-1][0] if self.revisions else None

    @task_definition.setter
    def task_definition(self, value: Any) -> None:
        self.revisions.append((value, datetime.now(UTC)))


def list_service_deployments(response: EC2ContainerServiceResponse) -> ActionResult:
    backend: Any = response.ecs_backend
    name = response._get_param("service").split("/")[-1]
    service = backend._get_service(response._get_param("cluster"), name)
    start = service.arn.replace(":service/", ":service-{}/")
    deployments = [
        {
            "serviceDeploymentArn": f"{start.format('deployment')}/{number}",
            "serviceArn": service.arn,
            "clusterArn": service.cluster_arn,
            "status": "SUCCESSFUL",
            "finishedAt": time,
            "targetServiceRevisionArn": f"{start.format('revision')}/{number}",
        }
        for number, (_, time) in enumerate(service.revisions)
    ]
    return ActionResult({"serviceDeployments": deployments[::-1]})


def describe_service_revisions(response: EC2ContainerServiceResponse) -> ActionResult:
    backend: Any = response.ecs_backend
    revisions = []
    for arn in response._get_param("serviceRevisionArns"):
        cluster, name, number = arn.split("/")[-3:]
        definition, _ = backend._get_service(cluster, name).revisions[int(number)]
        revisions.append({"serviceRevisionArn": arn, "taskDefinition": definition})
    return ActionResult({"serviceRevisions": revisions})


def correct_services() -> None:
    """Replaces moto's services in this process."""
    classes: Any = models
    classes.Service = Service
    responses: Any = EC2ContainerServiceResponse
    responses.list_service_deployments = list_service_deployments
    responses.describe_service_revisions = describe_service_revisions
