"""Instances that a cluster's tasks run on: an Auto Scaling group of its own, or ECS's.

Facts: Amazon ECS developer guide ("Automatically manage Amazon ECS capacity with cluster auto
scaling", "Amazon ECS container instance IAM role", "Amazon ECS Managed Instances instance profile",
"Amazon ECS infrastructure IAM role", "Amazon ECS container agent configuration").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from awacs import ec2 as ec2_actions
from awacs import ecs as ecs_actions
from awacs import iam as iam_actions
from awacs import ssm, ssmmessages
from awacs.aws import ArnEquals, Condition, Statement, StringEquals
from pydantic import AfterValidator, Field
from troposphere import Base64, GetAtt, Output, Ref, Sub, autoscaling, ec2, ecs, iam

from moorage.findings.finding import Path, Problem
from moorage.findings.wording import shown
from moorage.model import Base, Environment, wrong

from .. import network
from ..common.exports import export_output, import_value
from ..common.fields import SecurityGroupId, StackName, Switch, UniqueList, duration, text
from ..common.iam import allow, role
from ..common.stack_lookup import find_stack, find_stack_problems
from ..tasks.launch_types import Launch

InstanceType = Annotated[
    str, text(r"[a-z][a-z0-9-]*\d[a-z0-9-]*\.[a-z0-9-]+", "an instance type", "t3.medium")
]
InstancePattern = Annotated[
    str, text(r"[a-zA-Z0-9.*]{1,30}", "an instance type, or a family with `*`", "m7g.*")
]
AmiId = Annotated[str, text(r"ami-[0-9a-f]{8,17}", "the id of an AMI", "ami-0123456789abcdef0")]
ProviderName = Annotated[
    str,
    text(r"(?!aws|ecs|fargate)[A-Za-z0-9_-]{1,255}", "the name of a capacity provider", "shop-ec2"),
]


def _agent_key(value: str) -> str:
    if value in _AGENT_OWN:
        hint = "Leave it out: the template writes it."
        raise wrong("M1107", f"{shown(value)} is the template's own", hint)
    if not re.fullmatch(r"ECS_[A-Z0-9_]+", value):
        hint = "Write one like `ECS_IMAGE_PULL_BEHAVIOR`."
        raise wrong("M1107", f"{shown(value)} is no setting of the ECS agent", hint)
    return value


def _agent_value(value: str) -> str:
    if not re.fullmatch(r"[^\n\r]*", value):
        raise wrong("M1107", f"{shown(value)} has more than one line", "Write it in one line.")
    return value


_AGENT_OWN = (
    "ECS_CLUSTER",
    "ECS_AWSVPC_BLOCK_IMDS",
    "ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE",
    "ECS_ENABLE_SPOT_INSTANCE_DRAINING",
)
AgentKey = Annotated[str, AfterValidator(_agent_key)]
AgentValue = Annotated[str, AfterValidator(_agent_value)]


class Spot(Base):
    """Spot instances, which cost less and which EC2 takes back two minutes after it says so. ECS
    stops their tasks in time and starts them elsewhere."""

    on_demand_base: int = Field(
        0, ge=0, le=5000, description="Instances that are not Spot, before any is."
    )
    on_demand_percent: int = Field(
        0, ge=0, le=100, description="Share of the instances above the base that are not Spot."
    )


class Instances(Base):
    """What both kinds of capacity say."""

    network: StackName | None = Field(
        None, description="Stack of the network; the only one where there is one."
    )
    subnets: Literal["public", "private"] | None = Field(
        None,
        description="Where the instances are. Public ones get public addresses. Private, unless "
        "the network has `egress: public` or no private subnets.",
    )
    security_groups: UniqueList[SecurityGroupId] = Field(
        [], max_length=4, description="Security groups of the instances beside the stack's own."
    )


class Ec2(Instances):
    """An Auto Scaling group that grows and shrinks with the tasks."""

    instance_types: UniqueList[InstanceType] = Field(
        ["t3.medium"],
        min_length=1,
        max_length=40,
        description="Types of instances, of x86 or of Graviton, not both: they decide the AMI. "
        "Several make it likelier that EC2 has one, above all with `spot`.",
    )
    min: int = Field(0, ge=0, le=5000, description="Instances that there always are.")
    max: int = Field(4, ge=1, le=5000, description="Instances that there can be.")
    target_capacity: int = Field(
        100, ge=1, le=100, description="Percent of the instances' capacity that tasks should fill."
    )
    spot: Switch[Spot] = Field(None, description="Spot instances; `true` for nothing else.")
    gpu: bool = Field(False, description="The AMI with drivers for GPUs, for types that have one.")
    ami: AmiId | None = Field(
        None,
        description="Id of an AMI with the ECS agent. Without one it is the newest ECS-optimised "
        "Amazon Linux 2023 at the time of a deployment that changes the stack; instances that run "
        "stay as they are.",
    )
    disk_size: int = Field(30, ge=30, le=16384, description="GiB of the encrypted root disk.")
    max_instance_lifetime: Annotated[int, duration(86400, 31536000)] | None = Field(
        None,
        description="Age at which an instance is replaced, by one of the newest AMI and settings. "
        "ECS moves its tasks first. It needs `termination_protection: false`.",
    )
    termination_protection: bool = Field(
        True,
        description="Protects instances with tasks from scaling in. CloudFormation cannot delete "
        "protected instances: before you delete the cluster's stack, delete the services, and wait "
        "until ECS has ended their instances (with `min: 0`).",
    )
    session_manager: bool = Field(
        True, description="Lets people open a shell on the instances by Session Manager."
    )
    instance_metadata: bool = Field(
        False,
        description="Lets containers ask the instance's metadata service, and with it take the "
        "instance's role, by which ECS gives out the credentials of all tasks of the instance. "
        "Tasks in network mode `host` can in any case.",
    )
    agent: dict[AgentKey, AgentValue] = Field(
        {},
        description="More settings of the ECS agent: `{ECS_IMAGE_PULL_BEHAVIOR: prefer-cached}`.",
    )


class Range(Base):
    """A least, and perhaps a most."""

    min: int = Field(ge=1, le=1_000_000, description="The least.")
    max: int | None = Field(None, ge=1, le=1_000_000, description="The most.")


class ManagedInstances(Instances):
    """Instances that ECS chooses, starts, patches and replaces by itself."""

    instance_types: UniqueList[InstancePattern] = Field(
        [], max_length=400, description="Types that ECS may choose, such as `m7g.*`; any if empty."
    )
    vcpus: Range = Field(Range(min=1), description="Virtual CPUs that an instance has.")
    memory: Range = Field(Range(min=1024), description="MiB of memory that an instance has.")
    spot: bool = Field(False, description="Spot instances, which EC2 can take back.")
    disk_size: int | None = Field(
        None, ge=1, le=16384, description="GiB of disk for the tasks; ECS's own choice if not said."
    )
    scale_in_after: Annotated[int, duration(0, 3600)] | None = Field(
        None, description="How long an instance may be idle; ECS's own choice if not said."
    )
    detailed_monitoring: bool = Field(False, description="Metrics each minute; they cost.")


class Capacity(Base):
    """Instances for tasks, beside Fargate, which every cluster has."""

    ec2: Switch[Ec2] = Field(None, description="An Auto Scaling group, for `launch: ec2`.")
    managed_instances: Switch[ManagedInstances] = Field(
        None, description="Instances that ECS manages, for `launch: managed_instances`."
    )

    def of(self) -> dict[Launch, Instances]:
        """Each kind that there is, by what a service calls it."""
        every: dict[Launch, Instances | None] = {
            "ec2": self.ec2,
            "managed_instances": self.managed_instances,
        }
        return {kind: one for kind, one in every.items() if one is not None}


class ExistingInstances(Base):
    """Instances of a cluster that is there already."""

    capacity_provider: ProviderName = Field(description="Name of their capacity provider.")
    security_group: SecurityGroupId | None = Field(
        None,
        description="Id of their security group. It gets rules for the load balancers that lead "
        "to tasks in network mode `bridge` or `host`, which need it.",
    )


@dataclass(frozen=True)
class Handle:
    """What other stacks refer to."""

    capacity_provider: Any
    """Its name."""
    security_group: Any | None
    """Id of the instances' group; None where they exist and nobody tells."""
    network: str | None
    """Stack of the network that they stand in; None where nobody tells."""
    architecture: str | None
    """X86_64 or ARM64; None where ECS chooses by the task, or nobody tells."""
    most: int | None = None
    """How many there can be; None where ECS takes as many as it needs, or nobody tells."""
    gpus: bool | None = None
    """Whether tasks are given GPUs; None where ECS chooses by the task, or nobody tells."""


