"""The reasons for security scanners: where each applies, and its form in the template."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from moorage.pipeline.build import build
from moorage.pipeline.suppressions import SUPPRESSIONS, add_suppressions
from templates import TEMPLATES

LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
LOAD_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
OPEN = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "0.0.0.0/0"}
LOGS = [{"Key": "access_logs.s3.enabled", "Value": "true"}]
TO_HTTPS = {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS"}}


def suppressed(
    logical_id: str,
    kind: str,
    properties: dict[str, Any],
    others: dict[str, Any] | None = None,
    *,
    tls: bool = False,
) -> set[str]:
    """The findings that are accepted for a resource."""
    own = {logical_id: {"Type": kind, "Properties": properties}}
    body = add_suppressions({"Resources": {**own, **(others or {})}}, tls_listeners=tls)
    metadata = body["Resources"][logical_id].get("Metadata", {})
    checks = metadata.get("checkov", {}).get("skip", [])
    rules = metadata.get("cdk_nag", {}).get("rules_to_suppress", [])
    assert all(entry["comment"] for entry in checks)
    assert all(entry["reason"] for entry in rules)
    return {entry["id"] for entry in (*checks, *rules)}


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def test_a_log_group_without_a_key_of_the_user() -> None:
    kind = "AWS::Logs::LogGroup"
    assert suppressed("LogGroup", kind, {}) == {"CKV_AWS_158"}
    assert suppressed("LogGroup", kind, {"KmsKeyId": "arn"}) == set()


def test_a_queue_with_encryption_by_sqs() -> None:
    kind = "AWS::SQS::Queue"
    assert suppressed("Queue", kind, {"SqsManagedSseEnabled": True}) == {"CKV_AWS_27"}
    assert suppressed("Queue", kind, {}) == set()


def test_a_dead_letter_queue() -> None:
    kind, arn = "AWS::SQS::Queue", {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}
    queue = resource(kind, RedrivePolicy={"deadLetterTargetArn": arn})
    schedule = resource("AWS::Scheduler::Schedule", Target={"DeadLetterConfig": {"Arn": arn}})
    for user in queue, schedule:
        assert suppressed("DeadLetterQueue", kind, {}, {"User": user}) == {"AwsSolutions-SQS3"}
    assert suppressed("DeadLetterQueue", kind, {}) == set()
    assert suppressed("Other", kind, {}, {"User": queue}) == set()


def test_the_bucket_of_access_logs() -> None:
    found = {"CKV_AWS_18", "CKV_AWS_21", "AwsSolutions-S1"}
    assert suppressed("AccessLogsBucket", "AWS::S3::Bucket", {}) == found
    assert suppressed("Uploads", "AWS::S3::Bucket", {}) == set()


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ([TO_HTTPS], {"CKV_AWS_260", "AwsSolutions-EC23"}),
        ([{"Type": "forward"}], {"AwsSolutions-EC23"}),
        ([], {"AwsSolutions-EC23"}),
    ],
)
def test_an_open_load_balancer(actions: list[dict[str, Any]], expected: set[str]) -> None:
    others = {
        "LoadBalancer": resource(LOAD_BALANCER, Scheme="internet-facing"),
        "HttpListener": resource(LISTENER, Port=80, DefaultActions=actions),
    }
    kind, rules = "AWS::EC2::SecurityGroup", {"SecurityGroupIngress": [OPEN]}
    assert suppressed("SecurityGroup", kind, rules, others) == expected


def test_a_group_that_is_open_without_a_load_balancer_on_the_internet() -> None:
    kind, rules = "AWS::EC2::SecurityGroup", {"SecurityGroupIngress": [OPEN]}
    internal = {"LoadBalancer": resource(LOAD_BALANCER, Scheme="internal")}
    assert suppressed("SecurityGroup", kind, rules) == set()
    assert suppressed("SecurityGroup", kind, rules, internal) == set()


def test_an_open_port_of_a_listener() -> None:
    kind = "AWS::EC2::SecurityGroupIngress"
    assert suppressed("Rule", kind, OPEN) == {"AwsSolutions-EC23"}
    assert suppressed("Rule", kind, {"CidrIpv6": "::/0"}) == {"AwsSolutions-EC23"}
    assert suppressed("Rule", kind, {"CidrIp": "10.0.0.0/8"}) == set()


def test_a_network_load_balancer_without_anything_to_log() -> None:
    found = {"CKV_AWS_91", "AwsSolutions-ELB2"}
    network = {"Type": "network"}
    assert suppressed("LoadBalancer", LOAD_BALANCER, network) == found
    assert suppressed("LoadBalancer", LOAD_BALANCER, network, tls=True) == set()
    logged = {**network, "LoadBalancerAttributes": LOGS}
    assert suppressed("LoadBalancer", LOAD_BALANCER, logged) == set()
    assert suppressed("LoadBalancer", LOAD_BALANCER, {"Type": "application"}) == set()


def test_a_repository_with_encryption_by_ecr() -> None:
    kind = "AWS::ECR::Repository"
    for encryption, expected in ("AES256", {"CKV_AWS_136"}), ("KMS", set()):
        given = {"EncryptionConfiguration": {"EncryptionType": encryption}}
        assert suppressed("Repository", kind, given) == expected


def test_an_auto_scaling_group_without_notifications() -> None:
    kind = "AWS::AutoScaling::AutoScalingGroup"
    assert suppressed("Group", kind, {}) == {"AwsSolutions-AS3"}
    assert suppressed("Group", kind, {"NotificationConfigurations": []}) == set()


def test_variables_of_containers() -> None:
    kind = "AWS::ECS::TaskDefinition"
    variables = {"Environment": [{"Name": "MODE", "Value": "a"}]}
    found = suppressed("TaskDefinition", kind, {"ContainerDefinitions": [variables]})
    assert found == {"AwsSolutions-ECS2"}
    assert suppressed("TaskDefinition", kind, {"ContainerDefinitions": [{}]}) == set()


# IAM -----------------------------------------------------------------------------------------


def role(*statements: dict[str, Any]) -> dict[str, Any]:
    policies = [{"PolicyName": "P", "PolicyDocument": {"Statement": list(statements)}}]
    body = {"Resources": {"TaskRole": resource("AWS::IAM::Role", Policies=policies)}}
    every: dict[str, Any] = add_suppressions(body, tls_listeners=False)["Resources"]["TaskRole"]
    return every


def test_an_action_without_resources() -> None:
    everything = {"Sid": "EcrToken", "Resource": ["*"]}
    (rule,) = role(everything)["Metadata"]["cdk_nag"]["rules_to_suppress"]
    assert rule["id"] == "AwsSolutions-IAM5"
    assert rule["appliesTo"] == ["Resource::*"]
    assert "Metadata" not in role({"Sid": "Mine", "Resource": ["*"]})


def test_the_role_of_instances() -> None:
    metadata = role({"Sid": "FindEcs", "Resource": ["*"]})["Metadata"]
    assert [each["id"] for each in metadata["checkov"]["skip"]] == ["CKV_AWS_111"]
    (rule,) = metadata["cdk_nag"]["rules_to_suppress"]
    assert rule["appliesTo"] == ["Resource::*"]


def test_a_wildcard_of_the_user_is_not_accepted_with_those_of_moorage() -> None:
    """cdk-nag reports the resource `*` of a role once."""
    assert "Metadata" not in role(
        {"Sid": "OpenShell", "Resource": ["*"]}, {"Sid": "Mine", "Resource": "*"}
    )


def test_a_wildcard_in_an_arn() -> None:
    (rule,) = role({"Sid": "Watch", "Resource": [{"Fn::Sub": "arn:task/c/*"}]})["Metadata"][
        "cdk_nag"
    ]["rules_to_suppress"]
    assert rule["appliesTo"] == [{"regex": r"/^Resource::.*task\/.*$/"}]


# In templates --------------------------------------------------------------------------------


def test_reasons_of_the_user_come_first() -> None:
    own = {"id": "CKV_AWS_1", "comment": "Ours"}
    group = {"Type": "AWS::Logs::LogGroup", "Metadata": {"checkov": {"skip": [own]}, "x": 1}}
    body = add_suppressions({"Resources": {"LogGroup": group}}, tls_listeners=False)
    metadata = body["Resources"]["LogGroup"]["Metadata"]
    assert metadata["checkov"]["skip"][0] == own
    assert [entry["id"] for entry in metadata["checkov"]["skip"]] == ["CKV_AWS_1", "CKV_AWS_158"]
    assert metadata["x"] == 1


def found_in(environment: str, params: Path = Path("params")) -> set[str]:
    plan = build(params, environment, TEMPLATES).plan
    assert plan
    metadata = [
        resource.get("Metadata", {})
        for stack in plan.stacks
        for resource in stack.rendering.body["Resources"].values()
    ]
    return {
        entry["id"]
        for section, key in (("checkov", "skip"), ("cdk_nag", "rules_to_suppress"))
        for each in metadata
        for entry in each.get(section, {}).get(key, [])
    }


def test_reasons_are_written_on_request_only() -> None:
    assert found_in("dev") == set()
    assert found_in("prod") == {
        *("CKV_AWS_18", "CKV_AWS_21", "CKV_AWS_27", "CKV_AWS_91", "CKV_AWS_158", "CKV_AWS_260"),
        *(
            f"AwsSolutions-{rule}"
            for rule in ("EC23", "ECS2", "ELB2", "IAM4", "IAM5", "S1", "SQS3")
        ),
    }


CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/6f1d1a43-6f2b-4d7a-9c1e-0a5e8b7c9d10"


@pytest.mark.parametrize(
    ("listener", "expected"),
    [({"port": "443/tcp"}, True), ({"port": "443/tls", "certificate": CERTIFICATE}, False)],
)
def test_a_tls_listener_of_another_stack_counts(
    listener: dict[str, str], expected: bool, tmp_path: Path
) -> None:
    app = {"image": "public.ecr.aws/nginx/nginx:1.27.3", "ports": [8443]}
    web = {
        "template": "service",
        "containers": {"app": app},
        "expose": [{"via": "edge", "target_port": 8443, **listener}],
    }
    stacks = {"network": {}, "cluster": {}, "edge": {"template": "nlb"}, "web": web}
    params = {"app": "shop", "region": "eu-west-1", "suppressions": True, "stacks": stacks}
    (tmp_path / "dev.yaml").write_text(yaml.safe_dump(params))
    assert ("CKV_AWS_91" in found_in("dev", tmp_path)) == expected


def test_reasons_are_sentences() -> None:
    for suppression in SUPPRESSIONS:
        assert suppression.reason.endswith(".")
        assert len(suppression.reason) <= 100


@pytest.mark.parametrize(
    ("principal", "accepted"),
    [
        ({"Service": "ecs.amazonaws.com"}, {"AwsSolutions-IAM4"}),
        ({"Service": ["codedeploy.amazonaws.com"]}, {"AwsSolutions-IAM4"}),
        ({"Service": "ecs-tasks.amazonaws.com"}, set()),
        ({"Service": "ecs.amazonaws.com", "AWS": "arn:aws:iam::123456789012:root"}, set()),
        ("*", set()),
    ],
)
def test_a_policy_of_aws_for_a_role_of_ecs_or_codedeploy(
    principal: Any, accepted: set[str]
) -> None:
    trust = {"Statement": [{"Effect": "Allow", "Principal": principal}]}
    role = {"AssumeRolePolicyDocument": trust, "ManagedPolicyArns": ["arn:aws:iam::aws:policy/X"]}
    assert suppressed("Role", "AWS::IAM::Role", role) == accepted
    assert suppressed("Role", "AWS::IAM::Role", {"AssumeRolePolicyDocument": trust}) == set()


def test_a_bucket_of_an_application() -> None:
    kind, logs = "AWS::S3::Bucket", {"DestinationBucketName": "logs"}
    assert suppressed("Bucket", kind, {}) == {"CKV_AWS_18", "AwsSolutions-S1"}
    assert suppressed("Bucket", kind, {"LoggingConfiguration": logs}) == set()


def test_a_table_without_a_key_of_the_user() -> None:
    kind = "AWS::DynamoDB::Table"
    assert suppressed("Table", kind, {}) == {"CKV_AWS_119"}
    assert suppressed("Table", kind, {"SSESpecification": {"SSEEnabled": True}}) == set()
