"""Constraints of services and task sets: what their controller, scheduling strategy, launch type
and network mode allow."""

from __future__ import annotations

from moorage.rules.constraints.combinations import (
    All,
    AtMostOne,
    Each,
    Either,
    Not,
    Refers,
    Some,
)
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    Count,
    Is,
    Matches,
    NotEmpty,
    Present,
    Within,
)

_SERVICE = "AWS::ECS::Service"
_TASK_SET = "AWS::ECS::TaskSet"
_TASK = "AWS::ECS::TaskDefinition"
_API = "Amazon ECS API reference"
_CREATE = f"{_API}: CreateService"
_GUIDE = "Amazon ECS developer guide"
_PREFLIGHT = "AWS's error message, reproduced by cdk-preflight"
_EXTERNAL_CONTROLLER = Is("DeploymentController.Type", "EXTERNAL")
_FOR_FARGATE = Some("RequiresCompatibilities", Is("", "FARGATE"))
_DAEMON = Is("SchedulingStrategy", "DAEMON")
_REBALANCING = Is("AvailabilityZoneRebalancing", "ENABLED")
_REBALANCING_GUIDE = f"{_GUIDE}: Balancing an Amazon ECS service across Availability Zones"
_ZONE = r"(?i)attribute:ecs\.availability-zone"
_HAS_CLASSIC_LOAD_BALANCER = Some("LoadBalancers", Present("LoadBalancerName"))

