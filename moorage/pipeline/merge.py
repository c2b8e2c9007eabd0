"""The one merge rule: RFC 7386. Maps merge, everything else replaces, null deletes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def apply_merge_patch(target: Any, patch: Any, *, keep_nulls: bool = False) -> Any:
    """`patch` applied to `target` as an RFC 7386 merge patch; neither is changed.

    With `keep_nulls` the target is itself a patch that is yet to be applied: a null then stays,
    so that both patches together still delete.

    >>> merged({"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": None}, "d": [2]})
    {'a': {'c': 2}, 'd': [2]}
    """
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is not None:
            result[key] = apply_merge_patch(result.get(key), value, keep_nulls=keep_nulls)
        elif keep_nulls:
            result[key] = None
        else:
            result.pop(key, None)
    return result
