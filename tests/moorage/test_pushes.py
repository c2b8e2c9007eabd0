"""Which images a deployment has to wait for: only those that it can know, however a body looks."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.model import PlannedStack, Rendering
from moorage.pipeline.pushes import Push, pushes

URI = "shop-dev-ecr-WebRepositoryUri"


def stack(name: str, body: dict[str, Any], **exports: str) -> PlannedStack:
    rendering = Rendering(name, body, "", f"{name}.yaml")
    return PlannedStack(name, f"shop-dev-{name}", rendering, (), {}, (), exports)


def ecr(repository: Any = "shop/web") -> PlannedStack:
    resource = {"Type": "AWS::ECR::Repository", "Properties": {"RepositoryName": repository}}
    outputs = {
        "WebRepositoryUri": {"Value": {"Fn::GetAtt": ["WebRepository", "RepositoryUri"]}},
        "Other": {"Value": "x"},
    }
    body = {"Resources": {"WebRepository": resource}, "Outputs": outputs}
    return stack("ecr", body, WebRepositoryUri=URI, Other="shop-dev-ecr-Other")


def task(*images: Any) -> PlannedStack:
    containers = [{"Name": f"c{at}", "Image": image} for at, image in enumerate(images)]
    resource = {"Properties": {"ContainerDefinitions": containers}}
    return stack("web", {"Resources": {"TaskDefinition": resource, "Bare": {}}})


def image(version: str, export: str = URI) -> Any:
    return {"Fn::Sub": ["${Repository}" + version, {"Repository": {"Fn::ImportValue": export}}]}


@pytest.mark.parametrize(
    ("version", "asked"),
    [
        (":1.4.2", "imageTag=1.4.2"),
        ("@sha256:0a", "imageDigest=sha256:0a"),
        (":1.4.2@sha256:0a", "imageDigest=sha256:0a"),
        ("", "imageTag=latest"),
    ],
)
def test_an_image_of_a_repository_of_the_plan(version: str, asked: str) -> None:
    one = task(image(version))
    assert pushes(one, [ecr(), one]) == [Push("shop/web", asked)]


def test_each_image_is_asked_for_once_and_in_order() -> None:
    one = task(image(":2"), image(":1"), image(":2"))
    assert [push.image for push in pushes(one, [one, ecr()])] == ["imageTag=1", "imageTag=2"]


@pytest.mark.parametrize(
    "other",
    [
        "nginx:1.27.3",
        {"Fn::Sub": "${AWS::AccountId}.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1"},
        {"Fn::Sub": ["${Repository}:1", {"Repository": {"Ref": "Repository"}}]},
        {"Fn::Sub": ["${Repository}:1"]},
        image(":1", "shop-dev-ecr-Other"),
        image(":1", "elsewhere"),
        {"Fn::If": ["New", image(":2"), image(":1")]},
        None,
    ],
)
def test_what_nobody_can_tell_is_left_out(other: Any) -> None:
    one = task(other)
    assert pushes(one, [ecr(), one]) == []


def test_a_repository_whose_name_is_not_written_is_left_out() -> None:
    one = task(image(":1"))
    assert pushes(one, [ecr({"Ref": "Name"}), one]) == []
    assert pushes(one, [one]) == []


def test_a_body_that_overrides_have_bent_is_read_all_the_same() -> None:
    bent = {"Resources": {"A": {"Properties": {"ContainerDefinitions": {"Fn::If": []}}}, "B": None}}
    assert pushes(stack("web", bent), [ecr()]) == []