TITLES: Mapping[Launch, str] = {"ec2": "Ec2", "managed_instances": "ManagedInstances"}
"""What logical IDs and outputs of each kind begin with."""


def handles(name: str, capacity: Capacity | None, env: Environment) -> dict[Launch, Handle]:
    """How to refer to a cluster's instances from another stack, by kind."""
    return {
        kind: Handle(
            capacity_provider=import_value(env, name, f"{TITLES[kind]}CapacityProvider"),
            security_group=import_value(env, name, f"{TITLES[kind]}SecurityGroupId"),
            network=picked[0] if (picked := find_stack(env, network.Params, its.network)) else None,
            **_known(its),
        )
        for kind, its in (capacity.of() if capacity else {}).items()
    }


def _known(its: Instances) -> dict[str, Any]:
    """What the params tell of instances; an AMI of the user's may have drivers for GPUs."""
    if isinstance(its, ManagedInstances):
        return {"architecture": _common(its.instance_types)}
    assert isinstance(its, Ec2)
    return {
        "architecture": architecture(its.instance_types),
        "most": its.max,
        "gpus": its.gpu or (None if its.ami else False),
    }


def existing_handles(existing: Mapping[Launch, ExistingInstances | None]) -> dict[Launch, Handle]:
    """The same for instances that are there already."""
    return {
        kind: Handle(its.capacity_provider, its.security_group, None, None)
        for kind, its in existing.items()
        if its is not None
    }


