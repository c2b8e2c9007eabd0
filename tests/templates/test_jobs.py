"""Scheduled tasks and one-off tasks: permissions, the state machine, and the request to ECS.

Problems are in tests/errors, whole templates are under tests/golden.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic_core import PydanticCustomError

from moorage.pipeline.compose import compose
from moorage.pipeline.link import link
from moorage.pipeline.load import Document
from moorage.pipeline.render import render
from moorage.pipeline.validate import validate
from moorage.plan import Plan
from templates import TEMPLATES
from templates.common.schedules import _check_expression, time_zone_problems

REGION = "eu-central-1"
LISTENER = f"arn:aws:elasticloadbalancing:{REGION}:123456789012:listener/app/old/50dc6c49/f2f7dc8e"
ONE: dict[str, Any] = {
    "containers": {"app": {"image": "public.ecr.aws/docker/library/busybox:1.37"}}
}


def planned(**stacks: dict[str, Any]) -> Plan:
    """A plan of these stacks in a network and a cluster that counts tasks."""
    all_stacks = {"network": {}, "cluster": {"container_insights": "on"}, **stacks}
    data = {"app": "shop", "region": REGION, "stacks": all_stacks}
    document = Document("dev", "params/dev.yaml", data, {})
    env, findings = validate(document, TEMPLATES)
    assert not findings
    assert env is not None
    rendered = [render(stack, document, "yaml")[0] for stack in compose(env, TEMPLATES)]
    plan, faults = link(tuple(rendering for rendering in rendered if rendering), env, document)
    assert plan is not None, faults
    return plan


def resources(name: str, **stacks: dict[str, Any]) -> dict[str, Any]:
    """The properties of a stack's resources."""
    (matching,) = [stack for stack in planned(**stacks).stacks if stack.name == name]
    body = matching.rendering.body["Resources"]
    return {key: resource.get("Properties", {}) for key, resource in body.items()}


def scheduled(**fields: Any) -> dict[str, Any]:
    params = {"template": "scheduled_task", "schedule": "rate(1 hour)", **ONE, **fields}
    return resources("jobs", jobs=params)


