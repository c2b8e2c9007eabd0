"""The roles for deployments: that they suffice, that a missing permission is found, and what they
do not allow."""

from __future__ import annotations

import copy
import fnmatch
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
from cfnlint.decode.decode import decode_str

from moorage.cfn.deployment_permissions import (
    build_view,
    collect_needs,
    find_missing,
    find_needs,
)
from moorage.facts.handler_permissions import find_actions
from moorage.facts.quotas import MAX_MANAGED_POLICY_CHARACTERS
from moorage.findings.finding import Finding
from moorage.pipeline.build import Built, build
from moorage.plan import DeploymentNeeds, Permission, Plan
from templates import TEMPLATES, deployment_role

GOLDEN = Path("tests/golden/deployment-role/params")
HERE = "arn:${AWS::Partition}:%s:${AWS::Region}:${AWS::AccountId}:"
PARAMS = """
app: shop
region: eu-central-1
stacks:
  deployment: {template: deployment_role%s}
  cluster: {exec_logs: false}
  images: {template: ecr, repositories: {web: {}}%s}
"""


@cache
def plan() -> Plan:
    built = build(GOLDEN, "prod", TEMPLATES)
    assert built.plan is not None
    return built.plan


@cache
def needs() -> Any:
    bodies = {stack.name: stack.rendering.body for stack in plan().stacks}
    names = {stack.name: stack.stack_name for stack in plan().stacks}
    view = build_view(bodies)
    return list(find_needs([stack for stack in view.stacks if stack.name != "deployment"], names))


def roles_body(built: Plan | None = None) -> Any:
    stacks = {stack.name: stack for stack in (built or plan()).stacks}
    return copy.deepcopy(stacks["deployment"].rendering.body)


def missing(body: Any, action: str = "*") -> set[tuple[str, str]]:
    """What the service role of a template lacks, of the needs with an action."""
    wanted = [need for need in needs() if fnmatch.fnmatchcase(need.permission.action, action)]
    role = build_view({"deployment": body}).stacks[0].resources["ServiceRole"]
    found = find_missing(role, wanted)
    return {(need.permission.action, need.permission.resource) for need in found}


def policies(body: Any, role: str = "ServiceRole") -> dict[str, list[Any]]:
    """The statements of the managed policies of a role."""
    names = [arn["Ref"] for arn in body["Resources"][role]["Properties"]["ManagedPolicyArns"]]
    return {
        name: body["Resources"][name]["Properties"]["PolicyDocument"]["Statement"] for name in names
    }


def drop_empty(body: Any) -> None:
    """Removes statements without actions or without resources, which IAM does not accept."""
    for statements in policies(body).values():
        statements[:] = [item for item in statements if item["Action"] and item["Resource"]]


def texts(resources: list[Any]) -> list[str]:
    return [item["Fn::Sub"] if isinstance(item, dict) else item for item in resources]


def test_the_service_role_suffices_for_every_resource() -> None:
    assert len({need.permission for need in needs()}) > 300
    assert missing(roles_body()) == set()


def test_an_action_that_is_taken_out_is_found() -> None:
    """The first and the last one of each statement."""
    everywhere = {
        action
        for statements in policies(roles_body()).values()
        for item in statements
        if item["Resource"] == ["*"]
        for action in item["Action"]
    }
    count = 0
    for name, statements in policies(roles_body()).items():
        for index, item in enumerate(statements):
            for action in {item["Action"][0], item["Action"][-1]}:
                if action in everywhere and item["Resource"] != ["*"]:
                    continue  # allowed on `*` as well
                body = roles_body()
                policies(body)[name][index]["Action"].remove(action)
                drop_empty(body)
                found = missing(body, action)
                assert {lacking for lacking, _ in found} == {action}, (name, index, action)
                count += 1
    assert count > 25


@pytest.mark.parametrize("logical_id", ["Repository", "Service", "Queue"])
def test_a_resource_that_is_taken_out_is_found(logical_id: str) -> None:
    (wanted,) = {need.permission for need in needs() if _creates(need, logical_id)}
    body = roles_body()
    for statements in policies(body).values():
        for item in statements:
            item["Resource"] = [
                arn for arn in item["Resource"] if texts([arn]) != [wanted.resource]
            ]
    drop_empty(body)
    assert (wanted.action, wanted.resource) in missing(body)


def _creates(need: Any, logical_id: str) -> bool:
    verb = need.permission.action.partition(":")[2]
    return need.resource is not None and verb == f"Create{logical_id}"


