"""Resources of services: permissions, security group rules, and dependencies.

Faults in params are under tests/errors, whole templates under tests/golden.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from moorage.findings.finding import Finding
from moorage.pipeline.compose import compose
from moorage.pipeline.load import Document
from moorage.pipeline.render import render
from moorage.pipeline.validate import validate
from templates import TEMPLATES

REGION, ACCOUNT = "eu-central-1", "123456789012"
HERE = f"{REGION}:{ACCOUNT}"
KEY = f"arn:aws:kms:{HERE}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/old"
BOUNDARY, OTHER_BOUNDARY = (f"arn:aws:iam::{ACCOUNT}:policy/{name}" for name in ("all", "one"))
SECRET = f"arn:aws:secretsmanager:{HERE}:secret:shop/db-AbCdEf"
CERTIFICATE = f"arn:aws:acm:{HERE}:certificate/0a1b2c3d-1111-4222-8333-444455556666"
POOL = f"arn:aws:cognito-idp:{HERE}:userpool/{REGION}_AbCdEfGhI"
LISTENER = f"arn:aws:elasticloadbalancing:{HERE}:listener/app/old/50dc6c49/f2f7dc8e"
EXISTING_ALB = {"listener": LISTENER, "security_group": "sg-0123456789abcdef0"}
EXISTING_NETWORK = {
    "vpc": "vpc-0123456789abcdef0",
    "public_subnets": ["subnet-0000000000000000a", "subnet-0000000000000000b"],
    "private_subnets": ["subnet-0000000000000000c", "subnet-0000000000000000d"],
}
OIDC = {
    "issuer": "https://login.example.com",
    "authorization_endpoint": "https://login.example.com/authorize",
    "token_endpoint": "https://login.example.com/token",
    "user_info_endpoint": "https://login.example.com/user",
    "client_id": "abc",
    "client_secret": "secretsmanager:login:secret",
}

IMAGE = "public.ecr.aws/nginx/nginx:1.27.3"
WEB = {"image": IMAGE, "ports": [8080]}
ROUTE = {"via": "public", "paths": ["/*"]}

Resources = dict[str, dict[str, Any]]


def built(stacks: dict[str, Any], **header: Any) -> tuple[dict[str, Any], list[Finding]]:
    """The template of the stack `web`, and the findings."""
    all_stacks = {"network": {}, "cluster": {}, **stacks}
    data = {"app": "shop", "region": REGION, **header, "stacks": all_stacks}
    document = Document("dev", "params/dev.yaml", data, {})
    env, findings = validate(document, TEMPLATES)
    if env is None:
        return {}, findings
    stack = next(stack for stack in compose(env, TEMPLATES) if stack.name == "web")
    rendering, faults = render(stack, document, "yaml")
    assert rendering is not None, faults
    return dict(rendering.body), findings


def body(
    *,
    container: dict[str, Any] | None = None,
    stacks: dict[str, Any] | None = None,
    header: dict[str, Any] | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """The template of a service `web`, by default with one container `app`."""
    containers = {"containers": {"app": {**WEB, **(container or {})}}}
    service = {"template": "service", **containers, **fields}
    public = {"template": "alb", "certificate": []}
    every = {"public": public, **(stacks or {}), "web": service}
    result, findings = built(every, **(header or {}))
    assert findings == []
    return result


def resources(**fields: Any) -> Resources:
    """Properties by logical ID."""
    all_resources = body(**fields)["Resources"]
    return {name: resource.get("Properties", {}) for name, resource in all_resources.items()}


def of_type(kind: str, among: dict[str, Any]) -> Resources:
    matching = {
        name: resource
        for name, resource in among["Resources"].items()
        if resource["Type"].endswith(kind)
    }
    return {name: resource["Properties"] for name, resource in matching.items()}


def statements(role: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for policy in role.get("Policies", []):
        yield from policy["PolicyDocument"]["Statement"]


def allowed(role: dict[str, Any]) -> set[tuple[str, str]]:
    """Every pair of an action and a resource that the inline policies of a role allow."""
    return {
        (action, text(resource))
        for statement in statements(role)
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def text(value: Any) -> str:
    """An expression as readable text."""
    if isinstance(value, str):
        return value
    ((function, argument),) = value.items()
    if function == "Fn::GetAtt":
        return ".".join(argument)
    if function == "Fn::Sub" and isinstance(argument, list):
        template, values = argument
        for name, inner in values.items():
            template = template.replace("${" + name + "}", text(inner))
        return str(template)
    return str(argument)


def arn(service: str, rest: str) -> str:
    """The ARN of a resource in the partition, region and account of the stack."""
    return f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{rest}"


WRITE_LOGS = {("logs:CreateLogStream", "LogGroup.Arn"), ("logs:PutLogEvents", "LogGroup.Arn")}


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


# Logs and the task ---------------------------------------------------------------------------


def test_logs_go_to_a_log_group_of_the_stack() -> None:
    template = body(logs={"retention": "14d"})
    group = template["Resources"]["LogGroup"]
    assert group["Properties"] == {"RetentionInDays": 14}
    assert group["DeletionPolicy"] == group["UpdateReplacePolicy"] == "Delete"
    options = template["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"][0][
        "LogConfiguration"
    ]["Options"]
    assert options["awslogs-group"] == {"Ref": "LogGroup"}
    assert options["awslogs-stream-prefix"] == "app"


def test_logs_are_kept_if_the_params_say_so() -> None:
    group = body(logs={"keep": True})["Resources"]["LogGroup"]
    assert group["DeletionPolicy"] == group["UpdateReplacePolicy"] == "Retain"


def test_an_existing_log_group_is_used_and_none_is_created() -> None:
    service_resources = resources(logs={"existing": "/shop/old"})
    assert "LogGroup" not in service_resources
    assert allowed(service_resources["ExecutionRole"]) == {
        ("logs:CreateLogStream", arn("logs", "log-group:/shop/old:*")),
        ("logs:PutLogEvents", arn("logs", "log-group:/shop/old:*")),
    }
    (definition,) = service_resources["TaskDefinition"]["ContainerDefinitions"]
    assert definition["LogConfiguration"]["Options"]["awslogs-group"] == "/shop/old"


def test_the_size_architecture_and_disk_of_the_task() -> None:
    task = resources(cpu=1024, memory=4096, cpu_architecture="ARM64", ephemeral_storage=50)[
        "TaskDefinition"
    ]
    assert (task["Cpu"], task["Memory"]) == ("1024", "4096")
    assert task["RuntimePlatform"]["CpuArchitecture"] == "ARM64"
    assert task["EphemeralStorage"] == {"SizeInGiB": 50}
    plain = resources()["TaskDefinition"]
    assert plain["RuntimePlatform"]["CpuArchitecture"] == "X86_64"
    assert "EphemeralStorage" not in plain


def test_old_revisions_of_the_task_definition_are_retained() -> None:
    task = body()["Resources"]["TaskDefinition"]
    assert task["DeletionPolicy"] == task["UpdateReplacePolicy"] == "Retain"


# Placement -----------------------------------------------------------------------------------


def execution_platform(**fields: Any) -> tuple[str | None, dict[str, tuple[int | None, int]]]:
    """Launch type, and base and weight of each capacity provider."""
    service = resources(**fields)["Service"]
    shares = service.get("CapacityProviderStrategy", [])
    strategy = {share["CapacityProvider"]: (share.get("Base"), share["Weight"]) for share in shares}
    return service.get("LaunchType"), strategy


def test_a_service_without_a_strategy_uses_that_of_the_cluster() -> None:
    default = {"FARGATE": {"base": 1}, "FARGATE_SPOT": {"weight": 1}}
    assert execution_platform() == (None, {"FARGATE": (None, 1)})
    assert execution_platform(stacks={"cluster": {"default_strategy": default}}) == (
        None,
        {"FARGATE": (1, 0), "FARGATE_SPOT": (None, 1)},
    )


def test_the_strategy_of_a_service_overrides_that_of_the_cluster() -> None:
    mix = {"FARGATE": {"base": 2, "weight": 1}, "FARGATE_SPOT": {"weight": 3}}
    assert execution_platform(capacity_providers=mix) == (
        None,
        {"FARGATE": (2, 1), "FARGATE_SPOT": (None, 3)},
    )


def test_on_an_existing_cluster_the_launch_type_is_fargate() -> None:
    existing = {"name": "old", "capacity_providers": ["FARGATE_SPOT"]}
    stacks = {"cluster": {"existing": existing}}
    assert execution_platform(stacks=stacks) == ("FARGATE", {})
    assert resources(stacks=stacks)["Service"]["Cluster"] == "old"
    spot = {"FARGATE_SPOT": {"weight": 1}}
    assert execution_platform(stacks=stacks, capacity_providers=spot) == (
        None,
        {"FARGATE_SPOT": (None, 1)},
    )


def placement(**fields: Any) -> tuple[str, list[str]]:
    """Whether tasks have public addresses, and their subnets."""
    configuration = resources(**fields)["Service"]["NetworkConfiguration"]["AwsvpcConfiguration"]
    return configuration["AssignPublicIp"], [text(subnet) for subnet in configuration["Subnets"]]


PUBLIC, PRIVATE = (
    [f"shop-dev-network-{kind}Subnet{zone}Id" for zone in "AB"] for kind in ("Public", "Private")
)


@pytest.mark.parametrize(
    ("egress", "expected"),
    [
        ("public", ("ENABLED", PUBLIC)),
        ("nat", ("DISABLED", PRIVATE)),
        ("nat-per-az", ("DISABLED", PRIVATE)),
        ("endpoints", ("DISABLED", PRIVATE)),
    ],
)
def test_tasks_are_in_subnets_with_a_route_out_of_the_vpc(
    egress: str, expected: tuple[str, list[str]]
) -> None:
    container = {"image": "ecr:web:1"}
    assert placement(container=container, stacks={"network": {"egress": egress}}) == expected


def test_tasks_are_in_public_subnets_if_the_params_say_so() -> None:
    public = EXISTING_NETWORK["public_subnets"]
    stacks = {"network": {"existing": EXISTING_NETWORK}}
    assert placement(subnets="public", stacks=stacks) == ("ENABLED", public)


def test_tasks_are_in_the_subnets_that_an_existing_network_has() -> None:
    private, public = (EXISTING_NETWORK[f"{kind}_subnets"] for kind in ("private", "public"))
    network = {"existing": EXISTING_NETWORK}
    only = {"existing": EXISTING_NETWORK | {"private_subnets": []}}
    assert placement(stacks={"network": network}) == ("DISABLED", private)
    assert placement(stacks={"network": only}) == ("ENABLED", public)


def test_further_security_groups_are_added_to_that_of_the_stack() -> None:
    group = "sg-0123456789abcdef0"
    service = resources(security_groups=[group])["Service"]
    groups = service["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"]
    assert [text(item) for item in groups] == ["SecurityGroup.GroupId", group]


# Deployments ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "enabled", "rollback"),
    [
        ({}, True, True),
        ({"circuit_breaker": {"rollback": False}}, True, False),
        ({"circuit_breaker": True}, True, True),
        ({"circuit_breaker": False}, False, False),
    ],
    ids=str,
)
def test_the_circuit_breaker(fields: dict[str, Any], enabled: bool, rollback: bool) -> None:
    breaker = resources(**fields)["Service"]["DeploymentConfiguration"]["DeploymentCircuitBreaker"]
    assert breaker == {"Enable": enabled, "Rollback": rollback}


def test_desired_count_and_deployment_percentages() -> None:
    service = resources(desired_count=4, minimum_healthy_percent=50, maximum_percent=150)["Service"]
    deployment = service["DeploymentConfiguration"]
    assert service["DesiredCount"] == 4
    assert (deployment["MinimumHealthyPercent"], deployment["MaximumPercent"]) == (50, 150)


def test_availability_zone_rebalancing_is_on_by_default() -> None:
    assert resources()["Service"]["AvailabilityZoneRebalancing"] == "ENABLED"
    service = resources(availability_zone_rebalancing=False, maximum_percent=100,
                        minimum_healthy_percent=0)["Service"]  # fmt: skip
    assert service["AvailabilityZoneRebalancing"] == "DISABLED"


def test_a_service_behind_a_load_balancer_has_a_grace_period() -> None:
    key = "HealthCheckGracePeriodSeconds"
    assert key not in resources()["Service"]
    redirect = {"via": "public", "name": "old", "paths": ["/a"], "redirect": {"path": "/b"}}
    assert key not in resources(expose=[redirect])["Service"]
    assert resources(expose=[ROUTE])["Service"][key] == 60
    assert resources(expose=[ROUTE], health_check_grace_period="0s")["Service"][key] == 0


# Behind a load balancer ----------------------------------------------------------------------

CHECKED = {"health_check": {"port": 9000, "path": "/healthz"}}
HTTPS = {"public": {"template": "alb", "certificate": CERTIFICATE, "authentication": True}}


def security_group_rules(template: dict[str, Any]) -> dict[str, set[tuple[str, str, int]]]:
    """Source and destination security group and port, by the kind of rule."""
    ingress = {
        (text(rule["SourceSecurityGroupId"]), text(rule["GroupId"]), rule["ToPort"])
        for rule in of_type("SecurityGroupIngress", template).values()
    }
    egress = {
        (text(rule["GroupId"]), text(rule["DestinationSecurityGroupId"]), rule["ToPort"])
        for rule in of_type("SecurityGroupEgress", template).values()
    }
    return {"ingress": ingress, "egress": egress}


BALANCER, TASKS = "shop-dev-public-SecurityGroupId", "SecurityGroup.GroupId"


def test_resources_of_a_route() -> None:
    template = body(expose=[ROUTE])
    (group,) = of_type("TargetGroup", template)
    (rule,) = of_type("ListenerRule", template).values()
    (attached,) = template["Resources"]["Service"]["Properties"]["LoadBalancers"]
    assert group == "PublicApp8080TargetGroup"
    assert rule["Actions"] == [{"Type": "forward", "TargetGroupArn": {"Ref": group}}]
    assert text(rule["ListenerArn"]) == "shop-dev-public-HttpListenerArn"
    assert attached == {
        "ContainerName": "app",
        "ContainerPort": 8080,
        "TargetGroupArn": {"Ref": group},
    }
    rules = {(BALANCER, TASKS, 8080)}
    assert security_group_rules(template) == {"ingress": rules, "egress": rules}


def test_the_service_waits_for_the_rules_that_forward_to_it_only() -> None:
    redirect = {"via": "public", "name": "old", "paths": ["/old"], "redirect": {"path": "/new"}}
    assert body(expose=[ROUTE, redirect])["Resources"]["Service"]["DependsOn"] == [
        "Public8080Egress",
        "Public8080Ingress",
        "PublicApp8080ListenerRule",
    ]


def test_without_routes_there_are_no_security_group_rules() -> None:
    template = body()
    assert security_group_rules(template) == {"ingress": set(), "egress": set()}
    assert not {"DependsOn", "LoadBalancers"} & template["Resources"]["Service"].keys()
    assert not of_type("TargetGroup", template)


def test_a_separate_health_check_port_is_allowed_as_well() -> None:
    template = body(container={"ports": [8080, 9000]}, expose=[ROUTE | {"port": 8080} | CHECKED])
    rules = {(BALANCER, TASKS, port) for port in (8080, 9000)}
    assert security_group_rules(template) == {"ingress": rules, "egress": rules}
    (group,) = of_type("TargetGroup", template).values()
    assert (group["Port"], group["HealthCheckPort"], group["HealthCheckPath"]) == (
        8080,
        "9000",
        "/healthz",
    )


def test_a_sidecar_can_answer_health_checks_of_a_task() -> None:
    containers = {"app": WEB, "health": {"image": IMAGE, "ports": [9000]}}
    template = body(containers=containers, expose=[ROUTE | {"container": "app"} | CHECKED])
    assert {port for _, _, port in security_group_rules(template)["ingress"]} == {8080, 9000}
    (attached,) = template["Resources"]["Service"]["Properties"]["LoadBalancers"]
    assert (attached["ContainerName"], attached["ContainerPort"]) == ("app", 8080)


def test_two_routes_to_one_port_share_its_target_group() -> None:
    second = {"via": "public", "name": "api", "hosts": ["api.example.com"]}
    template = body(expose=[ROUTE | {"deregistration_delay": "5s"}, second])
    (group,) = of_type("TargetGroup", template)
    rules = of_type("ListenerRule", template)
    assert rules.keys() == {"PublicApp8080ListenerRule", "PublicApiListenerRule"}
    assert {rule["Actions"][0]["TargetGroupArn"]["Ref"] for rule in rules.values()} == {group}
    assert rules.keys() <= set(template["Resources"]["Service"]["DependsOn"])
    assert len(template["Resources"]["Service"]["Properties"]["LoadBalancers"]) == 1


def test_the_route_with_settings_sets_the_target_group_in_any_order() -> None:
    second = {"via": "public", "name": "api", "hosts": ["api.example.com"]}
    plain = of_type("TargetGroup", body(expose=[second, ROUTE]))
    reordered = of_type(
        "TargetGroup", body(expose=[second, ROUTE | {"deregistration_delay": "5s"}])
    )
    key = "deregistration_delay.timeout_seconds"
    for groups, seconds in ((plain, "60"), (reordered, "5")):
        (group,) = groups.values()
        attributes = {pair["Key"]: pair["Value"] for pair in group["TargetGroupAttributes"]}
        assert attributes[key] == seconds


def test_each_of_two_load_balancers_has_a_target_group_and_rules() -> None:
    inner = {"template": "alb", "scheme": "internal"}
    template = body(expose=[ROUTE, ROUTE | {"via": "inner"}], stacks={"inner": inner})
    assert of_type("TargetGroup", template).keys() == {
        "PublicApp8080TargetGroup",
        "InnerApp8080TargetGroup",
    }
    assert {balancer for balancer, _, _ in security_group_rules(template)["ingress"]} == {
        BALANCER,
        "shop-dev-inner-SecurityGroupId",
    }
    assert len(template["Resources"]["Service"]["Properties"]["LoadBalancers"]) == 2


def test_an_existing_load_balancer_is_referred_to_by_its_ids() -> None:
    template = body(
        expose=[ROUTE], stacks={"public": {"template": "alb", "existing": EXISTING_ALB}}
    )
    (rule,) = of_type("ListenerRule", template).values()
    assert rule["ListenerArn"] == LISTENER
    rules = {(EXISTING_ALB["security_group"], TASKS, 8080)}
    assert security_group_rules(template) == {"ingress": rules, "egress": rules}


def test_with_a_certificate_rules_belong_to_the_https_listener() -> None:
    (rule,) = of_type("ListenerRule", body(expose=[ROUTE], stacks=HTTPS)).values()
    assert text(rule["ListenerArn"]) == "shop-dev-public-HttpsListenerArn"


# Actions -------------------------------------------------------------------------------------


def answered(route: dict[str, Any]) -> list[dict[str, Any]]:
    template = body(expose=[{"via": "public", "paths": ["/a"], **route}], stacks=HTTPS)
    (rule,) = of_type("ListenerRule", template).values()
    return list(rule["Actions"])


def test_a_redirect_keeps_what_it_does_not_mention() -> None:
    redirect = {"host": "b.example.com", "port": 8443, "status_code": 301}
    (action,) = answered({"name": "moved", "redirect": redirect})
    assert action["Type"] == "redirect"
    assert action["RedirectConfig"] == {
        "Host": "b.example.com",
        "Port": "8443",
        "StatusCode": "HTTP_301",
    }


def test_a_fixed_response() -> None:
    (action,) = answered({"name": "closed", "fixed_response": {"message_body": "Closed"}})
    assert action["Type"] == "fixed-response"
    assert action["FixedResponseConfig"] == {
        "StatusCode": "503",
        "ContentType": "text/plain",
        "MessageBody": "Closed",
    }


@pytest.mark.parametrize(
    ("provider", "kind"),
    [
        ({"oidc": OIDC}, "authenticate-oidc"),
        (
            {"cognito": {"user_pool": POOL, "client_id": "abc", "domain": "shop"}},
            "authenticate-cognito",
        ),
    ],
    ids=["oidc", "cognito"],
)
def test_users_log_in_before_requests_are_forwarded(provider: dict[str, Any], kind: str) -> None:
    login = provider | {"session_timeout": "1h", "session_cookie": "shop"}
    actions = answered({"authenticate": login})
    assert [(action["Order"], action["Type"]) for action in actions] == [(1, kind), (2, "forward")]
    (config,) = (value for key, value in actions[0].items() if key.endswith("Config"))
    assert (config["SessionTimeout"], config["SessionCookieName"]) == (3600, "shop")


def test_the_secret_of_an_oidc_client_is_not_in_the_template() -> None:
    config = answered({"authenticate": {"oidc": OIDC}})[0]["AuthenticateOidcConfig"]
    assert config["ClientSecret"] == "{{resolve:secretsmanager:login:SecretString:secret}}"


def test_two_stacks_with_one_existing_vpc_are_one_network() -> None:
    private = EXISTING_NETWORK | {"public_subnets": []}
    web = {"template": "service", "network": "inner", "containers": {"web": WEB}}
    stacks = {
        "network": {"existing": EXISTING_NETWORK},
        "inner": {"template": "network", "existing": private},
        "public": {"template": "alb", "network": "network", "certificate": []},
        "web": web | {"expose": [ROUTE]},
    }
    assert built(stacks)[1] == []
    other = {"template": "network", "existing": private | {"vpc": "vpc-0123456789abcdef1"}}
    _, (finding,) = built(stacks | {"inner": other})
    assert finding.code == "M2553"


def test_the_secret_of_an_oidc_client_can_be_written_as_an_arn() -> None:
    login = OIDC | {"client_secret": f"secretsmanager:{SECRET}:password"}
    config = answered({"authenticate": {"oidc": login}})[0]["AuthenticateOidcConfig"]
    expected = f"{{{{resolve:secretsmanager:{SECRET}:SecretString:password}}}}"
    assert config["ClientSecret"] == expected


def test_a_key_can_be_in_the_region_of_a_secret() -> None:
    far = SECRET.replace(REGION, "us-east-1")
    key = KEY.replace(REGION, "us-east-1")
    container = {"secrets": {"TOKEN": f"secretsmanager:{far}"}}
    assert ("kms:Decrypt", key) in execution(container=container, kms_keys=[key])


# Target groups -------------------------------------------------------------------------------


def target_group(**settings: Any) -> dict[str, Any]:
    (group,) = of_type("TargetGroup", body(expose=[ROUTE | settings], stacks=HTTPS)).values()
    return group


def attributes(**settings: Any) -> dict[str, str]:
    return {
        pair["Key"]: pair["Value"] for pair in target_group(**settings)["TargetGroupAttributes"]
    }


def test_a_target_group_is_in_the_network_of_the_service() -> None:
    group = target_group()
    assert group["TargetType"] == "ip"
    assert text(group["VpcId"]) == "shop-dev-network-VpcId"
    assert (group["Protocol"], group["ProtocolVersion"]) == ("HTTP", "HTTP1")
    assert (group["HealthCheckPort"], group["HealthCheckPath"]) == ("traffic-port", "/")
    assert group["Matcher"] == {"HttpCode": "200-399"}


def test_health_check_of_grpc() -> None:
    group = target_group(protocol_version="GRPC")
    assert group["ProtocolVersion"] == "GRPC"
    assert group["HealthCheckPath"] == "/AWS.ALB/healthcheck"
    assert group["Matcher"] == {"GrpcCode": "12"}
    own = target_group(protocol_version="GRPC", health_check={"path": "/a.B/Check", "matcher": "0"})
    assert (own["HealthCheckPath"], own["Matcher"]) == ("/a.B/Check", {"GrpcCode": "0"})


def test_a_target_group_with_https_has_an_https_health_check() -> None:
    group = target_group(protocol="HTTPS")
    assert (group["Protocol"], group["HealthCheckProtocol"]) == ("HTTPS", "HTTPS")
    other = target_group(protocol="HTTPS", health_check={"protocol": "HTTP"})
    assert other["HealthCheckProtocol"] == "HTTP"


@pytest.mark.parametrize(
    ("stickiness", "expected"),
    [
        (None, {"stickiness.enabled": "false"}),
        (
            {"duration": "1h"},
            {
                "stickiness.enabled": "true",
                "stickiness.type": "lb_cookie",
                "stickiness.lb_cookie.duration_seconds": "3600",
            },
        ),
        (
            {"app_cookie": "session"},
            {
                "stickiness.enabled": "true",
                "stickiness.type": "app_cookie",
                "stickiness.app_cookie.cookie_name": "session",
                "stickiness.app_cookie.duration_seconds": "86400",
            },
        ),
    ],
    ids=["none", "balancer", "application"],
)
def test_stickiness(stickiness: dict[str, Any] | None, expected: dict[str, str]) -> None:
    settings = {"stickiness": stickiness} if stickiness else {}
    values = attributes(**settings)
    assert {key: value for key, value in values.items() if key.startswith("stickiness")} == expected


def test_slow_start_and_algorithm() -> None:
    assert attributes(slow_start="30s")["slow_start.duration_seconds"] == "30"
    values = attributes(algorithm="least_outstanding_requests")
    assert values["load_balancing.algorithm.type"] == "least_outstanding_requests"
    assert values["slow_start.duration_seconds"] == "0", "what is taken out must be switched off"


# Containers ----------------------------------------------------------------------------------


def definition(**container: Any) -> dict[str, Any]:
    (definition,) = resources(container=container)["TaskDefinition"]["ContainerDefinitions"]
    return definition


def test_omitted_settings_are_left_to_ecs() -> None:
    assert definition().keys() == {
        "Name",
        "Image",
        "Essential",
        "PortMappings",
        "LogConfiguration",
    }


def test_ports_keep_their_protocol() -> None:
    assert definition(ports=[8080, "53/udp"])["PortMappings"] == [
        {"ContainerPort": 8080, "Protocol": "tcp"},
        {"ContainerPort": 53, "Protocol": "udp"},
    ]


def test_variables_are_text_sorted_by_name() -> None:
    variables = {"B": 1, "A": True, "C": "x", "D": 0.5}
    assert definition(environment=variables)["Environment"] == [
        {"Name": "A", "Value": "true"},
        {"Name": "B", "Value": "1"},
        {"Name": "C", "Value": "x"},
        {"Name": "D", "Value": "0.5"},
    ]


def test_a_cpu_of_zero_is_passed_on() -> None:
    assert definition(cpu=0)["Cpu"] == 0


def test_a_health_check_written_as_text_runs_in_a_shell() -> None:
    check = definition(health_check={"command": "true", "start_period": "0s"})["HealthCheck"]
    assert check["Command"] == ["CMD-SHELL", "true"]
    assert check["StartPeriod"] == 0


def test_linux_parameters() -> None:
    container = {"init_process_enabled": True, "drop_capabilities": ["ALL"]}
    assert definition(**container)["LinuxParameters"] == {
        "InitProcessEnabled": True,
        "Capabilities": {"Drop": ["ALL"]},
    }


def test_images_of_the_registry_of_the_account_are_written_in_full() -> None:
    host = "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}"
    assert definition(image="ecr:shop/web:1")["Image"] == {"Fn::Sub": f"{host}/shop/web:1"}
    assert definition()["Image"] == IMAGE


# What others may use -------------------------------------------------------------------------


def test_exports() -> None:
    outputs = body()["Outputs"]
    exported = {output["Export"]["Name"] for output in outputs.values() if "Export" in output}
    assert exported == {"shop-dev-web-SecurityGroupId", "shop-dev-web-TaskRoleArn"}


def findings(fields: dict[str, Any], **stacks: Any) -> list[tuple[str, str]]:
    """Code and path of each finding; the texts are under tests/errors."""
    service = {"template": "service", "containers": {"app": WEB}, **fields}
    _, all_findings = built(
        {"public": {"template": "alb", "certificate": []}, **stacks, "web": service}
    )
    return [(finding.code, ".".join(map(str, finding.path))) for finding in all_findings]


def service(**route: Any) -> dict[str, Any]:
    return {"template": "service", "containers": {"app": WEB}, "expose": [ROUTE | route]}


def test_services_of_two_listeners_do_not_conflict() -> None:
    inner = {"template": "alb", "scheme": "internal"}
    assert findings({"expose": [ROUTE]}, inner=inner, other=service(via="inner")) == []


def test_services_with_the_same_conditions_on_one_listener_conflict() -> None:
    clash = [("M2430", "stacks.web.expose.0")]
    assert findings({"expose": [ROUTE]}, other=service()) == clash
    twice = {name: {"template": "alb", "existing": EXISTING_ALB} for name in ("public", "again")}
    assert findings({"expose": [ROUTE]}, other=service(via="again"), **twice) == clash


def test_listeners_that_share_a_security_group_have_one_rule() -> None:
    other = EXISTING_ALB | {"listener": LISTENER.replace("f2f7dc8e", "aaaaaaaa")}
    stacks = {
        "public": {"template": "alb", "existing": EXISTING_ALB},
        "second": {"template": "alb", "existing": other},
    }
    template = body(expose=[ROUTE, ROUTE | {"via": "second"}], stacks=stacks)
    assert len(of_type("SecurityGroupIngress", template)) == 1
    assert len(of_type("SecurityGroupEgress", template)) == 1
    assert len(of_type("TargetGroup", template)) == 2


# Updates: what the second of two builds must not do to what the first one deployed -------------

SITE = [{"via": "public", "paths": ["/*"]}]


def priorities(**fields: Any) -> dict[str, int]:
    rules = of_type("ListenerRule", body(expose=SITE, **fields))
    return {name: rule["Priority"] for name, rule in rules.items()}


def test_a_rule_with_another_name_has_another_priority() -> None:
    """CloudFormation creates the new rule first, and a listener has each priority once."""
    before = priorities(container={"ports": [3000]})
    after = priorities(container={"ports": [3001]})
    assert before.keys().isdisjoint(after)
    assert set(before.values()).isdisjoint(after.values())


def test_the_same_route_of_another_stack_has_another_priority() -> None:
    both = {}
    for name in ("web", "site"):
        data = {"network": {}, "cluster": {}, "public": {"template": "alb", "certificate": []}}
        service = {"template": "service", "containers": {"app": WEB}, "expose": SITE}
        document = Document("dev", "dev.yaml", {"app": "shop", "region": REGION,
                            "stacks": {**data, name: service}}, {})  # fmt: skip
        env, _ = validate(document, TEMPLATES)
        assert env is not None
        stack = next(stack for stack in compose(env, TEMPLATES) if stack.name == name)
        (rule,) = of_type("ListenerRule", stack.template.to_dict()).values()
        both[name] = rule["Priority"]
    assert both["web"] != both["site"]


def test_removing_the_last_route_removes_the_target_group() -> None:
    assert resources()["Service"]["LoadBalancers"] == []
