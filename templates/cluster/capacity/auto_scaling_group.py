"""An Auto Scaling group of a cluster: its launch template and its capacity provider."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from troposphere import GetAtt, Ref, autoscaling, ec2, ecs, iam

from moorage.model import Environment

from ... import network
from ...common.iam import role
from .instance_network import (
    choose_subnet_type,
    find_network_handle,
    instances_security_group,
    select_subnets,
)
from .instance_role import agent_statements, session_manager_statements, tag_statements
from .params import Ec2
from .user_data import image_id, user_data


def auto_scaling_group_resources(params: Ec2, env: Environment, name: str) -> Iterator[Any]:
    """The Auto Scaling group and what it needs.

    The user data refers to the cluster, so the cluster is created before the instances and deleted
    after them. The association of the capacity provider is a resource of its own, created last: as
    a property of the cluster, it would make cluster and group depend on each other
    (aws/containers-roadmap#631).
    """
    network_handle = find_network_handle(params, env)
    yield instances_security_group("Ec2SecurityGroup", network_handle, env, name)
    yield role(
        "Ec2InstanceRole",
        "ec2.amazonaws.com",
        {
            "JoinCluster": agent_statements(params),
            "TagInstances": tag_statements(params),
            "SessionManager": session_manager_statements(params),
        },
        env,
    )
    yield iam.InstanceProfile("Ec2InstanceProfile", Roles=[Ref("Ec2InstanceRole")])
    yield _launch_template(params, network_handle, env, name)
    yield _auto_scaling_group(params, network_handle, env, name)
    protection = "ENABLED" if params.termination_protection else "DISABLED"
    yield ecs.CapacityProvider(
        "Ec2CapacityProvider",
        AutoScalingGroupProvider=ecs.AutoScalingGroupProvider(
            AutoScalingGroupArn=Ref("Ec2AutoScalingGroup"),
            ManagedDraining="ENABLED",
            ManagedScaling=ecs.ManagedScaling(
                Status="ENABLED", TargetCapacity=params.target_capacity
            ),
            ManagedTerminationProtection=protection,
        ),
    )


def _launch_template(
    params: Ec2, network_handle: network.Handle, env: Environment, name: str
) -> Any:
    """The launch template.

    The instance metadata service requires a token. With a hop limit of 1, containers behind
    Docker's bridge cannot get one (Amazon EC2 user guide, "Use the Instance Metadata Service", hop
    limit). They need none: tasks get credentials from the agent, which uses the instance's network.
    """
    hops = 2 if params.instance_metadata else 1
    groups = [GetAtt("Ec2SecurityGroup", "GroupId"), *params.security_groups]
    public = choose_subnet_type(params, network_handle) == "public"
    # /dev/xvda is the root device of Amazon Linux 2023.
    disk = ec2.EBSBlockDevice(
        DeleteOnTermination=True, Encrypted=True, VolumeSize=params.disk_size, VolumeType="gp3"
    )
    return ec2.LaunchTemplate(
        "Ec2LaunchTemplate",
        LaunchTemplateData=ec2.LaunchTemplateData(
            ImageId=image_id(params),
            InstanceType=params.instance_types[0],
            IamInstanceProfile=ec2.IamInstanceProfile(Arn=GetAtt("Ec2InstanceProfile", "Arn")),
            NetworkInterfaces=[
                ec2.NetworkInterfaces(DeviceIndex=0, AssociatePublicIpAddress=public, Groups=groups)
            ],
            MetadataOptions=ec2.MetadataOptions(
                HttpTokens="required", HttpPutResponseHopLimit=hops
            ),
            BlockDeviceMappings=[
                ec2.LaunchTemplateBlockDeviceMapping(DeviceName="/dev/xvda", Ebs=disk)
            ],
            UserData=user_data(params),
        ),
    )


def _auto_scaling_group(
    params: Ec2, network_handle: network.Handle, env: Environment, name: str
) -> Any:
    """The group, without a desired capacity, because ECS sets it and an update must not reset it.

    ECS adds the tag AmazonECSManaged. An update would remove the tag if the template did not have
    it (aws/aws-cdk, AsgCapacityProvider).
    """
    optional: dict[str, Any] = {"MaxInstanceLifetime": params.max_instance_lifetime}
    return autoscaling.AutoScalingGroup(
        "Ec2AutoScalingGroup",
        MinSize=str(params.min),
        MaxSize=str(params.max),
        VPCZoneIdentifier=list(select_subnets(params, network_handle)),
        NewInstancesProtectedFromScaleIn=params.termination_protection,
        Tags=[
            autoscaling.Tag("AmazonECSManaged", "", True),
            autoscaling.Tag("Name", env.stack_name(name), True),
        ],
        **_launch_template_property(params),
        **{key: value for key, value in optional.items() if value is not None},
    )


def _launch_template_property(params: Ec2) -> dict[str, Any]:
    """The launch template alone, or with a mixed instances policy for Spot or several types."""
    template = autoscaling.LaunchTemplateSpecification(
        LaunchTemplateId=Ref("Ec2LaunchTemplate"),
        Version=GetAtt("Ec2LaunchTemplate", "LatestVersionNumber"),
    )
    if params.spot is None and len(params.instance_types) == 1:
        return {"LaunchTemplate": template}
    spot = params.spot
    return {
        "MixedInstancesPolicy": autoscaling.MixedInstancesPolicy(
            LaunchTemplate=autoscaling.LaunchTemplate(
                LaunchTemplateSpecification=template,
                Overrides=[
                    autoscaling.LaunchTemplateOverrides(InstanceType=instance_type)
                    for instance_type in params.instance_types
                ],
            ),
            InstancesDistribution=autoscaling.InstancesDistribution(
                OnDemandAllocationStrategy="prioritized",
                OnDemandBaseCapacity=spot.on_demand_base if spot else 0,
                OnDemandPercentageAboveBaseCapacity=spot.on_demand_percent if spot else 100,
                SpotAllocationStrategy="price-capacity-optimized",
            ),
        )
    }
