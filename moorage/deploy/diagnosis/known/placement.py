"""Tasks that ECS cannot place: capacity, quotas, instances."""

from __future__ import annotations

from moorage.deploy.diagnosis.known.known_failure import (
    ECS_API_FAILURES,
    ECS_EVENTS,
    KnownFailure,
)

_CAPACITY = ("CapacityProviderStrategy",)
_QUOTAS = "AWS docs: Amazon ECS service quotas"

PLACEMENT = (
    KnownFailure(
        id="no-instance-fits",
        title="No instance of the cluster can take the task.",
        meaning="The cluster has no instances, or none has the CPU, the memory, the port, the "
        "network interface or the attribute that the task needs.",
        check="The rest of the message names the instance that comes closest and what it lacks. "
        "Use more or larger instances, or a smaller task.",
        messages=("no container instance met all of its requirements",),
        properties=_CAPACITY,
        general=True,
        sources=(ECS_EVENTS,),
    ),
    KnownFailure(
        id="no-instances",
        title="The cluster or the capacity provider has no instances.",
        meaning="Instances have not registered with the cluster: the Auto Scaling group has none, "
        "they cannot reach ECS, or they join another cluster.",
        check="Look at the Auto Scaling group, and at the log of the ECS agent on an instance.",
        messages=(
            "No Container Instances were found in your cluster",
            "No Container Instances were found in your capacity provider",
        ),
        properties=_CAPACITY,
        sources=(ECS_EVENTS,),
    ),
    KnownFailure(
        id="too-little-cpu",
        title="No instance has enough free CPU for the task.",
        meaning="An instance has 1024 CPU units for each vCPU, and other tasks have reserved them.",
        check="Lower the CPU of the task, or use more or larger instances.",
        messages=("has insufficient CPU units available", "RESOURCE:CPU"),
        properties=("Cpu", "ContainerDefinitions.Cpu"),
        sources=(ECS_EVENTS, ECS_API_FAILURES),
    ),
    KnownFailure(
        id="too-little-memory",
        title="No instance has enough free memory for the task.",
        meaning="An instance offers less memory than its type has, because the operating system "
        "needs some, and other tasks have reserved theirs.",
        check="Lower the memory of the task, or use more or larger instances.",
        messages=("has insufficient memory available", "RESOURCE:MEMORY"),
        properties=("Memory", "ContainerDefinitions.Memory"),
        sources=(ECS_EVENTS, ECS_API_FAILURES),
    ),
    KnownFailure(
        id="host-port-in-use",
        title="The port of the instance is already in use.",
        meaning="With a fixed host port, each instance can run one task of the service; during a "
        "deployment the old task still has the port.",
        check="Let ECS choose the host port, or run fewer tasks than there are instances, with a "
        "minimum healthy percentage below 100.",
        messages=("is already using a port required by your task", "RESOURCE:PORTS"),
        properties=("ContainerDefinitions.PortMappings",),
        sources=(ECS_EVENTS, ECS_API_FAILURES),
    ),
    KnownFailure(
        id="missing-attribute",
        title="No instance has an attribute that the task needs.",
        meaning="Some settings, such as a log driver or network mode awsvpc, need instances that "
        "support them and are in the subnets of the service.",
        check="Check that instances run in the Availability Zones of the service's subnets, with a "
        "current ECS-optimized AMI.",
        messages=("is missing an attribute required by your task",),
        properties=_CAPACITY,
        sources=(ECS_EVENTS, ECS_API_FAILURES),
    ),
    KnownFailure(
        id="agent-disconnected",
        title="The ECS agent of an instance is disconnected.",
        meaning="ECS does not start tasks on an instance whose agent it does not hear from.",
        check="Restart the agent (`sudo systemctl restart ecs`), or replace the instance, and "
        "check its route to ECS.",
        messages=(
            'encountered error "AGENT"',
            "Timed out waiting for Amazon ECS Agent to start",
        ),
        sources=(ECS_EVENTS,),
    ),
    KnownFailure(
        id="no-fargate-capacity",
        title="AWS has no capacity for the task right now.",
        meaning="The Availability Zone has no free capacity of this size; with Fargate Spot that "
        "happens more often.",
        check="Deploy again later, use subnets in more Availability Zones, or FARGATE besides "
        "FARGATE_SPOT.",
        messages=("Capacity is unavailable at this time",),
        properties=_CAPACITY,
        sources=(ECS_EVENTS,),
    ),
    KnownFailure(
        id="fargate-quota",
        title="The account's quota for tasks on Fargate is used up.",
        meaning="Fargate limits the vCPUs that run at the same time in a region; new accounts "
        "have a low quota. During a deployment, old and new tasks count.",
        check="Ask for a higher quota in Service Quotas (AWS Fargate, vCPU resource count), or run "
        "fewer or smaller tasks.",
        messages=(
            "You've reached the limit on the number of vCPUs you can run concurrently",
            "You've reached the limit on the number of tasks you can run concurrently",
            "The requested CPU configuration is above your limit",
            "The requested MEMORY configuration is above your limit",
        ),
        codes=("W9990",),
        properties=("Cpu", "DesiredCount"),
        sources=(ECS_EVENTS, _QUOTAS),
    ),
    KnownFailure(
        id="provisioning-limit",
        title="Too many tasks of the cluster wait for capacity.",
        meaning="A cluster can have 500 tasks in the state PROVISIONING.",
        check="Wait, and start services one after another; check that the capacity provider can "
        "add instances.",
        messages=("tasks provisioning capacity limit was exceeded",),
        properties=_CAPACITY,
        sources=(ECS_EVENTS,),
    ),
    KnownFailure(
        id="zone-without-fargate",
        title="A subnet is in an Availability Zone that Fargate does not support.",
        meaning="ECS reports only an internal error. AWS documents this cause for it.",
        check="Compare the Availability Zone IDs of the subnets with those that AWS lists for "
        "Fargate, or deploy again if they are right.",
        messages=("was unable to place a task. Reason: Internal error",),
        properties=("NetworkConfiguration",),
        sources=(ECS_EVENTS,),
    ),
    KnownFailure(
        id="deployment-cannot-move",
        title="The deployment may neither stop nor start a task.",
        meaning="minimumHealthyPercent, rounded up, does not let ECS stop an old task, and "
        "maximumPercent, rounded down, does not let it start a new one.",
        check="Lower `minimum_healthy_percent` or raise `maximum_percent`, so that at least one "
        "task can be stopped or started.",
        messages=(
            "was unable to stop or start tasks during a deployment because of the service "
            "deployment configuration",
        ),
        codes=("E9290",),
        properties=("DeploymentConfiguration",),
        sources=(ECS_EVENTS,),
    ),
    KnownFailure(
        id="protected-tasks",
        title="Protected tasks prevent the deployment from ending.",
        meaning="Tasks with scale-in protection are not stopped until it expires or is removed.",
        check="Wait until the protection expires, or remove it with `aws ecs "
        "update-task-protection`.",
        messages=("The number of protected tasks are more than the desired count of tasks",),
        sources=(ECS_EVENTS,),
    ),
    KnownFailure(
        id="service-throttled",
        title="ECS starts no more tasks for now, because of too many API calls.",
        meaning="The account has reached a request rate of ECS or of a service that ECS calls.",
        check="Wait: ECS tries again. Deploy fewer services at the same time.",
        messages=("operations are being throttled",),
        sources=(ECS_EVENTS,),
    ),
    KnownFailure(
        id="service-role-changed",
        title="A role that ECS uses for the service has lost permissions or its trust policy.",
        meaning="ECS can no longer maintain the service with the role.",
        check="Restore the policy or the trust policy of the role: deploy the stack that has it "
        "again.",
        messages=(
            "IAM permissions policies have been misconfigured or changed",
            "IAM trust relationship has been misconfigured or changed",
        ),
        codes=("E9297", "E9730"),
        properties=("ExecutionRoleArn", "TaskRoleArn"),
        sources=(ECS_EVENTS,),
    ),
    KnownFailure(
        id="tasks-do-not-start",
        title="The tasks of the service do not start, or do not stay healthy.",
        meaning="ECS starts tasks again and again, with growing pauses.",
        check="The stopped tasks say why they ended.",
        messages=(
            "is unable to consistently start tasks successfully",
            "could not launch ... tasks for deployment",
        ),
        symptom=True,
        sources=(ECS_EVENTS,),
    ),
)
