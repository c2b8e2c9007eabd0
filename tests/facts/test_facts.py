"""Facts that cfn-lint and botocore have too are the same there."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import botocore.session
import cfnlint
import pytest
from cfnlint.helpers import AVAILABILITY_ZONES, LIMITS
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from jsonschema import Draft7Validator

from moorage.facts import (
    ebs_volumes,
    ecr_repositories,
    elb_attributes,
    elb_log_delivery,
    fargate,
    load_balancing,
    log_retention,
    quotas,
    resource_ids,
    secret_references,
    tmpfs_options,
)
from moorage.facts.arn_patterns import IAM_POLICY, IAM_ROLE, KMS_KEY, arn_pattern
from moorage.facts.availability_zones import count_zones
from moorage.facts.ecr_repositories import (
    ANY_REGISTRY_HOST_PART,
    DUAL_STACK_HOST_PART,
    REGISTRY_HOST,
    REGISTRY_HOST_PART,
)
from moorage.facts.elb_attributes import APPLICATION, NETWORK
from moorage.facts.endpoint_services import (
    AGENT_SERVICES,
    SERVICE_NAME,
    TASK_SERVICES,
    build_service_name,
)
from moorage.facts.regions import REGION_CODE, REGION_IN_TEXT, ZONE_NAME
from moorage.facts.secret_references import PARAMETER_ARN, SECRET_ARN

ZONES_THAT_NOT_EVERY_ACCOUNT_HAS = {"ap-northeast-1", "ca-central-1"}


@cache
def partitions() -> Any:
    """The partitions in botocore."""
    return botocore.session.get_session().get_data("partitions")["partitions"]


def cfn_schema(resource_type: str) -> dict[str, Any]:
    """The schema of a resource type in cfn-lint."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource_type).schema
    definition: dict[str, Any] = schema
    return definition


@cache
def service_model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def documentation(service: str, shape: str, member: str) -> str:
    """What botocore says about a member of a shape, as plain text."""
    text = service_model(service).shape_for(shape).members[member].documentation
    plain = re.sub(r"\s+", " ", re.sub("<[^>]+>", "", html.unescape(text)))
    return plain.replace("\N{EN DASH}", "-")


def test_zones_match_cfn_lint_except_where_accounts_differ() -> None:
    for region, zones in AVAILABILITY_ZONES.items():
        missing = 1 if region in ZONES_THAT_NOT_EVERY_ACCOUNT_HAS else 0
        assert count_zones(region) == len(zones) - missing, region
    assert count_zones("xx-nowhere-1") == 3


def test_log_retentions_match_the_schema() -> None:
    schema = cfn_schema("AWS::Logs::LogGroup")
    assert schema["properties"]["RetentionInDays"]["enum"] == list(log_retention.RETENTION_DAYS)


def test_template_limits_match_cfn_lint_and_cloudformation() -> None:
    assert LIMITS["Resources"]["number"] == quotas.MAX_RESOURCES
    assert LIMITS["Outputs"]["number"] == quotas.MAX_OUTPUTS
    assert LIMITS["Parameters"]["number"] == quotas.MAX_PARAMETERS
    assert LIMITS["Resources"]["name"] == quotas.MAX_LOGICAL_ID
    body = documentation("cloudformation", "CreateStackInput", "TemplateBody")
    assert f"{quotas.MAX_TEMPLATE_BYTES:,} bytes" in body
    name = documentation("cloudformation", "CreateStackInput", "StackName")
    assert f"longer than {quotas.MAX_STACK_NAME} characters" in name


def test_listener_rule_priorities_match_the_api() -> None:
    limits = service_model("elbv2").shape_for("RulePriority").metadata
    assert (limits["min"], limits["max"]) == quotas.LISTENER_RULE_PRIORITIES


@pytest.mark.parametrize(
    ("member", "limits"),
    [
        ("HealthCheckIntervalSeconds", load_balancing.HEALTH_CHECK_INTERVAL),
        ("HealthCheckTimeoutSeconds", load_balancing.HEALTH_CHECK_TIMEOUT),
        ("HealthyThresholdCount", load_balancing.HEALTH_CHECK_THRESHOLD),
        ("UnhealthyThresholdCount", load_balancing.HEALTH_CHECK_THRESHOLD),
    ],
)
def test_health_check_ranges_match_the_api(member: str, limits: tuple[int, int]) -> None:
    text = documentation("elbv2", "CreateTargetGroupInput", member)
    assert re.search(rf"The range is {limits[0]}-{limits[1]}\b", text)


def documented_ranges() -> Iterator[tuple[str, tuple[int, int]]]:
    """The attributes for which the API reference states a range in seconds."""
    for shape in ("LoadBalancerAttribute", "ListenerAttribute", "TargetGroupAttribute"):
        text = documentation("elbv2", shape, "Key")
        keys = [*re.finditer(r"([a-z0-9_]+(?:\.[a-z0-9_]+)+) -", text)]
        for key, following in zip(keys, [*keys[1:], None], strict=True):
            described = text[key.end() : following.start() if following else None]
            match = re.search(r"range is (\d+)(?: second)?(?:-| to )(?:1 week \()?(\d+)", described)
            if match:
                yield key[1], (int(match[1]), int(match[2]))


