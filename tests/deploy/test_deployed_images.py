"""`moorage diff --deployed-images`: which images of a deployed template a preview keeps."""

from __future__ import annotations

import json
from typing import Any

import pytest

from moorage.deploy.deployed_images import read_deployed_images
from moorage.deploy.stack_state import StackState
from moorage.deploy.target import DeployStack, Target
from moorage.plan import ImageBuild

DIGEST = f"sha256:{'0' * 64}"
STATE = StackState("shop-dev-web", "id", "UPDATE_COMPLETE")


def build(container: str) -> ImageBuild:
    return ImageBuild(
        container, "shop/web", None, None, ".", "Dockerfile", None, (), (), ("linux/amd64",), (), ()
    )


class Client:
    """A client of CloudFormation that has one template."""

    def __init__(self, *containers: Any, form: str = "yaml") -> None:
        resources = {
            "Topic": {"Type": "AWS::SNS::Topic"},
            "TaskDefinition": {"Properties": {"ContainerDefinitions": [*containers]}},
        }
        template = {"Resources": resources}
        self.body = json.dumps(template) if form == "yaml" else template

    def get_template(self, StackName: str) -> Any:  # noqa: N803 (the name that boto3 has)
        assert StackName == "id"
        return {"TemplateBody": self.body}


def read(client: Any, *builds: ImageBuild, state: StackState | None = STATE) -> dict[str, str]:
    none: Any = frozenset()
    stack = DeployStack(
        *("web", "shop-dev-web", "", {}, "web.yaml", (), {}, (), none), builds=builds
    )
    states = {"shop-dev-web": state} if state else {}
    return read_deployed_images(client, Target("shop", "dev", "r", None, (stack,)), states)


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ({"Fn::Sub": ["${Repository}:1.4.2", {"Repository": "x"}]}, "1.4.2"),
        ({"Fn::Sub": ["${Repository}@" + DIGEST, {"Repository": "x"}]}, DIGEST),
        ({"Fn::Sub": "${AWS::AccountId}.dkr.ecr.eu-west-1.amazonaws.com/a/b:7"}, "7"),
        (f"localhost:5000/shop/web:1.4.2@{DIGEST}", DIGEST),
        ("localhost:5000/shop/web", None),
        ({"Fn::Sub": ["${Repository}", {"Repository": "x"}]}, None),
        ({"Ref": "Image"}, None),
        (None, None),
    ],
    ids=str,
)
def test_the_version_of_an_image(image: Any, version: str | None) -> None:
    client = Client({"Name": "app", "Image": image})
    assert read(client, build("app")) == ({"web/app": version} if version else {})


def test_only_containers_that_are_built_keep_their_images() -> None:
    containers = [{"Name": name, "Image": f"{name}:1"} for name in ("app", "proxy")]
    assert read(Client(*containers, form="json"), build("app")) == {"web/app": "1"}


@pytest.mark.parametrize("state", [None, StackState("shop-dev-web", "id", "REVIEW_IN_PROGRESS")])
def test_a_stack_that_is_not_deployed_has_none(state: StackState | None) -> None:
    assert read(None, build("app"), state=state) == {}