def test_a_statement_that_denies_is_found() -> None:
    body = roles_body()
    everything = {"Effect": "Deny", "Action": ["ecs:*"], "Resource": ["*"]}
    policies(body)["TasksPolicy"].append(everything)
    assert {action.partition(":")[0] for action, _ in missing(body)} == {"ecs"}


def test_no_policy_is_too_large() -> None:
    for statements in (
        *policies(roles_body()).values(),
        *policies(roles_body(), "DeployRole").values(),
    ):
        text = str({"Version": "2012-10-17", "Statement": statements}).replace(" ", "")
        assert len(text) < MAX_MANAGED_POLICY_CHARACTERS + 2000  # with functions in place of values


def test_roles_are_limited_to_those_of_the_stacks_with_the_boundary() -> None:
    statements = policies(roles_body())["IamPolicy"]
    (create,) = [item for item in statements if "iam:CreateRole" in item["Action"]]
    boundary = "arn:aws:iam::111122223333:policy/tasks"
    assert create["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": [boundary]}}
    prefix = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/shop-prod-"
    assert texts(create["Resource"]) == [
        f"{prefix}{name}-*" for name in ("mailer", "migrate", "web")
    ]
    everything = [action for item in statements for action in item["Action"]]
    assert "iam:DeleteRolePermissionsBoundary" not in everything
    (passed,) = [item for item in statements if item["Action"] == ["iam:PassRole"]]
    assert passed["Condition"] == {
        "StringEquals": {"iam:PassedToService": ["ecs-tasks.amazonaws.com"]}
    }


def test_what_has_no_known_name_is_limited_to_the_region() -> None:
    for statements in policies(roles_body()).values():
        for item in statements:
            if item["Resource"] == ["*"]:
                region = {"aws:RequestedRegion": {"Ref": "AWS::Region"}}
                assert item["Condition"] == {"StringEquals": region}
                assert not [name for name in item["Action"] if name.startswith("iam:")]


def test_neither_role_can_change_the_roles() -> None:
    body = roles_body()
    (inline,) = body["Resources"]["ServiceRole"]["Properties"]["Policies"]
    (denied,) = inline["PolicyDocument"]["Statement"]
    assert (denied["Effect"], denied["Action"]) == ("Deny", ["iam:*"])
    assert [name.rpartition("/")[2] for name in texts(denied["Resource"])] == [
        "shop-prod-deploy",
        "shop-prod-cloudformation",
        "shop-prod-deployment-*",
    ]
    own = HERE % "cloudformation" + "stack/shop-prod-deployment/*"
    effects = {
        item["Effect"]
        for statements in policies(body, "DeployRole").values()
        for item in statements
        if "cloudformation:ExecuteChangeSet" in item["Action"] and own in texts(item["Resource"])
    }
    assert effects == {"Deny"}


def test_the_deploying_role_imports_no_resources() -> None:
    (create,) = [
        item
        for statements in policies(roles_body(), "DeployRole").values()
        for item in statements
        if "cloudformation:CreateChangeSet" in item["Action"]
    ]
    assert create["Condition"] == {"Null": {"cloudformation:ImportResourceTypes": "true"}}


# Params ----------------------------------------------------------------------------------------


def build_text(folder: Path, text: str, env: str = "dev") -> Built:
    (folder / "params").mkdir(exist_ok=True)
    (folder / "params" / f"{env}.yaml").write_text(text)
    return build(folder / "params", env, TEMPLATES)


def codes(findings: tuple[Finding, ...]) -> list[tuple[str, str]]:
    return [(finding.code, ".".join(map(str, finding.path))) for finding in findings]


def test_new_stacks_need_no_new_role(tmp_path: Path) -> None:
    before = build_text(tmp_path, PARAMS % (", new_stacks: true", ""))
    more = PARAMS % (", new_stacks: true", "") + "  other: {template: cluster, exec_logs: false}\n"
    after = build_text(tmp_path, more)
    assert before.plan is not None
    assert after.plan is not None
    assert roles_body(before.plan) == roles_body(after.plan)
    stacks = texts(policies(roles_body(after.plan), "DeployRole")["DeployPolicy"][0]["Resource"])
    assert f"{HERE % 'cloudformation'}stack/shop-dev-*/*" in stacks


