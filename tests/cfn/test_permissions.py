"""Which actions roles allow on which ARNs, and which services they trust."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.cfn.arn_patterns import ArnPatterns
from moorage.cfn.arns import Arns, Placeholder, build_arn, expand_arns, expand_parts
from moorage.cfn.permissions import allows, find_role, resolve_managed_policy
from moorage.cfn.stack import Resource
from moorage.cfn.template import Template
from moorage.cfn.tristate import any_of
from moorage.cfn.trust_policies import trusts
from moorage.cfn.values import Attr
from moorage.cfn.view import View
from moorage.facts.managed_policies import PATHS, STATEMENTS

SUB = "Fn::Sub"
SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/db-AbCdEf"


def role(*statements: Any, others: dict[str, Any] | None = None, **props: Any) -> Resource:
    """A role with an inline policy, in a template with other resources."""
    policies = [{"PolicyName": "p", "PolicyDocument": {"Statement": list(statements)}}]
    definition = {"Type": "AWS::IAM::Role", "Properties": {"Policies": policies, **props}}
    parameters = {"P": {"Type": "String"}, "Q": {"Type": "String", "AllowedValues": ["a", "b"]}}
    body = {"Parameters": parameters, "Resources": {"Role": definition, **(others or {})}}
    return View([Template("t", body)], {}).stacks[0].resources["Role"]


def allow(action: Any, resource: Any = "*", **elements: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **elements}


def deny(action: Any, resource: Any = "*", **elements: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **elements}


@pytest.mark.parametrize(
    ("element", "expected"),
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
def test_actions(element: Any, expected: bool | None) -> None:
    assert allows(role(allow(element)), "logs:PutLogEvents") is expected


@pytest.mark.parametrize(
    ("element", "expected"),
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
def test_resources(element: Any, expected: bool | None) -> None:
    reader = role(allow("secretsmanager:GetSecretValue", element))
    assert allows(reader, "secretsmanager:GetSecretValue", (SECRET_ARN,)) is expected


def test_action_without_resource_level_permissions_needs_a_wildcard() -> None:
    repository = "arn:aws:ecr:*:*:repository/*"
    token = "ecr:GetAuthorizationToken"
    assert allows(role(allow(token, repository)), token) is False
    assert allows(role(allow(token, ["x", "*"])), token) is True
    assert allows(role(allow(token, {"Ref": "P"})), token) is None
    assert allows(role(allow(token, {"Fn::GetAtt": ["Role", "Arn"]})), token) is False


def test_unknown_arn_is_allowed_only_by_a_wildcard() -> None:
    assert allows(role(allow("ssm:*")), "ssm:GetParameters", None) is True
    assert allows(role(allow("ssm:*", "arn:aws:ssm:*")), "ssm:GetParameters", None) is None
    assert allows(role(allow("s3:*")), "ssm:GetParameters", None) is False


def test_not_action_and_not_resource() -> None:
    but_iam = {"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"}
    assert allows(role(but_iam), "logs:PutLogEvents") is True
    assert allows(role(but_iam), "iam:PassRole") is False
    unknown = {"Effect": "Allow", "NotAction": {"Ref": "P"}, "Resource": "*"}
    assert allows(role(unknown), "iam:PassRole") is None
    but_one = {"Effect": "Allow", "Action": "*", "NotResource": SECRET_ARN}
    assert allows(role(but_one), "secretsmanager:GetSecretValue", (SECRET_ARN,)) is False
    assert allows(role(but_one), "secretsmanager:GetSecretValue", ("arn:aws:x",)) is True
    assert allows(role(but_one), "secretsmanager:GetSecretValue", None) is None


def test_deny_overrides_allow() -> None:
    assert allows(role(allow("*"), deny("logs:*")), "logs:PutLogEvents") is False
    assert allows(role(allow("*"), deny("s3:*")), "logs:PutLogEvents") is True
    assert allows(role(allow("*"), deny({"Ref": "P"})), "logs:PutLogEvents") is None
    assert allows(role(allow("*"), deny("logs:*", Condition={"Bool": {}})), "logs:X") is None
    assert allows(role(deny({"Ref": "P"})), "logs:PutLogEvents") is False


def test_statement_with_a_condition_is_unknown() -> None:
    assert allows(role(allow("logs:*", Condition={"Bool": {}})), "logs:PutLogEvents") is None
    assert allows(role(allow("s3:*", Condition={"Bool": {}})), "logs:PutLogEvents") is False


def test_unknown_effect() -> None:
    assert allows(role(allow("*") | {"Effect": {"Ref": "P"}}), "logs:PutLogEvents") is None
    assert allows(role(allow("*"), deny("*") | {"Effect": {"Ref": "P"}}), "logs:X") is None


def test_role_without_policies_allows_nothing() -> None:
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
def test_policies_outside_the_view_may_allow_the_action(props: Any) -> None:
    assert allows(role(**({"Policies": None} | props)), "logs:PutLogEvents") is None


def managed_policy(**props: Any) -> dict[str, Any]:
    document = {"Statement": allow("logs:*")}
    return {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"PolicyDocument": document, **props},
    }


def policy_x(name: str, **props: Any) -> dict[str, Any]:
    """A policy resource X that allows all actions of CloudWatch Logs."""
    document = {"Statement": [allow("logs:*")]}
    return {"X": {"Type": f"AWS::IAM::{name}", "Properties": {"PolicyDocument": document, **props}}}


@pytest.mark.parametrize(
    ("attached_role", "expected"),
    [
        (role(ManagedPolicyArns=[{"Ref": "X"}], others={"X": managed_policy()}), True),
        (role(others={"X": managed_policy(Roles=[{"Ref": "Role"}])}), True),
        (role(others={"X": managed_policy()}), False),
        (role(others=policy_x("Policy", Roles=[{"Ref": "Role"}])), True),
        (role(others=policy_x("Policy", Roles=["other"])), False),
        (role(RoleName="mine", others=policy_x("Policy", Roles=["mine"])), True),
        (role(RoleName="mine", others=policy_x("Policy", Roles=[{"Ref": "P"}])), None),
        (role(RoleName={"Ref": "P"}, others=policy_x("Policy", Roles=[{"Ref": "P"}])), True),
        (role(others=policy_x("Policy", Roles=[{"Ref": "P"}])), False),
        (role(others=policy_x("RolePolicy", RoleName={"Ref": "Role"})), True),
        (role(others=policy_x("RolePolicy", RoleName={"Ref": "P"})), False),
    ],
)
def test_separate_policies(attached_role: Resource, expected: bool | None) -> None:
    assert allows(attached_role, "logs:PutLogEvents") is expected


def test_role_with_an_exported_name_may_get_policies_in_another_stack() -> None:
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
def test_aws_managed_policies(policy: str, action: str, expected: bool | None) -> None:
    for arn in (f"arn:aws:iam::aws:policy/{policy}", {SUB: AWS_POLICY[SUB] + policy}):
        assert allows(role(ManagedPolicyArns=[arn]), action) is expected


def test_every_known_managed_policy_has_a_path() -> None:
    assert [name for name in STATEMENTS if name not in PATHS] == []
    for name in STATEMENTS:
        attached = role(ManagedPolicyArns=[f"arn:aws:iam::aws:policy/{PATHS[name]}{name}"])
        assert resolve_managed_policy(attached["ManagedPolicyArns"][0]).complete


def test_permissions_boundary() -> None:
    logs_only = {"Boundary": managed_policy()}
    bounded = role(allow("*"), PermissionsBoundary={"Ref": "Boundary"}, others=logs_only)
    assert allows(bounded, "logs:PutLogEvents") is True
    assert allows(bounded, "ssm:GetParameters") is False
    unknown = role(allow("logs:*"), PermissionsBoundary={"Ref": "P"})
    assert allows(unknown, "logs:PutLogEvents") is None
    assert allows(unknown, "ssm:GetParameters") is False


def test_generated_role_names_do_not_match_aws_managed_policies() -> None:
    limited = "arn:aws:iam::aws:policy/AWSCodeDeployRoleForECSLimited"
    others = {
        "Generated": {"Type": "AWS::IAM::Role"},
        "Named": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "ECSTaskExecutionShop"}},
        "Open": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": {"Ref": "P"}}},
    }
    codedeploy = role(ManagedPolicyArns=[limited], others=others)
    can_pass = {
        name: allows(
            codedeploy, "iam:PassRole", expand_parts(codedeploy.view, (Attr(passed, "Arn"),))
        )
        for name, passed in codedeploy.stack.resources.items()
        if name != "Role"
    }
    assert can_pass == {"Generated": False, "Named": None, "Open": None}


SECRETS = {
    "Bare": {"Type": "AWS::SecretsManager::Secret"},
    "Named": {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "shop/db"}},
    "Attached": {
        "Type": "AWS::SecretsManager::SecretTargetAttachment",
        "Properties": {"SecretId": {"Ref": "Named"}},
    },
}


@pytest.mark.parametrize(
    ("pattern", "secret", "expected"),
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
def test_secrets_by_reference_and_by_name(pattern: Any, secret: str, expected: bool | None) -> None:
    reader = role(allow("secretsmanager:GetSecretValue", pattern), others=SECRETS)
    arn = expand_parts(reader.view, (Attr(reader.stack.resources[secret], "Ref"),))
    assert allows(reader, "secretsmanager:GetSecretValue", arn) is expected


def test_circular_name_does_not_loop() -> None:
    circular = role(RoleName={"Ref": "Role"})
    assert expand_parts(circular.view, (Attr(circular, "Arn"),))


def test_parameter_by_name() -> None:
    named = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/shop/db"}}
    reader = role(allow("ssm:Get*", {SUB: "arn:aws:ssm:*:*:parameter${Db}"}), others={"Db": named})
    assert allows(reader, "ssm:GetParameters", ("arn:aws:ssm:x:1:parameter/shop/db",)) is True
    assert allows(reader, "ssm:GetParameters", ("arn:aws:ssm:x:1:parameter/shop/dbs",)) is False
    assert build_arn(reader.view, "ssm", "parameter/a").count(":") == 5


def test_matches_with_several_values() -> None:
    assert ArnPatterns([("a*", "b*")]).match(("ab",)) is None
    assert ArnPatterns([("a*", "ab")]).match(("ab",)) is True
    assert ArnPatterns([("c*", "d")]).match(("ab",)) is False
    assert ArnPatterns([()]).match(("ab",)) is None


def arn(service: str, name: str, *, account: str = chr(Placeholder.WORD)) -> str:
    return f"arn:aws:{service}:eu-west-1:{account}:{name}"


ANYTHING, UNIQUE = chr(Placeholder.ANYTHING), chr(Placeholder.UNIQUE_NAME)
PATTERNS: list[Arns] = [
    *((arn("ssm", f"parameter/{name}"),) for name in ("a", "ab", "a*", "?b", f"{UNIQUE}/b")),
    (arn("sqs", "a", account="1:2"),),
    (arn("s*", "parameter/b"),),
    (arn("sqs", "a"), arn("sqs", "b")),
    (ANYTHING,),
    ("*a",),
]
TEXTS = [
    *(arn("ssm", f"parameter/{name}") for name in ("a", "ab", "b", "abc", f"a{ANYTHING}", UNIQUE)),
    *(arn("sqs", name) for name in ("a", "b", "*")),
    arn("ssm", "parameter/a", account=ANYTHING),
    "a",
    ANYTHING,
]


def test_many_patterns_match_what_one_of_them_matches() -> None:
    for text in TEXTS:
        for texts in ((text,), (text, TEXTS[0])):
            each = [ArnPatterns([pattern]).match(texts) for pattern in PATTERNS]
            for end in range(len(PATTERNS) + 1):
                assert ArnPatterns(PATTERNS[:end]).match(texts) == any_of(each[:end])


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (arn("ssm", "parameter/a"), arn("ssm", "parameter/ab"), False),
        (arn("ssm", "parameter/ab"), arn("ssm", "parameter/a"), False),
        (arn("ssm", "parameter/ab"), arn("ssm", f"parameter/a{ANYTHING}"), None),
        (arn("ssm", "parameter/a*"), arn("ssm", f"parameter/ab{ANYTHING}"), True),
        (arn("ssm", "parameter/a"), arn("ssm", "parameter/a", account="1"), None),
        (arn("*", "a"), arn("ssm:x", "a"), True),
        (arn("ssm", "a", account=ANYTHING), arn("ssm", "b:a"), None),
    ],
)
def test_an_arn_is_compared_with_what_begins_alike(
    pattern: str, text: str, expected: bool | None
) -> None:
    assert ArnPatterns([(pattern,)]).match((text,)) is expected


def trusting(principal: Any, **elements: Any) -> Resource:
    """A role with a trust policy."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **elements}
    return role(AssumeRolePolicyDocument={"Statement": [statement]})


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
def test_trusts(principal: Any, expected: bool | None) -> None:
    assert trusts(trusting(principal), "ecs-tasks") is expected


