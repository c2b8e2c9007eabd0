"""The table of modules with rules has exactly the types that their rules are about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import TypeVar

import pytest

from moorage import rules
from moorage.cfn.stack import Resource
from moorage.cfn.template import Template
from moorage.cfn.view import View
from moorage.rules import constraints
from moorage.rules.modules import TYPES, rules_about, rules_of
from moorage.rules.registry import RULES
from moorage.rules.rule import Problem, RuleFunction
from moorage.rules.runner import run_rules

T = TypeVar("T")


class NoResources(View):
    """A view that only says that there are no resources of a type. A rule that asks for nothing
    else, and finds nothing, finds nothing wherever there are no resources of these types."""

    def __init__(self) -> None:
        self.types: set[str] = set()

    def resources_of_type(self, *types: str) -> Iterator[Resource]:
        self.types.update(types)
        return iter(())

    def cached(self, key: object, compute: Callable[[], T]) -> T:
        return compute()


def types_asked_for(check: RuleFunction) -> set[str] | None:
    """The types without which a rule finds nothing; None if it asks for something else."""
    view = NoResources()
    try:
        assert list(check(view)) == []
    except AttributeError:  # what a view has is missing
        return None
    return view.types or None


@pytest.mark.parametrize("module", TYPES)
def test_a_module_has_the_types_that_its_rules_ask_for(module: str) -> None:
    asked = [types_asked_for(rule.check) for rule in rules_of(module)]
    known = [types for types in asked if types is not None]
    assert TYPES[module] == (set().union(*known) if len(known) == len(asked) else None)


def test_a_rule_that_asks_for_something_else_is_not_about_types() -> None:
    def read_stacks(view: View) -> Iterator[Problem]:
        for stack in view.stacks:
            yield Problem(stack.node({}, ()), "", "")

    def read_nothing(view: View) -> Iterator[Problem]:
        yield from ()

    assert types_asked_for(read_stacks) is types_asked_for(read_nothing) is None


def test_every_module_with_rules_is_listed() -> None:
    found = [
        *(name for name in names_in(rules, "RULES") if name != "registry"),
        *(f"constraints.{name}" for name in names_in(constraints, "CONSTRAINTS")),
    ]
    assert [*TYPES] == found


def names_in(package: object, attribute: str) -> list[str]:
    """The modules of a package that have an attribute, in the order of the alphabet."""
    path, prefix = package.__path__, package.__name__  # type: ignore[attr-defined]
    names = sorted(module.name for module in iter_modules(path) if not module.ispkg)
    return [name for name in names if hasattr(import_module(f"{prefix}.{name}"), attribute)]


# Which rules run -----------------------------------------------------------------------------


def test_all_types_have_all_rules_in_their_order() -> None:
    types = set().union(*(about for about in TYPES.values() if about))
    assert rules_about(types) == [*RULES]


SERVICE = {
    "Type": "AWS::ECS::Service",
    "Properties": {"LaunchType": "FARGATE", "VolumeConfigurations": [{}, {}]},
}
KEY = {"Type": "AWS::KMS::Key", "Properties": {"KeySpec": "RSA_2048", "EnableKeyRotation": True}}


def ids_found(**resources: object) -> list[str]:
    found = run_rules([Template("t", {"Resources": resources})])
    return [problem.rule.id for problem in found]


def test_a_run_has_the_rules_of_its_types_whatever_ran_before() -> None:
    key, both, service = ids_found(K=KEY), ids_found(K=KEY, S=SERVICE), ids_found(S=SERVICE)
    assert key
    assert service
    assert both == sorted([*key, *service], key=lambda rule: rule[1:])
    assert ids_found(K=KEY) == key
