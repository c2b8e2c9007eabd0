"""Values that are the same in every stack of a template."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.cfn import ecs, fixed_values
from moorage.cfn.stack import Resource
from moorage.cfn.template import Template
from moorage.cfn.view import View


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def definition(resource_type: str, *depends_on: str, **properties: Any) -> dict[str, Any]:
    return {"Type": resource_type, "DependsOn": list(depends_on), "Properties": properties}


def view_of(parameters: dict[str, Any] | None = None, **resources: Any) -> View:
    return View([Template("t", {"Parameters": parameters or {}, "Resources": resources})], {})


def resource(view: View, name: str) -> Resource:
    return view.stacks[0].resources[name]


@pytest.mark.parametrize(
    ("name", "length"),
    [
        ("web", 3),
        ({"Fn::Sub": "${AWS::StackName}-web"}, 132),
        ({"Fn::Sub": "${Short}-web"}, 14),
        ({"Fn::Sub": "${Chosen}-web"}, 8),
        ({"Fn::Sub": "${Free}-web"}, 4),
        ({"Fn::Sub": "${Usual}-web"}, 11),
        ({"Fn::Join": ["-", [ref("AWS::AccountId"), "web"]]}, 16),
        (["web"], 0),
    ],
)
def test_max_length_uses_the_longest_value_of_each_part(name: Any, length: int) -> None:
    parameters = {
        "Short": {"Type": "String", "MaxLength": 10},
        "Chosen": {"Type": "String", "AllowedValues": ["dev", "prod"]},
        "Free": {"Type": "String"},
        "Usual": {"Type": "String", "Default": "default"},
    }
    view = view_of(parameters, Group=definition(ecs.TARGET_GROUP, Name=name))
    assert fixed_values.max_length(resource(view, "Group")["Name"]) == length


@pytest.mark.parametrize(
    ("listener", "varies"),
    [
        (ref("Listener"), True),
        ({"Fn::ImportValue": {"Fn::Sub": "${Listener}-arn"}}, True),
        ({"Fn::ImportValue": "shop-dev-public-Listener"}, False),
        ({"Fn::If": ["NoSuch", ref("Listener"), "arn"]}, False),
        (ref("Internal"), False),
        ("arn:aws:elasticloadbalancing:...", False),
    ],
)
def test_parameters_vary_between_stacks_and_imports_of_fixed_names_do_not(
    listener: Any, varies: bool
) -> None:
    view = view_of(
        {"Listener": {"Type": "String"}},
        Internal=definition(ecs.LISTENER),
        Rule=definition(ecs.LISTENER_RULE, ListenerArn=listener),
    )
    assert fixed_values.varies_between_stacks(resource(view, "Rule")["ListenerArn"]) is varies
