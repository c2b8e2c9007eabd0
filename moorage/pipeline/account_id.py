"""The ID of an AWS account in params."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from moorage.facts.arn_patterns import ACCOUNT_ID
from moorage.findings.wording import shown
from moorage.model import wrong

_SCHEMA = {
    "anyOf": [
        {"type": "string", "pattern": f"^{ACCOUNT_ID}$"},
        {"type": "integer", "minimum": 10**11, "maximum": 10**12 - 1},
    ],
    "takes": "twelve digits",
}


def _check_account(value: Any) -> Any:
    """YAML reads twelve digits without quotes as a number, unless the first one is 0."""
    digits = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(digits, str) and not re.fullmatch(ACCOUNT_ID, digits):
        hint = 'Write its twelve digits, as in `"123456789012"`.'
        raise wrong("M1603", f"{shown(value)} is not an AWS account ID", hint)
    return digits


AccountId = Annotated[str, BeforeValidator(_check_account), WithJsonSchema(_SCHEMA)]
