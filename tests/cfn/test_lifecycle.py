"""The order in which CloudFormation creates resources, and what services need at startup."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.cfn import ecs, lifecycle
from moorage.cfn.stack import Resource
from moorage.cfn.template import Template
from moorage.cfn.view import View

EC2, IAM, ELB = "AWS::EC2::", "AWS::IAM::", "AWS::ElasticLoadBalancingV2::"
ANYWHERE = "0.0.0.0/0"


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def definition(resource_type: str, *depends_on: str, **properties: Any) -> dict[str, Any]:
    return {"Type": resource_type, "DependsOn": list(depends_on), "Properties": properties}


def view_of(parameters: dict[str, Any] | None = None, **resources: Any) -> View:
    return View([Template("t", {"Parameters": parameters or {}, "Resources": resources})], {})


def resource(view: View, name: str) -> Resource:
    return view.stacks[0].resources[name]


def service(*after: str, **properties: Any) -> dict[str, Any]:
    subnets = {"AwsvpcConfiguration": {"Subnets": [ref("Subnet")]}}
    return definition(ecs.SERVICE, *after, NetworkConfiguration=subnets, **properties)


def network(**target: Any) -> dict[str, Any]:
    """A subnet whose default route has this target."""
    table, subnet = ref("Table"), ref("Subnet")
    return {
        "Vpc": definition(f"{EC2}VPC"),
        "Subnet": definition(f"{EC2}Subnet", VpcId=ref("Vpc")),
        "Table": definition(f"{EC2}RouteTable", VpcId=ref("Vpc")),
        "Association": definition(
            f"{EC2}SubnetRouteTableAssociation", SubnetId=subnet, RouteTableId=table
        ),
        "Route": definition(
            f"{EC2}Route", RouteTableId=table, DestinationCidrBlock=ANYWHERE, **target
        ),
        "Nat": definition(f"{EC2}NatGateway"),
        "Gateway": definition(f"{EC2}InternetGateway"),
    }


PRIVATE = network(NatGatewayId=ref("Nat"))
PUBLIC = network(GatewayId=ref("Gateway"))


def startup_dependencies(view: View) -> set[str]:
    return {
        dependency_resource.id
        for dependency in lifecycle.startup_dependencies(resource(view, "Service"))
        for dependency_resource in dependency.resources
    }


def test_tasks_in_private_subnets_need_the_route_and_the_association() -> None:
    assert startup_dependencies(view_of(**PRIVATE, Service=service())) == {"Route", "Association"}


def test_tasks_in_public_subnets_need_the_route_unless_a_load_balancer_takes_longer() -> None:
    assert startup_dependencies(view_of(**PUBLIC, Service=service())) == {"Route", "Association"}
    load_balancer = definition(f"{ELB}LoadBalancer")
    assert (
        startup_dependencies(view_of(**PUBLIC, Balancer=load_balancer, Service=service("Balancer")))
        == set()
    )


def test_tasks_need_separate_policies_of_their_roles() -> None:
    view = view_of(
        Role=definition(f"{IAM}Role", RoleName="task"),
        Other=definition(f"{IAM}Role"),
        ByRef=definition(f"{IAM}Policy", Roles=[ref("Role")]),
        ByName=definition(f"{IAM}RolePolicy", RoleName="task"),
        OfOtherRoles=definition(f"{IAM}Policy", Roles=[ref("Other"), "tasks"]),
        NotAttached=definition(f"{IAM}ManagedPolicy"),
        Task=definition(ecs.TASK_DEFINITION, TaskRoleArn={"Fn::GetAtt": "Role.Arn"}),
        Service=definition(ecs.SERVICE, TaskDefinition=ref("Task")),
    )
    assert startup_dependencies(view) == {"ByRef", "ByName"}


def test_exporting_stack_is_created_before_the_importing_one() -> None:
    exports = {"Subnet": {"Value": ref("Subnet"), "Export": {"Name": "subnet"}}}
    imported = {"AwsvpcConfiguration": {"Subnets": [{"Fn::ImportValue": "subnet"}]}}
    templates = (
        Template("network", {"Resources": PRIVATE, "Outputs": exports}),
        Template(
            "app", {"Resources": {"S": definition(ecs.SERVICE, NetworkConfiguration=imported)}}
        ),
    )
    app = next(View(templates, {}).resources_of_type(ecs.SERVICE))
    (dependency,) = lifecycle.startup_dependencies(app)
    assert {item.id for item in dependency.resources} == {"Route", "Association"}
    assert lifecycle.find_unordered_dependencies(app, dependency.resources) == []


def test_find_unordered_dependencies() -> None:
    view = view_of(A=definition("A::A::A"), B=definition("A::A::A"), C=definition("A::A::A", "A"))
    unordered = lifecycle.find_unordered_dependencies(
        resource(view, "C"), [resource(view, "A"), resource(view, "B"), resource(view, "B")]
    )
    assert unordered == [resource(view, "B")]


@pytest.mark.parametrize(
    ("count", "starts"), [(None, True), (2, True), ("1", True), (0, False), (ref("Count"), False)]
)
def test_service_starts_one_task_by_default(count: Any, starts: bool) -> None:
    properties = {} if count is None else {"DesiredCount": count}
    view = view_of({"Count": {"Type": "Number"}}, Service=definition(ecs.SERVICE, **properties))
    assert lifecycle.starts_tasks(resource(view, "Service")) is starts


def test_tasks_need_mount_targets_of_file_systems_that_they_mount() -> None:
    mounted = {"Name": "data", "EFSVolumeConfiguration": {"FilesystemId": ref("FileSystem")}}
    view = view_of(
        FileSystem=definition("AWS::EFS::FileSystem"),
        Target=definition("AWS::EFS::MountTarget", FileSystemId=ref("FileSystem")),
        OtherTarget=definition("AWS::EFS::MountTarget", FileSystemId="fs-0123456789abcdef0"),
        Task=definition(ecs.TASK_DEFINITION, Volumes=[mounted, {"Name": "scratch"}]),
        Service=definition(ecs.SERVICE, TaskDefinition=ref("Task")),
    )
    assert startup_dependencies(view) == {"Target"}
