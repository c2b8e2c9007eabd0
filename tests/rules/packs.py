"""Packs: several cases in one template, which takes much less time than a template for each.

The cases of a pack change the same base in different places, and different rules find their
mistakes. Where the base is empty, each case has resources of its own, with the number of the case
in their names. Before a pack is used, it is judged as it is: if its mistakes hide each other or
make another one, some of its cases are left out. A test that finds something wrong with a pack
judges its cases one by one, so that it names the case, and fails only because of a case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar
from zlib import crc32

from corpus import Case, apply_changes, bases, cases, run_case
from resource_rewrites import rename_resources

from moorage.rules.registry import RULES

T = TypeVar("T")

_SIZE = 12
"""How many cases a pack has at most."""
_ROUNDS = 4
"""How often cases that were left out of packs are packed with each other."""
_SIZE_OF_GROUP = 80
_EMPTY = "empty"

KNOWN_FAILURES = {failure for rule in RULES for failure in rule.failure_ids}


@dataclass(frozen=True, eq=False)
class Pack:
    """Cases, and the case that has the changes of all."""

    case: Case
    cases: tuple[Case, ...]


Group = tuple[Case, ...]
"""Cases of a base that may be packed together."""


def judge_packs(group: Group, judge: Callable[[Case], T]) -> dict[str, T]:
    """What is wrong with each case of a group, by its name. `judge` returns what is wrong with a
    case; it gets one case after the other only if something is wrong with their pack."""
    suspected = (case for pack in _packs(group) if judge(pack.case) for case in pack.cases)
    return {case.name: wrong for case in suspected if (wrong := judge(case))}


def group_cases(cases: Iterable[Case]) -> dict[str, Group]:
    """Cases by their base, known failures and others. Large groups are divided, so that their tests
    take a similar time."""
    kinds: dict[str, list[Case]] = {}
    # In this order, cases of a topic are in different packs: they often have the same names.
    for case in sorted(cases, key=lambda case: crc32(case.name.encode())):
        kind = "-known-failures" if case.name in KNOWN_FAILURES else ""
        kinds.setdefault(case.base + kind, []).append(case)
    return {
        f"{kind}-{part}": tuple(members[part::parts])
        for kind, members in sorted(kinds.items())
        for parts in [-(-len(members) // _SIZE_OF_GROUP)]
        for part in range(parts)
    }


@cache
def incorrect_templates() -> dict[str, Group]:
    """The cases without the mistakes that cfn-lint finds: a rule may find those in another
    template, too."""
    return group_cases(case for case in cases() if case.topic != "found_by_cfn_lint")


@cache
def _packs(group: Group) -> tuple[Pack, ...]:
    return tuple(_find_packs(group))


def _find_packs(members: Group) -> Iterator[Pack]:
    """The cases in packs, of which many have a single case."""
    alone = [case for case in members if not _may_be_packed(case)]
    left = [case for case in members if case not in alone]
    for _ in range(_ROUNDS):
        packs = [pack for pack in map(_pack, _choose(left)) if len(pack.cases) > 1]
        yield from packs
        packed = {case.name for pack in packs for case in pack.cases}
        left = [case for case in left if case.name not in packed]
    yield from (Pack(case, (case,)) for case in (*alone, *left))


def _may_be_packed(case: Case) -> bool:
    """Whether it changes resources and nothing else, and may be deployed to any region."""
    changes = (*case.good_changes, *case.bad_changes)
    return (
        case.region is None
        and changes != ()
        and all(path.startswith("Resources.") for path in changes)
    )


# Packs ---------------------------------------------------------------------------------------


def _choose(members: list[Case]) -> list[list[Case]]:
    """Cases that may fit together."""
    chosen: list[list[Case]] = []
    for case in members:
        for others in chosen:
            if len(others) < _SIZE and all(_fit(case, other) for other in others):
                others.append(case)
                break
        else:
            chosen.append([case])
    return chosen


def _fit(case: Case, other: Case) -> bool:
    """Whether different rules find the mistakes, and the changes are in different places."""
    if case.ids & other.ids:
        return False
    return case.base == _EMPTY or not any(
        place.startswith(other_place) or other_place.startswith(place)
        for place in _places(case)
        for other_place in _places(other)
    )


def _places(case: Case) -> Iterator[str]:
    """The paths of changes; that of the list if an item is removed, which moves the others."""
    for changes in (case.good_changes, case.bad_changes):
        for path, value in changes.items():
            parent, _, key = path.rpartition(".")
            yield f"{parent if value is None and key.isdigit() else path}."


def _pack(chosen: list[Case]) -> Pack:
    """A pack of these cases, without those that disturb others."""
    while len(chosen) > 1:
        case = _merge_renamed(chosen) if chosen[0].base == _EMPTY else _merge_changes(chosen)
        wrong = run_case(case, case.bad) ^ case.finds
        if not wrong:
            return Pack(case, tuple(chosen))
        chosen = _leave_out(chosen, {_resource(path) for _, path in wrong})
    return Pack(chosen[0], tuple(chosen))


def _leave_out(chosen: list[Case], wrong: set[str]) -> list[Case]:
    """The cases without the last one that changes each of the wrong resources."""
    changed = [_changed_resources(case, number) for number, case in enumerate(chosen)]
    last = len(chosen) - 1
    left_out = {
        max((number for number, names in enumerate(changed) if name in names), default=last)
        for name in wrong
    }
    return [case for number, case in enumerate(chosen) if number not in left_out] or chosen[:1]


def _changed_resources(case: Case, number: int) -> set[str]:
    if case.base == _EMPTY:
        return {*_numbered(case.good, number).values(), *_numbered(case.bad, number).values()}
    return {_resource(path) for path in (*case.good_changes, *case.bad_changes)}


def _resource(path: str) -> str:
    """The logical ID in the path of a resource."""
    return f"{path}.".split(".")[1]


def owner(path: Sequence[str | int]) -> str:
    """The number of the case in the logical ID of a path, with a space after it; else nothing."""
    found = re.match(r"Case(\d+)x", str(path[1])) if path[1:] else None
    return f"{found[1]} " if found else ""


# Merged cases --------------------------------------------------------------------------------


def _merge_changes(chosen: list[Case]) -> Case:
    """A case with the changes of several to their base."""
    good_changes = {path: v for case in chosen for path, v in case.good_changes.items()}
    bad_changes = {path: v for case in chosen for path, v in case.bad_changes.items()}
    good = apply_changes(bases()[chosen[0].base], good_changes)
    finds = frozenset[tuple[str, str]]().union(*(case.finds for case in chosen))
    return _merged(chosen, good, apply_changes(good, bad_changes), finds)


def _merge_renamed(chosen: list[Case]) -> Case:
    """A case with the resources of several, under names with the number of each."""
    good: dict[str, Any] = {}
    bad: dict[str, Any] = {}
    finds = set()
    for number, case in enumerate(chosen):
        for body, merged in ((case.good, good), (case.bad, bad)):
            names = _numbered(body, number)
            merged |= rename_resources(dict(body), names)["Resources"]
            renamed = {f"Resources.{name}.": f"Resources.{new}." for name, new in names.items()}
        finds |= {(rule, _rename_path(path, renamed)) for rule, path in case.finds}
    return _merged(chosen, {"Resources": good}, {"Resources": bad}, frozenset(finds))


def _merged(chosen: list[Case], good: Any, bad: Any, finds: frozenset[tuple[str, str]]) -> Case:
    name = " ".join(case.name for case in chosen)
    return Case(name, chosen[0].topic, good, bad, finds, base=chosen[0].base)


def _numbered(body: Mapping[str, Any], number: int) -> dict[str, str]:
    """The new name of each resource."""
    return {name: f"Case{number}x{name}" for name in body["Resources"]}


def _rename_path(path: str, renamed: Mapping[str, str]) -> str:
    for old, new in renamed.items():
        if f"{path}.".startswith(old):
            return f"{new}{f'{path}.'.removeprefix(old)}".removesuffix(".")
    return path
