"""A known failure and AWS's message -> a diagnosis. Pure."""

from __future__ import annotations

import re
from datetime import datetime

from moorage.deploy.diagnosis.known.known_failure import KnownFailure
from moorage.deploy.diagnosis.model import Diagnosis

_HANDLER = re.compile(
    r'Resource handler returned message: "(?P<message>.*)" '
    r"\(RequestToken: [^,)]*, HandlerErrorCode: (?P<code>[A-Za-z]+)\)",
    re.DOTALL,
)
"""How CloudFormation writes the error of a resource's handler."""


def diagnosis(
    known: KnownFailure | None,
    message: str,
    *,
    stack: str,
    logical_id: str,
    resource_type: str,
    container: str = "",
    count: int = 1,
    last: datetime | None = None,
    log_lines: tuple[str, ...] = (),
) -> Diagnosis:
    """The diagnosis of a failure that AWS reports; without a known failure it has no meaning."""
    if known is None:
        known = KnownFailure(
            id="",
            title="AWS reports a failure that Moorage does not know.",
            meaning="",
            check="Search for the message in the AWS documentation.",
            sources=(),
        )
    return Diagnosis(
        stack=stack,
        logical_id=logical_id,
        type=resource_type,
        known=known.id,
        title=known.title,
        message=_HANDLER.sub(r"\g<message> (\g<code>)", message),
        meaning=known.meaning,
        check=known.check,
        codes=known.codes,
        sources=known.sources,
        properties=known.properties,
        container=container,
        count=count,
        last=last,
        log_lines=log_lines,
        symptom=known.symptom,
    )
