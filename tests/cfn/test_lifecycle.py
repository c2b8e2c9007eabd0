"""What is created before what, and which fixed values the next creation trips over."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.cfn import ecs, lifecycle
from moorage.cfn.template import Template
from moorage.cfn.view import Resource, View

EC2, IAM, ELB = "AWS::EC2::", "AWS::IAM::", "AWS::ElasticLoadBalancingV2::"
ANYWHERE = "0.0.0.0/0"


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def made(kind: str, *after: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "DependsOn": list(after), "Properties": properties}


def view_of(parameters: dict[str, Any] | None = None, **resources: Any) -> View:
    return View([Template("t", {"Parameters": parameters or {}, "Resources": resources})], {})


def the(view: View, name: str) -> Resource:
    return view.stacks[0].resources[name]


def service(*after: str, **properties: Any) -> dict[str, Any]:
    subnets = {"AwsvpcConfiguration": {"Subnets": [ref("Subnet")]}}
    return made(ecs.SERVICE, *after, NetworkConfiguration=subnets, **properties)


def network(**way: Any) -> dict[str, Any]:
    """A subnet whose default route goes some way."""
    table, subnet = ref("Table"), ref("Subnet")
    return {
        "Vpc": made(f"{EC2}VPC"),
        "Subnet": made(f"{EC2}Subnet", VpcId=ref("Vpc")),
        "Table": made(f"{EC2}RouteTable", VpcId=ref("Vpc")),
        "Association": made(
            f"{EC2}SubnetRouteTableAssociation", SubnetId=subnet, RouteTableId=table
        ),
        "Route": made(f"{EC2}Route", RouteTableId=table, DestinationCidrBlock=ANYWHERE, **way),
        "Nat": made(f"{EC2}NatGateway"),
        "Gateway": made(f"{EC2}InternetGateway"),
    }


NATTED = network(NatGatewayId=ref("Nat"))
PUBLIC = network(GatewayId=ref("Gateway"))


def needed(view: View) -> set[str]:
    return {
        one.id
        for need in lifecycle.startup_dependencies(the(view, "Service"))
        for one in need.resources
    }


def test_tasks_behind_a_nat_gateway_need_the_route_and_the_association() -> None:
    assert needed(view_of(**NATTED, Service=service())) == {"Route", "Association"}


def test_tasks_in_public_subnets_need_the_route_where_nothing_takes_longer() -> None:
    assert needed(view_of(**PUBLIC, Service=service())) == {"Route", "Association"}
    balancer = made(f"{ELB}LoadBalancer")
    assert needed(view_of(**PUBLIC, Balancer=balancer, Service=service("Balancer"))) == set()


def test_tasks_need_policies_that_stand_beside_their_roles() -> None:
    view = view_of(
        Role=made(f"{IAM}Role", RoleName="task"),
        Other=made(f"{IAM}Role"),
        Beside=made(f"{IAM}Policy", Roles=[ref("Role")]),
        ByName=made(f"{IAM}RolePolicy", RoleName="task"),
        Elsewhere=made(f"{IAM}Policy", Roles=[ref("Other"), "tasks"]),
        Nowhere=made(f"{IAM}ManagedPolicy"),
        Task=made(ecs.TASK_DEFINITION, TaskRoleArn={"Fn::GetAtt": "Role.Arn"}),
        Service=made(ecs.SERVICE, TaskDefinition=ref("Task")),
    )
    assert needed(view) == {"Beside", "ByName"}


def test_an_exporting_stack_stands_before_the_one_that_imports() -> None:
    exports = {"Subnet": {"Value": ref("Subnet"), "Export": {"Name": "subnet"}}}
    imported = {"AwsvpcConfiguration": {"Subnets": [{"Fn::ImportValue": "subnet"}]}}
    templates = (
        Template("network", {"Resources": NATTED, "Outputs": exports}),
        Template("app", {"Resources": {"S": made(ecs.SERVICE, NetworkConfiguration=imported)}}),
    )
    app = next(View(templates, {}).resources_of_type(ecs.SERVICE))
    (need,) = lifecycle.startup_dependencies(app)
    assert {one.id for one in need.resources} == {"Route", "Association"}
    assert lifecycle.find_unordered_dependencies(app, need.resources) == []


def test_what_a_resource_may_come_before_is_missed() -> None:
    view = view_of(A=made("A::A::A"), B=made("A::A::A"), C=made("A::A::A", "A"))
    missed = lifecycle.find_unordered_dependencies(
        the(view, "C"), [the(view, "A"), the(view, "B"), the(view, "B")]
    )
    assert missed == [the(view, "B")]


@pytest.mark.parametrize(
    ("count", "grows"), [(None, True), (2, True), ("1", True), (0, False), (ref("Count"), False)]
)
def test_a_service_starts_one_task_unless_it_says_otherwise(count: Any, grows: bool) -> None:
    given = {} if count is None else {"DesiredCount": count}
    view = view_of({"Count": {"Type": "Number"}}, Service=made(ecs.SERVICE, **given))
    assert lifecycle.starts_tasks(the(view, "Service")) is grows
