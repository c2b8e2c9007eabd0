"""Evidence -> diagnoses: the cause, and not what follows from it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from moorage.deploy.diagnosis.diagnose import diagnose
from moorage.deploy.diagnosis.model import (
    CodeDeployment,
    Diagnosis,
    Evidence,
    Hook,
    Rollout,
    Service,
    ServiceDeployment,
    ServiceEvent,
    StackEvent,
    StoppedContainer,
    StoppedTask,
    Target,
    ValidationError,
)
from moorage.deploy.diagnosis.report import as_text, make_report

START = datetime(2026, 11, 27, 7, 0, tzinfo=UTC)
STACK, SERVICE = "AWS::CloudFormation::Stack", "AWS::ECS::Service"
BREAKER = (
    "Resource handler returned message: \"Error occurred during operation 'ECS Deployment Circuit "
    "Breaker was triggered'.\" (RequestToken: 0a1b, HandlerErrorCode: GeneralServiceException)"
)
BROKEN = (
    "Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'. "
    "(GeneralServiceException)"
)
CANCELLED = "Resource creation cancelled"
LISTED = "The following resource(s) failed to create: [Service]. Rollback requested by user."
NOT_FOUND = (
    "CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to resolve "
    "ref 123456789012.dkr.ecr.eu-central-1.amazonaws.com/kelp/web:2: not found"
)
NO_LOAD_BALANCER = (
    "The target group with targetGroupArn arn:aws:elasticloadbalancing:x does not have an "
    "associated load balancer."
)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def event(minutes: float, name: str, kind: str, status: str, reason: str = "") -> StackEvent:
    return StackEvent(at(minutes), name, kind, status, reason)


def evidence(
    *events: StackEvent, status: str = "ROLLBACK_COMPLETE", services: tuple[Service, ...] = ()
) -> Evidence:
    """Of the stack web; the events are given oldest first."""
    return Evidence("web", "kelp-dev-web", status, events=events[::-1], services=services)


CREATED = event(0, "kelp-dev-web", STACK, "CREATE_IN_PROGRESS", "User Initiated")
ROLLED_BACK = event(9, "kelp-dev-web", STACK, "ROLLBACK_IN_PROGRESS", LISTED)


def failed_creation(service: Service) -> Evidence:
    return evidence(
        CREATED,
        event(5, "Service", SERVICE, "CREATE_FAILED", BREAKER),
        ROLLED_BACK,
        services=(service,),
    )


def task(
    *containers: StoppedContainer,
    reason: str = "Essential container in task exited",
    code: str = "EssentialContainerExited",
    minutes: float = 2,
) -> StoppedTask:
    return StoppedTask("0a1b2c3d", at(minutes), code, reason, containers)


def known(found: tuple[Diagnosis, ...]) -> list[str]:
    return [each.known for each in found]


def test_nothing_failed() -> None:
    done = event(5, "kelp-dev-web", STACK, "CREATE_COMPLETE")
    assert diagnose(evidence(CREATED, done, status="CREATE_COMPLETE")) == ()
    assert diagnose(Evidence("web", "kelp-dev-web")) == ()


def test_the_first_failure_is_the_cause_and_the_cascade_is_left_out() -> None:
    found = diagnose(
        evidence(
            CREATED,
            event(1, "Service", SERVICE, "CREATE_FAILED", NO_LOAD_BALANCER),
            event(2, "Queue", "AWS::SQS::Queue", "CREATE_FAILED", CANCELLED),
            ROLLED_BACK,
            event(10, "Service", SERVICE, "DELETE_COMPLETE"),
        )
    )
    (only,) = found
    assert (only.known, only.logical_id, only.type) == ("E9530", "Service", SERVICE)
    assert only.message == NO_LOAD_BALANCER
    assert only.codes == ("E9530", "E9930")
    assert only.last == at(1)


def test_two_resources_that_failed_by_themselves_are_two_diagnoses_oldest_first() -> None:
    found = diagnose(
        evidence(
            CREATED,
            event(
                1, "Role", "AWS::IAM::Role", "CREATE_FAILED", "kelp already exists in stack arn:x"
            ),
            event(2, "Service", SERVICE, "CREATE_FAILED", NO_LOAD_BALANCER),
            ROLLED_BACK,
        )
    )
    assert [each.logical_id for each in found] == ["Role", "Service"]


def test_only_the_last_operation_counts() -> None:
    found = diagnose(
        evidence(
            CREATED,
            event(1, "Service", SERVICE, "CREATE_FAILED", NO_LOAD_BALANCER),
            ROLLED_BACK,
            event(20, "kelp-dev-web", STACK, "UPDATE_IN_PROGRESS", "User Initiated"),
            event(21, "Rule", "AWS::X::Rule", "UPDATE_FAILED", "Priority '1' is currently in use"),
            status="UPDATE_ROLLBACK_COMPLETE",
        )
    )
    assert [each.logical_id for each in found] == ["Rule"]


def test_the_cause_of_the_circuit_breaker_is_in_the_stopped_tasks() -> None:
    pulled = StoppedContainer("web", None, NOT_FOUND)
    tasks = (task(pulled, reason=NOT_FOUND, code="TaskFailedToStart"),) * 3
    (only,) = diagnose(failed_creation(Service("Service", "web", tasks=tasks)))
    assert (only.known, only.container, only.count) == ("image-not-found", "web", 3)
    assert only.consequences == (BROKEN,)
    assert only.properties[0] == "ContainerDefinitions.Image"


def test_without_a_cause_the_symptom_stays() -> None:
    (only,) = diagnose(failed_creation(Service("Service", "web")))
    assert only.known == "circuit-breaker"
    assert only.symptom


def test_the_health_of_the_target_is_the_cause_of_a_failed_health_check() -> None:
    stopped = task(
        StoppedContainer("web", 143),
        reason="Task failed ELB health checks in (target-group arn:x)",
        code="ServiceSchedulerInitiated",
    )
    target = Target(
        "PublicWeb8080TargetGroup",
        "10.0.0.1",
        "unhealthy",
        "Target.ResponseCodeMismatch",
        "Health checks failed with these codes: [404]",
    )
    service = Service("Service", "web", tasks=(stopped, stopped), targets=(target,))
    (only,) = diagnose(failed_creation(service))
    assert only.known == "health-check-status"
    assert "[404]" in only.message
    assert "PublicWeb8080TargetGroup" in only.message
    assert only.consequences == ("Task failed ELB health checks in (target-group arn:x)", BROKEN)


def test_the_rolled_back_target_is_known_from_the_events() -> None:
    text = (
        "(service web) (port 80) is unhealthy in (target-group x) due to (reason Request timed out)"
    )
    old = ServiceEvent(at(-30), "(service web) was unable to place a task. Reason: Internal error.")
    events = (
        ServiceEvent(at(8), "(service web) has reached a steady state."),
        ServiceEvent(at(4), text),
        ServiceEvent(at(3), text),
        old,
    )
    (only,) = diagnose(failed_creation(Service("Service", "web", events=events)))
    assert (only.known, only.count, only.last) == ("health-check-timeout", 2, at(4))


def test_a_service_without_a_failed_stack_is_looked_at_since_it_was_steady() -> None:
    events = (
        ServiceEvent(at(4), "(service web) was unable to place a task. Reason: Capacity is "
                     "unavailable at this time."),
        ServiceEvent(at(3), "(service web) has reached a steady state."),
        ServiceEvent(at(2), "(service web) operations are being throttled."),
    )  # fmt: skip
    service = Service("Service", "web", events=events)
    found = diagnose(evidence(CREATED, status="CREATE_COMPLETE", services=(service,)))
    assert known(found) == ["no-fargate-capacity"]


def test_the_container_that_ended_first_is_the_one_to_look_at() -> None:
    for expected, container, others in (
        ("exit-1", StoppedContainer("web", 1), (StoppedContainer("proxy", 0),)),
        ("exit-1", StoppedContainer("web", 1), (StoppedContainer("proxy", 143),)),
        ("exit-1", StoppedContainer("web", 1), (StoppedContainer("proxy", 137),)),
        ("exit-0", StoppedContainer("web", 0), (StoppedContainer("proxy", 143),)),
        ("exit-137", StoppedContainer("web", 137), (StoppedContainer("proxy", 143),)),
        ("exit-1", StoppedContainer("web", 1), (StoppedContainer("job", 3, essential=False),)),
        ("exit-other", StoppedContainer("web", 3), ()),
        (
            "out-of-memory",
            StoppedContainer("web", 137, "OutOfMemoryError: Container killed due to memory usage"),
            (StoppedContainer("proxy", 1),),
        ),
    ):
        for containers in ((container, *others), (*others, container)):
            service = Service("Service", "web", tasks=(task(*containers),))
            (only,) = diagnose(failed_creation(service))
            assert (only.known, only.container) == (expected, "web")
            assert f"exit code {container.exit_code}" in only.message


def test_the_log_says_what_ecs_does_not() -> None:
    container = StoppedContainer("web", 1, log_lines=("exec /app/serve: exec format error",))
    (only,) = diagnose(failed_creation(Service("Service", "web", tasks=(task(container),))))
    assert only.known == "image-platform"
    assert only.log_lines == ("exec /app/serve: exec format error",)


def test_tasks_that_were_stopped_on_purpose_are_no_failure() -> None:
    tasks = (
        task(StoppedContainer("web", 143), code="UserInitiated", reason="Task stopped by user"),
        task(
            StoppedContainer("web", 143),
            code="ServiceSchedulerInitiated",
            reason="Scaling activity initiated by (deployment ecs-svc/1)",
        ),
    )
    found = diagnose(failed_creation(Service("Service", "web", tasks=tasks)))
    assert known(found) == ["circuit-breaker"]


def test_tasks_of_an_earlier_deployment_do_not_count() -> None:
    tasks = (task(StoppedContainer("web", 1), minutes=-5),)
    found = diagnose(failed_creation(Service("Service", "web", tasks=tasks)))
    assert known(found) == ["circuit-breaker"]


def test_different_reasons_are_different_diagnoses_the_most_frequent_first() -> None:
    rare, often = StoppedContainer("web", 1), StoppedContainer("web", 139)
    tasks = (task(rare), task(often), task(often))
    found = diagnose(failed_creation(Service("Service", "web", tasks=tasks)))
    assert [(each.known, each.count) for each in found] == [("exit-139", 2), ("exit-1", 1)]
    assert found[0].consequences == (BROKEN,)


def test_alarms_hooks_and_rollouts_of_the_newest_deployment() -> None:
    alarm = ServiceDeployment("ROLLBACK_SUCCESSFUL", triggered_alarms=("kelp-dev-web-5xx",))
    hook = ServiceDeployment(
        "ROLLBACK_SUCCESSFUL",
        "Service deployment rolled back because POST_SCALE_UP lifecycle hook(s) failed. Lifecycle "
        "hook target arn:aws:lambda:x:1:function:smoke returned FAILED status.",
        stage="POST_SCALE_UP",
        hooks=(Hook("AWS_LAMBDA", "FAILED", "arn:aws:lambda:x:1:function:smoke"),),
    )
    waiting = ServiceDeployment(
        "IN_PROGRESS", stage="POST_SCALE_UP", hooks=(Hook("PAUSE", "AWAITING_ACTION"),)
    )
    for expected, deployment, word in (
        ("deployment-alarm", alarm, "kelp-dev-web-5xx"),
        ("hook-failed", hook, "smoke"),
        ("hook-waiting", waiting, "POST_SCALE_UP"),
    ):
        old = ServiceDeployment("STOPPED", triggered_alarms=("old",))
        service = Service("Service", "web", deployments=(deployment, old))
        (only,) = diagnose(failed_creation(service))
        assert only.known == expected
        assert word in only.message
    failed = Rollout("PRIMARY", "FAILED", "ECS deployment circuit breaker: tasks failed to start.")
    (only,) = diagnose(failed_creation(Service("Service", "web", rollouts=(failed,))))
    assert only.known == "circuit-breaker"


def test_codedeploy_is_known_by_its_message_or_code() -> None:
    for expected, deployment in (
        (
            "codedeploy-alarm",
            CodeDeployment("d-1", "Stopped", "ALARM_ACTIVE", "One or more alarms"),
        ),
        ("codedeploy-role", CodeDeployment("d-1", "Failed", "IAM_ROLE_PERMISSIONS", "x")),
        (
            "E9220",
            CodeDeployment(
                "d-1",
                "Failed",
                "ECS_UPDATE_ERROR",
                "The container api did not have a container port 443 defined.",
            ),
        ),
    ):
        service = Service("Service", "web", code_deployments=(deployment,))
        (only,) = diagnose(failed_creation(service))
        assert only.known == expected
        assert only.message.startswith("CodeDeploy d-1: ")


def test_what_the_stack_itself_reports() -> None:
    reason = "No export named kelp-dev-network-VpcId found. Rollback requested by user."
    failed = event(1, "kelp-dev-web", STACK, "ROLLBACK_IN_PROGRESS", reason)
    (only,) = diagnose(evidence(CREATED, failed))
    assert (only.known, only.logical_id) == ("export-missing", "")
    assert diagnose(evidence(CREATED, ROLLED_BACK)) == ()


def test_a_failed_rollback_is_a_second_diagnosis() -> None:
    found = diagnose(
        evidence(
            event(0, "kelp-dev-web", STACK, "UPDATE_IN_PROGRESS", "User Initiated"),
            event(1, "Rule", "AWS::X::Rule", "UPDATE_FAILED", "Priority '1' is currently in use"),
            event(2, "kelp-dev-web", STACK, "UPDATE_ROLLBACK_IN_PROGRESS", LISTED),
            event(3, "Service", SERVICE, "UPDATE_FAILED", "Service was not found"),
            event(4, "kelp-dev-web", STACK, "UPDATE_ROLLBACK_FAILED", "x"),
            status="UPDATE_ROLLBACK_FAILED",
        )
    )
    assert known(found) == ["E9500", "rollback-failed"]
    assert found[1].logical_id == "Service"
    assert found[1].message == "Service was not found"


def test_early_validation() -> None:
    error = ValidationError("Role", "AWS::IAM::Role", "NAME_CONFLICT_VALIDATION", "Role x exists.")
    (only,) = diagnose(Evidence("web", "kelp-dev-web", validation_errors=(error,)))
    assert (only.known, only.logical_id, only.message) == ("name-taken", "Role", "Role x exists.")


def test_an_unknown_failure_says_so() -> None:
    (only,) = diagnose(evidence(CREATED, event(1, "X", "AWS::X::Y", "CREATE_FAILED", "Moon phase")))
    assert only.known == ""
    assert only.message == "Moon phase"
    assert only.title == "AWS reports a failure that Moorage does not know."


def test_texts_of_others_are_bounded_and_have_no_secrets_and_no_control_characters() -> None:
    lines = ("DB_PASSWORD=hunter2hunter2", "\x1b[2Jpostgres://app:hunter2@db/x", "x" * 5000)
    container = StoppedContainer("web", 1, "AKIAABCDEFGHIJKLMNOP is wrong", log_lines=lines)
    (only,) = diagnose(failed_creation(Service("Service", "web", tasks=(task(container),))))
    text = "\n".join((only.message, *only.log_lines))
    assert "hunter2" not in text
    assert "AKIAABCDEFGHIJKLMNOP" not in text
    assert "\x1b" not in text
    assert max(map(len, only.log_lines)) < 310


TEXTS = st.text(max_size=60) | st.sampled_from(
    ["", BREAKER, CANCELLED, LISTED, NOT_FOUND, "CREATE_FAILED", "UPDATE_ROLLBACK_FAILED", "FAILED"]
)
CONTAINERS = st.builds(
    StoppedContainer,
    TEXTS,
    st.none() | st.integers(-1, 300),
    TEXTS,
    st.none() | st.booleans(),
    st.tuples(TEXTS),
)
TIMES = st.integers(-5, 15).map(at)
SERVICES = st.builds(
    Service,
    st.sampled_from(["Service", "Other"]),
    TEXTS,
    events=st.tuples(st.builds(ServiceEvent, TIMES, TEXTS)),
    tasks=st.tuples(
        st.builds(StoppedTask, TEXTS, st.none() | TIMES, TEXTS, TEXTS, st.tuples(CONTAINERS))
    ),
    targets=st.tuples(st.builds(Target, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS)),
    rollouts=st.tuples(st.builds(Rollout, TEXTS, TEXTS, TEXTS)),
    deployments=st.tuples(st.builds(ServiceDeployment, TEXTS, TEXTS, TEXTS, TEXTS)),
    code_deployments=st.tuples(st.builds(CodeDeployment, TEXTS, TEXTS, TEXTS, TEXTS)),
)
EVIDENCE = st.builds(
    Evidence,
    st.just("web"),
    st.just("kelp-dev-web"),
    TEXTS,
    TEXTS,
    st.lists(
        st.builds(
            StackEvent,
            TIMES,
            st.sampled_from(["kelp-dev-web", "Service", "Queue"]),
            st.sampled_from([STACK, SERVICE]),
            st.sampled_from(["CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "CREATE_FAILED"]),
            TEXTS,
        ),
        max_size=5,
    ).map(tuple),
    services=st.lists(SERVICES, max_size=2).map(tuple),
)


@given(EVIDENCE)
def test_whatever_aws_says_there_is_a_report(found: Evidence) -> None:
    report = as_text([make_report(found, None)])
    assert report.startswith("web (kelp-dev-web): ")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", report)
    symptoms = {each.symptom for each in diagnose(found) if each.known != "rollback-failed"}
    assert symptoms in (set(), {True}, {False}), "symptoms are reported only without a cause"
