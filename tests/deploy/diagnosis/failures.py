"""Failed deployments, as evidence: each is a case of test_diagnosis_report.py."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from moorage.deploy.diagnosis.model import (
    Evidence,
    Hook,
    Service,
    ServiceDeployment,
    ServiceEvent,
    StackEvent,
    StoppedContainer,
    StoppedTask,
    Target,
    Unread,
    ValidationError,
)

START = datetime(2026, 11, 27, 7, 0, tzinfo=UTC)
STACK, SERVICE = "AWS::CloudFormation::Stack", "AWS::ECS::Service"
BREAKER = (
    "Resource handler returned message: \"Error occurred during operation 'ECS Deployment Circuit "
    "Breaker was triggered'.\" (RequestToken: 0a1b2c3d, HandlerErrorCode: GeneralServiceException)"
)
PULL = (
    "CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to resolve "
    "ref 123456789012.dkr.ecr.eu-central-1.amazonaws.com/kelp/web:2026.11.3: not found"
)
SECRET = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource "
    "retrieval failed: unable to retrieve secret from asm: service call has been retried 1 "
    "time(s): AccessDeniedException: User: "
    "arn:aws:sts::123456789012:assumed-role/kelp-dev-api-ExecutionRole"
    "/0a1b is not authorized to perform: secretsmanager:GetSecretValue on resource: "
    "arn:aws:secretsmanager:eu-central-1:123456789012:secret:kelp/dev/database-AbCdEf because no "
    "identity-based policy allows the action"
)
NO_ADDRESSES = (
    "Unexpected EC2 error while attempting to Create Network Interface in subnet 'subnet-0a1b': "
    "InsufficientFreeAddressesInSubnet"
)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def failed(
    stack: str,
    *events: tuple[str, str, str],
    operation: str = "UPDATE",
    service: Service | None = None,
    unread: tuple[Unread, ...] = (),
) -> Evidence:
    """A stack that was rolled back, because resources (name, type, reason) failed."""
    name = f"kelp-dev-{stack}"
    rollback = "ROLLBACK" if operation == "CREATE" else "UPDATE_ROLLBACK"
    listed = f"The following resource(s) failed to {operation.lower()}: [x]."
    every = [StackEvent(at(0), name, STACK, f"{operation}_IN_PROGRESS", "User Initiated")]
    every += [
        StackEvent(at(5 + n), logical_id, kind, f"{operation}_FAILED", reason)
        for n, (logical_id, kind, reason) in enumerate(events)
    ]
    every += [
        StackEvent(at(9), name, STACK, f"{rollback}_IN_PROGRESS", listed),
        StackEvent(at(10), name, STACK, f"{rollback}_COMPLETE"),
    ]
    services = () if service is None else (service,)
    return Evidence(
        stack, name, f"{rollback}_COMPLETE", "", tuple(every[::-1]), (), services, unread
    )


def tasks(
    reason: str, code: str, *containers: StoppedContainer, count: int = 3
) -> tuple[StoppedTask, ...]:
    return tuple(StoppedTask(f"{n}", at(4 - n), code, reason, containers) for n in range(count))


ESSENTIAL = ("Essential container in task exited", "EssentialContainerExited")
FAILED = ("Service", SERVICE, BREAKER)

FAILURES = {
    "image-not-found": failed(
        "web",
        FAILED,
        ("Queue", "AWS::SQS::Queue", "Resource creation cancelled"),
        operation="CREATE",
        service=Service(
            "Service",
            "web",
            tasks=tasks(PULL, "TaskFailedToStart", StoppedContainer("web", None, PULL)),
        ),
    ),
    "secret-denied": failed(
        "api",
        FAILED,
        service=Service("Service", "api", tasks=tasks(SECRET, "TaskFailedToStart")),
    ),
    "health-check": failed(
        "web",
        FAILED,
        service=Service(
            "Service",
            "web",
            tasks=tasks(
                "Task failed ELB health checks in (target-group arn:aws:x)",
                "ServiceSchedulerInitiated",
                StoppedContainer("web", 143),
            ),
            targets=(
                Target(
                    "PublicProxy8080TargetGroup",
                    "10.20.0.7",
                    "unhealthy",
                    "Target.ResponseCodeMismatch",
                    "Health checks failed with these codes: [404]",
                ),
            ),
        ),
    ),
    "exit-1": failed(
        "api",
        FAILED,
        service=Service(
            "Service",
            "api",
            tasks=tasks(
                *ESSENTIAL,
                StoppedContainer(
                    "api",
                    1,
                    log_lines=(
                        "starting",
                        "connecting to postgres://app:hunter2@db.internal/kelp",
                        "\x1b[31mfatal: relation does not exist\x1b[0m",
                    ),
                ),
            ),
        ),
    ),
    "exit-137": failed(
        "api",
        FAILED,
        service=Service(
            "Service",
            "api",
            tasks=tasks(
                *ESSENTIAL,
                StoppedContainer(
                    "api", 137, "OutOfMemoryError: Container killed due to memory usage"
                ),
                count=1,
            ),
        ),
        unread=(Unread("log of container api", "not allowed: GetLogEvents (no policy allows it)"),),
    ),
    "no-addresses": failed(
        "web",
        FAILED,
        service=Service(
            "Service",
            "web",
            events=(
                ServiceEvent(
                    at(4), f"(service web) was unable to place a task. Reason: {NO_ADDRESSES}"
                ),
            ),
        ),
    ),
    "quota": failed(
        "network",
        (
            "InternetGateway",
            "AWS::EC2::InternetGateway",
            'Resource handler returned message: "The maximum number of internet gateways has been '
            'reached. (Service: Ec2, Status Code: 400)" (RequestToken: 0a1b2c3d, HandlerErrorCode: '
            "ServiceLimitExceeded)",
        ),
        operation="CREATE",
    ),
    "listener-rule": failed(
        "web",
        (
            "PublicProxy8080ListenerRule",
            "AWS::ElasticLoadBalancingV2::ListenerRule",
            "Priority '49874' is currently in use",
        ),
    ),
    "name-taken": Evidence(
        "cluster",
        "kelp-dev-cluster",
        "REVIEW_IN_PROGRESS",
        validation_errors=(
            ValidationError(
                "Cluster",
                "AWS::ECS::Cluster",
                "NAME_CONFLICT_VALIDATION",
                "Resource of type 'AWS::ECS::Cluster' with identifier 'kelp' already exists.",
                "/Resources/Cluster",
            ),
        ),
    ),
    "alarm": failed(
        "web",
        FAILED,
        service=Service(
            "Service",
            "web",
            deployments=(
                ServiceDeployment(
                    "ROLLBACK_SUCCESSFUL", triggered_alarms=("kelp-dev-web-Http5xx",)
                ),
            ),
        ),
    ),
    "pause": Evidence(
        "web",
        "kelp-dev-web",
        "UPDATE_IN_PROGRESS",
        events=(StackEvent(at(0), "kelp-dev-web", STACK, "UPDATE_IN_PROGRESS", "User Initiated"),),
        services=(
            Service(
                "Service",
                "web",
                deployments=(
                    ServiceDeployment(
                        "IN_PROGRESS",
                        stage="POST_TEST_TRAFFIC_SHIFT",
                        hooks=(Hook("PAUSE", "AWAITING_ACTION"),),
                    ),
                ),
            ),
        ),
    ),
    "rollback-failed": Evidence(
        "web",
        "kelp-dev-web",
        "UPDATE_ROLLBACK_FAILED",
        events=(
            StackEvent(at(4), "kelp-dev-web", STACK, "UPDATE_ROLLBACK_FAILED", "[Service] failed."),
            StackEvent(at(3), "Service", SERVICE, "UPDATE_FAILED", "Service was not found"),
            StackEvent(at(2), "kelp-dev-web", STACK, "UPDATE_ROLLBACK_IN_PROGRESS", "x"),
            StackEvent(at(1), "Rule", "AWS::X::Rule", "UPDATE_FAILED", "Moon phase is wrong"),
            StackEvent(at(0), "kelp-dev-web", STACK, "UPDATE_IN_PROGRESS", "User Initiated"),
        ),
    ),
    "import": Evidence(
        "web",
        "kelp-dev-web",
        "ROLLBACK_COMPLETE",
        events=(
            StackEvent(
                at(1),
                "kelp-dev-web",
                STACK,
                "ROLLBACK_IN_PROGRESS",
                "No export named kelp-dev-network-VpcId found. Rollback requested by user.",
            ),
            StackEvent(at(0), "kelp-dev-web", STACK, "CREATE_IN_PROGRESS", "User Initiated"),
        ),
    ),
    "nothing": Evidence(
        "web",
        "kelp-dev-web",
        "UPDATE_COMPLETE",
        services=(Service("Service", "web", desired=2, running=2),),
    ),
    "not-deployed": Evidence("web", "kelp-dev-web"),
}