def test_attribute_ranges_match_the_api() -> None:
    tables = (elb_attributes.LOAD_BALANCER, elb_attributes.LISTENER, elb_attributes.TARGET_GROUP)
    attributes = {key: attribute for table in tables for key, attribute in table.items()}
    ranges = dict(documented_ranges())
    assert len(ranges) >= 7
    for key, limits in ranges.items():
        assert attributes[key].limits == limits, key


def test_an_attribute_without_numbers_has_no_limits() -> None:
    with pytest.raises(AssertionError, match="has no minimum"):
        _ = elb_attributes.LOAD_BALANCER["waf.fail_open.enabled"].limits


def test_the_default_tcp_idle_timeout_matches_the_api() -> None:
    text = documentation("elbv2", "ListenerAttribute", "Key")
    assert f"The default is {load_balancing.DEFAULT_TCP_IDLE_TIMEOUT} seconds" in text


def test_network_protocol_names_match_the_api() -> None:
    every = service_model("elbv2").shape_for("ProtocolEnum").enum
    assert set(load_balancing.NLB_PROTOCOLS) == set(every) - {"HTTP", "HTTPS", "GENEVE"}
    assert set(load_balancing.UDP_PROTOCOLS) < set(load_balancing.NLB_PROTOCOLS)


def test_log_writers_are_known_for_both_kinds_of_load_balancer() -> None:
    assert set(elb_log_delivery.LOG_DELIVERY_SERVICES) == {APPLICATION, NETWORK}


def test_fargate_limits_match_the_api() -> None:
    low, high = fargate.EPHEMERAL_STORAGE
    text = documentation("ecs", "EphemeralStorage", "sizeInGiB")
    assert f"minimum supported value is {low} GiB" in text
    assert f"maximum supported value is {high} GiB" in text
    text = documentation("ecs", "ContainerDefinition", "stopTimeout")
    assert f"max stop timeout value is {fargate.MAX_STOP_TIMEOUT} seconds" in text
    text = documentation("ecs", "ContainerDefinition", "startTimeout")
    assert f"valid values for Fargate are 2-{fargate.MAX_START_TIMEOUT} seconds" in text


def test_mount_options_of_tmpfs_match_the_api() -> None:
    text = documentation("ecs", "Tmpfs", "mountOptions")
    options = re.findall(r'"([a-z_]+)"', text)
    assert options == [*tmpfs_options.FLAGS, *tmpfs_options.WITH_VALUE]


def test_the_size_of_gp3_volumes_matches_the_api() -> None:
    text = documentation("ec2", "CreateVolumeRequest", "Size")
    assert re.search(f"gp3.*: 1 - {ebs_volumes.MAX_GP3_SIZE:,} GiB", text)


def test_lengths_of_conditions_and_parameters_match_the_api() -> None:
    for condition in ("HostHeaderConditionConfig", "PathPatternConditionConfig"):
        text = documentation("elbv2", condition, "Values")
        assert f"maximum length of each string is {quotas.MAX_CONDITION_LENGTH} " in text
    text = documentation("ssm", "PutParameterRequest", "Name")
    assert f"{secret_references.MAX_PARAMETER_ARN} characters" in text
    assert secret_references.MAX_PARAMETER_LEVELS == 15
    assert "maximum depth of fifteen levels" in text


def test_fargate_sizes_match_cfn_lint() -> None:
    folder = Path(cfnlint.__file__).parent / "data/schemas/extensions/aws_ecs_taskdefinition"
    schema = json.loads((folder / "fargate_cpu_memory.json").read_text())
    task_has_a_size = Draft7Validator(schema).is_valid
    every = sorted({memory for memories in fargate.SIZES.values() for memory in memories})
    for cpu in (128, *fargate.SIZES, 65536):
        for memory in (256, *every, 262144):
            task = {"RequiresCompatibilities": ["FARGATE"], "Cpu": str(cpu), "Memory": memory}
            assert task_has_a_size(task) == (memory in fargate.SIZES.get(cpu, ())), (cpu, memory)


def test_repository_names_match_the_api() -> None:
    api = service_model("ecr").shape_for("RepositoryName").metadata["pattern"]
    names = ("shop/web", "shop__web", "a.b-c/d_e", "Shop", "-a", "a-", "a//b", "a___b", "a--b", "")
    for name in names:
        ours = re.fullmatch(ecr_repositories.REPOSITORY_NAME, name)
        assert bool(ours) == bool(re.fullmatch(api, name)), name


