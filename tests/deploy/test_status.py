"""The status of an environment, and how many requests it takes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from fake_aws import ACCOUNT, REGION, SERVICE, FakeAws, FakeStack, deployed, make_stack, make_target

from moorage.deploy.status import read_status
from moorage.deploy.status_text import status_json, status_text
from moorage.deploy.target import DeployStack, Target


def service_stack(name: str) -> DeployStack:
    body = {"Resources": {"Service": {"Type": SERVICE}}}
    return replace(make_stack(name), body=body)


def arn(stack: str) -> str:
    return f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/shop/{stack}"


def service(running: int, state: str = "COMPLETED") -> Any:
    deployment = {
        "status": "PRIMARY",
        "desiredCount": 2,
        "runningCount": running,
        "rolloutState": state,
    }
    balancers = [{"targetGroupArn": "arn:group"}]
    return lambda _: {"deployments": [deployment], "loadBalancers": balancers}


def test_addresses_come_first_then_stacks_with_services_alarms_and_outputs() -> None:
    target = make_target(make_stack("public"), service_stack("web"), make_stack("gone"))
    aws = FakeAws(stacks=deployed(target.stacks[:2]), targets=["healthy", "unhealthy"])
    aws.stacks["shop-dev-public"].outputs = {
        "shop-dev-public-LoadBalancerArn": "arn:balancer",
        "shop-dev-public-DnsName": "shop.example",
    }
    aws.services[arn("shop-dev-web")] = service(2)
    aws.alarms = [
        {"AlarmName": "shop-dev-web-Cpu-1", "StateValue": "OK"},
        {"AlarmName": "shop-dev-web-Errors-1", "StateValue": "ALARM", "StateReason": "5 errors"},
    ]
    tags = {"app": "shop", "env": "dev", "stack": "old"}
    aws.stacks["shop-dev-old"] = FakeStack("shop-dev-old", "UPDATE_COMPLETE", tags=tags)
    stacks = read_status(aws.clients(), target)
    assert status_text(stacks).splitlines() == [
        "public  shop.example",
        "",
        "public (shop-dev-public)  CREATE_COMPLETE, since 2026-11-27 00:00 UTC",
        "  DnsName: shop.example",
        "  LoadBalancerArn: arn:balancer",
        "web (shop-dev-web)  CREATE_COMPLETE, since 2026-11-27 00:00 UTC",
        "  !! Service: 2 of 2 tasks run, 1 of 2 targets healthy, deployment COMPLETED",
        "  !! shop-dev-web-Errors-1: ALARM, 5 errors",
        "  Name: web-value",
        "gone (shop-dev-gone)  not deployed",
        "old (shop-dev-old)  UPDATE_COMPLETE, since 2026-11-27 00:00 UTC, NOT IN THE PARAMS: "
        "`moorage destroy` deletes it",
    ]
    assert [stack.healthy for stack in stacks] == [True, False, False, True]
    parsed = json.loads(status_json(stacks))
    assert parsed[1]["services"]["Service"]["running"] == 2
    assert parsed[0]["healthy"] is True


def test_a_service_that_has_what_it_needs_is_healthy() -> None:
    target = make_target(service_stack("web"))
    aws = FakeAws(stacks=deployed(target.stacks), targets=["healthy", "healthy", "draining"])
    for running, state, healthy in ((2, "COMPLETED", True), (1, "IN_PROGRESS", False)):
        aws.services[arn("shop-dev-web")] = service(running, state)
        (stack,) = read_status(aws.clients(), target)
        assert stack.healthy is healthy


def test_an_alarm_belongs_to_the_stack_with_the_longest_name() -> None:
    target = make_target(make_stack("web"), make_stack("web-admin"))
    aws = FakeAws(stacks=deployed(target.stacks))
    aws.alarms = [{"AlarmName": "shop-dev-web-admin-Cpu-1", "StateValue": "OK"}]
    assert [len(stack.alarms) for stack in read_status(aws.clients(), target)] == [0, 1]


def test_fifty_services_take_a_bounded_number_of_requests() -> None:
    target = environment_of_50_services()
    aws = FakeAws(stacks=deployed(target.stacks))
    aws.services = {arn(stack.stack_name): service(2) for stack in target.stacks[3:]}
    stacks = read_status(aws.clients(), target)
    assert sum(len(stack.services) for stack in stacks) == 50
    assert aws.count() == {
        "DescribeStacks": 1,
        "ListStackResources": 50,
        "DescribeServices": 5,
        "DescribeTargetHealth": 50,
        "DescribeAlarms": 1,
    }


def environment_of_50_services() -> Target:
    shared = [make_stack(name) for name in ("network", "cluster", "public")]
    return make_target(*shared, *(service_stack(f"s{number}") for number in range(50)))
