"""Predicates of constraints have three values."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.cfn.template import Template
from moorage.cfn.tristate import TriState
from moorage.cfn.view import View
from moorage.rules.constraints.combinations import Among, AtMostItems, Each, Some
from moorage.rules.constraints.predicates import Context, Is, IsTrue, Predicate

UNKNOWN = {"Fn::ImportValue": "x"}
REFERENCE = {"Fn::GetAtt": ["Other", "List"]}
PART = {"Fn::Sub": "x-${AWS::StackId}"}


def holds(predicate: Predicate, properties: dict[str, Any]) -> TriState:
    """The value of a predicate about a resource with these properties."""
    other = {"Type": "Custom::List", "Properties": {"List": ["x", "y"]}}
    resource = {"Type": "T::R", "Properties": {"Other": {"Ref": "Other"}, **properties}}
    body = {"Resources": {"R": resource, "Other": other}}
    (found,) = View([Template("t", body)], {}).resources_of_type("T::R")
    return predicate.holds(Context(found, found.props))


@pytest.mark.parametrize(
    ("items", "each", "some", "at_most_one"),
    [
        (["x", "x"], True, True, False),
        (["x", "y"], False, True, True),
        (["y"], False, False, True),
        ([], True, False, True),
        (None, True, False, True),
        (["x", UNKNOWN], None, True, None),
        (["y", UNKNOWN], False, None, None),
        (UNKNOWN, None, None, None),
        (REFERENCE, None, None, None),
    ],
)
def test_a_list(items: Any, each: TriState, some: TriState, at_most_one: TriState) -> None:
    values = {"A": items}
    is_x = Is("", "x")
    assert holds(Each("A", is_x), values) is each
    assert holds(Some("A", is_x), values) is some
    assert holds(AtMostItems("A", 1, is_x), values) is at_most_one
    assert holds(Among("B", "A"), {**values, "B": "x"}) is some


@pytest.mark.parametrize(
    ("value", "is_a"),
    [("x", False), ("a", True), (PART, False), (REFERENCE, None), (UNKNOWN, None)],
)
def test_a_value_that_is_no_list_is_its_only_item(value: Any, is_a: TriState) -> None:
    assert holds(Each("A[*]", Is("", "a")), {"A": value}) is is_a
    assert holds(Some("A[*]", Is("", "a")), {"A": value}) is is_a


def test_all_lists_in_lists_count() -> None:
    values = {"A": [{"B": ["x"]}, {"B": REFERENCE}]}
    assert holds(Each("A[].B", Is("", "x")), values) is None
    assert holds(Each("A[].B", Is("", "y")), values) is False
    assert holds(Some("A[].B", Is("", "y")), values) is None


def test_a_value_is_among_the_items_of_another_resource() -> None:
    def among(kind: str = "Custom::List", **more: Any) -> Among:
        return Among("A", "List", of="Other", type=kind, **more)

    assert holds(among(), {"A": "x"}) is True
    assert holds(among(), {"A": "z"}) is False
    assert holds(among(where=Is("", "y")), {"A": "x"}) is False
    assert holds(among("Custom::Map"), {"A": "x"}) is None
    assert holds(among(), {}) is None


PARAMETERS = {
    "Free": {"Type": "String", "Default": "true"},
    "Either": {"Type": "String", "AllowedValues": ["true", "false"]},
}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True),
        ("true", True),
        ("True", True),
        ("TRUE", True),
        (False, False),
        ("False", False),
        ("yes", None),
        ({"Ref": "Free"}, None),
        ({"Ref": "Either"}, None),
        ({}, None),
    ],
)
def test_a_boolean_may_be_a_text(value: Any, expected: bool | None) -> None:
    assert IsTrue("P").holds(_context({"P": value})) is expected


def test_an_absent_boolean_is_the_default_of_aws() -> None:
    for properties in ({}, {"P": {"Ref": "AWS::NoValue"}}):
        assert IsTrue("P").holds(_context(properties)) is False
        assert IsTrue("P", default=True).holds(_context(properties)) is True


def _context(properties: dict[str, Any]) -> Context:
    resources = {"A": {"Type": "T::A", "Properties": properties}}
    template = Template("t", {"Parameters": PARAMETERS, "Resources": resources}, None)
    (resource,) = View([template], {}).resources_of_type("T::A")
    return Context(resource, resource.props)
