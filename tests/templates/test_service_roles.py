"""The roles of services: what each of them allows."""

from __future__ import annotations

from typing import Any

import pytest
from service_stacks import (
    BOUNDARY,
    HERE,
    KEY,
    OTHER_BOUNDARY,
    REGION,
    ROLE,
    SECRET,
    WEB,
    WRITE_LOGS,
    allowed,
    arn,
    body,
    listed,
    resources,
    statements,
    text,
)

# The execution role --------------------------------------------------------------------------


def execution(**fields: Any) -> set[tuple[str, str]]:
    """What the execution role is allowed to do, except writing to its log group."""
    grants = allowed(resources(**fields)["ExecutionRole"])
    assert grants >= WRITE_LOGS
    return grants - WRITE_LOGS


def test_with_a_public_image_and_no_secrets_the_execution_role_writes_logs_only() -> None:
    assert execution() == set()


PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("ecr:shop/web:1.4.2", arn("ecr", "repository/shop/web")),
        (f"ecr:web@sha256:{'0a' * 32}", arn("ecr", "repository/web")),
        (
            "210987654321.dkr.ecr.us-east-1.amazonaws.com/base/app:7",
            "arn:${AWS::Partition}:ecr:us-east-1:210987654321:repository/base/app",
        ),
        *(
            (
                f"210987654321.{host}/base/app:7",
                "arn:${AWS::Partition}:ecr:us-east-1:210987654321:repository/base/app",
            )
            for host in (
                "dkr.ecr-fips.us-east-1.amazonaws.com",
                "dkr-ecr.us-east-1.on.aws",
                "dkr-ecr-fips.us-east-1.on.aws",
            )
        ),
    ],
)
def test_the_execution_role_pulls_from_the_named_repository_only(
    image: str, repository: str
) -> None:
    token = ("ecr:GetAuthorizationToken", "*")
    assert execution(container={"image": image}) == {
        token,
        *((action, repository) for action in PULL),
    }


@pytest.mark.parametrize(
    ("reference", "grant", "value_from"),
    [
        (
            "ssm:/shop/dev/db",
            ("ssm:GetParameters", arn("ssm", "parameter/shop/dev/db")),
            arn("ssm", "parameter/shop/dev/db"),
        ),
        (
            "ssm:plain",
            ("ssm:GetParameters", arn("ssm", "parameter/plain")),
            arn("ssm", "parameter/plain"),
        ),
        (
            f"ssm:arn:aws:ssm:{HERE}:parameter/other",
            ("ssm:GetParameters", f"arn:aws:ssm:{HERE}:parameter/other"),
            f"arn:aws:ssm:{HERE}:parameter/other",
        ),
        (
            "secretsmanager:shop/db",
            ("secretsmanager:GetSecretValue", arn("secretsmanager", "secret:shop/db-??????")),
            arn("secretsmanager", "secret:shop/db"),
        ),
        (
            "secretsmanager:shop/db:password",
            ("secretsmanager:GetSecretValue", arn("secretsmanager", "secret:shop/db-??????")),
            arn("secretsmanager", "secret:shop/db:password::"),
        ),
        (
            "secretsmanager:shop/db::AWSPREVIOUS",
            ("secretsmanager:GetSecretValue", arn("secretsmanager", "secret:shop/db-??????")),
            arn("secretsmanager", "secret:shop/db::AWSPREVIOUS:"),
        ),
        (
            f"secretsmanager:{SECRET}:password",
            ("secretsmanager:GetSecretValue", SECRET),
            f"{SECRET}:password::",
        ),
    ],
)
def test_the_execution_role_reads_the_named_secret_only(
    reference: str, grant: tuple[str, str], value_from: str
) -> None:
    service_resources = resources(container={"secrets": {"VALUE": reference}})
    assert allowed(service_resources["ExecutionRole"]) == {grant, *WRITE_LOGS}
    (secret,) = service_resources["TaskDefinition"]["ContainerDefinitions"][0]["Secrets"]
    assert secret["Name"] == "VALUE"
    assert text(secret["ValueFrom"]) == value_from


