"""Partly known values, and whether two values are the same."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.cfn.stack import Resource
from moorage.cfn.template import Template
from moorage.cfn.values import (
    MISSING,
    ZONE_PREFIX,
    Attr,
    OneOf,
    Text,
    Unknown,
    are_same,
    as_text,
    join_parts,
)
from moorage.cfn.view import View

GROUP, CUSTOM = "AWS::EC2::SecurityGroup", "Custom::Thing"
TYPES = {"One": GROUP, "Two": GROUP, "Three": CUSTOM, "Four": CUSTOM}
VIEW = View(
    [Template("t", {"Resources": {name: {"Type": value} for name, value in TYPES.items()}})], {}
)
ONE, TWO = VIEW.resources_of_type(GROUP)
THREE, FOUR = VIEW.resources_of_type(CUSTOM)


def attr(resource: Resource, name: str = "Ref") -> Attr:
    return Attr(resource, name)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (80, "80"),
        (80.0, "80"),
        (0.5, "0.5"),
        (True, "true"),
        ("", ""),
        (None, None),
        ([], None),
        ({}, None),
        (MISSING, None),
        (Unknown("x"), None),
    ],
)
def test_as_text(value: Any, text: str | None) -> None:
    assert as_text(value) == text


def test_join_parts_returns_the_simplest_value() -> None:
    unknown, choice = Unknown("u"), OneOf(("a", "b"), "c")
    assert join_parts([]) == ""
    assert join_parts(["a", "", "b"]) == "ab"
    assert join_parts(["", unknown, ""]) is unknown
    assert join_parts(["x-", choice, "-y"]).values == ("x-a-y", "x-b-y")
    assert join_parts(["a", Text(("b", unknown)), "c"]) == Text(("ab", unknown, "c"))
    assert isinstance(join_parts([choice, unknown]), Text)


@pytest.mark.parametrize(
    ("left", "right", "is_same"),
    [
        ("80", 80, True),
        ("a", "b", False),
        (attr(ONE), attr(ONE), True),
        (attr(ONE), attr(TWO), False),
        (attr(ONE), attr(TWO, "Arn"), False),
        (attr(ONE), attr(ONE, "GroupId"), True),  # both are the ID
        (attr(ONE), attr(ONE, "Arn"), None),
        (attr(ONE), attr(ONE, "VpcId"), None),
        (attr(ONE, "VpcId"), attr(TWO, "VpcId"), None),  # two groups of one VPC
        (attr(THREE, "First"), attr(THREE, "First"), True),
        (attr(THREE, "First"), attr(THREE, "Second"), None),
        (attr(THREE), attr(THREE, "Second"), None),
        (attr(THREE, "First"), attr(FOUR, "First"), None),
        (attr(ONE), "text", None),
        (Unknown("p"), Unknown("p"), True),
        (Unknown("p"), Unknown("q"), None),
        (Unknown("p", excluded=frozenset(["a"])), "a", False),
        ("a", Unknown("p", excluded=frozenset(["a"])), False),
        (Unknown("p", excluded=frozenset(["a"])), "b", None),
        (Unknown(f"{ZONE_PREFIX}0"), Unknown(f"{ZONE_PREFIX}1"), False),
        (Unknown(f"{ZONE_PREFIX}0"), Unknown(f"{ZONE_PREFIX}0"), True),
        (OneOf(("a", "b"), "p"), "a", None),
        (OneOf(("a", "b"), "p"), "c", False),
        ("c", OneOf(("a", "b"), "p"), False),
        (OneOf(("a", "b"), "p"), OneOf(("a", "b"), "p"), True),
        (OneOf(("a", "b"), "p"), OneOf(("a", "b"), "q"), None),
        (Text(("a", Unknown("p"))), Text(("a", Unknown("p"))), True),
        (Text(("a", Unknown("p"))), Text(("a", Unknown("q"))), None),
        (Text(("a", Unknown("p"))), "ab", None),
        (MISSING, MISSING, None),
    ],
)
def test_are_same(left: Any, right: Any, is_same: bool | None) -> None:
    assert are_same(left, right) is is_same
    assert are_same(right, left) is is_same
