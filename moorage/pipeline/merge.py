"""Merge patches, RFC 7386: maps are merged, other values replace, null deletes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def apply_merge_patch(target: Any, patch: Any, *, keep_nulls: bool = False) -> Any:
    """`target` with `patch` applied to it. Neither is changed.

    With `keep_nulls` the target is a patch that is applied later: nulls stay, so that both patches
    together still delete.

    >>> apply_merge_patch({"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": None}, "d": [2]})
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