CONSTRAINTS = (
    Constraint(
        "E9241",
        _SERVICE,
        "A service with the deployment controller EXTERNAL has settings of its task sets.",
        when=_EXTERNAL_CONTROLLER,
        must=All(Not(NotEmpty("LoadBalancers")), Absent("TaskDefinition")),
        message="Service {id} has the deployment controller `EXTERNAL`, with which it cannot have "
        "{key}",
        fix="Write them in its `AWS::ECS::TaskSet`.",
        error_messages=("LoadBalancers must be empty or null", "TaskDefinition must be blank"),
        sources=(_CREATE, _PREFLIGHT),
    ),
    Constraint(
        "E9242",
        _SERVICE,
        "A service on Fargate has a task definition that Fargate cannot run.",
        when=Either(
            Is("LaunchType", "FARGATE"),
            All(
                NotEmpty("CapacityProviderStrategy"),
                Each(
                    "CapacityProviderStrategy",
                    Is("CapacityProvider", "FARGATE", "FARGATE_SPOT"),
                ),
            ),
        ),
        must=All(
            Refers(
                "TaskDefinition",
                _TASK,
                Either(_FOR_FARGATE, All(Present("Cpu"), Present("Memory"))),
            ),
            Either(
                # With a launch type, cfn-lint reports the network mode (E3054).
                Present("LaunchType"),
                Refers("TaskDefinition", _TASK, Either(_FOR_FARGATE, Is("NetworkMode", "awsvpc"))),
            ),
        ),
        message="Service {id} runs on Fargate, but its task definition lacks `Cpu` or `Memory`, or "
        "the network mode `awsvpc`",
        fix="Write `Cpu` and `Memory` of the task, `NetworkMode: awsvpc` and "
        "`RequiresCompatibilities: [FARGATE]` in the task definition.",
        error_messages=("Task definition does not support launch_type FARGATE.",),
        sources=(f"{_API}: RegisterTaskDefinition, cpu and memory",),
    ),
    Constraint(
        "E9243",
        _SERVICE,
        "A service has no task definition.",
        when=Is("DeploymentController.Type", "ECS", "CODE_DEPLOY", default="ECS"),
        must=Present("TaskDefinition"),
        message="Service {id} has no `TaskDefinition`",
        fix="Write `TaskDefinition`.",
        sources=(f"{_CREATE}, taskDefinition",),
    ),
    Constraint(
        "E9244",
        f"{_SERVICE} LoadBalancers[]",
        "An entry of LoadBalancers does not have either a target group or a Classic Load Balancer.",
        must=All(
            AtMostOne(Present("LoadBalancerName"), Present("TargetGroupArn")),
            Either(Present("TargetGroupArn"), Present("LoadBalancerName")),
        ),
        message="An entry of `LoadBalancers` of service {id} does not have exactly one of "
        "`TargetGroupArn` and `LoadBalancerName`",
        fix="Write only `TargetGroupArn`. `LoadBalancerName` is for a Classic Load Balancer.",
        error_messages=("loadBalancerName and targetGroupArn cannot both be specified",),
        sources=(f"{_CREATE}, loadBalancers",),
    ),
    Constraint(
        "E9245",
        f"{_SERVICE} LoadBalancers[]",
        "An entry of LoadBalancers has no container or no port.",
        must=All(Present("ContainerName"), Present("ContainerPort")),
        message="An entry of `LoadBalancers` of service {id} has no `ContainerName` or no "
        "`ContainerPort`",
        fix="Write the name and the port of a container of the task definition.",
        sources=(f"{_CREATE}, loadBalancers",),
    ),
    Constraint(
        "E9246",
        _SERVICE,
        "A service in the network mode awsvpc has a Classic Load Balancer.",
        when=Either(
            Is("LaunchType", "FARGATE"),
            Refers("TaskDefinition", _TASK, Is("NetworkMode", "awsvpc")),
        ),
        must=Not(_HAS_CLASSIC_LOAD_BALANCER),
        message="The tasks of service {id} are in the network mode `awsvpc`, which Classic Load "
        "Balancers do not support",
        fix="Write `TargetGroupArn` of an Application or Network Load Balancer.",
        error_messages=("Classic Load Balancers are not supported with Fargate",),
        sources=(f"{_CREATE}, loadBalancers",),
    ),
    Constraint(
        "E9247",
        _SERVICE,
        "A daemon has a desired count.",
        when=_DAEMON,
        must=Absent("DesiredCount"),
        message="Service {id} has the scheduling strategy `DAEMON` and a `DesiredCount`",
        fix="Remove `DesiredCount`. ECS runs a task on each instance.",
        error_messages=("The daemon scheduling strategy does not support a desired count",),
        sources=(f"{_CREATE}, desiredCount", _PREFLIGHT),
    ),
    Constraint(
        "E9248",
        _SERVICE,
        "A daemon has placement strategies.",
        when=_DAEMON,
        must=Not(NotEmpty("PlacementStrategies")),
        message="Service {id} has the scheduling strategy `DAEMON`, with which it cannot have "
        "{key}",
        fix="Remove them. `PlacementConstraints` can restrict the instances of a daemon.",
        error_messages=("The daemon scheduling strategy does not support placement strategies",),
        sources=(f"{_CREATE}, schedulingStrategy", _PREFLIGHT),
    ),
    Constraint(
        "E9251",
        _SERVICE,
        "Availability Zone rebalancing is on for a service that ECS cannot rebalance.",
        when=_REBALANCING,
        must=All(Not(_DAEMON), Not(Is("LaunchType", "EXTERNAL")), Not(_HAS_CLASSIC_LOAD_BALANCER)),
        message="Service {id} has `AvailabilityZoneRebalancing: ENABLED`, which ECS refuses for "
        "daemons, for external instances and with a Classic Load Balancer",
        fix="Remove `AvailabilityZoneRebalancing`.",
        error_messages=("Availability Zone Rebalancing does not support DAEMON services",),
        sources=(_REBALANCING_GUIDE, _PREFLIGHT),
    ),
    Constraint(
        "E9252",
        _SERVICE,
        "Rebalancing across Availability Zones has no room for a task.",
        when=_REBALANCING,
        must=Within("DeploymentConfiguration.MaximumPercent", 101, None),
        message="Service {id} has `AvailabilityZoneRebalancing: ENABLED`, and a `MaximumPercent` "
        "of {DeploymentConfiguration.MaximumPercent}",
        fix="Write `MaximumPercent: 200`, or `AvailabilityZoneRebalancing: DISABLED`.",
        error_messages=("Availability Zone Rebalancing does not support maximumPercent <= 100%",),
        why="ECS starts a task in another zone before it stops one, for which a maximum of 100 "
        "percent leaves no room.",
        sources=(_REBALANCING_GUIDE,),
    ),
    Constraint(
        "E9253",
        _SERVICE,
        "The placement of tasks contradicts their rebalancing across Availability Zones.",
        when=_REBALANCING,
        must=All(
            Either(
                Absent("PlacementStrategies.0"),
                All(
                    Is("PlacementStrategies.0.Type", "spread"),
                    Matches("PlacementStrategies.0.Field", _ZONE),
                ),
            ),
            Each("PlacementConstraints", Not(Matches("Expression", f".*{_ZONE[4:]}.*"))),
        ),
        message="Service {id} has `AvailabilityZoneRebalancing: ENABLED`, but its placement does "
        "not spread tasks across the zones first",
        fix="Write `{Type: spread, Field: attribute:ecs.availability-zone}` as the first placement "
        "strategy, and no placement constraint on the zone, or "
        "`AvailabilityZoneRebalancing: DISABLED`.",
        sources=(_REBALANCING_GUIDE,),
    ),
    Constraint(
        "E9254",
        (_SERVICE, _TASK_SET),
        "Tasks that do not run on Fargate have a platform version.",
        when=Is("LaunchType", "EC2", "EXTERNAL"),
        must=Absent("PlatformVersion"),
        message="{id} has the launch type {LaunchType} and a `PlatformVersion`",
        fix="Remove `PlatformVersion`.",
        error_messages=("The platform version must be null when specifying an EC2 launch type",),
        sources=(f"{_CREATE}, platformVersion", _PREFLIGHT),
    ),
    Constraint(
        "E9255",
        _SERVICE,
        "A service has a network configuration, but its tasks have no network interface.",
        when=All(
            NotEmpty("NetworkConfiguration.AwsvpcConfiguration"), Not(Is("LaunchType", "FARGATE"))
        ),
        must=Refers(
            "TaskDefinition",
            _TASK,
            Either(Is("NetworkMode", "awsvpc"), Some("RequiresCompatibilities", Is("", "FARGATE"))),
        ),
        message="Service {id} has a `NetworkConfiguration`, but its task definition does not have "
        "the network mode `awsvpc`",
        fix="Write `NetworkMode: awsvpc` in the task definition, or remove `NetworkConfiguration`.",
        error_messages=(
            "Network Configuration is not valid for the given networkMode of this task definition.",
        ),
        sources=(
            f"{_CREATE}, networkConfiguration",
            "cloudposse/terraform-aws-ecs-alb-service-task#22",
        ),
    ),
    Constraint(
        "E9256",
        f"{_SERVICE} PlacementStrategies[]",
        "A placement strategy has a field that does not belong to its type.",
        must=All(
            Either(Absent("Field"), Not(Is("Type", "random"))),
            Either(Matches("Field", "(?i)cpu|memory"), Not(Is("Type", "binpack"))),
            Either(Matches("Field", "(?i)instanceId|host|attribute:.+"), Not(Is("Type", "spread"))),
            Either(Present("Field"), Not(Is("Type", "binpack"))),
        ),
        message="A placement strategy of service {id} has the type {Type}, but not a field of this "
        "type",
        fix="Write `cpu` or `memory` for `binpack`; `instanceId` or `attribute:<name>`, such as "
        "`attribute:ecs.availability-zone`, for `spread`; and no `Field` for `random`.",
        error_messages=("random field should not be specified", "binpack field '...' is invalid"),
        sources=(f"{_API}: PlacementStrategy, field", _PREFLIGHT),
    ),
    Constraint(
        "E9257",
        (f"{_SERVICE} PlacementConstraints[]", f"{_TASK} PlacementConstraints[]"),
        "A placement constraint of the type memberOf has no expression.",
        when=Is("Type", "memberOf"),
        must=Present("Expression"),
        message="A placement constraint of {id} has the type `memberOf`, but no `Expression`",
        fix="Write `Expression`, such as `attribute:ecs.instance-type =~ m7g.*`.",
        sources=(f"{_API}: PlacementConstraint, expression",),
    ),
    Constraint(
        "E9258",
        (f"{_SERVICE} PlacementConstraints[]", f"{_TASK} PlacementConstraints[]"),
        "The expression of a placement constraint compares with a single equals sign.",
        must=Not(Matches("Expression", r"(attribute|task|agent|ec2)[^\s=!<>~]*\s*=\s*[^=~\s].*")),
        message="A placement constraint of {id} has the expression {Expression}, with a single `=`",
        fix="Write `==`, or `=~` for a pattern.",
        sources=(
            f"{_GUIDE}: Create expressions to define container instances for Amazon ECS tasks",
        ),
    ),
    Constraint(
        "E9259",
        _SERVICE,
        "A service has more than one service registry.",
        must=Count("ServiceRegistries", 0, 1),
        message="Service {id} has more than one service registry",
        fix="Keep one of them.",
        error_messages=("service registries can have at most 1 items",),
        sources=(f"{_CREATE}, serviceRegistries", _PREFLIGHT),
    ),
    Constraint(
        "E9261",
        _SERVICE,
        "A service has a role for load balancers, but no load balancer.",
        when=All(
            Present("Role"),
            Refers("TaskDefinition", _TASK, Is("NetworkMode", "bridge", "host", default="bridge")),
        ),
        must=NotEmpty("LoadBalancers"),
        message="Service {id} has a `Role`, but no `LoadBalancers`",
        fix="Remove `Role`. It is not the role of the tasks, which is `TaskRoleArn` of the task "
        "definition.",
        error_messages=("IAM roles are only valid for services configured to use load balancers",),
        sources=(f"{_CREATE}, role", _PREFLIGHT),
    ),
    Constraint(
        "E9262",
        f"{_SERVICE} NetworkConfiguration.AwsvpcConfiguration",
        "A service has more than 16 subnets.",
        must=Count("Subnets", 0, 16),
        message="Service {id} has more than 16 subnets",
        fix="Write up to 16.",
        sources=(f"{_API}: AwsVpcConfiguration, subnets",),
    ),
    Constraint(
        "E9263",
        _SERVICE,
        "A service on external instances uses a load balancer, a registry or network interfaces.",
        when=Is("LaunchType", "EXTERNAL"),
        must=All(
            Not(NotEmpty("LoadBalancers")),
            Not(NotEmpty("ServiceRegistries")),
            Absent("NetworkConfiguration"),
        ),
        message="Service {id} has the launch type `EXTERNAL`, with which it cannot have {key}",
        fix="Remove them.",
        sources=(f"{_GUIDE}: Amazon ECS clusters for external instances, Considerations",),
    ),
    Constraint(
        "E9264",
        _TASK_SET,
        "A task set has a launch type and a capacity provider strategy.",
        when=NotEmpty("CapacityProviderStrategy"),
        must=Absent("LaunchType"),
        message="Task set {id} has a `LaunchType` and a `CapacityProviderStrategy`",
        fix="Remove `LaunchType` to use the capacity providers.",
        sources=(f"{_API}: CreateTaskSet, launchType",),
    ),
    Constraint(
        "E9265",
        _TASK_SET,
        "A task set belongs to a service that does not have the deployment controller EXTERNAL.",
        must=Refers("Service", _SERVICE, _EXTERNAL_CONTROLLER),
        message="Task set {id} belongs to a service that does not have the deployment controller "
        "`EXTERNAL`",
        fix="Write `DeploymentController: {Type: EXTERNAL}` in the service.",
        sources=(f"{_API}: CreateTaskSet",),
    ),
)