def allowed(role: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The statements of a role by their Sid."""
    policies = role.get("Policies", [])
    return {
        statement["Sid"]: statement
        for policy in policies
        for statement in policy["PolicyDocument"]["Statement"]
    }


# Schedules -----------------------------------------------------------------------------------


@pytest.mark.parametrize("overlap", ["skip", "allow"])
def test_permissions_to_run_the_task_and_pass_its_roles(overlap: str) -> None:
    resources_by_id = scheduled(overlap=overlap)
    role = resources_by_id["StateMachineRole" if overlap == "skip" else "ScheduleRole"]
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
    resources_by_id = scheduled()
    assert resources_by_id["Schedule"]["Target"]["Arn"] == {"Ref": "StateMachine"}
    assert set(allowed(resources_by_id["ScheduleRole"])) == {
        "StartExecution",
        "SendToDeadLetterQueue",
    }
    assert "StateMachine" not in scheduled(overlap="allow")


def test_roles_are_for_this_account_only() -> None:
    resources_by_id = scheduled()
    here = "${AWS::Region}:${AWS::AccountId}"
    sources = {
        "ScheduleRole": f"scheduler:{here}:schedule-group/default",
        "StateMachineRole": f"states:{here}:stateMachine:*",
    }
    for name in sources:
        (trust,) = resources_by_id[name]["AssumeRolePolicyDocument"]["Statement"]
        equal = trust["Condition"]["StringEquals"]
        assert equal["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}
        source = (equal | trust["Condition"].get("ArnLike", {}))["aws:SourceArn"]["Fn::Sub"]
        assert source.removeprefix("arn:${AWS::Partition}:") == sources[name]


def test_the_state_machine_stops_and_describes_tasks_of_its_cluster_only() -> None:
    watch = allowed(scheduled()["StateMachineRole"])["DescribeAndStopTask"]
    assert watch["Action"] == ["ecs:DescribeTasks", "ecs:StopTask"]
    ((arn, names),) = (resource["Fn::Sub"] for resource in watch["Resource"])
    assert arn.endswith(":ecs:${AWS::Region}:${AWS::AccountId}:task/${Cluster}/*")
    assert names == {"Cluster": {"Fn::ImportValue": "shop-dev-cluster-ClusterName"}}


def test_executions_are_logged_and_traced_on_request() -> None:
    plain = scheduled()
    assert not {"LoggingConfiguration", "TracingConfiguration"} & plain["StateMachine"].keys()
    recorded = scheduled(execution_logs={"level": "error"}, tracing=True)
    logs = recorded["StateMachine"]["LoggingConfiguration"]
    assert (logs["Level"], logs["IncludeExecutionData"]) == ("ERROR", False)
    (destination,) = logs["Destinations"]
    arn = {"Fn::GetAtt": ["ExecutionLogGroup", "Arn"]}
    assert destination == {"CloudWatchLogsLogGroup": {"LogGroupArn": arn}}
    assert recorded["ExecutionLogGroup"] == {"RetentionInDays": 30}
    assert recorded["StateMachine"]["TracingConfiguration"] == {"Enabled": True}
    assert allowed(recorded["StateMachineRole"]).keys() - allowed(plain["StateMachineRole"]) == {
        "DeliverLogs",
        "SendTraces",
    }


def states(**fields: Any) -> dict[str, Any]:
    text, _ = scheduled(**fields)["StateMachine"]["DefinitionString"]["Fn::Sub"]
    all_states: dict[str, Any] = json.loads(text)["States"]
    return all_states


def test_every_next_state_exists() -> None:
    for fields in ({}, {"dead_letter_queue": False}, {"timeout": "1h"}):
        all_states = states(**fields)
        for name, state in all_states.items():
            caught = [catcher["Next"] for catcher in state.get("Catch", [])]
            choices = [choice["Next"] for choice in state.get("Choices", [])]
            next_states = [
                *caught,
                *choices,
                *(state[key] for key in ("Next", "Default") if key in state),
            ]
            assert set(next_states) <= all_states.keys(), name
            assert next_states or state.get("End") or state["Type"] in ("Succeed", "Fail"), name


@pytest.mark.parametrize(
    "more",
    [{}, {"enable_execute_command": True}, {"capacity_providers": {"FARGATE": {"weight": 1}}}],
)
def test_the_state_machine_has_only_parameters_that_step_functions_supports(
    more: dict[str, Any],
) -> None:
    """AWS Step Functions developer guide, "Manage Amazon ECS or Fargate Tasks with Step Functions",
    supported parameters; the last three are those that aws/aws-cdk's EcsRunTask writes as well."""
    supported = {
        *("Cluster", "Group", "LaunchType", "NetworkConfiguration", "Overrides"),
        *("PlacementConstraints", "PlacementStrategy", "PlatformVersion", "TaskDefinition"),
        *("PropagateTags", "EnableExecuteCommand", "CapacityProviderStrategy"),
    }
    assert states(**more)["Run"]["Parameters"].keys() <= supported


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
    assert _check_expression(expression) == expression


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
    with pytest.raises(PydanticCustomError) as raised:
        _check_expression(expression)
    assert raised.value.context is not None
    assert raised.value.context["code"] == "M1507"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("0 3 * * *", "cron(0 3 * * ? *)"),
        ("30 2 * * 1-5", "cron(30 2 ? * MON-FRI *)"),
        ("0 4 * * 1-5/2", "cron(0 4 ? * MON-FRI/2 *)"),
        ("0 4 * * 0,7", "cron(0 4 ? * SUN,SUN *)"),
    ],
)
def test_the_hint_for_a_crontab_expression_is_the_aws_expression(
    written: str, expected: str
) -> None:
    with pytest.raises(PydanticCustomError) as error:
        _check_expression(written)
    assert f"`{expected}`" in str(error.value.context)