def test_the_own_account_is_trusted_unless_another_is_named(tmp_path: Path) -> None:
    def principals(more: str) -> list[Any]:
        built = build_text(tmp_path, PARAMS % (more, ""))
        assert built.plan is not None
        role = roles_body(built.plan)["Resources"]["DeployRole"]["Properties"]
        return [
            (texts(item["Principal"]["AWS"]), item.get("Condition"))
            for item in role["AssumeRolePolicyDocument"]["Statement"]
        ]

    root = "arn:${AWS::Partition}:iam::%s:root"
    assert principals("") == [([root % "${AWS::AccountId}"], None)]
    role = "arn:aws:iam::999988887777:role/pipeline"
    only = {"ArnLike": {"aws:PrincipalArn": [role]}}
    assert principals(f", trusted: {{roles: ['{role}']}}") == [([root % "999988887777"], only)]
    both = principals(f", trusted: {{accounts: ['111122223333'], roles: ['{role}']}}")
    assert both == [([root % "111122223333"], None), ([root % "999988887777"], only)]


BATCH = """, overrides: {Resources: {Jobs: {Type: AWS::Batch::JobQueue, Properties: {
    JobQueueName: jobs, Priority: 1, ComputeEnvironmentOrder: [{
    ComputeEnvironment: batch, Order: 1}]}}}}"""


def test_a_type_without_known_actions_is_found_and_can_be_given_them(tmp_path: Path) -> None:
    built = build_text(tmp_path, PARAMS % ("", BATCH))
    assert codes(built.findings) == [("M3904", "stacks.deployment.actions")]
    given = ", actions: {'AWS::Batch::JobQueue': [batch:CreateJobQueue]}"
    built = build_text(tmp_path, PARAMS % (given, BATCH))
    assert built.findings == ()
    assert built.plan is not None
    statements = policies(roles_body(built.plan))["OtherPolicy"]
    assert [item["Action"] for item in statements] == [["batch:CreateJobQueue"]]


def test_overrides_that_take_a_policy_away_are_found(tmp_path: Path) -> None:
    removed = ", overrides: {Resources: {ServiceRole: {Properties: {ManagedPolicyArns: []}}}}"
    built = build_text(tmp_path, PARAMS % (removed, ""))
    assert {code for code, _ in codes(built.findings)} == {"M3906"}
    assert len(built.findings) == 2
    gone = ", overrides: {Resources: {ServiceRole: null}}"
    built = build_text(tmp_path, PARAMS % (gone, ""))
    assert ("M3906", "stacks.deployment") in codes(built.findings)


def test_permissions_that_are_too_large_for_a_template() -> None:
    env = plan().environment
    many = [f"shop-prod-{'x' * 30}-{number}" for number in range(400)]
    permissions = [Permission("sqs:CreateQueue", f"{HERE % 'sqs'}{name}-*") for name in many]
    needs = DeploymentNeeds(tuple(permissions))

    def found(params: deployment_role.Params) -> list[str]:
        problems = deployment_role.last_problems("deployment", params, env, needs)
        return [problem.code for problem in problems]

    assert found(deployment_role.Params()) == ["M3905"]
    assert found(deployment_role.Params(new_stacks=True)) == []


def test_names_that_are_too_long(tmp_path: Path) -> None:
    env = "e" * 46
    built = build_text(tmp_path, PARAMS % ("", ""), env)
    assert [code for code, _ in codes(built.findings)] == ["M3903"]


# Facts -----------------------------------------------------------------------------------------


def test_the_table_has_every_type_that_is_built() -> None:
    built = {
        line.split()[1]
        for path in Path("tests/golden").glob("*/out/*/*.yaml")
        for line in path.read_text().splitlines()
        if line.startswith("    Type: AWS::")
    }
    assert [kind for kind in sorted(built) if not find_actions(kind)] == []


@pytest.mark.parametrize(
    ("case", "stack", "services"),
    [
        ("ec2", "cluster", {"ec2"}),  # by the launch template of the Auto Scaling group
        ("managed-instances", "cluster", {"ec2", "ecs"}),
        ("code-deploy", "web", {"codedeploy", "ecs-tasks"}),
        ("scheduled-task", "closing", {"ecs-tasks", "scheduler", "states"}),
        ("release-alb", "blue", {"ecs", "ecs-tasks"}),
    ],
)
def test_roles_are_passed_to_the_services_that_they_trust(
    case: str, stack: str, services: set[str]
) -> None:
    folder = Path("tests/golden", case, "out/dev")
    body = cast("Any", decode_str((folder / f"{stack}.yaml").read_text())[0])
    found = find_needs(build_view({stack: body}).stacks, {stack: f"shop-dev-{stack}"})
    passed = {need.permission for need in found if need.permission.action == "iam:PassRole"}
    assert {permission.resource.rpartition("/")[2] for permission in passed} == {
        f"shop-dev-{stack}-*"
    }
    assert {service for permission in passed for service in permission.passed_to} == {
        f"{service}.amazonaws.com" for service in services
    }


