"""`Fn::FindInMap` with known, partly known and unknown keys."""

from __future__ import annotations

from typing import Any

from moorage.cfn.template import Template
from moorage.cfn.view import View

SIZES = {"Sizes": {"small": {"cpu": 256, "memory": 512}, "large": {"cpu": 1024, "memory": 512}}}


def choices(*keys: Any) -> tuple[str, ...]:
    body = {
        "Parameters": {
            "Size": {"Type": "String", "AllowedValues": ["small", "large"]},
            "Any": {"Type": "String"},
        },
        "Mappings": SIZES,
        "Resources": {"R": {"Type": "A::B::C", "Properties": {"P": {"Fn::FindInMap": [*keys]}}}},
    }
    return next(View([Template("t", body)], {}).resources_of_type("A::B::C"))["P"].choices


def test_known_keys() -> None:
    assert choices("Sizes", "small", "cpu") == ("256",)


def test_key_with_allowed_values() -> None:
    assert choices("Sizes", {"Ref": "Size"}, "cpu") == ("256", "1024")


def test_same_value_for_all_keys() -> None:
    assert choices("Sizes", {"Ref": "Any"}, "memory") == ("512",)


def test_unknown() -> None:
    assert choices("Sizes", {"Ref": "Any"}, "cpu") == ()
    assert choices("None", "small", "cpu") == ()
    assert choices("Sizes", {"Fn::FindInMap": ["Sizes", {"Ref": "Any"}, "cpu"]}, "cpu") == ()
