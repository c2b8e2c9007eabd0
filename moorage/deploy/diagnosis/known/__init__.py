"""The failures that are known, by topic. A table: it reads nothing."""

from __future__ import annotations

from collections.abc import Mapping

from moorage.deploy.diagnosis.known.codedeploy import CODEDEPLOY
from moorage.deploy.diagnosis.known.containers import CONTAINERS
from moorage.deploy.diagnosis.known.deployments import DEPLOYMENTS
from moorage.deploy.diagnosis.known.images import IMAGES
from moorage.deploy.diagnosis.known.known_failure import KnownFailure
from moorage.deploy.diagnosis.known.load_balancing import TARGETS
from moorage.deploy.diagnosis.known.placement import PLACEMENT
from moorage.deploy.diagnosis.known.stacks import STACKS
from moorage.deploy.diagnosis.known.task_start import TASK_START

TOPICS: Mapping[str, tuple[KnownFailure, ...]] = {
    "Images": IMAGES,
    "Start of tasks": TASK_START,
    "Containers and stopped tasks": CONTAINERS,
    "Placement and capacity": PLACEMENT,
    "Health of targets": TARGETS,
    "Deployments of ECS": DEPLOYMENTS,
    "Deployments of CodeDeploy": CODEDEPLOY,
    "Stacks and resources": STACKS,
}
KNOWN: tuple[KnownFailure, ...] = tuple(known for topic in TOPICS.values() for known in topic)
