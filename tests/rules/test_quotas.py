"""Quotas that several templates reach together: at the number that AWS allows, and above it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from corpus import apply_changes, bases

from moorage.cfn.template import Template
from moorage.rules.registry import RULES
from moorage.rules.runner import LocatedProblem, run_rules

ALB = bases()["alb"]
NLB = bases()["nlb"]
QUOTAS = {rule.id for rule in RULES if rule.check.__module__.endswith("quotas")}
LISTENER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/web/0a1b/2c3d"


def run(*bodies: dict[str, Any]) -> list[LocatedProblem]:
    """The problems of templates of one environment that are about quotas."""
    templates = [Template(f"t{index}", body) for index, body in enumerate(bodies)]
    return [problem for problem in run_rules(templates) if problem.rule.id in QUOTAS]


def ids(*bodies: dict[str, Any]) -> list[str]:
    return [problem.rule.id for problem in run(*bodies)]


def with_resources(body: dict[str, Any], resources: dict[str, Any]) -> dict[str, Any]:
    return apply_changes(body, {f"Resources.{name}": item for name, item in resources.items()})


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


# Security groups -----------------------------------------------------------------------------


def blocks(kind: str, count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        block = f"2001:db8:{number:x}::/48" if kind == "CidrIpv6" else f"10.{number}.0.0/16"
        yield {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, kind: block}


@pytest.mark.parametrize(
    ("ipv4", "ipv6", "found"),
    [(60, 60, []), (61, 0, ["W9987"]), (0, 61, ["W9987"]), (61, 61, ["W9987"])],
)
def test_ip_versions_are_counted_separately(ipv4: int, ipv6: int, found: list[str]) -> None:
    rules = [*blocks("CidrIp", ipv4), *blocks("CidrIpv6", ipv6)]
    path = "Resources.LbSecurityGroup.Properties.SecurityGroupIngress"
    assert ids(apply_changes(ALB, {path: rules})) == found


def exporting() -> dict[str, Any]:
    """A template with a security group that allows one outbound block, and exports it."""
    group = resource("EC2::SecurityGroup", GroupDescription="x", VpcId="vpc-00000001")
    group["Properties"]["SecurityGroupEgress"] = [{"IpProtocol": "-1", "CidrIp": "127.0.0.1/32"}]
    output = {"Value": {"Fn::GetAtt": ["Group", "GroupId"]}, "Export": {"Name": "group"}}
    return {"Resources": {"Group": group}, "Outputs": {"Group": output}}


def outbound(group: Any, count: int, **peer: str) -> dict[str, Any]:
    """A template that adds outbound rules to a security group."""
    peer = peer or {"DestinationSecurityGroupId": "sg-00000001"}
    rules = {
        f"Rule{port}": resource(
            "EC2::SecurityGroupEgress",
            GroupId=group,
            IpProtocol="tcp",
            FromPort=port,
            ToPort=port,
            **peer,
        )
        for port in range(1, count + 1)
    }
    return {"Resources": rules}


def test_rules_in_other_templates_count() -> None:
    imported = {"Fn::ImportValue": "group"}
    assert ids(exporting(), outbound(imported, 30), outbound(imported, 29)) == []
    (problem,) = run(exporting(), outbound(imported, 30), outbound(imported, 30))
    assert (problem.rule.id, problem.template) == ("W9987", "t0")
    assert problem.message == (
        "Security group `Group` has 61 outbound IPv4 rules, which are in 3 templates, and the "
        "quota is 60"
    )
    assert "at least 61 for the quota" in problem.hint


def test_rules_of_an_existing_group_count() -> None:
    assert ids(outbound("sg-00000001", 60)) == []
    (problem,) = run(outbound("sg-00000001", 61))
    assert "`sg-00000001` has 61 outbound IPv4 rules" in problem.message


def test_above_200_rules_an_interface_can_have_fewer_groups() -> None:
    (problem,) = run(outbound("sg-00000001", 200))
    assert "network interface" not in problem.hint
    (problem,) = run(outbound("sg-00000001", 201))
    assert "at most 4 for `Security groups per network interface`" in problem.hint


def test_the_product_of_both_quotas() -> None:
    assert ids(outbound("sg-00000001", 1000)) == ["W9987"]
    assert ids(outbound("sg-00000001", 1001)) == ["E9988"]


# Load balancers ------------------------------------------------------------------------------


def rules_of_listener(listener: Any, count: int) -> dict[str, Any]:
    actions = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
    return {
        f"Rule{number}": resource(
            "ElasticLoadBalancingV2::ListenerRule",
            ListenerArn=listener,
            Priority=number,
            Conditions=[{"Field": "path-pattern", "Values": [f"/{number}"]}],
            Actions=actions,
        )
        for number in range(1, count + 1)
    }


@pytest.mark.parametrize(("count", "found"), [(100, []), (101, ["W9986"])])
def test_rules_of_a_load_balancer(count: int, found: list[str]) -> None:
    assert ids(with_resources(ALB, rules_of_listener({"Ref": "Listener"}, count))) == found
    existing = run({"Resources": rules_of_listener(LISTENER, count)})
    assert [problem.rule.id for problem in existing] == found
    assert all("loadbalancer/app/web/0a1b` has 101" in problem.message for problem in existing)


def listeners(count: int) -> dict[str, Any]:
    return {
        f"Listener{port}": resource(
            "ElasticLoadBalancingV2::Listener",
            LoadBalancerArn={"Ref": "LoadBalancer"},
            Port=port,
            Protocol="TCP",
            DefaultActions=[{"Type": "forward", "TargetGroupArn": "existing"}],
        )
        for port in range(1, count + 1)
    }


def test_listeners_of_a_network_load_balancer_are_not_raised() -> None:
    assert ids(with_resources(NLB, listeners(49))) == []
    assert ids(with_resources(NLB, listeners(50))) == ["E9985"]


# Services and the account --------------------------------------------------------------------


def test_the_size_of_a_task_definition() -> None:
    path = "Resources.TaskDefinition.Properties.ContainerDefinitions.0.Environment"
    for size, found in (64_000, []), (66_000, ["E9991"]):
        value = [{"Name": "TEXT", "Value": "x" * size}]
        assert ids(apply_changes(ALB, {path: value})) == found


def test_tasks_that_auto_scaling_can_add() -> None:
    target = resource(
        "ApplicationAutoScaling::ScalableTarget",
        ServiceNamespace="ecs",
        ScalableDimension="ecs:service:DesiredCount",
        ResourceId={"Fn::Sub": "service/${Cluster}/${Service.Name}"},
        MinCapacity=1,
        MaxCapacity=1000,
    )
    body = apply_changes(ALB, {"Resources.Target": target})
    assert ids(body) == []
    (problem,) = run(apply_changes(body, {"Resources.Target.Properties.MaxCapacity": 6000}))
    for quota in "Tasks per service", "Targets per Target Group", "Targets per Application Load":
        assert f"at least 6,000 for the quota `{quota}" in problem.hint


@pytest.mark.parametrize(
    ("kind", "most", "properties"),
    [
        ("IAM::Role", 1000, {"AssumeRolePolicyDocument": {}}),
        ("EC2::EIP", 5, {}),
        ("EC2::VPC", 5, {"CidrBlock": "10.0.0.0/16"}),
        ("ElasticLoadBalancingV2::LoadBalancer", 50, {"Type": "network"}),
        ("ElasticLoadBalancingV2::LoadBalancer", 50, {"Type": "application"}),
        ("EC2::VPCEndpoint", 50, {"VpcEndpointType": "Interface", "VpcId": "vpc-00000001"}),
        ("EC2::Subnet", 200, {"VpcId": "vpc-00000001"}),
    ],
)
def test_resources_of_an_account(kind: str, most: int, properties: dict[str, Any]) -> None:
    half = {"Resources": {f"A{n}": resource(kind, **properties) for n in range(most // 2)}}
    rest = {"Resources": {f"A{n}": resource(kind, **properties) for n in range(most - most // 2)}}
    assert ids(half, rest) == []
    assert ids(half, rest, {"Resources": {"More": resource(kind, **properties)}}) == ["W9992"]
