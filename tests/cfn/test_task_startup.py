"""AWS services that tasks call when they start."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.cfn import task_startup
from moorage.cfn.stack import Resource
from moorage.cfn.template import Template
from moorage.cfn.view import View

EC2 = "AWS::EC2::SecurityGroup"
PARAMETERS = {"Given": {"Type": "String"}, "Port": {"Type": "Number"}}


def view_of(resources: dict[str, Any], **sections: Any) -> View:
    body = {"Parameters": PARAMETERS, "Resources": resources, **sections}
    return View([Template("t", body)], {})


def resource(view: View, name: str) -> Resource:
    return view.stacks[0].resources[name]


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:1", "ecr"),
        ({"Fn::Sub": "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}/app"}, "ecr"),
        ("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/app:1", "ecr"),
        ("123456789012.dkr-ecr.eu-west-1.on.aws/app:1", "ecr"),
        ({"Fn::Sub": "${AWS::AccountId}.dkr-ecr-fips.${AWS::Region}.on.aws/app"}, "ecr"),
        ({"Fn::Sub": "${Repository.RepositoryUri}:1"}, "ecr"),
        ("nginx:1.27", "public"),
        ("grafana/grafana", "public"),
        ("public.ecr.aws/nginx/nginx:1.27", "public"),
        ("registry.example.com/app", None),
        ("registry.example.com:5000/app", None),
        ({"Ref": "Given"}, None),
        ({"Fn::Sub": "${Given}/app:1"}, None),
    ],
)
def test_image_registry(image: Any, registry: str | None) -> None:
    repository = {"Type": "AWS::ECR::Repository", "Properties": {}}
    task = {"Type": "X", "Properties": {"Image": image}}
    view = view_of({"Repository": repository, "Task": task})
    assert task_startup.image_registry(resource(view, "Task")["Image"]) == registry


@pytest.mark.parametrize(
    ("value", "store"),
    [
        ("/shop/password", "ssm"),
        ("arn:aws:ssm:eu-west-1:123456789012:parameter/shop", "ssm"),
        ("arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop", "secretsmanager"),
        ({"Ref": "Secret"}, "secretsmanager"),
        ({"Fn::Sub": "${Secret}:password::"}, "secretsmanager"),
        ({"Ref": "Given"}, None),
    ],
)
def test_secret_store(value: Any, store: str | None) -> None:
    secret = {"Type": "AWS::SecretsManager::Secret", "Properties": {}}
    task = {"Type": "X", "Properties": {"ValueFrom": value}}
    view = view_of({"Secret": secret, "Task": task})
    assert task_startup.secret_store(resource(view, "Task")["ValueFrom"]) == store
