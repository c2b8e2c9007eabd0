"""The codes of Moorage's findings, one file for each topic.

Findings of cfn-lint and of the rules have the ids of their rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from moorage.findings.codes import (
    alarms,
    ci,
    cluster,
    containers,
    databases,
    deployment_role,
    discovery,
    ecr,
    environment,
    exposure,
    field_values,
    files,
    health_sidecars,
    image_builds,
    jobs,
    listeners,
    load_balancers,
    network,
    output,
    outside,
    pipelines,
    previews,
    proxy,
    references,
    routes,
    services,
    shape,
    sidecars,
    targets,
    tasks,
    update,
    uses,
    volumes,
)
from moorage.findings.codes.code import Code


@dataclass(frozen=True)
class Topic:
    """Codes that belong together, as a section of docs/findings.md."""

    title: str
    codes: tuple[Code, ...]


TOPICS: tuple[Topic, ...] = (
    Topic("Reading params files", files.CODES),
    Topic("Form of keys and values", shape.CODES),
    Topic("References and what must fit together", references.CODES),
    Topic("Templates and files that are built", output.CODES),
    Topic("Effects of an update", update.CODES),
    Topic("Formats of text values", field_values.CODES),
    Topic("Top level of a params file", environment.CODES),
    Topic("Targets in several accounts and regions", targets.CODES),
    Topic("Images that are built", image_builds.CODES),
    Topic("Values of other stacks and from outside", outside.CODES),
    Topic("Shared stacks and previews", previews.CODES),
    Topic("Networks", network.CODES),
    Topic("Clusters", cluster.CODES),
    Topic("Container registries", ecr.CODES),
    Topic("Load balancers", load_balancers.CODES),
    Topic("Routes of Application Load Balancers, and target groups", routes.CODES),
    Topic("Listeners of Network Load Balancers", listeners.CODES),
    Topic("Services behind load balancers", exposure.CODES),
    Topic("Health sidecars", health_sidecars.CODES),
    Topic("Containers", containers.CODES),
    Topic("Tasks", tasks.CODES),
    Topic("Volumes", volumes.CODES),
    Topic("Sidecars", sidecars.CODES),
    Topic("Proxies", proxy.CODES),
    Topic("Service discovery and Service Connect", discovery.CODES),
    Topic("Services and workers", services.CODES),
    Topic("Scheduled tasks and one-off tasks", jobs.CODES),
    Topic("Alarms, dashboards and notifications", alarms.CODES),
    Topic("Buckets, tables and topics", uses.CODES),
    Topic("Databases and caches", databases.CODES),
    Topic("Roles for CI", ci.CODES),
    Topic("Roles for deployments", deployment_role.CODES),
    Topic("Builds and pipelines", pipelines.CODES),
)
"""Every topic, in the order of the ids of their codes."""

CODES: Mapping[str, Code] = {
    code.id: code for code in sorted((c for t in TOPICS for c in t.codes), key=lambda code: code.id)
}
"""Every code by its id."""
