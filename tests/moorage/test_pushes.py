"""The images that a deployment waits for: only those whose repository and tag are known."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.pipeline.pushes import Push, find_pushes
from moorage.plan import PlannedStack, Rendering

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
    ("version", "image_id"),
    [
        (":1.4.2", "imageTag=1.4.2"),
        ("@sha256:0a", "imageDigest=sha256:0a"),
        (":1.4.2@sha256:0a", "imageDigest=sha256:0a"),
        ("", "imageTag=latest"),
    ],
)
def test_an_image_of_a_repository_of_the_plan(version: str, image_id: str) -> None:
    web = task(image(version))
    assert find_pushes([ecr(), web])["web"] == [Push("shop/web", image_id)]


def test_images_are_sorted_without_duplicates() -> None:
    web = task(image(":2"), image(":1"), image(":2"))
    assert [push.image for push in find_pushes([web, ecr()])["web"]] == ["imageTag=1", "imageTag=2"]


@pytest.mark.parametrize(
    "image_property",
    [
        "nginx:1.27.3",
        {"Fn::Sub": "${AWS::AccountId}.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1"},
        {"Fn::Sub": ["${Repository}:1", {"Repository": {"Ref": "Repository"}}]},
        {"Fn::Sub": ["${Repository}:1"]},
        image(":1", "shop-dev-ecr-Other"),
        image(":1", "not-exported"),
        {"Fn::If": ["New", image(":2"), image(":1")]},
        None,
    ],
)
def test_images_that_are_not_known_are_left_out(image_property: Any) -> None:
    web = task(image_property)
    assert find_pushes([ecr(), web])["web"] == []


def test_a_repository_whose_name_is_not_written_is_left_out() -> None:
    web = task(image(":1"))
    assert find_pushes([ecr({"Ref": "Name"}), web])["web"] == []
    assert find_pushes([web])["web"] == []


def test_an_invalid_template_has_no_pushes() -> None:
    invalid = {
        "Resources": {"A": {"Properties": {"ContainerDefinitions": {"Fn::If": []}}}, "B": None}
    }
    assert find_pushes([stack("web", invalid), ecr()])["web"] == []
