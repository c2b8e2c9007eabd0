"""What roles allow, on what, and whom they trust."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.cfn.arn_patterns import matches
from moorage.cfn.arns import build_arn, expand_arns, expand_parts
from moorage.cfn.permissions import allows, find_role, resolve_managed_policy, trusts
from moorage.cfn.template import Template
from moorage.cfn.values import Attr
from moorage.cfn.view import Resource, View
from moorage.facts.managed_policies import PATHS, STATEMENTS

SUB = "Fn::Sub"
SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/db-AbCdEf"


def view(resources: dict[str, Any], parameters: dict[str, Any] | None = None, **rest: Any) -> View:
    body = {"Resources": resources, "Parameters": parameters or {}, **rest}
    return View([Template("t", body)], {})


def role(*statements: Any, beside: dict[str, Any] | None = None, **props: Any) -> Resource:
    """A role with statements in line, and what stands beside it."""
    policies = [{"PolicyName": "p", "PolicyDocument": {"Statement": list(statements)}}]
    body = {"Type": "AWS::IAM::Role", "Properties": {"Policies": policies, **props}}
    parameters = {"P": {"Type": "String"}, "Q": {"Type": "String", "AllowedValues": ["a", "b"]}}
    made = view({"Role": body, **(beside or {})}, parameters)
    return made.stacks[0].resources["Role"]


def allow(action: Any, resource: Any = "*", **rest: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **rest}


def deny(action: Any, resource: Any = "*", **rest: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **rest}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("logs:PutLogEvents", True),
        ("LOGS:putlogevents", True),
        ("logs:Put*", True),
        ("logs:*", True),
        ("*", True),
        ("l?gs:Put*Events", True),
        (["s3:Get*", "logs:Put*"], True),
        ("logs:Get*", False),
        ("logs:PutLogEvent", False),
        ("logs:PutLogEvents?", False),
        ({"Ref": "P"}, None),
        ([{"Ref": "P"}, "logs:*"], True),
        ([], None),
        (None, None),
        (7, False),
    ],
)
def test_actions(given: Any, expected: bool | None) -> None:
    assert allows(role(allow(given)), "logs:PutLogEvents") is expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("*", True),
        (SECRET_ARN, True),
        (SECRET_ARN[:-6] + "??????", True),
        (SECRET_ARN[:-7] + "*", True),
        ("arn:aws:secretsmanager:*:*:secret:shop/*", True),
        (SECRET_ARN[:-6] + "?????", False),
        (SECRET_ARN[:-7], False),
        ("arn:aws:secretsmanager:*:*:secret:SHOP/*", False),
        ("arn:aws:ssm:*:*:parameter/*", False),
        (["arn:aws:ssm:*:*:parameter/*", "arn:*:secretsmanager:*"], True),
        ({SUB: "arn:${AWS::Partition}:secretsmanager:*:*:secret:shop/*"}, None),
        ({SUB: "arn:${AWS::Partition}:secretsmanager:*:*:secret:other/*"}, False),
        ({SUB: "arn:aws:secretsmanager:${AWS::Region}:*:secret:shop/*"}, None),
        ({SUB: "arn:aws:secretsmanager:*:*:secret:${P}/*"}, None),
        ({SUB: "arn:aws:secretsmanager:*:*:secret:${Q}/*"}, False),
        ({SUB: "arn:aws:secretsmanager:*:*:secret:${AWS::StackName}/*"}, None),
        ({SUB: "arn:aws:secretsmanager:*:${AWS::Region}"}, False),
        ("arn:aws:secretsmanager:*:*:secret:${aws:PrincipalTag/app}/*", None),
        ({"Ref": "P"}, None),
        ({"Fn::ImportValue": "x"}, None),
        ([{"Ref": "P"}, "*"], True),
        ([], None),
        (None, None),
    ],
)
def test_resources(given: Any, expected: bool | None) -> None:
    one = role(allow("secretsmanager:GetSecretValue", given))
    assert allows(one, "secretsmanager:GetSecretValue", (SECRET_ARN,)) is expected


def test_what_knows_no_single_resources_is_allowed_on_everything_alone() -> None:
    repository = "arn:aws:ecr:*:*:repository/*"
    token = "ecr:GetAuthorizationToken"
    assert allows(role(allow(token, repository)), token) is False
    assert allows(role(allow(token, ["x", "*"])), token) is True
    assert allows(role(allow(token, {"Ref": "P"})), token) is None
    assert allows(role(allow(token, {"Fn::GetAtt": ["Role", "Arn"]})), token) is False


def test_an_arn_that_is_not_known_is_allowed_by_everything_alone() -> None:
    assert allows(role(allow("ssm:*")), "ssm:GetParameters", None) is True
    assert allows(role(allow("ssm:*", "arn:aws:ssm:*")), "ssm:GetParameters", None) is None
    assert allows(role(allow("s3:*")), "ssm:GetParameters", None) is False


def test_all_but() -> None:
    but_iam = {"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"}
    assert allows(role(but_iam), "logs:PutLogEvents") is True
    assert allows(role(but_iam), "iam:PassRole") is False
    unknown = {"Effect": "Allow", "NotAction": {"Ref": "P"}, "Resource": "*"}
    assert allows(role(unknown), "iam:PassRole") is None
    but_one = {"Effect": "Allow", "Action": "*", "NotResource": SECRET_ARN}
    assert allows(role(but_one), "secretsmanager:GetSecretValue", (SECRET_ARN,)) is False
    assert allows(role(but_one), "secretsmanager:GetSecretValue", ("arn:aws:x",)) is True
    assert allows(role(but_one), "secretsmanager:GetSecretValue", None) is None


def test_deny_has_the_last_word() -> None:
    assert allows(role(allow("*"), deny("logs:*")), "logs:PutLogEvents") is False
    assert allows(role(allow("*"), deny("s3:*")), "logs:PutLogEvents") is True
    assert allows(role(allow("*"), deny({"Ref": "P"})), "logs:PutLogEvents") is None
    assert allows(role(allow("*"), deny("logs:*", Condition={"Bool": {}})), "logs:X") is None
    assert allows(role(deny({"Ref": "P"})), "logs:PutLogEvents") is False


def test_what_a_condition_guards_is_not_known() -> None:
    assert allows(role(allow("logs:*", Condition={"Bool": {}})), "logs:PutLogEvents") is None
    assert allows(role(allow("s3:*", Condition={"Bool": {}})), "logs:PutLogEvents") is False


def test_an_effect_that_is_not_known() -> None:
    assert allows(role(allow("*") | {"Effect": {"Ref": "P"}}), "logs:PutLogEvents") is None
    assert allows(role(allow("*"), deny("*") | {"Effect": {"Ref": "P"}}), "logs:X") is None


def test_no_policies_allow_nothing() -> None:
    assert allows(role(Policies=None), "logs:PutLogEvents") is False
    assert allows(role(Policies=[]), "logs:PutLogEvents") is False


@pytest.mark.parametrize(
    "props",
    [
        {"Policies": {"Ref": "P"}},
        {"Policies": [{"Ref": "P"}]},
        {"Policies": "x"},
        {"Policies": [{"PolicyDocument": {"Ref": "P"}}]},
        {"Policies": [{"PolicyDocument": "{}"}]},
        {"Policies": [{"PolicyDocument": {"Statement": {"Ref": "P"}}}]},
        {"Policies": [{"PolicyDocument": {"Statement": [{"Ref": "P"}]}}]},
        {"ManagedPolicyArns": {"Ref": "P"}},
        {"ManagedPolicyArns": [{"Ref": "P"}]},
        {"ManagedPolicyArns": ["arn:aws:iam::123456789012:policy/mine"]},
        {"ManagedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]},
    ],
)
def test_policies_that_are_not_in_sight_may_allow_it(props: Any) -> None:
    assert allows(role(**({"Policies": None} | props)), "logs:PutLogEvents") is None


def managed_policy(**props: Any) -> dict[str, Any]:
    document = {"Statement": allow("logs:*")}
    return {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"PolicyDocument": document, **props},
    }


def beside(kind: str, **props: Any) -> dict[str, Any]:
    document = {"Statement": [allow("logs:*")]}
    return {"X": {"Type": f"AWS::IAM::{kind}", "Properties": {"PolicyDocument": document, **props}}}


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (role(ManagedPolicyArns=[{"Ref": "X"}], beside={"X": managed_policy()}), True),
        (role(beside={"X": managed_policy(Roles=[{"Ref": "Role"}])}), True),
        (role(beside={"X": managed_policy()}), False),
        (role(beside=beside("Policy", Roles=[{"Ref": "Role"}])), True),
        (role(beside=beside("Policy", Roles=["other"])), False),
        (role(RoleName="mine", beside=beside("Policy", Roles=["mine"])), True),
        (role(RoleName="mine", beside=beside("Policy", Roles=[{"Ref": "P"}])), None),
        (role(RoleName={"Ref": "P"}, beside=beside("Policy", Roles=[{"Ref": "P"}])), True),
        (role(beside=beside("Policy", Roles=[{"Ref": "P"}])), False),
        (role(beside=beside("RolePolicy", RoleName={"Ref": "Role"})), True),
        (role(beside=beside("RolePolicy", RoleName={"Ref": "P"})), False),
    ],
)
def test_policies_beside_a_role(one: Resource, expected: bool | None) -> None:
    assert allows(one, "logs:PutLogEvents") is expected


def test_a_role_whose_name_another_stack_is_given_may_get_policies_there() -> None:
    body = {
        "Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": {}}},
        "Outputs": {"Role": {"Value": {"Ref": "Role"}, "Export": {"Name": "role"}}},
    }
    alone = View([Template("a", body)], {})
    assert allows(alone.stacks[0].resources["Role"], "logs:PutLogEvents") is None
    other = {
        "Resources": {
            "X": {
                "Type": "AWS::IAM::Policy",
                "Properties": {
                    "Roles": [{"Fn::ImportValue": "role"}],
                    "PolicyDocument": {"Statement": allow("logs:*")},
                },
            }
        }
    }
    both = View([Template("a", body), Template("b", other)], {})
    assert allows(both.stacks[0].resources["Role"], "logs:PutLogEvents") is True
    assert allows(both.stacks[0].resources["Role"], "s3:GetObject") is False


AWS_POLICY = {SUB: "arn:${AWS::Partition}:iam::aws:policy/"}


@pytest.mark.parametrize(
    ("policy", "action", "expected"),
    [
        ("service-role/AmazonECSTaskExecutionRolePolicy", "ecr:GetAuthorizationToken", True),
        ("service-role/AmazonECSTaskExecutionRolePolicy", "logs:CreateLogGroup", False),
        ("service-role/AmazonECSTaskExecutionRolePolicy", "ssm:GetParameters", False),
        ("AmazonEC2ContainerRegistryPullOnly", "ecr:BatchGetImage", True),
        ("AmazonEC2ContainerRegistryReadOnly", "ecr:PutImage", False),
        ("SecretsManagerReadWrite", "secretsmanager:GetSecretValue", True),
        ("AmazonSSMReadOnlyAccess", "ssm:GetParameters", True),
        ("AmazonSSMManagedInstanceCore", "ssmmessages:OpenDataChannel", True),
        ("CloudWatchLogsFullAccess", "logs:CreateLogGroup", True),
        ("AdministratorAccess", "iam:PassRole", True),
        ("PowerUserAccess", "iam:PassRole", False),
        ("PowerUserAccess", "kms:Decrypt", True),
        ("AWSCodeDeployRoleForECS", "iam:PassRole", None),
        ("AWSCodeDeployRoleForECSLimited", "iam:PassRole", False),
    ],
)
def test_managed_policies_of_aws(policy: str, action: str, expected: bool | None) -> None:
    for given in (f"arn:aws:iam::aws:policy/{policy}", {SUB: AWS_POLICY[SUB] + policy}):
        assert allows(role(ManagedPolicyArns=[given]), action) is expected


def test_every_policy_that_is_known_by_its_content_is_known_by_its_path() -> None:
    assert [name for name in STATEMENTS if name not in PATHS] == []
    one = role()
    for name in STATEMENTS:
        one = role(ManagedPolicyArns=[f"arn:aws:iam::aws:policy/{PATHS[name]}{name}"])
        assert resolve_managed_policy(one["ManagedPolicyArns"][0]).complete


def test_a_boundary_caps() -> None:
    logs_alone = {"Boundary": managed_policy()}
    capped = role(allow("*"), PermissionsBoundary={"Ref": "Boundary"}, beside=logs_alone)
    assert allows(capped, "logs:PutLogEvents") is True
    assert allows(capped, "ssm:GetParameters") is False
    unknown = role(allow("logs:*"), PermissionsBoundary={"Ref": "P"})
    assert allows(unknown, "logs:PutLogEvents") is None
    assert allows(unknown, "ssm:GetParameters") is False


def test_names_of_roles_that_cloudformation_makes_are_none_of_those_aws_has_in_mind() -> None:
    limited = "arn:aws:iam::aws:policy/AWSCodeDeployRoleForECSLimited"
    others = {
        "Made": {"Type": "AWS::IAM::Role"},
        "Named": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "ECSTaskExecutionShop"}},
        "Open": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": {"Ref": "P"}}},
    }
    one = role(ManagedPolicyArns=[limited], beside=others)
    passes = {
        name: allows(one, "iam:PassRole", expand_parts(one.view, (Attr(other, "Arn"),)))
        for name, other in one.stack.resources.items()
        if name != "Role"
    }
    assert passes == {"Made": False, "Named": None, "Open": None}


SECRETS = {
    "Bare": {"Type": "AWS::SecretsManager::Secret"},
    "Named": {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "shop/db"}},
    "Attached": {
        "Type": "AWS::SecretsManager::SecretTargetAttachment",
        "Properties": {"SecretId": {"Ref": "Named"}},
    },
}


@pytest.mark.parametrize(
    ("pattern", "of", "expected"),
    [
        ({"Ref": "Bare"}, "Bare", True),
        ({"Fn::GetAtt": "Bare.Id"}, "Bare", True),
        ({SUB: "${Bare}"}, "Bare", True),
        ({SUB: "${Bare}*"}, "Bare", True),
        ({SUB: "${Bare}:key::"}, "Bare", False),
        ({"Ref": "Named"}, "Attached", True),
        ({"Ref": "Named"}, "Bare", False),
        ({SUB: "arn:${AWS::Partition}:secretsmanager:*:*:secret:shop/*"}, "Named", True),
        (
            {
                SUB: "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:"
                "secret:shop/db-??????"
            },
            "Named",
            True,
        ),
        ({SUB: "arn:${AWS::Partition}:secretsmanager:*:*:secret:shop/db"}, "Named", False),
        ("arn:aws:secretsmanager:*:*:secret:shop/*", "Named", None),
        ("arn:aws:secretsmanager:*:*:secret:other/*", "Named", False),
        ("arn:aws:secretsmanager:*:*:secret:other/*", "Bare", False),
        ("arn:aws:secretsmanager:*:*:secret:other*", "Bare", None),
        ("*", "Bare", True),
    ],
)
def test_secrets_by_ref_and_by_name(pattern: Any, of: str, expected: bool | None) -> None:
    one = role(allow("secretsmanager:GetSecretValue", pattern), beside=SECRETS)
    on = expand_parts(one.view, (Attr(one.stack.resources[of], "Ref"),))
    assert allows(one, "secretsmanager:GetSecretValue", on) is expected


def test_a_name_in_a_circle_is_not_followed_for_ever() -> None:
    one = role(RoleName={"Ref": "Role"})
    assert expand_parts(one.view, (Attr(one, "Arn"),))


def test_a_parameter_by_its_name() -> None:
    named = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/shop/db"}}
    one = role(allow("ssm:Get*", {SUB: "arn:aws:ssm:*:*:parameter${Db}"}), beside={"Db": named})
    assert allows(one, "ssm:GetParameters", ("arn:aws:ssm:x:1:parameter/shop/db",)) is True
    assert allows(one, "ssm:GetParameters", ("arn:aws:ssm:x:1:parameter/shop/dbs",)) is False
    assert build_arn(one.view, "ssm", "parameter/a").count(":") == 5


def test_matching_of_several_values() -> None:
    assert matches(("a*", "b*"), ("ab",)) is None
    assert matches(("a*", "ab"), ("ab",)) is True
    assert matches(("c*", "d"), ("ab",)) is False
    assert matches((), ("ab",)) is None


def trusting(principal: Any, **rest: Any) -> Resource:
    said = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **rest}
    return role(AssumeRolePolicyDocument={"Statement": [said]})


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ({"Service": "ecs-tasks.amazonaws.com"}, True),
        ({"Service": ["ec2.amazonaws.com", "ecs-tasks.amazonaws.com"]}, True),
        ({"Service": {SUB: "ecs-tasks.${AWS::URLSuffix}"}}, True),
        ({"Service": "ecs-tasks.amazonaws.com.cn"}, True),
        ({"Service": "ecs.amazonaws.com"}, False),
        ({"Service": {SUB: "ecs.${AWS::URLSuffix}"}}, False),
        ({"Service": ["ec2.amazonaws.com", {"Ref": "P"}]}, None),
        ({"Service": {"Ref": "P"}}, None),
        ({"Service": {SUB: "ecs${P}.amazonaws.com"}}, None),
        ({"AWS": "arn:aws:iam::123456789012:root"}, False),
        ({"AWS": "*"}, None),
        ({"Federated": "x"}, False),
        ("*", None),
        (None, None),
        ({"Ref": "P"}, None),
    ],
)
def test_trust(principal: Any, expected: bool | None) -> None:
    assert trusts(trusting(principal), "ecs-tasks") is expected


def test_trust_under_a_condition_of_another_action_or_denied() -> None:
    tasks = {"Service": "ecs-tasks.amazonaws.com"}
    assert trusts(trusting(tasks, Condition={"ArnLike": {}}), "ecs-tasks") is None
    assert trusts(trusting(tasks, Action="sts:TagSession"), "ecs-tasks") is False
    assert trusts(trusting(tasks, Action="sts:*"), "ecs-tasks") is True
    assert trusts(trusting(tasks, Effect="Deny"), "ecs-tasks") is None
    assert trusts(role(AssumeRolePolicyDocument={"Ref": "P"}), "ecs-tasks") is None
    assert trusts(role(), "ecs-tasks") is None


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"Fn::GetAtt": "Role.Arn"}, True),
        ({SUB: "arn:aws:iam::${AWS::AccountId}:role/${Role}"}, True),
        ({SUB: "arn:aws:iam::${AWS::AccountId}:role/mine"}, True),
        ("arn:aws:iam::123456789012:role/path/mine", True),
        ({SUB: "arn:aws:iam::${AWS::AccountId}:role/other"}, False),
        ({"Ref": "P"}, False),
        ({"Fn::ImportValue": "x"}, False),
    ],
)
def test_the_role_that_a_property_names(given: Any, found: bool) -> None:
    task = {"Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": {"TaskRoleArn": given}}}
    one = role(RoleName="mine", beside=task)
    assert (find_role(one.stack.resources["Task"]["TaskRoleArn"]) is one) is found


def test_what_says_nothing_is_no_arn() -> None:
    assert expand_arns(role()["Path"]) == ()