def test_registry_hosts() -> None:
    host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    match = re.fullmatch(REGISTRY_HOST, host)
    assert match
    assert (match["account"], match["region"]) == ("123456789012", "eu-west-1")
    assert REGISTRY_HOST_PART in host
    assert DUAL_STACK_HOST_PART not in host
    dual_stack = re.fullmatch(REGISTRY_HOST, "123456789012.dkr-ecr.eu-west-1.on.aws")
    assert dual_stack
    assert dual_stack["dual_region"] == "eu-west-1"
    assert DUAL_STACK_HOST_PART in dual_stack[0]
    others = ("dkr.ecr-fips.us-east-1.amazonaws.com", "dkr-ecr-fips.us-east-1.on.aws")
    for other in (host, dual_stack[0], *(f"123456789012.{name}" for name in others)):
        assert re.fullmatch(REGISTRY_HOST, other)
        assert re.search(ANY_REGISTRY_HOST_PART, other)


def test_domains_of_registries() -> None:
    """A registry is in the domain of its partition, except for those that no account outside of
    the partition sees."""
    for partition in partitions():
        domain = partition["outputs"]["dnsSuffix"]
        host = f"123456789012.dkr.ecr.xx-east-1.{domain}"
        isolated = partition["id"].startswith("aws-iso")
        assert bool(re.fullmatch(REGISTRY_HOST, host)) is not isolated, domain


def test_codes_of_regions() -> None:
    codes = [code for partition in partitions() for code in partition["regions"]]
    assert "eusc-de-east-1" in codes
    for code in codes:
        is_region = not code.endswith("-global")
        assert bool(re.fullmatch(REGION_CODE, code)) is is_region, code
        assert re.findall(REGION_IN_TEXT, f"https://api.{code}.example") == [code] * is_region
        assert re.findall(REGION_IN_TEXT, f"{code}a") == [code] * is_region
        assert bool(re.fullmatch(ZONE_NAME, f"{code}a")) is is_region, code
    assert re.findall(REGION_IN_TEXT, "my-app-1 northern-lights-2") == []


def test_names_of_endpoint_services() -> None:
    for service in (*TASK_SERVICES, *AGENT_SERVICES, "s3"):
        for region in ("eu-west-1", "cn-north-1"):
            match = SERVICE_NAME.fullmatch(build_service_name(service, region))
            assert match
            assert match[1] == service
    assert build_service_name("ecr.dkr", "us-iso-east-1") == "gov.ic.c2s.us-iso-east-1.ecr.dkr"
    assert build_service_name("logs", "us-iso-east-1") == "com.amazonaws.us-iso-east-1.logs"


@pytest.mark.parametrize(
    ("pattern", "arn"),
    [
        (IAM_POLICY, "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"),
        (IAM_POLICY, "arn:aws-cn:iam::123456789012:policy/name"),
        (IAM_ROLE, "arn:aws:iam::123456789012:role/path/name"),
        (KMS_KEY, "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/1234abcd"),
        (SECRET_ARN, "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/db-AbCdEf"),
        (PARAMETER_ARN, "arn:aws:ssm:eu-west-1:123456789012:parameter/shop/db"),
        (arn_pattern("s3", r"\S+", region="", account=""), "arn:aws:s3:::bucket/key"),
    ],
)
def test_arn_patterns(pattern: str, arn: str) -> None:
    assert re.fullmatch(pattern, arn)
    assert not re.fullmatch(pattern, arn.removeprefix("arn:"))
    assert not re.fullmatch(pattern, f"{arn} ")


@pytest.mark.parametrize(
    ("pattern", "prefix", "rule"),
    [
        (resource_ids.VPC, "vpc", "VpcId"),
        (resource_ids.SUBNET, "subnet", "SubnetId"),
        (resource_ids.SECURITY_GROUP, "sg", "SecurityGroupId"),
        (resource_ids.AMI, "ami", "ImageId"),
    ],
)
def test_ids_have_the_lengths_that_cfn_lint_accepts(pattern: str, prefix: str, rule: str) -> None:
    theirs = getattr(import_module(f"cfnlint.rules.formats.{rule}"), rule)().pattern
    lengths = range(1, 42)
    ids = [f"{prefix}-{'0123456789abcdef' * 3}"[: len(prefix) + 1 + length] for length in lengths]
    ours = [bool(re.fullmatch(pattern, id_)) for id_ in ids]
    assert ours == [bool(re.fullmatch(theirs, id_)) for id_ in ids]
    assert [length for length, is_id in zip(lengths, ours, strict=True) if is_id] == [8, 17]


@pytest.mark.parametrize("character", ["a", "Z", "_", "/", ".", "@", "=", ":", "*", "!", "~", "ß"])
def test_arns_of_roles_and_policies_have_the_characters_that_cfn_lint_accepts(
    character: str,
) -> None:
    role = f"arn:aws:iam::123456789012:role/a{character}b"
    policy = role.replace(":role/", ":policy/")
    policies = cfn_schema("AWS::IAM::Role")["properties"]["ManagedPolicyArns"]["items"]["pattern"]
    target = cfn_schema("AWS::Scheduler::Schedule")["definitions"]["Target"]["properties"]
    roles = target["RoleArn"]["pattern"]
    for ours, theirs, arn in (IAM_ROLE, roles, role), (IAM_POLICY, policies, policy):
        assert bool(re.fullmatch(ours, arn)) == bool(re.fullmatch(theirs, arn, re.ASCII))
