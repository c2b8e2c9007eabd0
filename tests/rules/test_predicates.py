"""Predicates of constraints."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.cfn.template import Template
from moorage.cfn.view import View
from moorage.rules.constraints.predicates import Context, IsTrue

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
