"""The codes of Moorage's findings, one file for each topic.

Findings of cfn-lint and of the rules have the ids of their rules."""

from __future__ import annotations

from collections.abc import Mapping

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
from moorage.findings.codes.in_templates import (
    BUILD,
    DATABASES,
    ENVIRONMENTS,
    IMAGE_BUILDS,
    PARAMS,
    PROGRAM,
    STACK_SETS,
    TRUST,
    UPDATE,
)
from moorage.records import record


@record
class Topic:
    """Codes that belong together, as a section of docs/findings.md."""

    title: str
    codes: tuple[Code, ...]
    not_in_templates: str = ""
    """Why a template cannot show these mistakes, for codes that do not say it themselves."""

    def reason(self, code: Code) -> str:
        """Why a template cannot show the mistake of a code; empty if rules find it."""
        return "" if code.rules else code.not_in_templates or self.not_in_templates


TOPICS: tuple[Topic, ...] = (
    Topic("Reading params files", files.CODES, PARAMS),
    Topic("Form of keys and values", shape.CODES, PARAMS),
    Topic("References and what must fit together", references.CODES),
    Topic("Templates and files that are built", output.CODES, BUILD),
    Topic("Effects of an update", update.CODES, UPDATE),
    Topic("Formats of text values", field_values.CODES, PARAMS),
    Topic("Top level of a params file", environment.CODES, PARAMS),
    Topic("Targets in several accounts and regions", targets.CODES, STACK_SETS),
    Topic("Images that are built", image_builds.CODES, IMAGE_BUILDS),
    Topic("Values of other stacks and from outside", outside.CODES, PARAMS),
    Topic("Shared stacks and previews", previews.CODES, ENVIRONMENTS),
    Topic("Networks", network.CODES),
    Topic("Clusters", cluster.CODES),
    Topic("Container registries", ecr.CODES),
    Topic("Load balancers", load_balancers.CODES),
    Topic("Routes of Application Load Balancers, and target groups", routes.CODES),
    Topic("Listeners of Network Load Balancers", listeners.CODES),
    Topic("Services behind load balancers", exposure.CODES),
    Topic("Health sidecars", health_sidecars.CODES, PROGRAM),
    Topic("Containers", containers.CODES),
    Topic("Tasks", tasks.CODES),
    Topic("Volumes", volumes.CODES),
    Topic("Sidecars", sidecars.CODES, PROGRAM),
    Topic("Proxies", proxy.CODES, PROGRAM),
    Topic("Service discovery and Service Connect", discovery.CODES),
    Topic("Services and workers", services.CODES),
    Topic("Scheduled tasks and one-off tasks", jobs.CODES),
    Topic("Alarms, dashboards and notifications", alarms.CODES),
    Topic("Buckets, tables and topics", uses.CODES),
    Topic("Databases and caches", databases.CODES, DATABASES),
    Topic("Roles for CI", ci.CODES, TRUST),
    Topic("Roles for deployments", deployment_role.CODES, BUILD),
    Topic("Builds and pipelines", pipelines.CODES),
)
"""Every topic, in the order of the ids of their codes."""

CODES: Mapping[str, Code] = {
    code.id: code for code in sorted((c for t in TOPICS for c in t.codes), key=lambda code: code.id)
}
"""Every code by its id."""
