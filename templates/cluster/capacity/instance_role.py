"""What the role of an instance in an Auto Scaling group allows."""

from __future__ import annotations

from awacs import ec2 as ec2_actions
from awacs import ecs as ecs_actions
from awacs import ssm, ssmmessages
from awacs.aws import ArnEquals, Condition, Statement, StringEquals
from troposphere import GetAtt, Sub

from ...common.iam import allow
from .params import Ec2


def agent_statements(params: Ec2) -> list[Statement]:
    """The part of AmazonEC2ContainerServiceforEC2Role that the ECS agent needs, for this cluster.

    The role needs no permissions for images and logs, which belong to the tasks' execution role.
    DiscoverPollEndpoint has no resource types, so its resource is `*` (Service Authorization
    Reference, Amazon ECS).
    """
    cluster = GetAtt("Cluster", "Arn")
    instances = "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:container-instance"
    return [
        allow("DiscoverEndpoints", [ecs_actions.DiscoverPollEndpoint], ["*"]),
        allow(
            "RegisterInstance",
            [
                ecs_actions.DeregisterContainerInstance,
                ecs_actions.RegisterContainerInstance,
                ecs_actions.SubmitAttachmentStateChanges,
                ecs_actions.SubmitContainerStateChange,
                ecs_actions.SubmitTaskStateChange,
            ],
            [cluster],
        ),
        allow(
            "PollForTasks",
            [
                ecs_actions.Poll,
                ecs_actions.StartTelemetrySession,
                ecs_actions.UpdateContainerInstancesState,
            ],
            [Sub(f"{instances}/${{Cluster}}/*")],
            Condition=Condition(ArnEquals({"ecs:cluster": cluster})),
        ),
    ]


# Amazon ECS developer guide, "Amazon ECS container agent configuration".
_TAG_SETTINGS = {"ECS_CONTAINER_INSTANCE_TAGS", "ECS_CONTAINER_INSTANCE_PROPAGATE_TAGS_FROM"}


def tag_statements(params: Ec2) -> list[Statement]:
    """What the agent needs to register an instance with tags, if its settings have tags.

    Without these permissions the registration fails (AmazonEC2ContainerServiceforEC2Role; Amazon
    ECS developer guide, "Adding tags to Amazon EC2 container instances"). DescribeTags has no
    resource types.
    """
    if not _TAG_SETTINGS & params.agent.keys():
        return []
    instances = "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:container-instance"
    at_registration = Condition(StringEquals({"ecs:CreateAction": "RegisterContainerInstance"}))
    return [
        allow(
            "TagInstances",
            [ecs_actions.TagResource],
            [Sub(f"{instances}/${{Cluster}}/*")],
            Condition=at_registration,
        ),
        allow("ReadTags", [ec2_actions.DescribeTags], ["*"]),
    ]


def session_manager_statements(params: Ec2) -> list[Statement]:
    """The part of AmazonSSMManagedInstanceCore that a shell needs, without access to parameters.

    AWS Systems Manager user guide, "Verify or add instance permissions for Session Manager". The
    resource is `*` because the instances do not exist yet.
    """
    if not params.session_manager:
        return []
    actions = [
        ssm.UpdateInstanceInformation,
        ssmmessages.CreateControlChannel,
        ssmmessages.CreateDataChannel,
        ssmmessages.OpenControlChannel,
        ssmmessages.OpenDataChannel,
    ]
    return [allow("OpenShell", actions, ["*"])]