def test_two_keys_of_one_secret_are_one_permission() -> None:
    secrets = {"USER": "secretsmanager:db:user", "PASSWORD": "secretsmanager:db:password"}
    role = resources(container={"secrets": secrets})["ExecutionRole"]
    (read,) = (statement for statement in statements(role) if statement["Sid"] == "ReadSecrets")
    assert [text(resource) for resource in listed(read["Resource"])] == [
        arn("secretsmanager", "secret:db-??????")
    ]


def test_the_execution_role_decrypts_with_the_named_keys_only() -> None:
    params = {"container": {"secrets": {"A": "ssm:a"}}, "kms_keys": [KEY]}
    assert execution(**params) == {
        ("ssm:GetParameters", arn("ssm", "parameter/a")),
        ("kms:Decrypt", KEY),
    }


def test_the_execution_role_reads_the_named_environment_files_only() -> None:
    file = "arn:aws:s3:::conf/shop/a.env"
    assert execution(container={"environment_files": [file]}) == {
        ("s3:GetObject", file),
        ("s3:GetBucketLocation", "arn:aws:s3:::conf"),
    }


def test_the_execution_role_reads_the_credentials_of_a_registry() -> None:
    container = {"repository_credentials": "secretsmanager:registry"}
    secret = arn("secretsmanager", "secret:registry-??????")
    assert execution(container=container) == {("secretsmanager:GetSecretValue", secret)}


def test_the_execution_role_reads_what_all_containers_need() -> None:
    containers = {
        "app": WEB | {"image": "ecr:app:1", "secrets": {"A": "ssm:a"}},
        "side": {"image": "ecr:side:1", "secrets": {"B": "ssm:b"}},
    }
    assert {resource for _, resource in execution(containers=containers)} == {
        "*",
        arn("ecr", "repository/app"),
        arn("ecr", "repository/side"),
        arn("ssm", "parameter/a"),
        arn("ssm", "parameter/b"),
    }


def test_an_existing_execution_role_is_used_and_none_is_created() -> None:
    all_resources = resources(execution_role={"existing": ROLE})
    assert "ExecutionRole" not in all_resources
    assert all_resources["TaskDefinition"]["ExecutionRoleArn"] == ROLE


@pytest.mark.parametrize("role", ["ExecutionRole", "TaskRole"])
def test_only_tasks_assume_the_roles(role: str) -> None:
    (trust,) = resources()[role]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}


@pytest.mark.parametrize("launch", ["fargate", "ec2", "managed_instances"])
def test_ecs_assumes_the_task_role_for_tasks_of_this_account_only(launch: str) -> None:
    capacity = {"ec2": {"instance_types": ["m7i.large"]}, "managed_instances": True}
    stacks = {"cluster": {"capacity": capacity}}
    role = resources(launch=launch, stacks=stacks)["TaskRole"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    source = "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:*"
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
        "ArnLike": {"aws:SourceArn": {"Fn::Sub": source}},
    }


def test_a_key_can_be_in_the_region_of_a_secret() -> None:
    far = SECRET.replace(REGION, "us-east-1")
    key = KEY.replace(REGION, "us-east-1")
    container = {"secrets": {"TOKEN": f"secretsmanager:{far}"}}
    assert ("kms:Decrypt", key) in execution(container=container, kms_keys=[key])


# The task role -------------------------------------------------------------------------------


def test_the_task_role_has_no_permissions_by_default() -> None:
    all_resources = resources()
    assert not {"Policies", "ManagedPolicyArns"} & all_resources["TaskRole"].keys()
    assert text(all_resources["TaskDefinition"]["TaskRoleArn"]) == "TaskRole.Arn"
    assert "EnableExecuteCommand" not in all_resources["Service"]