def test_an_unknown_time_zone_is_a_warning() -> None:
    problems = list(time_zone_problems("Europe/Berln", ("time_zone",)))
    assert [problem.level for problem in problems] in ([], ["warning"])
    assert list(time_zone_problems("UTC", ("time_zone",))) == []


# Tasks of a deployment -----------------------------------------------------------------------


def test_a_stack_is_deployed_after_those_that_it_names() -> None:
    plan = planned(
        api={"template": "service", "after": ["zeroth"], **ONE},
        zeroth={"template": "one_off", "timeout": "5m", **ONE},
    )
    names = [stack.name for stack in plan.stacks]
    assert names.index("zeroth") < names.index("api")
    runs = {stack.name: stack.deployment.run for stack in plan.stacks}
    assert runs["api"] is None
    assert runs["zeroth"] is not None
    assert (runs["zeroth"].container, runs["zeroth"].timeout) == ("app", 300)


def test_a_stack_does_not_wait_for_one_that_is_not_built() -> None:
    existing = {"existing": {"listener": LISTENER, "security_group": "sg-0123456789abcdef0"}}
    plan = planned(
        api={"template": "service", "after": ["old"], **ONE}, old={"template": "alb", **existing}
    )
    (api,) = [stack for stack in plan.stacks if stack.name == "api"]
    assert "old" not in api.depends_on


def test_the_exit_code_of_an_init_container_does_not_decide() -> None:
    containers = {"wait": {**ONE["containers"]["app"], "init": True}, **ONE["containers"]}
    plan = planned(migrate={"template": "one_off", "containers": containers})
    (migrate,) = [stack for stack in plan.stacks if stack.name == "migrate"]
    assert migrate.deployment.run is not None
    assert migrate.deployment.run.container == "app"


def test_the_request_is_json_in_which_references_are_replaced() -> None:
    properties = resources("migrate", migrate={"template": "one_off", **ONE})
    text, names = properties["RunTask"]["Value"]["Fn::Sub"]
    request = json.loads(text)
    assert request["taskDefinition"] == "${TaskDefinition}"
    assert request["cluster"] == "${ClusterName}"
    assert names["ClusterName"] == {"Fn::ImportValue": "shop-dev-cluster-ClusterName"}
    assert request["launchType"] == "FARGATE"


def test_a_task_that_runs_once_does_not_use_the_spot_strategy_of_the_cluster() -> None:
    cluster = {"template": "cluster", "default_strategy": {"FARGATE_SPOT": {"weight": 1}}}
    properties = resources("migrate", cluster=cluster, migrate={"template": "one_off", **ONE})
    assert json.loads(properties["RunTask"]["Value"]["Fn::Sub"][0])["launchType"] == "FARGATE"


@pytest.mark.parametrize("overlap", ["skip", "allow"])
@pytest.mark.parametrize(
    "existing", [{}, {"existing": f"arn:aws:sqs:{REGION}:123456789012:missed"}]
)
def test_senders_to_an_encrypted_dead_letter_queue_can_use_its_key(
    overlap: str, existing: dict[str, str]
) -> None:
    key = f"arn:aws:kms:{REGION}:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    built = scheduled(overlap=overlap, dead_letter_queue={"kms_key": key, **existing})
    roles = ["ScheduleRole", *(["StateMachineRole"] if overlap == "skip" else [])]
    for name in roles:
        assert allowed(built[name])["EncryptMessages"] == {
            "Sid": "EncryptMessages",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": [key],
        }
    assert built.get("DeadLetterQueue", {}).get("KmsMasterKeyId") == (None if existing else key)
    without = scheduled(overlap=overlap, dead_letter_queue=existing or True)
    assert all("EncryptMessages" not in allowed(without[name]) for name in roles)