def is_graviton(instance_type: str) -> bool:
    """Whether a type has Arm processors: a `g` after its generation (Amazon EC2 instance types,
    "Instance type naming conventions"), or the first of them, `a1`."""
    match = re.match(r"([a-z-]+)\d+([a-z0-9-]*)\.", instance_type)
    return match is not None and (match[1] == "a" or "g" in match[2].split("-")[0])


def architecture(instance_types: list[str]) -> str:
    """What images must be built for."""
    return "ARM64" if is_graviton(instance_types[0]) else "X86_64"


def _common(patterns: list[str]) -> str | None:
    """The architecture of all types that patterns allow; None where both are, or nobody tells."""
    families = [re.fullmatch(r"[a-z-]+\d+[a-z0-9-]*\..*", one) for one in patterns]
    found = {architecture([one]) for one in patterns}
    return found.pop() if len(found) == 1 and all(families) else None


# What can be wrong ---------------------------------------------------------------------------


def capacity_problems(capacity: Capacity | None, env: Environment) -> Iterator[Problem]:
    """What is wrong with a cluster's instances."""
    for kind, its in (capacity.of() if capacity else {}).items():
        path: Path = ("capacity", kind)
        at = (*path, "network")
        yield from find_stack_problems(env, network.Params, its.network, at, "network")
        yield from _subnet_problems(its, path, env)
    if capacity and capacity.ec2:
        yield from _ec2_problems(capacity.ec2, ("capacity", "ec2"))
    if capacity and capacity.managed_instances:
        yield from _managed_problems(capacity.managed_instances, ("capacity", "managed_instances"))