SHELL = {
    ("ssmmessages:CreateControlChannel", "*"),
    ("ssmmessages:CreateDataChannel", "*"),
    ("ssmmessages:OpenControlChannel", "*"),
    ("ssmmessages:OpenDataChannel", "*"),
}


def shell_logs(group: str) -> set[tuple[str, str]]:
    actions = ("CreateLogStream", "DescribeLogStreams", "PutLogEvents")
    named = arn("logs", f"log-group:{group}:*")
    return {("logs:DescribeLogGroups", "*"), *((f"logs:{action}", named) for action in actions)}


@pytest.mark.parametrize(
    ("cluster", "logs"),
    [
        ({}, shell_logs("shop-dev-cluster-ExecLogGroupName")),
        ({"exec_logs": False}, set()),
        ({"existing": {"name": "old"}}, set()),
        ({"existing": {"name": "old", "exec_log_group": "/exec"}}, shell_logs("/exec")),
    ],
    ids=["created", "created without logs", "existing", "existing with logs"],
)
def test_with_ecs_exec_the_task_role_opens_sessions_and_writes_their_logs(
    cluster: dict[str, Any], logs: set[tuple[str, str]]
) -> None:
    all_resources = resources(enable_execute_command=True, stacks={"cluster": cluster})
    assert allowed(all_resources["TaskRole"]) == SHELL | logs
    assert all_resources["Service"]["EnableExecuteCommand"] is True


def test_statements_of_the_params_are_unchanged() -> None:
    statement = {
        "Sid": "Mine",
        "Effect": "Deny",
        "NotAction": ["s3:GetObject"],
        "Resource": ["arn:aws:s3:::b/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    assert list(statements(resources(task_role={"statements": [statement]})["TaskRole"])) == [
        statement
    ]


def test_pseudo_parameters_in_statements_are_replaced_by_cloudformation() -> None:
    params = {
        "Action": "sqs:SendMessage",
        "Resource": ["arn:aws:sqs:*:${AWS::AccountId}:q", "arn:aws:sqs:::fixed"],
        "Condition": {"StringEquals": {"aws:SourceAccount": "${AWS::AccountId}"}},
    }
    (statement,) = statements(resources(task_role={"statements": [params]})["TaskRole"])
    assert statement["Resource"] == [
        {"Fn::Sub": "arn:aws:sqs:*:${AWS::AccountId}:q"},
        "arn:aws:sqs:::fixed",
    ]
    account = {"Fn::Sub": "${AWS::AccountId}"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": account}}


def test_policy_variables_next_to_pseudo_parameters_are_left_to_iam() -> None:
    params = {
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::${AWS::AccountId}/${aws:userid}/*",
    }
    (statement,) = statements(resources(task_role={"statements": [params]})["TaskRole"])
    assert statement["Resource"] == [{"Fn::Sub": "arn:aws:s3:::${AWS::AccountId}/${!aws:userid}/*"}]


def test_managed_policies_are_attached() -> None:
    policy = "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"
    role = resources(task_role={"managed_policies": [policy]})["TaskRole"]
    assert role["ManagedPolicyArns"] == [policy]


def test_an_existing_task_role_is_used_and_none_is_created_or_exported() -> None:
    template = body(task_role={"existing": ROLE})
    assert "TaskRole" not in template["Resources"]
    assert "TaskRoleArn" not in template["Outputs"]
    assert template["Resources"]["TaskDefinition"]["Properties"]["TaskRoleArn"] == ROLE


def test_both_roles_have_the_permissions_boundary_of_the_environment_or_the_service() -> None:
    header = {"permissions_boundary": BOUNDARY}
    for fields, expected in (
        ({}, BOUNDARY),
        ({"permissions_boundary": OTHER_BOUNDARY}, OTHER_BOUNDARY),
    ):
        all_resources = resources(header=header, **fields)
        for role in ("ExecutionRole", "TaskRole"):
            assert all_resources[role]["PermissionsBoundary"] == expected
    assert "PermissionsBoundary" not in resources()["TaskRole"]
