"""How long values of a template are, as far as that is known before the deployment."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any


def resolve_known(value: Any, region: str = "") -> Any:
    """A value with texts in place of functions: what only AWS knows is empty."""
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)):
        return [resolve_known(item, region) for item in value]
    if not isinstance(value, Mapping):
        return value
    function, argument = next(iter(value.items()), ("", ""))
    if function == "Fn::Sub":
        first = argument[0] if isinstance(argument, list | tuple) and argument else argument
        text = first if isinstance(first, str) else ""
        known = {"AWS::Partition": "aws", "AWS::Region": region, "AWS::AccountId": "0" * 12}
        return re.sub(r"\$\{([^}]{0,256}+)\}", lambda match: known.get(match[1], ""), text)
    if function == "Ref" or str(function).startswith("Fn::"):
        return ""
    return {str(key): resolve_known(item, region) for key, item in value.items()}


def json_bytes(value: Any) -> int:
    """The least number of bytes of a value as JSON without white space."""
    text = json.dumps(resolve_known(value), ensure_ascii=False, separators=(",", ":"), default=str)
    return len(text.encode("utf-8", "replace"))