def test_trusts_with_a_condition_another_action_or_deny() -> None:
    tasks = {"Service": "ecs-tasks.amazonaws.com"}
    assert trusts(trusting(tasks, Condition={"ArnLike": {}}), "ecs-tasks") is None
    assert trusts(trusting(tasks, Action="sts:TagSession"), "ecs-tasks") is False
    assert trusts(trusting(tasks, Action="sts:*"), "ecs-tasks") is True
    assert trusts(trusting(tasks, Effect="Deny"), "ecs-tasks") is None
    assert trusts(role(AssumeRolePolicyDocument={"Ref": "P"}), "ecs-tasks") is None
    assert trusts(role(), "ecs-tasks") is None


@pytest.mark.parametrize(
    ("arn", "is_found"),
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
def test_find_role(arn: Any, is_found: bool) -> None:
    task = {"Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": {"TaskRoleArn": arn}}}
    task_role = role(RoleName="mine", others=task)
    node = task_role.stack.resources["Task"]["TaskRoleArn"]
    assert (find_role(node) is task_role) is is_found


def test_absent_property_has_no_arns() -> None:
    assert expand_arns(role()["Path"]) == ()


# Known regions ---------------------------------------------------------------------------------

GROUP = "arn:aws:logs:eu-central-1:*:log-group:shop:*"
ELSEWHERE = GROUP.replace("central", "west")
LOGS = {"Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "shop"}}}


@pytest.mark.parametrize(
    ("regions", "resource", "expected"),
    [
        (["eu-central-1"], GROUP, True),
        (["eu-central-1"], ELSEWHERE, False),
        (["eu-central-1"], GROUP.replace(":aws:", ":aws-cn:"), False),
        ([None], GROUP, None),
        ([None], ELSEWHERE, None),
        (["eu-central-1", "eu-west-1"], ELSEWHERE, None),
        (["eu-central-1", None], ELSEWHERE, None),
    ],
)
def test_a_region_that_all_stacks_have_is_that_of_their_resources(
    regions: list[str | None], resource: str, expected: bool | None
) -> None:
    document = {"Statement": [allow("logs:PutLogEvents", resource)]}
    policies = [{"PolicyName": "p", "PolicyDocument": document}]
    owner = {"Role": {"Type": "AWS::IAM::Role", "Properties": {"Policies": policies}}}
    templates = [
        Template(str(number), {"Resources": owner | LOGS}, region=region)
        for number, region in enumerate(regions)
    ]
    view = View(templates, {})
    resources = view.stacks[0].resources
    arn = expand_parts(view, (Attr(resources["Group"], "Arn"),))
    assert allows(resources["Role"], "logs:PutLogEvents", arn) is expected
