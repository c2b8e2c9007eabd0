"""Constraints of ECS Express Mode, of gateways, and of deployments of services."""

from __future__ import annotations

from moorage.rules.constraints.combinations import All, Either, Not, Refers, Some
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    AtMost,
    Is,
    IsTrue,
    Present,
    StartsWith,
    Within,
)
from moorage.rules.constraints.relations import Trusts

_EXPRESS = "AWS::ECS::ExpressGatewayService"
_GATEWAY = "AWS::ECS::Gateway"
_DAEMON_TASK = "AWS::ECS::DaemonTaskDefinition"
_SERVICE = "AWS::ECS::Service"
_TASK = "AWS::ECS::TaskDefinition"
_API = "Amazon ECS API reference"
_CREATE = f"{_API}: CreateExpressGatewayService"
_DEPLOYMENT = f"{_API}: DeploymentConfiguration"
_PREFLIGHT = "AWS's error message, reproduced by cdk-preflight"
_OWN_TASK = ("PrimaryContainer", "ExecutionRoleArn", "TaskRoleArn", "Cpu", "Memory")

CONSTRAINTS = (
    Constraint(
        "E9288",
        _EXPRESS,
        "An Express service has both or neither of a task definition and a container.",
        must=Either(
            All(Absent("TaskDefinitionArn"), Present("PrimaryContainer")),
            All(Present("TaskDefinitionArn"), *map(Absent, _OWN_TASK)),
        ),
        message="Express service {id} does not have either a `TaskDefinitionArn` or a "
        "`PrimaryContainer` with its roles and sizes",
        fix="Keep `TaskDefinitionArn`, or keep `PrimaryContainer`, `ExecutionRoleArn`, "
        "`TaskRoleArn`, `Cpu` and `Memory`.",
        sources=(f"{_CREATE}, taskDefinitionArn",),
    ),
    Constraint(
        "E9289",
        f"{_EXPRESS} ScalingTarget",
        "An Express service has a minimum of tasks above its maximum.",
        must=AtMost("MinTaskCount", "MaxTaskCount"),
        message="Express service {id} has the `MinTaskCount` {MinTaskCount}, above the "
        "`MaxTaskCount` {MaxTaskCount}",
        fix="Lower `MinTaskCount`, or raise `MaxTaskCount`.",
        sources=(f"{_API}: ExpressGatewayScalingTarget",),
    ),
    Constraint(
        "E9329",
        _EXPRESS,
        "The health check path of an Express service does not begin with a slash.",
        must=StartsWith("HealthCheckPath", ("/",)),
        message="Express service {id} has the health check path {HealthCheckPath}",
        fix="Write `/` at the beginning.",
        sources=(f"{_CREATE}, healthCheckPath",),
    ),
    Constraint(
        "E9330",
        (_EXPRESS, _GATEWAY),
        "The infrastructure role of Express Mode or of a gateway does not trust ECS.",
        must=Trusts("InfrastructureRoleArn", "ecs"),
        message="The infrastructure role of {id} does not trust ecs.amazonaws.com",
        fix="Write `Service: ecs.amazonaws.com` in the trust policy.",
        sources=("Amazon ECS developer guide: Amazon ECS infrastructure IAM role",),
    ),
    Constraint(
        "E9331",
        (_EXPRESS, _DAEMON_TASK),
        "A role of the tasks of Express Mode or of a daemon does not trust ECS tasks.",
        must=All(Trusts("ExecutionRoleArn", "ecs-tasks"), Trusts("TaskRoleArn", "ecs-tasks")),
        message="The execution role or the task role of {id} does not trust "
        "ecs-tasks.amazonaws.com",
        fix="Write `Service: ecs-tasks.amazonaws.com` in the trust policy.",
        sources=("Amazon ECS developer guide: Amazon ECS task execution IAM role",),
    ),
    Constraint(
        "E9333",
        _EXPRESS,
        "The task definition of an Express service is not one for Express Mode.",
        must=Refers(
            "TaskDefinitionArn",
            _TASK,
            All(
                Some("RequiresCompatibilities", Is("", "FARGATE")),
                Some("ContainerDefinitions", Is("Name", "Main")),
            ),
        ),
        message="The task definition of Express service {id} is not for Fargate, or has no "
        "container with the name `Main`",
        fix="Write `RequiresCompatibilities: [FARGATE]`, and name the container `Main`.",
        sources=(f"{_CREATE}, taskDefinitionArn",),
    ),
    Constraint(
        "E9364",
        f"{_GATEWAY} Configuration.HostSharedAlb",
        "A gateway has another listener than HTTPS at port 443.",
        must=All(
            Either(Absent("Port"), Is("Port", "443")),
            Either(Absent("Protocol"), Is("Protocol", "HTTPS")),
        ),
        message="Gateway {id} has a listener other than HTTPS at port 443",
        fix="Write `Port: 443` and `Protocol: HTTPS`.",
        sources=(f"{_API}: HostSharedAlbConfiguration, port",),
    ),
    Constraint(
        "E9326",
        f"{_SERVICE} DeploymentConfiguration",
        "A percentage of running tasks is on the wrong side of 100.",
        must=All(
            Within("MinimumHealthyPercent", 0, 100),
            # With a minimum of 100, E9290 says that a deployment cannot replace a task.
            Either(
                Within("MaximumPercent", 100, None),
                Not(Within("MinimumHealthyPercent", None, 99)),
                Is("/SchedulingStrategy", "DAEMON"),
            ),
        ),
        message="Service {id} has a `MinimumHealthyPercent` above 100, or a `MaximumPercent` below "
        "it",
        fix="Write 0 to 100 as `MinimumHealthyPercent`, and at least 100 as `MaximumPercent`.",
        error_messages=(
            "minimumHealthyPercent must be at most 100",
            "maximumPercent must be at least 100",
        ),
        sources=(_PREFLIGHT, _DEPLOYMENT),
    ),
    Constraint(
        "E9327",
        f"{_SERVICE} DeploymentConfiguration.EarlySuccessCriteria",
        "The criteria for an early success of a deployment are not complete.",
        when=All(
            IsTrue("Enable"),
            Is("/DeploymentConfiguration.Strategy", "ROLLING", default="ROLLING"),
        ),
        must=All(
            Present("HealthyPercent"),
            Present("SourceServiceRevisionCleanup"),
        ),
        message="The `EarlySuccessCriteria` of service {id} lack `HealthyPercent` or "
        "`SourceServiceRevisionCleanup`",
        fix="Write both.",
        sources=(f"{_API}: DeploymentEarlySuccessCriteria",),
    ),
    Constraint(
        "E9328",
        f"{_SERVICE} DeploymentConfiguration",
        "A service on instances has percentages that its deployment controller does not use.",
        when=All(
            Is("/DeploymentController.Type", "CODE_DEPLOY", "EXTERNAL"), Is("/LaunchType", "EC2")
        ),
        must=All(
            Either(Absent("MaximumPercent"), Is("MaximumPercent", "200")),
            Either(Absent("MinimumHealthyPercent"), Is("MinimumHealthyPercent", "100")),
        ),
        message="Service {id} has the deployment controller {/DeploymentController.Type}, with "
        "which ECS refuses other percentages than 200 and 100 on instances",
        fix="Remove `MaximumPercent` and `MinimumHealthyPercent`.",
        sources=(f"{_DEPLOYMENT}, maximumPercent and minimumHealthyPercent",),
    ),
)
