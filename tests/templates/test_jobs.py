"""Resources of workers, scheduled tasks and tasks that run at each deployment.

Faults in params are under tests/errors, whole templates under tests/golden.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic_core import PydanticCustomError

from moorage.model import Plan
from moorage.pipeline.compose import compose
from moorage.pipeline.link import link
from moorage.pipeline.load import Document
from moorage.pipeline.render import render
from moorage.pipeline.validate import validate
from templates import TEMPLATES
from templates.common.schedules import _expression, zone_problems

REGION = "eu-central-1"
KEY = f"arn:aws:kms:{REGION}:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
QUEUE = f"arn:aws:sqs:{REGION}:123456789012:orders"
LISTENER = f"arn:aws:elasticloadbalancing:{REGION}:123456789012:listener/app/old/50dc6c49/f2f7dc8e"
ONE: dict[str, Any] = {
    "containers": {"app": {"image": "public.ecr.aws/docker/library/busybox:1.37"}}
}


def planned(**stacks: dict[str, Any]) -> Plan:
    """A plan of these stacks in a network and a cluster that counts tasks."""
    every = {"network": {}, "cluster": {"container_insights": "on"}, **stacks}
    data = {"app": "shop", "region": REGION, "stacks": every}
    document = Document("dev", "params/dev.yaml", data, {})
    env, findings = validate(document, TEMPLATES)
    assert not findings
    assert env is not None
    rendered = [render(stack, document, "yaml")[0] for stack in compose(env, TEMPLATES)]
    plan, faults = link(tuple(one for one in rendered if one), env, document)
    assert plan is not None, faults
    return plan


def resources(name: str, **stacks: dict[str, Any]) -> dict[str, Any]:
    """The properties of a stack's resources."""
    (found,) = [one for one in planned(**stacks).stacks if one.name == name]
    body = found.rendering.body["Resources"]
    return {key: one.get("Properties", {}) for key, one in body.items()}


def worker(**given: Any) -> dict[str, Any]:
    return resources("jobs", jobs={"template": "worker", **ONE, **given})


def scheduled(**given: Any) -> dict[str, Any]:
    every = {"template": "scheduled_task", "schedule": "rate(1 hour)", **ONE, **given}
    return resources("jobs", jobs=every)