def _ec2_problems(params: Ec2, path: Path) -> Iterator[Problem]:
    if params.min > params.max:
        message = f"There are always {params.min} instances, and there can be {params.max}"
        hint = "Raise `max`, or lower `min`."
        yield Problem("M1105", (*path, "min"), message, hint, because=[(*path, "max")])
    first = params.instance_types[0]
    for index, other in enumerate(params.instance_types):
        if is_graviton(other) != is_graviton(first):
            kinds = {True: "Graviton", False: "x86"}
            message = f"`{other}` is {kinds[is_graviton(other)]}, and `{first}` is not"
            hint = "Keep types of one kind: one AMI and one image run on all of them."
            yield Problem("M1220", (*path, "instance_types", index), message, hint)
    if params.max_instance_lifetime and params.termination_protection:
        # Amazon EC2 Auto Scaling user guide, "Replace Auto Scaling instances based on maximum
        # instance lifetime": scale-in protection keeps an instance from it.
        message = "An instance with tasks is protected, and so is never too old"
        hint = "Write `termination_protection: false`: ECS moves the tasks before it ends one."
        because = [(*path, "termination_protection")]
        yield Problem("M1108", (*path, "max_instance_lifetime"), message, hint, because=because)
    if params.gpu and is_graviton(first) and not params.ami:
        message = "There is no ECS-optimised AMI with GPU drivers for Graviton"
        hint = "Use types such as `g5.xlarge`, or name an `ami` of your own."
        yield Problem("M1220", (*path, "gpu"), message, hint)


def _managed_problems(params: ManagedInstances, path: Path) -> Iterator[Problem]:
    for key, one in (("vcpus", params.vcpus), ("memory", params.memory)):
        if one.max is not None and one.max < one.min:
            message = f"The most, {one.max}, is below the least, {one.min}"
            yield Problem("M1105", (*path, key), message, "Swap the two numbers.")


# Amazon ECS developer guide, "Amazon ECS interface VPC endpoints (AWS PrivateLink)": what the agent
# of an instance asks, beside what tasks need.
_AGENT_ENDPOINTS = ("ecs", "ecs-agent", "ecs-telemetry")


def _subnet_problems(params: Instances, path: Path, env: Environment) -> Iterator[Problem]:
    """Whether the instances can reach ECS and join the cluster."""
    found = find_stack(env, network.Params, params.network)
    if not found:
        return
    name, its = found
    net = network.handle(name, its, env)
    where = placed(params, net)
    if not _subnets(params, net):
        other = "private" if where == "public" else "public"
        message = f"The network `{name}` has no {where} subnets"
        hint = f"Write `subnets: {other}` here, or name `{where}_subnets` at `{name}`."
        yield Problem("M1211", (*path, "subnets"), message, hint)
    elif where == "private" and net.egress == "public":
        message = f"From a private subnet of `{name}` instances cannot reach ECS"
        hint = f"Write `subnets: public` here, or `egress: nat` at `{name}`."
        yield Problem("M1211", (*path, "subnets"), message, hint)
    elif where == "private" and net.egress == "endpoints":
        lacking = [one for one in _AGENT_ENDPOINTS if one not in its.endpoints]
        if lacking:
            message = f"Instances in `{name}` cannot reach ECS: no endpoint for {lacking[0]}"
            hint = f"Write `endpoints: [{', '.join(_AGENT_ENDPOINTS)}]` at `{name}`."
            yield Problem("M1211", (*path, "network"), message, hint)


def placed(params: Instances, net: network.Handle) -> Literal["public", "private"]:
    """Where the instances are: where the params say, or else where they can reach out."""
    if params.subnets:
        return params.subnets
    return "public" if net.egress == "public" or not net.private_subnets else "private"