def test_the_arn_of_a_role_in_a_variable_passes_no_role(tmp_path: Path) -> None:
    """A project of a pipeline has the role of its environment in a variable."""
    built = build_text(
        tmp_path,
        """
app: shop
region: eu-central-1
stacks:
  deployment: {template: deployment_role}
  delivery:
    template: pipeline
    source: {codecommit: shop}
    environments: [{name: prod, role: "arn:aws:iam::123456789012:role/shop-prod-deploy"}]
""",
    )
    assert built.plan is not None
    body = roles_body(built.plan)
    statements = [item for part in policies(body).values() for item in part]
    passing = [item for item in statements if "iam:PassRole" in item["Action"]]
    assert passing
    assert all("Condition" in item for item in passing)
    assert "shop-prod-deploy" not in str(passing)
    actions = {action for item in statements for action in item["Action"]}
    assert "codeconnections:PassConnection" in actions


TEMPLATE = """
Parameters:
  Image: {Type: "AWS::SSM::Parameter::Value<String>", Default: /aws/service/image}
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    Properties: {BucketName: "{{resolve:ssm:/shop/bucket}}"}
  Queue: {Type: AWS::SQS::Queue}
  Policy:
    Type: AWS::SQS::QueuePolicy
    Properties: {Queues: [!Ref Queue], PolicyDocument: {}}
  Cluster:
    Type: AWS::ECS::Cluster
    Properties: {ClusterName: "{{resolve:secretsmanager:shop/cluster:SecretString:name}}"}
"""


def test_needs_of_a_template() -> None:
    body = cast("Any", decode_str(TEMPLATE)[0])
    name = "a-stack-with-a-long-name-that-is-shortened"
    needs = collect_needs(build_view({"one": body}), {"one": name})
    found: dict[str, set[str]] = {}
    for item in needs.permissions:
        found.setdefault(item.action, set()).add(item.resource)
    assert found["ssm:GetParameters"] == {
        "arn:${AWS::Partition}:ssm:${AWS::Region}::parameter/aws/service/image",
        f"{HERE % 'ssm'}parameter/shop/bucket",
    }
    assert found["secretsmanager:GetSecretValue"] == {
        f"{HERE % 'secretsmanager'}secret:shop/cluster-*"
    }
    assert found["s3:CreateBucket"] == {"arn:${AWS::Partition}:s3:::*"}
    assert found["ecs:CreateCluster"] == {f"{HERE % 'ecs'}cluster/*"}
    # CloudFormation shortens the name of the stack in names that would be too long.
    assert found["sqs:SetQueueAttributes"] == {f"{HERE % 'sqs'}a-stack-with-a-long-name*"}
    assert not [action for action in found if action.startswith(("kms:", "s3tables:"))]


DATABASE = """
Resources:
  Group:
    Type: AWS::Logs::LogGroup
    Properties: {LogGroupName: /aws/rds/instance/shop/postgresql}
  Own: {Type: AWS::Logs::LogGroup}
  Secret:
    Type: AWS::SecretsManager::Secret
    Properties: {KmsKeyId: "{{resolve:ssm:/platform/key}}"}
  Cluster:
    Type: AWS::RDS::DBCluster
    Properties: {Engine: aurora-mysql%s}
"""


def database_needs(key: str) -> dict[str, set[str]]:
    body = cast("Any", decode_str(DATABASE % key)[0])
    if not key:
        del body["Resources"]["Secret"]
    found: dict[str, set[str]] = {}
    for item in collect_needs(build_view({"one": body}), {"one": "shop-one"}).permissions:
        found.setdefault(item.action, set()).add(item.resource)
    return found


def test_a_log_group_is_allowed_by_its_whole_name() -> None:
    group = f"{HERE % 'logs'}log-group:"
    named = f"{group}/aws/rds/instance/shop/postgresql"
    assert database_needs("")["logs:CreateLogGroup"] == {
        f"{group}shop-one-*",
        named,
        f"{named}:*",
    }


def test_a_database_with_a_key_needs_the_key() -> None:
    actions = {"kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"}
    assert actions <= database_needs(", KmsKeyId: x").keys()
    assert not [action for action in database_needs("") if action.startswith("kms:")]
