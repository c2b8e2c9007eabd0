"""Correct templates, and the mistakes that can be put into them.

`bases/<base>.yaml` is a correct template. A case in `cases/<module of the rule>.yaml` changes it:

    ord-service-before-listener:
      base: alb
      good: {Resources.Service.Properties.DesiredCount: 1}
      bad: {Resources.Service.DependsOn: null}
      finds: {E9930: Resources.Service.Properties.LoadBalancers.0.TargetGroupArn}
      region: eu-west-1

Its name is the id of a known failure, or a description of what is tested. `good` (optional) changes
the base into the correct template, `bad` changes that into the incorrect one. `region` is the
region of the deployment, if the case needs one.

A change is a path with dots and the value to put there, also in CloudFormation's short forms.
`null` removes a value. A number is the index in a list, and the index after the last item appends
one. Changes are applied in order; missing maps on the path are created. `finds` has everything that
the rules find in the incorrect template: rule ids with a path or a list of paths. `{}` means
that the incorrect template only looks like a mistake.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
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
    """A correct and an incorrect template that differ only in the mistake."""

    name: str
    topic: str
    good: Mapping[str, Any]
    bad: Mapping[str, Any]
    finds: frozenset[tuple[str, str]]
    """Rule ids and paths of the problems in the incorrect template."""
    region: str | None = None
    base: str = ""
    good_changes: Mapping[str, Any] = field(default_factory=dict)
    """What makes the correct template out of the base."""
    bad_changes: Mapping[str, Any] = field(default_factory=dict)
    """What makes the incorrect template out of the correct one."""

    @property
    def ids(self) -> set[str]:
        """The rules that find a problem in the incorrect template, as test_corpus proves."""
        return {rule for rule, _ in self.finds}

    def template(self, body: Mapping[str, Any]) -> Template:
        return Template(self.name, body, self.region)


@cache
def bases() -> dict[str, dict[str, Any]]:
    """The base templates by name. Only change copies of them."""
    return {path.stem: _read(path) for path in sorted((HERE / "bases").glob("*.yaml"))}


@cache
def cases() -> tuple[Case, ...]:
    return tuple(
        _case(name, path.stem, case)
        for path in sorted((HERE / "cases").glob("*.yaml"))
        for name, case in _read(path).items()
    )


def case_id(case: Case) -> str:
    """The id of a case in parametrized tests."""
    return f"{case.topic}/{case.name}"


def ids_and_paths(problems: Iterable[LocatedProblem]) -> set[tuple[str, str]]:
    """Rule ids and paths of problems, as in `Case.finds`."""
    return {(problem.rule.id, ".".join(map(str, problem.path))) for problem in problems}


def template_key(region: str | None, body: Mapping[str, Any]) -> Hashable:
    """Equal for equal templates that are deployed to the same region."""
    return region, json.dumps(body, sort_keys=True)


def cases_by_topic(cases: Iterable[Case]) -> dict[str, list[Case]]:
    """Cases by topic. A test of many cases takes less time than many tests of a case."""
    topics: dict[str, list[Case]] = {}
    for case in cases:
        topics.setdefault(case.topic, []).append(case)
    return topics


def run_case(case: Case, body: Mapping[str, Any]) -> set[tuple[str, str]]:
    return ids_and_paths(run_rules([case.template(body)]))


def apply_changes(body: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A changed copy of a template.

    >>> apply_changes({"A": {"B": [1]}}, {"A.B.1": 2, "A.C.D": 3})
    {'A': {'B': [1, 2], 'C': {'D': 3}}}
    >>> apply_changes({"A": {"B": [1], "C": 2}}, {"A.B.0": None, "A.C": None})
    {'A': {'B': []}}
    """
    copy = _copy(dict(body))
    for path, value in changes.items():
        *parents, last = path.split(".")
        parent: Any = copy
        for key in parents:
            parent = parent[int(key)] if isinstance(parent, list) else parent.setdefault(key, {})
        if isinstance(parent, list):
            _change_list(parent, int(last), value)
        elif value is None:
            del parent[last]
        else:
            parent[last] = _copy(value)
    return copy


def _copy(value: Any) -> Any:
    """A copy of plain data, in a quarter of the time of `deepcopy`."""
    return pickle.loads(pickle.dumps(value))


def _change_list(items: list[Any], index: int, value: Any) -> None:
    if index == len(items) and value is not None:
        items.append(_copy(value))
    elif value is None:
        del items[index]
    else:
        items[index] = _copy(value)


def _case(name: str, topic: str, case: Mapping[str, Any]) -> Case:
    assert case.keys() <= KEYS, f"{topic}.yaml: {name}: {sorted(case.keys() - KEYS)}"
    good_changes, bad_changes = case.get("good") or {}, case.get("bad") or {}
    try:
        good = apply_changes(bases()[case["base"]], good_changes)
        bad = apply_changes(good, bad_changes)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise AssertionError(f"{topic}.yaml: {name}: {error!r}") from error
    finds = (
        (rule, path)
        for rule, paths in case["finds"].items()
        for path in (paths if isinstance(paths, list) else [paths])
    )
    region, base = case.get("region"), case["base"]
    return Case(name, topic, good, bad, frozenset(finds), region, base, good_changes, bad_changes)


def _read(path: Path) -> dict[str, Any]:
    contents: dict[str, Any] = _without_marks(loads(path.read_text(), str(path)) or {})
    return contents


def _without_marks(value: Any) -> Any:
    """A value without the line numbers that cfn-lint's decoder adds."""
    if isinstance(value, Mapping):
        return {str(key): _without_marks(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_without_marks(item) for item in value]
    return str(value) if isinstance(value, str) else value