def _subnets(params: Instances, net: network.Handle) -> tuple[Any, ...]:
    return net.public_subnets if placed(params, net) == "public" else net.private_subnets


# What comes out ------------------------------------------------------------------------------


def capacity_resources(capacity: Capacity | None, env: Environment, name: str) -> Iterator[Any]:
    """Everything of a cluster's instances but the association with the cluster."""
    if capacity and capacity.ec2:
        yield from _ec2_resources(capacity.ec2, env, name)
    if capacity and capacity.managed_instances:
        yield from _managed_resources(capacity.managed_instances, env, name)


def capacity_outputs(name: str, capacity: Capacity | None, env: Environment) -> Iterator[Output]:
    """What services refer to."""
    for kind in capacity.of() if capacity else {}:
        title = TITLES[kind]
        provider = Ref(f"{title}CapacityProvider")
        yield export_output(env, name, f"{title}CapacityProvider", provider, "Where tasks can run")
        group = GetAtt(f"{title}SecurityGroup", "GroupId")
        yield export_output(env, name, f"{title}SecurityGroupId", group, "Group of the instances")


def associated(capacity: Capacity | None) -> list[Any]:
    """The capacity providers that are put into the cluster; that of managed instances is made in
    it, and ECS refuses to associate it ("Cannot associate Managed Instances capacity provider to
    clusters using this API", aws/aws-cdk#35699, hashicorp/terraform-provider-aws#44783)."""
    return [Ref("Ec2CapacityProvider")] if capacity and capacity.ec2 else []


def _home(params: Instances, env: Environment) -> network.Handle:
    """The network of the instances; `capacity_problems` has asked for it."""
    found = find_stack(env, network.Params, params.network)
    assert found is not None
    return network.handle(*found, env)


def _security_group(title: str, home: network.Handle, env: Environment, name: str) -> Any:
    """Nothing comes in but what load balancers send to tasks that share the instances' address."""
    return ec2.SecurityGroup(
        title,
        GroupDescription=f"Instances of {env.stack_name(name)}",
        VpcId=home.vpc_id,
    )


def _ec2_resources(params: Ec2, env: Environment, name: str) -> Iterator[Any]:
    """The user data names the cluster, so that the cluster is there before the instances, and is
    deleted after them; the association comes last, in a resource of its own, or cluster and group
    would wait for each other (aws/containers-roadmap#631)."""
    home = _home(params, env)
    yield _security_group("Ec2SecurityGroup", home, env, name)
    yield role(
        "Ec2InstanceRole",
        "ec2.amazonaws.com",
        {
            "JoinCluster": _agent_statements(params),
            "TagInstances": _tag_statements(params),
            "SessionManager": _session_statements(params),
        },
        env,
    )
    yield iam.InstanceProfile("Ec2InstanceProfile", Roles=[Ref("Ec2InstanceRole")])
    yield _launch_template(params, home, env, name)
    yield _auto_scaling_group(params, home, env, name)
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


