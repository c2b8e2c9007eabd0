"""Resources of services: logs, placement, deployments, containers and outputs."""

from __future__ import annotations

from typing import Any

import pytest
from service_stacks import (
    EXISTING_NETWORK,
    ROUTE,
    allowed,
    arn,
    body,
    resources,
    text,
)

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