def allowed(role: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The statements of a role by their Sid."""
    policies = role.get("Policies", [])
    return {one["Sid"]: one for each in policies for one in each["PolicyDocument"]["Statement"]}


def variables(made: dict[str, Any]) -> dict[str, Any]:
    (container,) = made["TaskDefinition"]["ContainerDefinitions"]
    return {one["Name"]: one["Value"] for one in container.get("Environment", [])}


# Workers -------------------------------------------------------------------------------------


def test_a_worker_is_allowed_to_receive_and_delete_and_not_to_send() -> None:
    (statement,) = allowed(worker()["TaskRole"]).values()
    assert statement["Resource"] == [{"Fn::GetAtt": ["Queue", "Arn"]}]
    assert not any("Send" in action for action in statement["Action"])


def test_permissions_for_the_kms_key_of_a_queue() -> None:
    stacks = {
        "jobs": {"template": "worker", **ONE, "queue": {"kms_key": KEY}},
        "web": {"template": "service", **ONE, "queues": {"JOBS": "jobs"}},
    }
    mine = allowed(resources("jobs", **stacks)["TaskRole"])["DecryptMessages"]
    assert (mine["Action"], mine["Resource"]) == (["kms:Decrypt"], [KEY])
    its = allowed(resources("web", **stacks)["TaskRole"])
    assert its["EncryptMessages"]["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert its["SendToQueues"]["Resource"] == [{"Fn::ImportValue": "shop-dev-jobs-QueueArn"}]


def test_a_worker_can_send_to_its_own_queue_without_importing_it() -> None:
    made = worker(queues={"AGAIN": "jobs"})
    assert variables(made) == {"AGAIN": {"Ref": "Queue"}, "QUEUE_URL": {"Ref": "Queue"}}
    assert allowed(made["TaskRole"])["SendToQueues"]["Resource"] == [
        {"Fn::GetAtt": ["Queue", "Arn"]}
    ]


def test_an_existing_queue_is_used_and_none_is_created() -> None:
    made = worker(queue={"existing": {"arn": QUEUE}, "variable": "ORDERS"})
    assert variables(made) == {
        "ORDERS": {"Fn::Sub": f"https://sqs.{REGION}.${{AWS::URLSuffix}}/123456789012/orders"}
    }
    assert allowed(made["TaskRole"])["WorkOnQueue"]["Resource"] == [QUEUE]
    assert not any("Queue" in name for name in made)


def test_queues_are_encrypted_and_refuse_callers_without_tls() -> None:
    made = worker(queue={"fifo": True})
    for name in ("Queue", "DeadLetterQueue"):
        assert made[name]["SqsManagedSseEnabled"] is True
        assert made[name]["FifoQueue"] is True
        (statement,) = made[f"{name}Policy"]["PolicyDocument"]["Statement"]
        assert statement["Effect"] == "Deny"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_without_a_dead_letter_queue_there_is_no_redrive_policy() -> None:
    made = worker(queue={"dead_letter_queue": False})
    assert "DeadLetterQueue" not in made
    assert "RedrivePolicy" not in made["Queue"]


# Scaling -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["worker", "service"])
def test_a_service_with_scaling_has_no_desired_count(kind: str) -> None:
    plain = resources("jobs", jobs={"template": kind, **ONE, "desired_count": 3})
    assert plain["Service"]["DesiredCount"] == 3
    scaled = resources("jobs", jobs={"template": kind, **ONE, "scaling": {"max": 9, "cpu": 60}})
    assert "DesiredCount" not in scaled["Service"]
    assert scaled["ScalableTarget"]["ResourceId"] == {
        "Fn::Sub": [
            "service/${Cluster}/${Service.Name}",
            {"Cluster": {"Fn::ImportValue": "shop-dev-cluster-ClusterName"}},
        ]
    }
    assert "RoleARN" not in scaled["ScalableTarget"]


def test_the_backlog_includes_messages_in_flight() -> None:
    made = worker(scaling={"min": 2, "max": 9, "backlog_per_task": 10})
    tracking = made["BacklogScalingPolicy"]["TargetTrackingScalingPolicyConfiguration"]
    *metrics, result = tracking["CustomizedMetricSpecification"]["Metrics"]
    assert {one["Id"]: one["MetricStat"]["Metric"]["MetricName"] for one in metrics} == {
        "visible": "ApproximateNumberOfMessagesVisible",
        "in_flight": "ApproximateNumberOfMessagesNotVisible",
        "running": "RunningTaskCount",
    }
    assert result["Expression"] == "SUM([FILL(visible, 0), FILL(in_flight, 0)]) / running"
    assert [one["ReturnData"] for one in (*metrics, result)] == [False, False, False, True]
    assert "WakeAlarm" not in made


def test_without_tasks_the_first_message_starts_one() -> None:
    made = worker(scaling={"min": 0, "max": 9, "backlog_per_task": 10})
    tracking = made["BacklogScalingPolicy"]["TargetTrackingScalingPolicyConfiguration"]
    expression = tracking["CustomizedMetricSpecification"]["Metrics"][-1]["Expression"]
    assert expression.endswith(" / IF(FILL(running, 0) < 1, 1, running)")
    assert made["WakeAlarm"]["AlarmActions"] == [{"Ref": "WakeScalingPolicy"}]
    step = made["WakeScalingPolicy"]["StepScalingPolicyConfiguration"]
    assert step["AdjustmentType"] == "ChangeInCapacity"
    assert [one["ScalingAdjustment"] for one in step["StepAdjustments"]] == [1]
    assert step["Cooldown"] == 300
    told = {key: made["WakeAlarm"][key] for key in ("EvaluationPeriods", "DatapointsToAlarm")}
    assert set(told.values()) == {3}, "the newest minutes of a late metric are filled with 0"


# Schedules -----------------------------------------------------------------------------------


@pytest.mark.parametrize("overlap", ["skip", "allow"])
def test_permissions_to_run_the_task_and_pass_its_roles(overlap: str) -> None:
    made = scheduled(overlap=overlap)
    role = made["StateMachineRole" if overlap == "skip" else "ScheduleRole"]
    statements = allowed(role)
    family = "task-definition/shop-dev-jobs:*"
    assert statements["RunTask"]["Resource"] == [
        {"Fn::Sub": f"arn:${{AWS::Partition}}:ecs:${{AWS::Region}}:${{AWS::AccountId}}:{family}"}
    ]
    assert "ecs:cluster" in statements["RunTask"]["Condition"]["ArnEquals"]
    assert statements["PassRoles"]["Resource"] == [
        {"Fn::GetAtt": ["ExecutionRole", "Arn"]},
        {"Fn::GetAtt": ["TaskRole", "Arn"]},
    ]
    assert statements["PassRoles"]["Condition"] == {
        "StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
    }


def test_without_overlap_the_schedule_starts_a_state_machine() -> None:
    made = scheduled()
    assert made["Schedule"]["Target"]["Arn"] == {"Ref": "StateMachine"}
    assert set(allowed(made["ScheduleRole"])) == {"StartRun", "TellWhatFailed"}
    assert "StateMachine" not in scheduled(overlap="allow")


def test_roles_are_for_this_account_only() -> None:
    made = scheduled()
    for name in ("ScheduleRole", "StateMachineRole"):
        (trust,) = made[name]["AssumeRolePolicyDocument"]["Statement"]
        condition = trust["Condition"]["StringEquals"]
        assert condition["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}


def states(**given: Any) -> dict[str, Any]:
    text, _ = scheduled(**given)["StateMachine"]["DefinitionString"]["Fn::Sub"]
    found: dict[str, Any] = json.loads(text)["States"]
    return found


def test_every_next_state_exists() -> None:
    for given in ({}, {"dead_letter_queue": False}, {"timeout": "1h"}):
        found = states(**given)
        for name, state in found.items():
            caught = [one["Next"] for one in state.get("Catch", [])]
            choices = [one["Next"] for one in state.get("Choices", [])]
            leads = [
                *caught,
                *choices,
                *(state[key] for key in ("Next", "Default") if key in state),
            ]
            assert set(leads) <= found.keys(), name
            assert leads or state.get("End") or state["Type"] in ("Succeed", "Fail"), name


@pytest.mark.parametrize(
    "more",
    [{}, {"enable_execute_command": True}, {"capacity_providers": {"FARGATE": {"weight": 1}}}],
)
def test_the_state_machine_has_only_parameters_that_step_functions_supports(
    more: dict[str, Any],
) -> None:
    """AWS Step Functions developer guide, "Manage Amazon ECS or Fargate Tasks with Step Functions",
    supported parameters; the last three are those that aws/aws-cdk's EcsRunTask writes as well."""
    taken = {
        *("Cluster", "Group", "LaunchType", "NetworkConfiguration", "Overrides"),
        *("PlacementConstraints", "PlacementStrategy", "PlatformVersion", "TaskDefinition"),
        *("PropagateTags", "EnableExecuteCommand", "CapacityProviderStrategy"),
    }
    assert states(**more)["Run"]["Parameters"].keys() <= taken


def test_a_run_without_capacity_is_repeated_for_the_maximum_age() -> None:
    (again,) = states(retry={"maximum_age": "30m"})["Run"]["Retry"]
    assert again["IntervalSeconds"] * again["MaxAttempts"] == 1800
    assert states(retry={"maximum_attempts": 0})["Run"]["Retry"][0]["MaxAttempts"] == 0


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 3 * * ? *)",
        "cron(0/15 8-17 ? * MON-FRI *)",
        "cron(0 9 ? * 2#1 *)",
        "cron(0 9 L JAN,JUL ? 2027-2030)",
        "cron(0 9 15W * ? *)",
        "cron(0 9 ? * FRIL *)",
        "rate(1 day)",
        "rate(90 minutes)",
        "at(2028-02-29T00:00:00)",
    ],
)
def test_valid_schedules(expression: str) -> None:
    assert _expression(expression) == expression


