"""Field types for conditions on a request: for listener rules, and for test traffic.

Application Load Balancers user guide, "Condition types for listener rules", and the Elastic Load
Balancing API reference, RuleCondition.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from moorage.facts.quotas import MAX_CONDITION_LENGTH, MAX_HEADER_NAME_LENGTH
from moorage.findings.wording import shown
from moorage.model import wrong

from .fields import OneOrMany, reject_duplicates

_HOST = re.compile(r"[A-Za-z0-9_*?.-]*\.[A-Za-z]+")


def _validate_host(value: str) -> str:
    if len(value) > MAX_CONDITION_LENGTH:
        message = f"The host pattern has {len(value)} characters"
        hint = f"Write at most {MAX_CONDITION_LENGTH}, for example with the wildcard `*`."
        raise wrong("M2411", message, hint)
    if not _HOST.fullmatch(value):
        hint = "Write a host name like `shop.example.com` or `*.example.com`."
        raise wrong("M2411", f"{shown(value)} is not a host pattern", hint)
    return value


def _validate_header_name(name: str) -> str:
    """ELB API reference, HttpHeaderConditionConfig: a name of RFC 7230 without wildcards, and not
    `Host`, for which there are host conditions."""
    is_long = len(name) > MAX_HEADER_NAME_LENGTH
    if is_long or not re.fullmatch(r"[A-Za-z0-9!#$%&'+.^_`|~-]+", name):
        hint = f"Write a name like `X-Api-Version`: at most {MAX_HEADER_NAME_LENGTH} characters, "
        hint += "without wildcards."
        raise wrong("M2412", f"{shown(name)} is not the name of a header", hint)
    if name.lower() == "host":
        message = "The header `Host` cannot be matched by `headers:`"
        raise wrong("M2413", message, "Write the host below `hosts:` instead.")
    return name


def _validate_headers(value: dict[str, list[str]]) -> dict[str, list[str]]:
    names = [name.lower() for name in value]
    for name in value:
        if names.count(name.lower()) > 1:
            hint = "Keep one of them: the names of headers are case-insensitive."
            raise wrong("M2414", f"The header {shown(name)} is listed more than once", hint)
    return value


Host = Annotated[str, AfterValidator(_validate_host)]
HeaderName = Annotated[str, AfterValidator(_validate_header_name)]
HeaderValue = Annotated[str, Field(min_length=1, max_length=MAX_CONDITION_LENGTH)]
HeaderValues = Annotated[
    OneOrMany[HeaderValue], Field(min_length=1), AfterValidator(reject_duplicates)
]
Headers = Annotated[dict[HeaderName, HeaderValues], AfterValidator(_validate_headers)]
