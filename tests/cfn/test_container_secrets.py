"""The ValueFrom of a container's secrets."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.cfn.container_secrets import (
    count_fields_after_arn,
    is_invalid_parameter_name,
    secret_sources,
)
from moorage.cfn.nodes import Node
from moorage.cfn.template import Template
from moorage.cfn.view import View

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf"


def value_from(raw: Any) -> Node:
    secret = {"Name": "A", "ValueFrom": raw}
    body = {
        "Parameters": {"DbSecretArn": {"Type": "String"}, "Prefix": {"Type": "String"}},
        "Resources": {
            "Secret": {"Type": "AWS::SecretsManager::Secret"},
            "Db": {"Type": "AWS::RDS::DBInstance"},
            "Task": {
                "Type": "AWS::ECS::TaskDefinition",
                "Properties": {"ContainerDefinitions": [{"Secrets": [secret]}]},
            },
        },
    }
    view = View([Template("t", body)], {})
    return secret_sources(next(view.resources_of_type("AWS::ECS::TaskDefinition")))[0]


@pytest.mark.parametrize(
    ("raw", "fields"),
    [
        (ARN, 0),
        (f"{ARN}:password", 1),
        (f"{ARN}:password::", 3),
        ({"Ref": "Secret"}, 0),
        ({"Fn::Sub": "${Secret}:password"}, 1),
        ({"Fn::Sub": "${Secret}:password::"}, 3),
        ({"Fn::Join": [":", [{"Ref": "Secret"}, "password"]]}, 1),
        ({"Fn::Sub": "${Db.MasterUserSecret.SecretArn}:password"}, 1),
        ({"Fn::Sub": "${DbSecretArn}:password:"}, 2),
        ({"Fn::Sub": ARN.replace("eu-west-1", "${AWS::Region}") + ":user"}, 1),
        ({"Fn::Sub": "${Secret}${Prefix}"}, None),
        ({"Fn::Sub": "${Prefix}:password"}, None),
        ("arn:aws:ssm:eu-west-1:123456789012:parameter/db", None),
        ("/db/password", None),
        (["no text"], None),
    ],
)
def test_count_fields_after_arn(raw: Any, fields: int | None) -> None:
    assert count_fields_after_arn(value_from(raw)) == fields


@pytest.mark.parametrize(
    ("raw", "is_invalid"),
    [
        ("portal/db", True),
        ("db:password::", True),
        ({"Fn::Sub": "${AWS::StackName}/db"}, True),
        ("/portal/db", False),
        ("db", False),
        ("db:3", False),
        ({"Fn::Sub": "${Prefix}/db"}, False),
        (ARN, False),
        ({"Ref": "Secret"}, False),
    ],
)
def test_is_invalid_parameter_name(raw: Any, is_invalid: bool) -> None:
    assert is_invalid_parameter_name(value_from(raw)) is is_invalid
