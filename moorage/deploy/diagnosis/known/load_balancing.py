"""Targets that load balancers find unhealthy."""

from __future__ import annotations

from moorage.deploy.diagnosis.known.known_failure import (
    ECS_EVENTS,
    ECS_LOAD_BALANCERS,
    TARGET_HEALTH,
    KnownFailure,
)

_PATH = ("HealthCheckPath", "HealthCheckGracePeriodSeconds")

TARGETS = (
    KnownFailure(
        id="health-check-status",
        title="The health check gets another status code than it expects.",
        meaning="The load balancer reaches the task, and the application answers, but not with a "
        "status code of the matcher. 404: the path is wrong. 301 or 302: it redirects, for "
        "example to HTTPS or to a login. 401 or 403: the path needs a login. 500 and above: the "
        "application is not ready, or something that it needs is missing.",
        check="Let the application answer the path of the health check with 200 without a login, "
        "or change the path or the matcher.",
        messages=("Health checks failed with these codes",),
        keys=("Target.ResponseCodeMismatch",),
        codes=("M2421",),
        properties=_PATH,
        sources=(TARGET_HEALTH, ECS_LOAD_BALANCERS),
    ),
    KnownFailure(
        id="health-check-timeout",
        title="The health check gets no answer in time.",
        meaning="Either a security group or network ACL drops the request, or nothing listens on "
        "the port, or the application answers more slowly than the timeout.",
        check="The tasks' security groups must allow the port of the health check from the load "
        "balancer, and the load balancer's security group must allow it outbound. The application "
        "must listen on 0.0.0.0, not on 127.0.0.1.",
        messages=("due to (reason Request timed out)", "Request timed out"),
        keys=("Target.Timeout",),
        codes=("E9690", "E9696", "E9693"),
        properties=_PATH,
        sources=(TARGET_HEALTH, ECS_LOAD_BALANCERS),
    ),
    KnownFailure(
        id="health-check-connection",
        title="The load balancer cannot connect to the port of the health check.",
        meaning="The task refuses the connection, or its answer is malformed: nothing listens on "
        "the port, the application listens on 127.0.0.1 only, it speaks another protocol (HTTP "
        "and HTTPS), or it has not started yet. Network Load Balancers report time-outs in this "
        "way, too.",
        check="Compare the port of the health check with what the application listens on, and "
        "check the security groups. Raise the grace period if the application needs longer to "
        "start.",
        messages=("due to (reason Health checks failed)", "Health checks failed"),
        keys=("Target.FailedHealthChecks",),
        codes=("E9558", "W9561", "E9690"),
        properties=_PATH,
        sources=(TARGET_HEALTH, ECS_LOAD_BALANCERS),
    ),
    KnownFailure(
        id="target-zone-not-enabled",
        title="A task is in an Availability Zone in which its load balancer has no subnet.",
        meaning="A load balancer sends requests and health checks only into its own Availability "
        "Zones, unless it has cross-zone load balancing there.",
        check="Use the same Availability Zones for the load balancer and for the tasks.",
        messages=("Target is in an Availability Zone that is not enabled for the load balancer",),
        codes=("E9410",),
        properties=("NetworkConfiguration",),
        sources=(TARGET_HEALTH, ECS_LOAD_BALANCERS),
    ),
    KnownFailure(
        id="target-not-in-use",
        title="No load balancer uses the target group.",
        meaning="No listener and no rule forwards to the target group, or the task is in an "
        "Availability Zone that is not enabled for the load balancer. There are no health checks.",
        check="Forward to the target group in a listener or in a rule.",
        keys=("Target.NotInUse",),
        codes=("E9530", "E9410"),
        properties=("ListenerRule",),
        sources=(TARGET_HEALTH,),
    ),
    KnownFailure(
        id="target-address-unusable",
        title="The address of a target belongs to a load balancer.",
        meaning="A load balancer cannot be a target by its IP address.",
        check="For a Network Load Balancer in front of an Application Load Balancer, use a target "
        "group of the type `alb`.",
        keys=("Target.IpUnusable",),
        sources=(TARGET_HEALTH,),
    ),
    KnownFailure(
        id="target-stopped",
        title="The instance of a target is stopped or terminated.",
        meaning="The target group still has an instance that does not run.",
        check="Look at the activity history of the Auto Scaling group.",
        keys=("Target.InvalidState",),
        sources=(TARGET_HEALTH,),
    ),
    KnownFailure(
        id="target-not-registered",
        title="A task is not registered with its target group.",
        meaning="ECS has not registered the task, or somebody has removed it.",
        check="The events of the service say whether ECS was refused. Do not change target groups "
        "of ECS by hand.",
        messages=("due to TARGET IS NOT FOUND",),
        keys=("Target.NotRegistered",),
        sources=(TARGET_HEALTH, ECS_EVENTS),
    ),
    KnownFailure(
        id="target-group-missing",
        title="The target group of the service does not exist.",
        meaning="It was deleted while the service still used it. ECS cannot repair that.",
        check="Delete the service and create it again: remove its stack and deploy it, or rename "
        "the logical ID of the service.",
        messages=("due to TARGET GROUP IS NOT FOUND",),
        properties=("ListenerRule",),
        sources=(ECS_EVENTS,),
    ),
    KnownFailure(
        id="load-balancer-internal-error",
        title="The health checks failed because of an error of the load balancer itself.",
        meaning="AWS reports an internal error.",
        check="Wait some minutes, and look at the AWS Health Dashboard.",
        keys=("Elb.InternalError",),
        sources=(TARGET_HEALTH,),
    ),
)

NOT_A_FAILURE = (
    "Elb.RegistrationInProgress",
    "Elb.InitialHealthChecking",
    "Target.DeregistrationInProgress",
    "Target.HealthCheckDisabled",
)
"""Reason codes of targets that are new or that leave: Elastic Load Balancing API reference,
TargetHealth."""
