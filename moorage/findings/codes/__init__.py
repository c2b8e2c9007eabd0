"""The codes of findings, a topic a file. Findings of cfn-lint and of the rules keep the ids of
their rules."""

from __future__ import annotations

from collections.abc import Mapping

from moorage.findings.codes import (
    cluster,
    containers,
    discovery,
    ecr,
    environment,
    files,
    jobs,
    legacy,
    listeners,
    load_balancers,
    network,
    output,
    proxy,
    references,
    routes,
    services,
    shape,
    sidecars,
    tasks,
    update,
    values,
    volumes,
)
from moorage.findings.codes.code import Code

_TOPICS = (
    files,
    shape,
    references,
    output,
    update,
    values,
    environment,
    network,
    cluster,
    ecr,
    load_balancers,
    routes,
    listeners,
    containers,
    tasks,
    volumes,
    sidecars,
    proxy,
    discovery,
    services,
    jobs,
    legacy,
)

CODES: Mapping[str, Code] = {
    code.id: code
    for code in sorted(
        (code for topic in _TOPICS for code in topic.CODES), key=lambda code: code.id
    )
}
"""Every code by its id."""
