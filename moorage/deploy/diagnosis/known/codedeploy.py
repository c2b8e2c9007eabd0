"""Deployments by CodeDeploy."""

from __future__ import annotations

from moorage.deploy.diagnosis.known.known_failure import (
    CODEDEPLOY_CODES,
    CODEDEPLOY_ECS,
    KnownFailure,
)

_SOURCES = (CODEDEPLOY_CODES, CODEDEPLOY_ECS)

CODEDEPLOY = (
    KnownFailure(
        id="codedeploy-tasks-not-healthy",
        title="CodeDeploy gave up, because the new tasks did not become healthy.",
        meaning="The replacement task set has an hour to become stable.",
        check="The stopped tasks, the events of the service and the health of the targets say why.",
        messages=("timed out while waiting for the replacement task set to become healthy",),
        keys=("TIMEOUT",),
        symptom=True,
        sources=_SOURCES,
    ),
    KnownFailure(
        id="codedeploy-not-continued",
        title="Nobody continued the deployment in time.",
        meaning="The deployment group waits before it reroutes traffic, and the wait has ended.",
        check="Continue the next deployment in time (`aws deploy continue-deployment "
        "--deployment-wait-type READY_WAIT`), or let it reroute immediately.",
        messages=("timed out while waiting for a notification to continue",),
        properties=("DeploymentReadyOption",),
        sources=_SOURCES,
    ),
    KnownFailure(
        id="codedeploy-hook-silent",
        title="A hook function did not report its result to CodeDeploy.",
        meaning="CodeDeploy waits an hour for PutLifecycleEventHookExecutionStatus.",
        check="Read the log of the function, and allow its role "
        "codedeploy:PutLifecycleEventHookExecutionStatus.",
        messages=("timed out while waiting for a status callback",),
        properties=("DeploymentConfiguration.LifecycleHooks",),
        sources=_SOURCES,
    ),
    KnownFailure(
        id="codedeploy-hook-failed",
        title="A hook function has refused the deployment.",
        meaning="The function reported Failed to CodeDeploy.",
        check="Read the log of the function.",
        messages=("one or more of the lifecycle event validation functions failed",),
        keys=("HOOK_EXECUTION_FAILURE",),
        properties=("DeploymentConfiguration.LifecycleHooks",),
        sources=_SOURCES,
    ),
    KnownFailure(
        id="codedeploy-alarm",
        title="An alarm has stopped the deployment of CodeDeploy.",
        meaning="An alarm of the deployment group went into the state ALARM.",
        check="Look at the alarm's metric at that time, and at the logs of the new tasks.",
        keys=("ALARM_ACTIVE",),
        properties=("DeploymentConfiguration.Alarms",),
        sources=_SOURCES,
    ),
    KnownFailure(
        id="codedeploy-ecs-refused",
        title="ECS has refused the task set of CodeDeploy.",
        meaning="The task definition, the container or the port in the AppSpec does not fit the "
        "service.",
        check="The message of ECS says what is wrong. Compare the AppSpec with the task "
        "definition.",
        messages=("The ECS service cannot be updated due to an unexpected error",),
        keys=("ECS_UPDATE_ERROR", "INVALID_ECS_SERVICE"),
        sources=_SOURCES,
    ),
    KnownFailure(
        id="codedeploy-load-balancer",
        title="CodeDeploy cannot use the listeners and target groups of the deployment group.",
        meaning="The production listener must forward to one of the two target groups, and the "
        "test listener, if there is one, to one of them, too. Both belong to one load balancer.",
        check="Let both listeners forward to the target group that serves now, and check the "
        "deployment group.",
        messages=("Primary taskset target group must be behind listener",),
        keys=("ELASTIC_LOAD_BALANCING_INVALID", "MISSING_ELB_INFORMATION"),
        codes=("E9325",),
        properties=("LoadBalancers",),
        sources=_SOURCES,
    ),
    KnownFailure(
        id="codedeploy-gradual-nlb",
        title="A Network Load Balancer cannot shift traffic step by step with CodeDeploy.",
        meaning="CodeDeploy supports only CodeDeployDefault.ECSAllAtOnce with Network Load "
        "Balancers.",
        check="Use CodeDeployDefault.ECSAllAtOnce, or an Application Load Balancer.",
        messages=("Only ALB supports gradual traffic routing",),
        codes=("E9321",),
        properties=("DeploymentConfigName",),
        sources=_SOURCES,
    ),
    KnownFailure(
        id="codedeploy-role",
        title="The role of CodeDeploy does not exist or lacks permissions.",
        meaning="CodeDeploy works with the service role of the deployment group. It needs "
        "permissions for ECS, Elastic Load Balancing and Lambda, and iam:PassRole for the roles of "
        "the tasks.",
        check="Attach AWSCodeDeployRoleForECS to the role, with a trust policy for "
        "codedeploy.amazonaws.com.",
        messages=(
            "does not give you permission to perform operations in the following AWS service",
        ),
        keys=("IAM_ROLE_MISSING", "IAM_ROLE_PERMISSIONS"),
        codes=("E9795", "E9730", "E9349"),
        sources=_SOURCES,
    ),
    KnownFailure(
        id="codedeploy-stopped",
        title="Somebody has stopped the deployment.",
        meaning="The deployment was stopped by a user or by a program.",
        check="Deploy again when the reason for the stop is gone.",
        keys=("MANUAL_STOP",),
        sources=(CODEDEPLOY_CODES,),
    ),
    KnownFailure(
        id="codedeploy-revision",
        title="The revision of the deployment is missing or not valid.",
        meaning="CodeDeploy cannot read the AppSpec, or what it names was deleted.",
        check="Check the AppSpec: one resource of the type AWS::ECS::Service with TaskDefinition "
        "and LoadBalancerInfo.",
        keys=("INVALID_REVISION", "REVISION_MISSING"),
        sources=(CODEDEPLOY_CODES, "AWS docs: AppSpec file structure for Amazon ECS"),
    ),
    KnownFailure(
        id="codedeploy-resource-missing",
        title="The application or deployment group of CodeDeploy does not exist.",
        meaning="It was deleted after the deployment was created.",
        check="Deploy the stack that has the deployment group, and then again.",
        keys=(
            "APPLICATION_MISSING",
            "DEPLOYMENT_GROUP_MISSING",
            "CODEDEPLOY_RESOURCE_CANNOT_BE_FOUND",
        ),
        sources=(CODEDEPLOY_CODES,),
    ),
    KnownFailure(
        id="codedeploy-throttled",
        title="CodeDeploy was throttled, had reached a limit, or had an error of its own.",
        meaning="The account made too many calls, or CodeDeploy had an internal error.",
        check="Deploy again, fewer services at the same time.",
        keys=("THROTTLED", "RESOURCE_LIMIT_EXCEEDED", "INTERNAL_ERROR"),
        sources=(CODEDEPLOY_CODES,),
    ),
)