def _agent_statements(params: Ec2) -> list[Statement]:
    """What the ECS agent needs of AmazonEC2ContainerServiceforEC2Role, in this cluster alone.

    Images are pulled and logs written by the tasks' execution role. DiscoverPollEndpoint takes no
    resource (Service Authorization Reference, Amazon ECS).
    """
    cluster = GetAtt("Cluster", "Arn")
    instances = "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:container-instance"
    return [
        allow("FindEcs", [ecs_actions.DiscoverPollEndpoint], ["*"]),
        allow(
            "Register",
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
            "Serve",
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
_TAGS = {"ECS_CONTAINER_INSTANCE_TAGS", "ECS_CONTAINER_INSTANCE_PROPAGATE_TAGS_FROM"}


def _tag_statements(params: Ec2) -> list[Statement]:
    """What the agent needs to register with tags, where its settings have some; without it, it
    could not register at all (AmazonEC2ContainerServiceforEC2Role; Amazon ECS developer guide,
    "Adding tags to Amazon EC2 container instances"). DescribeTags takes no resource."""
    if not _TAGS & params.agent.keys():
        return []
    instances = "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:container-instance"
    registering = Condition(StringEquals({"ecs:CreateAction": "RegisterContainerInstance"}))
    return [
        allow(
            "TagInstances",
            [ecs_actions.TagResource],
            [Sub(f"{instances}/${{Cluster}}/*")],
            Condition=registering,
        ),
        allow("ReadTags", [ec2_actions.DescribeTags], ["*"]),
    ]


def _session_statements(params: Ec2) -> list[Statement]:
    """AWS Systems Manager user guide, "Verify or add instance permissions for Session Manager": of
    AmazonSSMManagedInstanceCore what a shell needs, without the right to read all parameters.

    None of the actions takes a resource that is known before the instance.
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


def _image(params: Ec2) -> Any:
    """The AMI, read from AWS's public parameter when the stack is created or updated (Amazon ECS
    developer guide, "Retrieving Amazon ECS-optimized Linux AMI metadata").

    A dynamic reference and no Parameter, as no template has one; and not `resolve:ssm:`, by which
    each instance would read it anew, so that what runs changed without a deployment.
    """
    if params.ami:
        return params.ami
    arm = architecture(params.instance_types) == "ARM64"
    variant = "gpu/" if params.gpu else "arm64/" if arm else ""
    path = f"/aws/service/ecs/optimized-ami/amazon-linux-2023/{variant}recommended/image_id"
    return f"{{{{resolve:ssm:{path}}}}}"


def _user_data(params: Ec2) -> Any:
    settings = {
        "ECS_CLUSTER": "${Cluster}",
        "ECS_AWSVPC_BLOCK_IMDS": "" if params.instance_metadata else "true",
        "ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE": "true",
        "ECS_ENABLE_SPOT_INSTANCE_DRAINING": "true" if params.spot else "",
        **{key: value.replace("${", "${!") for key, value in sorted(params.agent.items())},
    }
    lines = [f"{key}={value}" for key, value in settings.items() if value]
    return Base64(
        Sub("\n".join(["#!/bin/bash", "cat >> /etc/ecs/ecs.config <<'END'", *lines, "END", ""]))
    )


def _launch_template(params: Ec2, home: network.Handle, env: Environment, name: str) -> Any:
    """The metadata service asks for a token, whose answer does not reach containers behind Docker's
    bridge: the agent itself uses the instance's network, and tasks get their roles from the agent
    (Amazon EC2 user guide, "Use the Instance Metadata Service", hop limit)."""
    hops = 2 if params.instance_metadata else 1
    groups = [GetAtt("Ec2SecurityGroup", "GroupId"), *params.security_groups]
    public = placed(params, home) == "public"
    # /dev/xvda is the root of Amazon Linux 2023.
    disk = ec2.EBSBlockDevice(
        DeleteOnTermination=True, Encrypted=True, VolumeSize=params.disk_size, VolumeType="gp3"
    )
    return ec2.LaunchTemplate(
        "Ec2LaunchTemplate",
        LaunchTemplateData=ec2.LaunchTemplateData(
            ImageId=_image(params),
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
            UserData=_user_data(params),
        ),
    )


def _auto_scaling_group(params: Ec2, home: network.Handle, env: Environment, name: str) -> Any:
    """Its size is ECS's to choose, so that no update sets it. ECS puts its tag there by itself; a
    template that does not have it would take it away again (aws/aws-cdk, AsgCapacityProvider)."""
    optional: dict[str, Any] = {"MaxInstanceLifetime": params.max_instance_lifetime}
    return autoscaling.AutoScalingGroup(
        "Ec2AutoScalingGroup",
        MinSize=str(params.min),
        MaxSize=str(params.max),
        VPCZoneIdentifier=list(_subnets(params, home)),
        NewInstancesProtectedFromScaleIn=params.termination_protection,
        Tags=[
            autoscaling.Tag("AmazonECSManaged", "", True),
            autoscaling.Tag("Name", env.stack_name(name), True),
        ],
        **_launched(params),
        **{key: value for key, value in optional.items() if value is not None},
    )


def _launched(params: Ec2) -> dict[str, Any]:
    """The launch template as it is, or with choices."""
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
                    autoscaling.LaunchTemplateOverrides(InstanceType=one)
                    for one in params.instance_types
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


def _managed_resources(params: ManagedInstances, env: Environment, name: str) -> Iterator[Any]:
    """What AWS's policy for the infrastructure role lacks is the right to pass the instances' role,
    unless that has a fixed name."""
    home = _home(params, env)
    yield _security_group("ManagedInstancesSecurityGroup", home, env, name)
    yield role(
        "ManagedInstancesRole",
        "ec2.amazonaws.com",
        {},
        env,
        managed=[_aws_policy("AmazonECSInstanceRolePolicyForManagedInstances")],
    )
    yield iam.InstanceProfile("ManagedInstancesProfile", Roles=[Ref("ManagedInstancesRole")])
    to_ec2 = Condition(StringEquals({"iam:PassedToService": "ec2.amazonaws.com"}))
    passing = [GetAtt("ManagedInstancesRole", "Arn")]
    yield role(
        "ManagedInstancesInfrastructureRole",
        "ecs.amazonaws.com",
        {
            "PassRole": [
                allow("PassInstanceRole", [iam_actions.PassRole], passing, Condition=to_ec2)
            ]
        },
        env,
        managed=[_aws_policy("AmazonECSInfrastructureRolePolicyForManagedInstances")],
    )
    yield ecs.CapacityProvider(
        "ManagedInstancesCapacityProvider",
        ClusterName=Ref("Cluster"),
        ManagedInstancesProvider=_managed_provider(params, home),
    )


def _aws_policy(name: str) -> Any:
    return Sub(f"arn:${{AWS::Partition}}:iam::aws:policy/{name}")


def _managed_provider(params: ManagedInstances, home: network.Handle) -> Any:
    storage = params.disk_size
    disk = ecs.ManagedInstancesStorageConfiguration(StorageSizeGiB=storage) if storage else None
    optional = {
        "StorageConfiguration": disk,
        "CapacityOptionType": "SPOT" if params.spot else None,
        "Monitoring": "DETAILED" if params.detailed_monitoring else None,
    }
    idle = params.scale_in_after
    after = ecs.InfrastructureOptimization(ScaleInAfter=idle) if idle is not None else None
    return ecs.ManagedInstancesProvider(
        InfrastructureRoleArn=GetAtt("ManagedInstancesInfrastructureRole", "Arn"),
        InstanceLaunchTemplate=ecs.InstanceLaunchTemplate(
            Ec2InstanceProfileArn=GetAtt("ManagedInstancesProfile", "Arn"),
            NetworkConfiguration=ecs.ManagedInstancesNetworkConfiguration(
                SecurityGroups=[
                    GetAtt("ManagedInstancesSecurityGroup", "GroupId"),
                    *params.security_groups,
                ],
                Subnets=list(_subnets(params, home)),
            ),
            InstanceRequirements=_requirements(params),
            **{key: value for key, value in optional.items() if value},
        ),
        PropagateTags="CAPACITY_PROVIDER",
        **({"InfrastructureOptimization": after} if after else {}),
    )


def _requirements(params: ManagedInstances) -> Any:
    types = {"AllowedInstanceTypes": params.instance_types} if params.instance_types else {}
    return ecs.InstanceRequirementsRequest(
        VCpuCount=ecs.VCpuCountRangeRequest(**_range(params.vcpus)),
        MemoryMiB=ecs.MemoryMiBRequest(**_range(params.memory)),
        **types,
    )


def _range(one: Range) -> dict[str, int]:
    return {"Min": one.min} | ({"Max": one.max} if one.max is not None else {})