@pytest.mark.parametrize(
    "expression",
    [
        *("", "daily", "rate(0 days)", "rate(1 days)", "rate(2 day)", "rate(1 week)"),
        *("cron()", "cron(60 0 * * ? *)", "cron(0 3 ? * ? *)", "cron(0 3 1 * 1 *)"),
        *("cron(0 3 0 * ? *)", "cron(0 3 1 13 ? *)", "cron(0 3 ? * 0 *)", "cron(0 3 * * ? 1969)"),
        *("cron(*/0 3 * * ? *)", "cron(a 3 * * ? *)", "cron(1-2-3 3 * * ? *)"),
        *("at(2027-02-29T00:00:00)", "at(2027-01-01)", "at(2027-01-01T24:00:00)"),
    ],
)
def test_invalid_schedules(expression: str) -> None:
    with pytest.raises(Exception, match=r"schedule|rate|fields|month"):
        _expression(expression)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("0 3 * * *", "cron(0 3 * * ? *)"),
        ("30 2 * * 1-5", "cron(30 2 ? * MON-FRI *)"),
        ("0 4 * * 1-5/2", "cron(0 4 ? * MON-FRI/2 *)"),
        ("0 4 * * 0,7", "cron(0 4 ? * SUN,SUN *)"),
    ],
)
def test_a_schedule_of_crontab_is_answered_with_that_of_aws(written: str, said: str) -> None:
    with pytest.raises(PydanticCustomError) as told:
        _expression(written)
    assert f"`{said}`" in str(told.value.context)


