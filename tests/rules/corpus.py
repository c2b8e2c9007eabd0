"""Templates that are right, and the faults that can be put into them.

`bases/<base>.yaml` is a good template. A case in `cases/<topic>.yaml` says how to change it:

    ord-service-before-listener:
      base: alb
      good: {Resources.Service.Properties.DesiredCount: 1}
      bad: {Resources.Service.DependsOn: null}
      finds: {E9301: Resources.Service.Properties.LoadBalancers.0.TargetGroupArn}
      region: eu-west-1

It is named by its id in the catalogue of failures, or by a name of its own. `good` (it may be left
out) makes the good twin from the base, `bad` the bad one from the good one. `region` is where it is
deployed to, where that is known.

A change is a path with dots and the value to put there, in CloudFormation's short forms if wanted;
null removes what is there, a list's index is a number, and the index after the last one appends.
Changes are made one after the other. Maps on the way that are not there yet are made. `finds` is
all that the rules say of the bad twin: ids and places (or lists of places); `{}` says that the case
is no fault, however much it looks like one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cfnlint.decode.cfn_yaml import loads

from moorage.cfn.template import Template
from moorage.rules.runner import LocatedProblem, run_rules

HERE = Path(__file__).parent
KEYS = {"base", "good", "bad", "finds", "region"}


@dataclass(frozen=True, eq=False)
class Case:
    """Twins that differ in the fault alone."""

    name: str
    topic: str
    good: Mapping[str, Any]
    bad: Mapping[str, Any]
    finds: frozenset[tuple[str, str]]
    """Ids and places of what the rules find in the bad twin."""
    region: str | None = None

    def template(self, body: Mapping[str, Any]) -> Template:
        return Template(self.name, body, self.region)


@cache
def bases() -> dict[str, dict[str, Any]]:
    """The good templates by name. To be changed only in copies."""
    return {path.stem: _read(path) for path in sorted((HERE / "bases").glob("*.yaml"))}


@cache
def cases() -> tuple[Case, ...]:
    return tuple(
        _case(name, path.stem, given)
        for path in sorted((HERE / "cases").glob("*.yaml"))
        for name, given in _read(path).items()
    )


def ids_and_places(found: Iterable[LocatedProblem]) -> set[tuple[str, str]]:
    """Ids and places of verdicts, as `Case.finds` has them."""
    return {(one.rule.id, ".".join(map(str, one.path))) for one in found}


def run_case(case: Case, body: Mapping[str, Any]) -> set[tuple[str, str]]:
    return ids_and_places(run_rules([case.template(body)]))


def changed(body: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a template with changes made.

    >>> changed({"A": {"B": [1]}}, {"A.B.1": 2, "A.C.D": 3})
    {'A': {'B': [1, 2], 'C': {'D': 3}}}
    >>> changed({"A": {"B": [1], "C": 2}}, {"A.B.0": None, "A.C": None})
    {'A': {'B': []}}
    """
    made = deepcopy(dict(body))
    for path, value in changes.items():
        *way, last = path.split(".")
        place: Any = made
        for key in way:
            place = place[int(key)] if isinstance(place, list) else place.setdefault(key, {})
        if isinstance(place, list):
            _change_list(place, int(last), value)
        elif value is None:
            del place[last]
        else:
            place[last] = deepcopy(value)
    return made


def _change_list(items: list[Any], at: int, value: Any) -> None:
    if at == len(items) and value is not None:
        items.append(deepcopy(value))
    elif value is None:
        del items[at]
    else:
        items[at] = deepcopy(value)


def _case(name: str, topic: str, given: Mapping[str, Any]) -> Case:
    assert given.keys() <= KEYS, f"{topic}.yaml: {name}: {sorted(given.keys() - KEYS)}"
    try:
        good = changed(bases()[given["base"]], given.get("good") or {})
        bad = changed(good, given.get("bad") or {})
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise AssertionError(f"{topic}.yaml: {name}: {error!r}") from error
    places = (
        (rule, place)
        for rule, places in given["finds"].items()
        for place in (places if isinstance(places, list) else [places])
    )
    return Case(name, topic, good, bad, frozenset(places), given.get("region"))


def _read(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = _bare(loads(path.read_text(), str(path)) or {})
    return read


def _bare(value: Any) -> Any:
    """Without the line numbers that cfn-lint's decoder keeps."""
    if isinstance(value, Mapping):
        return {str(key): _bare(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_bare(inner) for inner in value]
    return str(value) if isinstance(value, str) else value
