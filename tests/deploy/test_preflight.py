"""What templates expect to exist, and what is missing of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fake_aws import ACCOUNT, REGION, FakeAws, RefusalError, make_stack, make_target

from moorage.cfn.needs import Need
from moorage.deploy.execute import Execution
from moorage.deploy.preflight import find_missing, find_stack_needs, missing_problem
from moorage.deploy.preview import preview_stacks
from moorage.deploy.target import DeployStack
from moorage.pipeline.pushes import Push

ECR = "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}"
SSM = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter"
SECRET = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret"
CERTIFICATE = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/0123"


def stack(image: Any, *secrets: Any) -> DeployStack:
    container = {
        "Image": image,
        "Secrets": [{"Name": f"S{number}", "ValueFrom": v} for number, v in enumerate(secrets)],
    }
    body = {
        "Resources": {
            "TaskDefinition": {
                "Type": "AWS::ECS::TaskDefinition",
                "Properties": {"ContainerDefinitions": [container]},
            }
        }
    }
    return replace(make_stack("web"), body=body)


def needs(image: Any, *secrets: Any) -> list[tuple[str, str, str]]:
    found = find_stack_needs(stack(image, *secrets), REGION, ACCOUNT)
    assert {need.logical_id for need in found} <= {"TaskDefinition"}
    return [(need.kind, need.name, need.version) for need in found]


def test_images_of_the_account_are_needed() -> None:
    digest = "sha256:" + "0" * 64
    assert needs({"Fn::Sub": f"{ECR}/shop/web:1.4"}) == [("image", "shop/web", "imageTag=1.4")]
    assert needs({"Fn::Sub": f"{ECR}/shop/web"}) == [("image", "shop/web", "imageTag=latest")]
    assert needs({"Fn::Sub": f"{ECR}/web@{digest}"}) == [("image", "web", f"imageDigest={digest}")]
    assert needs("public.ecr.aws/nginx/nginx:1.27") == []
    assert needs(f"999999999999.dkr.ecr.{REGION}.amazonaws.com/web:1") == []
    assert needs({"Fn::Sub": ["${Repository}:1", {"Repository": "x"}]}) == []


def test_a_secret_with_a_written_arn_is_looked_for_by_that() -> None:
    arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:shop/db-AbCdEf"
    (need,) = find_stack_needs(stack("nginx", f"{arn}:url::"), REGION, ACCOUNT)
    assert need == Need("secret", arn, "TaskDefinition")
    assert "--name shop/db " in missing_problem(need, REGION).message


def test_secrets_and_parameters_of_the_account_are_needed() -> None:
    assert needs(
        "nginx",
        {"Fn::Sub": f"{SSM}/shop/db"},
        {"Fn::Sub": f"{SSM}/plain"},
        {"Fn::Sub": f"{SECRET}:shop/db:url::"},
        "other",
        {"Fn::Sub": f"{SSM}/shop/db"},
        f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/elsewhere",
        {"Ref": "Parameter"},
    ) == [
        ("parameter", "/shop/db", ""),
        ("parameter", "plain", ""),
        ("secret", "shop/db", ""),
        ("parameter", "other", ""),
    ]


def test_only_what_is_missing_is_reported() -> None:
    wanted = [
        Need("image", "web", "T", "imageTag=1"),
        Need("image", "api", "T", "imageTag=1"),
        Need("own-image", "new", "T", "imageTag=1"),
        Need("own-image", "old", "T", "imageTag=1"),
        Need("parameter", "/a", "T"),
        Need("parameter", "/b", "T"),
        Need("secret", "a", "T"),
        Need("secret", "b", "T"),
        Need("certificate", CERTIFICATE, "T"),
    ]
    aws = FakeAws(existing={"web", "web:1", "old", "/a", "a"})
    missing = find_missing(aws.clients(), wanted)
    assert [need.name for need in wanted if need in missing] == [
        *("api", "old", "/b", "b", CERTIFICATE)
    ]
    assert aws.count()["DescribeParameters"] == 1


def test_what_may_not_be_looked_at_counts_as_there() -> None:
    aws = FakeAws()
    denied = RefusalError("AccessDeniedException")
    aws.refusals = {"DescribeParameters": [denied], "DescribeSecret": [denied]}
    wanted = [Need("parameter", "/a", "T"), Need("secret", "a", "T")]
    assert find_missing(aws.clients(), wanted) == frozenset()


def test_each_missing_thing_comes_with_the_command_that_makes_it() -> None:
    texts = [
        missing_problem(need, REGION).message
        for need in (
            Need("image", "web", "T", "imageTag=1"),
            Need("parameter", "/a", "T"),
            Need("secret", "a", "T"),
            Need("certificate", CERTIFICATE, "T"),
        )
    ]
    assert [text.split(": ", 1)[1] for text in texts] == [
        f"docker push <account>.dkr.ecr.{REGION}.amazonaws.com/web:1",
        f"aws ssm put-parameter --region {REGION} --type SecureString --name /a --value file://FILE",
        f"aws secretsmanager create-secret --region {REGION} --name a --secret-string file://FILE",
        f"aws acm request-certificate --region {REGION} --validation-method DNS --domain-name NAME",
    ]


def test_an_image_in_a_new_repository_is_looked_for_when_its_turn_comes() -> None:
    web = replace(make_stack("web", "ecr"), images=(Push("shop/web", "imageTag=1"),))
    target = make_target(make_stack("ecr"), web)
    aws = FakeAws()
    context = aws.context()
    previews = preview_stacks(context, target, {})
    assert not any(preview.failed for preview in previews), "the repository does not exist yet"
    aws.existing = {"shop/web"}
    outcomes = Execution(context, previews, (), {}).run(aws.events.append, 5)
    assert outcomes["ecr"].result == "succeeded"
    assert outcomes["web"].reason.startswith("the image shop/web:1 is not in ECR. Push it")
    aws.existing.add("shop/web:1")
    outcomes = Execution(context, previews[1:], (), {}).run(aws.events.append, 5)
    assert outcomes["web"].result == "succeeded"
