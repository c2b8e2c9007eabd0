"""ECS Managed Instances: their roles and their capacity provider."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from awacs import iam as iam_actions
from awacs.aws import Condition, StringEquals
from troposphere import GetAtt, Ref, ecs, iam

from moorage.model import Environment

from ... import network
from ...common.iam import allow, aws_managed_policy_arn, role
from .instance_network import find_network_handle, instances_security_group, select_subnets
from .params import ManagedInstances, Range


def managed_instances_resources(
    params: ManagedInstances, env: Environment, name: str
) -> Iterator[Any]:
    """The roles, the security group and the capacity provider.

    AWS's managed policy for the infrastructure role only allows passing an instance role with a
    fixed name, so a statement allows passing that of this stack.
    """
    network_handle = find_network_handle(params, env)
    yield instances_security_group("ManagedInstancesSecurityGroup", network_handle, env, name)
    yield role(
        "ManagedInstancesRole",
        "ec2.amazonaws.com",
        {},
        env,
        managed=[aws_managed_policy_arn("AmazonECSInstanceRolePolicyForManagedInstances")],
    )
    yield iam.InstanceProfile("ManagedInstancesProfile", Roles=[Ref("ManagedInstancesRole")])
    to_ec2 = Condition(StringEquals({"iam:PassedToService": "ec2.amazonaws.com"}))
    instance_role = [GetAtt("ManagedInstancesRole", "Arn")]
    yield role(
        "ManagedInstancesInfrastructureRole",
        "ecs.amazonaws.com",
        {
            "PassRole": [
                allow("PassInstanceRole", [iam_actions.PassRole], instance_role, Condition=to_ec2)
            ]
        },
        env,
        managed=[aws_managed_policy_arn("AmazonECSInfrastructureRolePolicyForManagedInstances")],
    )
    yield ecs.CapacityProvider(
        "ManagedInstancesCapacityProvider",
        ClusterName=Ref("Cluster"),
        ManagedInstancesProvider=_managed_provider(params, network_handle),
    )


def _managed_provider(params: ManagedInstances, network_handle: network.Handle) -> Any:
    storage = params.disk_size
    disk = ecs.ManagedInstancesStorageConfiguration(StorageSizeGiB=storage) if storage else None
    optional = {
        "StorageConfiguration": disk,
        "CapacityOptionType": "SPOT" if params.spot else None,
        "Monitoring": "DETAILED" if params.detailed_monitoring else None,
    }
    delay = params.scale_in_after
    scale_in = ecs.InfrastructureOptimization(ScaleInAfter=delay) if delay is not None else None
    return ecs.ManagedInstancesProvider(
        InfrastructureRoleArn=GetAtt("ManagedInstancesInfrastructureRole", "Arn"),
        InstanceLaunchTemplate=ecs.InstanceLaunchTemplate(
            Ec2InstanceProfileArn=GetAtt("ManagedInstancesProfile", "Arn"),
            NetworkConfiguration=ecs.ManagedInstancesNetworkConfiguration(
                SecurityGroups=[
                    GetAtt("ManagedInstancesSecurityGroup", "GroupId"),
                    *params.security_groups,
                ],
                Subnets=list(select_subnets(params, network_handle)),
            ),
            InstanceRequirements=_instance_requirements(params),
            **{key: value for key, value in optional.items() if value},
        ),
        PropagateTags="CAPACITY_PROVIDER",
        **({"InfrastructureOptimization": scale_in} if scale_in else {}),
    )


def _instance_requirements(params: ManagedInstances) -> Any:
    types = {"AllowedInstanceTypes": params.instance_types} if params.instance_types else {}
    return ecs.InstanceRequirementsRequest(
        VCpuCount=ecs.VCpuCountRangeRequest(**_range_properties(params.vcpus)),
        MemoryMiB=ecs.MemoryMiBRequest(**_range_properties(params.memory)),
        **types,
    )


def _range_properties(limits: Range) -> dict[str, int]:
    return {"Min": limits.min} | ({"Max": limits.max} if limits.max is not None else {})
