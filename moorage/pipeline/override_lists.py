"""`overrides:` applied to a template: a merge patch (RFC 7386) whose maps reach into lists, too.

Where the template has a list and the patch a map, the keys of the map name entries of the list: by
the name of a container, the key of an attribute, a port.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from moorage.cfn.intrinsic_functions import is_function
from moorage.findings.finding import Path
from moorage.findings.wording import list_names, near
from moorage.pipeline.merge import apply_merge_patch
from moorage.records import record

ENTRY_KEYS = (
    *("Name", "Key", "Sid", "PolicyName", "ContainerName", "AttributeName", "IndexName"),
    *("Id", "ContainerPort", "FromPort", "Port", "PortName", "SourceVolume", "ContainerPath"),
    *("DeviceName", "CapacityProvider", "CertificateArn", "SubnetId", "Namespace", "Field"),
    *("ScheduledActionName", "DnsName", "Type"),
)
"""The properties that name an entry of a list, if their value is text or a number."""


@record
class Miss:
    """A key of a patch that names nothing in the template."""

    path: Path
    message: str
    hint: str
    is_error: bool = True


@record
class _Patcher:
    keep_nulls: bool = False
    """Whether the target is a patch itself: nulls stay, and delete from the template later."""
    misses: list[Miss] = field(default_factory=list)

    def apply(self, target: Any, patch: Any, path: Path) -> Any:
        if not isinstance(patch, Mapping):
            return patch
        if isinstance(target, list | tuple) and not is_function(patch):
            return self._apply_to_list(target, patch, path)
        if not isinstance(target, Mapping):
            return apply_merge_patch({}, patch, keep_nulls=self.keep_nulls)
        result = dict(target)
        for key, value in patch.items():
            if value is not None:
                result[key] = self.apply(result.get(key), value, (*path, key))
            elif self.keep_nulls:
                result[key] = None
            elif key in result:
                del result[key]
            else:
                self._report_vain_null(target, (*path, key))
        return result

    def _apply_to_list(self, target: Sequence[Any], patch: Mapping[str, Any], path: Path) -> Any:
        result: dict[int, Any] = dict(enumerate(target))
        new = []
        named = _find_named(target)  # without names, positions are the names
        positions = named or {str(at): [at] for at in range(len(target))}
        for name, change in patch.items():
            found = positions.get(name, [])
            if len(found) == 1 and change is None:
                del result[found[0]]
            elif len(found) == 1:
                result[found[0]] = self.apply(target[found[0]], change, (*path, name))
            elif not found and name in _entry_names(change):
                new.append(apply_merge_patch({}, change))
            elif found:
                self._report_several(named, (*path, name))
            else:
                self._report_unknown(target, named, (*path, name), change)
        return [*result.values(), *new]

    def _report_several(self, named: Mapping[str, Sequence[int]], path: Path) -> None:
        others = [name for name, found in named.items() if len(found) == 1]
        hint = f"Name one of them: {list_names(others)}." if others else "Replace the list."
        self.misses.append(Miss(path, f"Several entries of `{path[-2]}` are `{path[-1]}`", hint))

    def _report_unknown(
        self, target: Sequence[Any], known: Collection[str], path: Path, change: Any
    ) -> None:
        name = str(path[-1])
        guess = near(name, known)
        if known:
            hint = f"Did you mean `{guess}`?" if guess else f"It has {list_names(known)}."
            key = next(key for entry in target for key in _entry_keys(entry))
            hint += f" A new one needs `{key}: {name}`." if change is not None else ""
        elif target:
            hint = f"Its entries have no names: write their positions, 0 to {len(target) - 1}."
        else:
            hint = "It is empty: write a list."
        self.misses.append(Miss(path, f"The template has no `{name}` in `{path[-2]}`", hint))

    def _report_vain_null(self, target: Mapping[str, Any], path: Path) -> None:
        guess = near(str(path[-1]), target)
        hint = f"Did you mean `{guess}`?" if guess else "Remove it."
        message = f"The template has no `{path[-1]}` here, so null deletes nothing"
        self.misses.append(Miss(path, message, hint, is_error=bool(guess)))


def apply_overrides(
    template: Mapping[str, Any], patch: Mapping[str, Any]
) -> tuple[Any, list[Miss]]:
    """The template with the patch applied to it, and what the patch names in vain.

    >>> apply_overrides({"Tags": [{"Key": "a", "Value": 1}]}, {"Tags": {"a": {"Value": 2}}})
    ({'Tags': [{'Key': 'a', 'Value': 2}]}, [])
    """
    patcher = _Patcher()
    return patcher.apply(template, patch, ()), patcher.misses


def merge_overrides(base: Any, own: Any, path: Path) -> tuple[Any, list[Miss]]:
    """The overrides of the base file and of an environment, at a path of the params, as one
    patch."""
    patcher = _Patcher(keep_nulls=True)
    return patcher.apply(base, own, path), patcher.misses


def _find_named(target: Sequence[Any]) -> dict[str, list[int]]:
    """The positions of the entries by their names."""
    positions: dict[str, list[int]] = {}
    for at, entry in enumerate(target):
        for name in dict.fromkeys(_entry_names(entry)):
            positions.setdefault(name, []).append(at)
    return positions


def _entry_names(entry: Any) -> list[str]:
    return [str(entry[key]) for key in _entry_keys(entry)]


def _entry_keys(entry: Any) -> Iterator[str]:
    """The keys whose values name an entry."""
    for key in ENTRY_KEYS if isinstance(entry, Mapping) else ():
        value = entry.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool):
            yield key