def test_an_unknown_time_zone_is_a_warning() -> None:
    found = list(zone_problems("Europe/Berln", ("time_zone",)))
    assert [one.level for one in found] in ([], ["warning"])
    assert list(zone_problems("UTC", ("time_zone",))) == []


# Tasks of a deployment -----------------------------------------------------------------------


def test_a_stack_is_deployed_after_those_that_it_names() -> None:
    plan = planned(
        api={"template": "service", "after": ["zeroth"], **ONE},
        zeroth={"template": "one_off", "timeout": "5m", **ONE},
    )
    names = [one.name for one in plan.stacks]
    assert names.index("zeroth") < names.index("api")
    runs = {one.name: one.run for one in plan.stacks}
    assert runs["api"] is None
    assert runs["zeroth"] is not None
    assert (runs["zeroth"].container, runs["zeroth"].timeout) == ("app", 300)


def test_a_stack_does_not_wait_for_one_that_is_not_built() -> None:
    existing = {"existing": {"listener": LISTENER, "security_group": "sg-0123456789abcdef0"}}
    plan = planned(
        api={"template": "service", "after": ["old"], **ONE}, old={"template": "alb", **existing}
    )
    (api,) = [one for one in plan.stacks if one.name == "api"]
    assert "old" not in api.depends_on


def test_the_exit_code_of_an_init_container_does_not_decide() -> None:
    containers = {"wait": {**ONE["containers"]["app"], "init": True}, **ONE["containers"]}
    plan = planned(migrate={"template": "one_off", "containers": containers})
    (migrate,) = [one for one in plan.stacks if one.name == "migrate"]
    assert migrate.run is not None
    assert migrate.run.container == "app"


def test_the_request_is_json_in_which_references_are_replaced() -> None:
    made = resources("migrate", migrate={"template": "one_off", **ONE})
    text, names = made["RunTask"]["Value"]["Fn::Sub"]
    request = json.loads(text)
    assert request["taskDefinition"] == "${TaskDefinition}"
    assert request["cluster"] == "${ClusterName}"
    assert names["ClusterName"] == {"Fn::ImportValue": "shop-dev-cluster-ClusterName"}
    assert request["launchType"] == "FARGATE"


def test_a_task_that_runs_once_does_not_use_the_spot_strategy_of_the_cluster() -> None:
    cluster = {"template": "cluster", "default_strategy": {"FARGATE_SPOT": {"weight": 1}}}
    made = resources("migrate", cluster=cluster, migrate={"template": "one_off", **ONE})
    assert json.loads(made["RunTask"]["Value"]["Fn::Sub"][0])["launchType"] == "FARGATE"
