"""AWS SAM: what the rules see of functions and state machines, and where findings are."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.cfn.permissions import allows, find_role
from moorage.cfn.serverless import TRANSFORM, expand
from moorage.cfn.template import Template
from moorage.cfn.view import View
from moorage.rules.runner import run_rules

MACHINE, FUNCTION = "AWS::Serverless::StateMachine", "AWS::Serverless::Function"


def sam(properties: Any, kind: str = MACHINE, **more: Any) -> dict[str, Any]:
    return {
        "Transform": TRANSFORM,
        "Resources": {"X": {"Type": kind, "Properties": properties}},
        **more,
    }


def view(body: Any) -> View:
    return View([Template.from_written("t", body)], {})


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"Resources": {"X": {"Type": FUNCTION}}},
        {"Transform": "Other", "Resources": {}},
        {"Transform": TRANSFORM},
        {"Transform": [TRANSFORM], "Resources": []},
    ],
)
def test_other_templates_are_left_as_they_are(body: Any) -> None:
    assert expand(body) is None
    template = Template.from_written("t", body)
    assert template.body is template.written is body


def test_a_state_machine_and_its_role() -> None:
    properties = {"Name": "nightly", "Type": "EXPRESS", "Definition": {"StartAt": "A"}}
    resources = view(sam(properties)).stacks[0].resources
    assert {name: resource.type for name, resource in resources.items()} == {
        "X": "AWS::StepFunctions::StateMachine",
        "XRole": "AWS::IAM::Role",
    }
    machine = resources["X"]
    assert machine["StateMachineName"].text == "nightly"
    assert machine["StateMachineType"].text == "EXPRESS"
    assert machine.props.at("Definition", "StartAt").text == "A"
    assert find_role(machine["RoleArn"]) is resources["XRole"]


def test_a_role_that_is_written_is_used() -> None:
    role = "arn:aws:iam::111122223333:role/x"
    resources = view(sam({"Role": role})).stacks[0].resources
    assert [*resources] == ["X"]
    assert resources["X"]["RoleArn"].text == role
    own = sam({})
    own["Resources"]["XRole"] = {"Type": "AWS::SQS::Queue"}
    assert view(own).stacks[0].resources["XRole"].type == "AWS::SQS::Queue"


STATEMENT = {"Effect": "Allow", "Action": "ecs:RunTask", "Resource": "*"}
DOCUMENT = {"Version": "2012-10-17", "Statement": [STATEMENT]}


@pytest.mark.parametrize(
    ("properties", "kind", "run", "put"),
    [
        ({"Policies": [DOCUMENT]}, MACHINE, True, False),
        ({"Policies": DOCUMENT}, MACHINE, True, False),
        ({}, MACHINE, False, False),
        ({"Policies": [DOCUMENT, {"SQSPollerPolicy": {"QueueName": "x"}}]}, MACHINE, None, None),
        ({"Policies": ["AmazonECS_FullAccess"]}, MACHINE, None, None),
        ({"Policies": [{"Ref": "P"}]}, MACHINE, None, None),
        ({"Policies": [DOCUMENT], "Tracing": {"Enabled": True}}, MACHINE, None, None),
        ({"Policies": [DOCUMENT]}, FUNCTION, None, None),
    ],
)
def test_permissions(properties: Any, kind: str, run: bool | None, put: bool | None) -> None:
    """A policy that is not known may allow an action, or deny it."""
    resource = view(sam(properties, kind)).stacks[0].resources["XRole"]
    assert [allows(resource, action) for action in ("ecs:RunTask", "events:PutRule")] == [run, put]


@pytest.mark.parametrize(
    ("shared", "own", "expected"),
    [
        ({"Timeout": 10}, {}, {"Timeout": 10}),
        ({"Timeout": 10}, {"Timeout": 5}, {"Timeout": 5}),
        ({"Layers": ["a"]}, {"Layers": ["b"]}, {"Layers": ["a", "b"]}),
        ({"Layers": ["a"]}, {"Layers": ["a", "b"]}, {"Layers": ["a", "b"]}),
        ({"Layers": ["a"]}, {"Layers": {"Ref": "L"}}, {"Layers": {"Ref": "L"}}),
        (
            {"Environment": {"Variables": {"A": "1", "B": "1"}}},
            {"Environment": {"Variables": {"B": "2"}}},
            {"Environment": {"Variables": {"A": "1", "B": "2"}}},
        ),
        ("x", {"Timeout": 5}, {"Timeout": 5}),
    ],
)
def test_globals(shared: Any, own: Any, expected: Any) -> None:
    body = sam(own, FUNCTION, Globals={"Function": shared})
    made = dict(view(body).stacks[0].resources["X"].props.raw)
    assert made.pop("Role") == {"Fn::GetAtt": ["XRole", "Arn"]}
    assert made == expected


@pytest.mark.parametrize(
    ("path", "written"),
    [
        (("Parameters", "P"), ("Parameters", "P")),
        (("Resources", "X"), ("Resources", "X")),
        (("Resources", "X", "Type"), ("Resources", "X", "Type")),
        (
            ("Resources", "X", "Properties", "RoleArn"),
            ("Resources", "X", "Properties", "Role"),
        ),
        (
            ("Resources", "X", "Properties", "LoggingConfiguration", "Level"),
            ("Resources", "X", "Properties", "Logging", "Level"),
        ),
        (
            ("Resources", "XRole", "Properties", "Policies", 0),
            ("Resources", "X", "Properties", "Policies"),
        ),
        (
            ("Resources", "XRole", "Properties", "AssumeRolePolicyDocument"),
            ("Resources", "X", "Properties"),
        ),
    ],
)
def test_paths(path: Any, written: Any) -> None:
    template = Template.from_written("t", sam({}))
    assert template.written_path(path) == written


def test_findings_are_at_what_the_user_wrote() -> None:
    run = {"Type": "Task", "Resource": "arn:aws:states:::ecs:runTask.sync", "End": True}
    body = sam({"Definition": {"StartAt": "A", "States": {"A": run}}, "Policies": [DOCUMENT]})
    found = {
        problem.path
        for problem in run_rules([Template.from_written("t", body)])
        if problem.rule.id == "E9741"
    }
    assert found
    assert {path[:3] for path in found} == {("Resources", "X", "Properties")}


@pytest.mark.parametrize("properties", [None, [], "x", 1, {"Policies": 1}, {"Policies": [1, None]}])
@pytest.mark.parametrize("kind", [FUNCTION, MACHINE])
def test_wrong_properties(properties: Any, kind: str) -> None:
    run_rules([Template.from_written("t", sam(properties, kind))])
