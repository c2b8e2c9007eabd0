"""Lists of params whose entries have an `id:`, so that an environment can change one of them.

The merge of the two files replaces lists, apart from those in which each entry of the environment
has an `id`. For the merge, such a list and that of the base become maps by id. Afterwards they are
lists again, without ids.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from moorage.findings.finding import Finding, Path, Place
from moorage.findings.wording import near, shown
from moorage.records import record

ID, DELETE = "id", "delete"
LISTS = frozenset(
    {
        *("adjustments", "aliases", "egress", "environments", "error_pages", "expose", "query"),
        *("routes", "rules", "services", "statements", "triggers"),
    }
)
"""The keys of params that have lists of maps."""
ID_PATTERN = "[A-Za-z][A-Za-z0-9_-]{0,63}"

_BY_ID, _BY_POSITION = "\0id ", "\0at "
"""What the keys of entries begin with while a list is a map. No text of YAML has a null character,
so no key of a map can be mistaken for one of these."""


@record
class Indexed:
    """The params of a file, with lists as maps. Paths are those of the maps."""

    data: Any
    keys: Mapping[Path, str]
    """The key of each entry by its path in the file, for `move_path`."""
    lists: frozenset[Path]
    """The lists that are maps."""
    deletions: tuple[Path, ...]
    """The entries with `delete: true`; their values are None, which deletes them in a merge."""
    unusable: frozenset[Path]
    """The lists with ids that cannot be used."""
    findings: tuple[Finding, ...]


def index_lists(
    data: Any, places: Mapping[Path, Place], only: frozenset[Path] | None = None
) -> Indexed:
    """Turns lists of maps into maps by id, and removes the ids of all others: the lists at the
    paths `only`, or else all lists in which each entry has an id."""
    indexer = _Indexer(places, only)
    result = indexer.index(data, (), ())
    return Indexed(
        result,
        indexer.keys,
        frozenset(indexer.lists),
        tuple(indexer.deletions),
        frozenset(indexer.unusable),
        tuple(indexer.findings),
    )


def find_vain_deletions(
    own: Indexed, base: Indexed, places: Mapping[Path, Place]
) -> Iterator[Finding]:
    """A finding for each entry with `delete: true` that the base does not have."""

    @cache
    def find_ids(path: Path) -> list[str]:
        known = _find(base.data, path)
        return [key.removeprefix(_BY_ID) for key in known if key.startswith(_BY_ID)]

    for path in own.deletions:
        if path[-1] not in _find(base.data, path[:-1]):
            name = str(path[-1]).removeprefix(_BY_ID)
            meant = near(name, find_ids(path[:-1]))
            hint = f"Did you mean `{meant}`?" if meant else "Remove it."
            message = f"There is no entry with the id `{name}` to delete in base.yaml"
            yield Finding("M1017", "error", places[path], path, message, hint)


def restore_lists(data: Any, lists: frozenset[Path]) -> tuple[Any, Mapping[Path, int]]:
    """Turns the maps at the paths `lists` into lists again. The second value has the position of
    each entry by its path, for `move_path`."""
    positions: dict[Path, int] = {}

    def restore(value: Any, path: Path) -> Any:
        if not isinstance(value, dict):
            return value
        restored = {key: restore(item, (*path, key)) for key, item in value.items()}
        if path not in lists:
            return restored
        positions.update({(*path, key): at for at, key in enumerate(value)})
        return list(restored.values())

    return restore(data, ()), positions


def leave_entries(path: Path) -> Path:
    """The path of the list, in place of that of an entry of it that no list has any more."""
    keys = [at for at, step in enumerate(path) if str(step).startswith((_BY_ID, _BY_POSITION))]
    return path[: keys[0]] if keys else path


def move_path(path: Path, steps: Mapping[Path, str] | Mapping[Path, int]) -> Path:
    """The path of a value after a change: `steps` has the new last step of paths before it.

    >>> move_path(("a", 0, "b"), {("a", 0): "x"})
    ('a', 'x', 'b')
    """
    return tuple(steps.get(path[: end + 1], step) for end, step in enumerate(path))


class _Indexer:
    def __init__(self, places: Mapping[Path, Place], only: frozenset[Path] | None) -> None:
        self._places = places
        self._only = only
        self.keys: dict[Path, str] = {}
        """The key of each entry by its path in the file."""
        self.lists: set[Path] = set()
        self.deletions: list[Path] = []
        self.unusable: set[Path] = set()
        self.findings: list[Finding] = []

    def index(self, value: Any, path: Path, source: Path) -> Any:
        """A value with its lists as maps. `source` is its path in the file, `path` in the
        result."""
        if isinstance(value, dict) and path in (self._only or ()):
            return {}  # the list replaces it
        if isinstance(value, dict) and source[2:] != ("overrides",):
            return {
                key: self.index(item, (*path, key), (*source, key)) for key, item in value.items()
            }
        if not _is_list_of_maps(value, source):
            return value
        keys = self._read_keys(value, path, source)
        by_id = all(key.startswith(_BY_ID) for key in keys)
        if not (by_id if self._only is None else path in self._only):
            return [
                self._index_kept(entry, (*path, at), (*source, at))
                for at, entry in enumerate(value)
            ]
        self.lists.add(path)
        self.keys.update({(*source, at): key for at, key in enumerate(keys)})
        return {
            key: self._index_entry(entry, (*path, key), (*source, at))
            for at, (key, entry) in enumerate(zip(keys, value, strict=True))
        }

    def _index_entry(self, entry: Mapping[str, Any], path: Path, source: Path) -> Any:
        if DELETE not in entry or self._only is not None:
            return self._index_kept(entry, path, source)
        if entry[DELETE] is not True:
            hint = f"Write `{{id: {entry[ID]}, delete: true}}`, or remove `delete`."
            self._report(path, source, "`delete` has another value than `true`", hint)
        elif entry.keys() != {ID, DELETE}:
            hint = f"Write `{{id: {entry[ID]}, delete: true}}`, or remove `delete`."
            self._report(path, source, "An entry with `delete: true` has other keys, too", hint)
        else:
            self.deletions.append(path)
        return None

    def _index_kept(self, entry: Mapping[str, Any], path: Path, source: Path) -> Any:
        """An entry that stays in its list, without its id."""
        if DELETE in entry:
            hint = "Write it in the file of an environment, where each entry has an `id`."
            self._report(path, (*source, DELETE), "`delete` deletes nothing here", hint)
        kept = {key: value for key, value in entry.items() if key not in (ID, DELETE)}
        return self.index(kept, path, source)

    def _read_keys(
        self, entries: Iterable[Mapping[str, Any]], path: Path, source: Path
    ) -> list[str]:
        keys: list[str] = []
        for at, entry in enumerate(entries):
            name = entry.get(ID)
            key = f"{_BY_ID}{name}"
            if ID not in entry:
                key = f"{_BY_POSITION}{at}"
            elif not isinstance(name, str) or not re.fullmatch(ID_PATTERN, name):
                hint = "Use letters, digits, `_` and `-`, and begin with a letter."
                message = f"{shown(name)} cannot be the id of an entry"
                if name is None:
                    message, hint = "The `id` has no value", "Write an id, or remove the key."
                self.unusable.add(path)
                self._report((*path, at), (*source, at, ID), message, hint)
                key = f"{_BY_POSITION}{at}"
            elif key in keys:
                message = f"Two entries of this list have the id `{name}`"
                hint = "Give each entry an id of its own."
                self.unusable.add(path)
                self._report((*path, at), (*source, at, ID), message, hint)
                key = f"{_BY_POSITION}{at}"
            keys.append(key)
        return keys

    def _report(self, path: Path, source: Path, message: str, hint: str) -> None:
        place = self._places.get(source) or self._places[source[:-1]]
        self.findings.append(Finding("M1017", "error", place, path, message, hint))


def _is_list_of_maps(value: Any, source: Path) -> bool:
    return (
        isinstance(value, list)
        and source[:1] == ("stacks",)
        and source[-1] in LISTS
        and bool(value)
        and all(isinstance(entry, dict) for entry in value)
    )


def _find(data: Any, path: Path) -> Mapping[str, Any]:
    """The indexed list at a path; empty if there is none."""
    for step in path:
        data = data.get(step) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}
