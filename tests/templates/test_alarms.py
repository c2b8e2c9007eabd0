"""Alarms: what they watch, when they go off, whom they notify, and which can roll back."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from stack_bodies import build_bodies, properties, service

from moorage.facts.alarm_metrics import METRICS
from moorage.model import Environment
from templates import service as service_kind
from templates.alarms.alarms import alarm_resources
from templates.tasks.alarms import AlarmTarget, Watched, resolve_service_alarms
from templates.tasks.code_deploy import CodeDeploy
from templates.tasks.release import Release, Rolling
from templates.tasks.rollback_alarms import resolve_rollback_alarms

ALARM, RULE = "AWS::CloudWatch::Alarm", "AWS::Events::Rule"
TOPIC = {"Fn::ImportValue": "shop-dev-notifications-TopicArn"}
NOTIFICATIONS: dict[str, Any] = {"subscriptions": {"email": ["operations@example.com"]}}
ROUTE = {"via": "public", "paths": ["/*"], "health_check": {"path": "/healthz"}}


def web(**params: Any) -> dict[str, Any]:
    defaults = {"desired_count": 2, "expose": [ROUTE], "alarms": True}
    return service(container={"ports": [8080]}, **{**defaults, **params})


def build(**stacks: Any) -> dict[str, Any]:
    shared = {"public": {"template": "alb", "certificate": []}, "notifications": NOTIFICATIONS}
    return build_bodies(**{**shared, **stacks})


def resources(stack: str = "web", **stacks: Any) -> dict[str, Any]:
    built: dict[str, Any] = build(**stacks)[stack]["Resources"]
    return built


def of_type(kind: str, built: Mapping[str, Any]) -> dict[str, Any]:
    return {name: each["Properties"] for name, each in built.items() if each["Type"] == kind}


def metrics_of(alarm: Mapping[str, Any]) -> set[tuple[Any, ...]]:
    """Namespace, name, dimensions and statistic of each metric of an alarm."""
    stats = [query["MetricStat"] for query in alarm.get("Metrics", []) if "MetricStat" in query]
    built = [(stat["Metric"], stat["Stat"]) for stat in stats] or [
        (alarm, alarm.get("Statistic") or alarm["ExtendedStatistic"])
    ]
    return {
        (
            metric["Namespace"],
            metric["MetricName"],
            tuple(dimension["Name"] for dimension in metric["Dimensions"]),
            statistic,
        )
        for metric, statistic in built
    }


EVERYTHING: dict[str, Any] = {
    "cluster": {"container_insights": "on"},
    "public": {"template": "alb", "certificate": [], "alarms": True},
    "edge": {"template": "nlb", "alarms": True},
    "web": web(),
    "relay": service(
        container={"ports": [8080]},
        desired_count=2,
        expose=[{"via": "edge", "port": "8080/tcp", "clients": ["198.51.100.0/24"]}],
        alarms=True,
    ),
    "mailer": {
        "template": "worker",
        "containers": {"mailer": {"image": "ecr:shop/mailer:1"}},
        "alarms": True,
    },
    "report": {
        "template": "scheduled_task",
        "schedule": "rate(1 hour)",
        "containers": {"report": {"image": "ecr:shop/report:1"}},
        "alarms": True,
    },
    "sweep": {
        "template": "scheduled_task",
        "schedule": "rate(1 hour)",
        "overlap": "allow",
        "containers": {"sweep": {"image": "ecr:shop/sweep:1"}},
        "alarms": True,
    },
}
BODIES = build(**EVERYTHING)
ALARMS = {
    f"{stack}.{name}": alarm
    for stack, body in BODIES.items()
    for name, alarm in of_type(ALARM, body["Resources"]).items()
}
RULES = {
    f"{stack}.{name}": rule
    for stack, body in BODIES.items()
    for name, rule in of_type(RULE, body["Resources"]).items()
}


# The default set -----------------------------------------------------------------------------


def test_the_default_set() -> None:
    target = "web.PublicWeb8080"
    assert sorted([*ALARMS, *RULES]) == sorted(
        [
            "public.LoadBalancer5xxAlarm",
            "public.RejectedConnectionsAlarm",
            "edge.PortAllocationErrorsAlarm",
            f"{target}Target5xxAlarm",
            f"{target}ConnectionErrorsAlarm",
            f"{target}LatencyAlarm",
            f"{target}UnhealthyHostsAlarm",
            f"{target}NoHealthyHostAlarm",
            "relay.EdgeTcp8080UnhealthyHostsAlarm",
            "relay.EdgeTcp8080NoHealthyHostAlarm",
            "mailer.DeadLettersAlarm",
            "mailer.OldestMessageAlarm",
            "report.DeadLettersAlarm",
            "report.RunFailedRule",
            "sweep.DeadLettersAlarm",
            "sweep.RunFailedRule",
            *(
                f"{stack}.{name}"
                for stack in ("web", "relay", "mailer")
                for name in (
                    *("CpuAlarm", "MemoryAlarm", "TasksMissingAlarm"),
                    *("DeploymentFailedRule", "TaskStoppedRule"),
                )
            ),
        ]
    )


@pytest.mark.parametrize("name", ALARMS)
def test_metrics_are_those_of_the_table(name: str) -> None:
    table = {
        (metric.namespace, metric.name, metric.dimensions, metric.statistic)
        for metric in METRICS.values()
    }
    assert metrics_of(ALARMS[name]) <= table


@pytest.mark.parametrize("name", ALARMS)
def test_every_alarm_notifies_and_names_its_stack(name: str) -> None:
    alarm = ALARMS[name]
    assert alarm["AlarmActions"] == [TOPIC]
    assert alarm["AlarmDescription"].startswith(f"shop-dev-{name.split('.')[0]}: ")
    assert "AlarmName" not in alarm
    assert alarm["EvaluationPeriods"] == alarm["DatapointsToAlarm"] + 2


def test_only_a_missing_count_of_healthy_hosts_is_breaching() -> None:
    breaching = {name for name, alarm in ALARMS.items() if alarm["TreatMissingData"] == "breaching"}
    assert breaching == {
        "web.PublicWeb8080NoHealthyHostAlarm",
        "relay.EdgeTcp8080NoHealthyHostAlarm",
    }


@pytest.mark.parametrize("name", RULES)
def test_every_rule_notifies_in_json(name: str) -> None:
    (target,) = RULES[name]["Targets"]
    assert target["Arn"] == TOPIC
    assert "RoleArn" not in target
    transformer = target["InputTransformer"]
    values = dict.fromkeys(transformer["InputPathsMap"], '"any \\"text\\""')
    message = re.sub("<([a-z]+)>", lambda built: values[built[1]], transformer["InputTemplate"])
    assert json.loads(message).keys() == {"message", *values}


# Thresholds ----------------------------------------------------------------------------------


def test_thresholds_come_from_the_stack_then_its_notifications_then_the_defaults() -> None:
    thresholds = {
        "latency": {"above": "250ms", "for": "9m"},
        "cpu": {"above": "70%"},
        "memory": {"for": "4m"},
    }
    built = resources(
        notifications={**NOTIFICATIONS, "thresholds": thresholds},
        web=web(alarms={"latency": {"above": "2s"}, "target_5xx": {"above": "2.5%", "for": "1m"}}),
    )
    expected = {
        "PublicWeb8080LatencyAlarm": (2, 9),
        "PublicWeb8080Target5xxAlarm": (2.5, 1),
        "PublicWeb8080ConnectionErrorsAlarm": (5, 3),
        "CpuAlarm": (70, 10),
        "MemoryAlarm": (90, 4),
    }
    assert expected == {
        name: (properties(built, name)["Threshold"], properties(built, name)["DatapointsToAlarm"])
        for name in expected
    }


def test_an_alarm_can_be_turned_off() -> None:
    off = {"latency": False, "cpu": False, "task_stopped": False}
    built = resources(web=web(alarms=off))
    names = of_type(ALARM, built).keys() | of_type(RULE, built).keys()
    assert not names & {"PublicWeb8080LatencyAlarm", "CpuAlarm", "TaskStoppedRule"}
    assert "MemoryAlarm" in names


def test_without_alarms_there_are_none() -> None:
    built = resources(web=web(alarms=False))
    assert not of_type(ALARM, built)
    assert not of_type(RULE, built)


def test_tasks_are_counted_only_with_container_insights() -> None:
    assert "TasksMissingAlarm" not in resources(web=web())
    existing = {"existing": {"name": "old"}}
    assert "TasksMissingAlarm" not in resources(cluster=existing, web=web())
    written = web(alarms={"tasks_missing": {"for": "5m"}})
    assert "TasksMissingAlarm" in resources(cluster=existing, web=written)


def test_a_service_without_tasks_needs_no_healthy_host() -> None:
    built = resources(web=web(desired_count=0))
    assert "PublicWeb8080NoHealthyHostAlarm" not in built
    assert "PublicWeb8080UnhealthyHostsAlarm" in built


def test_a_high_p95_of_few_requests_is_no_alarm() -> None:
    alarm = ALARMS["web.PublicWeb8080LatencyAlarm"]
    assert alarm["ExtendedStatistic"] == "p95"
    assert alarm["EvaluateLowSampleCountPercentile"] == "ignore"


def test_a_load_balancer_that_exists_is_named_by_its_listener() -> None:
    listener = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/old/0a1b/4e5f"
    existing = {"listener": listener, "security_group": "sg-0123456789abcdef0"}
    built = resources(public={"template": "alb", "existing": existing}, web=web())
    dimensions = properties(built, "PublicWeb8080LatencyAlarm")["Dimensions"]
    assert dimensions[0] == {"Name": "LoadBalancer", "Value": "app/old/0a1b"}


# Expressions ---------------------------------------------------------------------------------


class _LazyIf(ast.NodeTransformer):
    """Makes IF(condition, a, b) an expression of Python that evaluates only one of the two."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        is_if = isinstance(node.func, ast.Name) and node.func.id == "IF"
        return ast.IfExp(*node.args) if is_if else node


def evaluate(alarm: Mapping[str, Any], **values: float | None) -> float:
    """The value of an alarm's expression in a minute; None is a metric without a value."""
    (expression,) = [query["Expression"] for query in alarm["Metrics"] if "Expression" in query]
    functions = {
        "FILL": lambda value, filled: filled if value is None else value,
        "MAX": max,
        "SUM": sum,
    }
    tree = ast.fix_missing_locations(_LazyIf().visit(ast.parse(expression, mode="eval")))
    code = compile(tree, "expression", "eval")
    result: float = eval(code, {"__builtins__": {}, **functions, **values})
    return result


@pytest.mark.parametrize(
    ("errors", "requests", "percent"),
    [(3, 60, 5), (None, 60, 0), (None, None, 0), (7, 7, 100)],
)
def test_the_error_rate_of_targets(errors: Any, requests: Any, percent: float) -> None:
    alarm = ALARMS["web.PublicWeb8080Target5xxAlarm"]
    assert evaluate(alarm, errors=errors, requests=requests) == percent


@pytest.mark.parametrize(
    ("errors", "requests", "percent"),
    [(1, 100, 1), (None, None, 0), (50, None, 100), (50, 10, 100)],
)
def test_the_error_rate_of_a_load_balancer_counts_requests_without_a_target(
    errors: Any, requests: Any, percent: float
) -> None:
    alarm = ALARMS["public.LoadBalancer5xxAlarm"]
    assert evaluate(alarm, errors=errors, requests=requests) == percent


def test_tasks_that_do_not_run() -> None:
    alarm = ALARMS["web.TasksMissingAlarm"]
    assert evaluate(alarm, desired=3, running=3) == 0
    assert evaluate(alarm, desired=3, running=None) == 3


# Rolling back --------------------------------------------------------------------------------


def environment(**stacks: Any) -> Environment:
    from moorage.pipeline.load import Document
    from moorage.pipeline.validate import validate
    from templates import TEMPLATES

    shared = {
        "network": {},
        "cluster": {"container_insights": "on"},
        "public": {"template": "alb", "certificate": []},
        "notifications": NOTIFICATIONS,
    }
    data = {"app": "shop", "region": "eu-central-1", "stacks": {**shared, **stacks}}
    env, findings = validate(Document("dev", "params/dev.yaml", data, {}), TEMPLATES)
    assert env is not None
    assert findings == []
    return env


def resolved() -> service_kind.Service:
    env = environment(web=web())
    params = env.params_of("web", service_kind.Params)
    assert params is not None
    return env.resolve(service_kind.resolve_service, "web", params)


def test_an_alarm_that_can_roll_back_does_not_refer_to_the_service() -> None:
    alarms = resolved().alarms
    assert alarms is not None
    bodies = {each.title: json.dumps(each.to_dict()) for each in alarm_resources(alarms)}
    for alarm in alarms.metric_alarms:
        release = Release(Rolling(strategy="rolling", rollback_on=[alarm.name]))
        titles = [ref.data["Ref"] for ref in resolve_rollback_alarms(release, alarms)]
        assert titles == ([] if '"Service"' in bodies[alarm.title] else [alarm.title])
        by_code_deploy = Release(CodeDeploy(strategy="codedeploy", rollback_on=[alarm.name]))
        titles = [ref.data["Ref"] for ref in resolve_rollback_alarms(by_code_deploy, alarms)]
        assert titles == [alarm.title]
    names = ["deployment_failed", "dead_letters", "shop-5xx"]
    release = Release(Rolling(strategy="rolling", rollback_on=names))
    assert resolve_rollback_alarms(release, alarms) == ("shop-5xx",)


def test_two_target_groups_that_take_turns_have_one_alarm() -> None:
    service = resolved()
    groups = ("PublicWeb8080TargetGroup", "PublicWeb8080AlternateTargetGroup")
    target = AlarmTarget("alb", "public", groups, "app/public/0a1b")
    watched = Watched(targets=(target,))
    alarms = resolve_service_alarms(service.params.alarms, service.task, watched, 1)
    assert alarms is not None
    built = {each.title: each.to_dict()["Properties"] for each in alarm_resources(alarms)}
    healthy = built["PublicWeb8080NoHealthyHostAlarm"]
    assert evaluate(healthy, hosts_1=None, hosts_2=2) == 2
    errors = built["PublicWeb8080Target5xxAlarm"]
    values = {"errors_1": 1, "errors_2": 8, "requests_1": 100, "requests_2": 10}
    assert evaluate(errors, **values) == 80
    idle = {"errors_1": None, "errors_2": None, "requests_1": 60, "requests_2": None}
    assert evaluate(errors, **idle) == 0
    assert evaluate(built["PublicWeb8080LatencyAlarm"], seconds_1=0.2, seconds_2=3) == 3


def test_codedeploy_reports_its_own_failures() -> None:
    release = {"strategy": "codedeploy"}
    rule = properties(resources(web=web(release=release)), "DeploymentFailedRule")
    assert rule["EventPattern"] == {
        "source": ["aws.codedeploy"],
        "detail-type": ["CodeDeploy Deployment State-change Notification"],
        "detail": {
            "application": [{"Ref": "CodeDeployApplication"}],
            "deploymentGroup": [{"Ref": "CodeDeployDeploymentGroup"}],
            "state": ["FAILURE", "STOP"],
        },
    }


# The composite alarm -------------------------------------------------------------------------


def test_a_composite_alarm_pages_somebody_else() -> None:
    page = {"when": ["no_healthy_host", "target_5xx"], "to": "pager"}
    pager = {
        "template": "notifications",
        "existing": {"arn": "arn:aws:sns:eu-central-1:123456789012:pager"},
    }
    alarms = {"to": "notifications", "recovery": True, "page": page}
    built = resources(pager=pager, web=web(alarms=alarms))
    alarm = properties(built, "PageAlarm")
    assert alarm["AlarmRule"] == {
        "Fn::Sub": 'ALARM("${PublicWeb8080Target5xxAlarm}") OR '
        'ALARM("${PublicWeb8080NoHealthyHostAlarm}")'
    }
    assert alarm["AlarmActions"] == ["arn:aws:sns:eu-central-1:123456789012:pager"]
    assert alarm["OKActions"] == alarm["AlarmActions"]
    assert properties(built, "CpuAlarm")["OKActions"] == [TOPIC]


# Events --------------------------------------------------------------------------------------


def matches(pattern: Any, event: Any) -> bool:
    """Whether an event matches: EventBridge user guide, "Amazon EventBridge event patterns"."""
    if isinstance(pattern, Mapping):
        events = event if isinstance(event, list) else [event]
        return any(
            isinstance(each, Mapping)
            and all(key in each and matches(part, each[key]) for key, part in pattern.items())
            for each in events
        )
    values = event if isinstance(event, list) else [event]
    return any(
        value not in rule["anything-but"] if isinstance(rule, Mapping) else value == rule
        for rule in pattern
        for value in values
    )


def pattern_of(name: str) -> Any:
    """The pattern of a rule, in which references are replaced by what they could return."""
    values = {
        json.dumps({"Ref": "Service"}): "arn:service/web",
        json.dumps({"Ref": "StateMachine"}): "arn:machine",
        json.dumps({"Fn::Sub": "service:${Service.Name}"}): "service:web-1",
    }

    def replaced(value: Any) -> Any:
        if isinstance(value, dict):
            if "Fn::Sub" in value and isinstance(value["Fn::Sub"], list):
                return "arn:cluster/shop"
            known = values.get(json.dumps(value))
            return known or {key: replaced(item) for key, item in value.items()}
        return [replaced(item) for item in value] if isinstance(value, list) else value

    return replaced(RULES[name]["EventPattern"])


STOPPED = {
    "source": "aws.ecs",
    "detail-type": "ECS Task State Change",
    "detail": {
        "clusterArn": "arn:cluster/shop",
        "group": "service:web-1",
        "lastStatus": "STOPPED",
        "stopCode": "EssentialContainerExited",
        "containers": [{"name": "web", "exitCode": 1}],
    },
}


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ({}, True),
        ({"stopCode": "TaskFailedToStart"}, True),
        ({"stopCode": "ServiceSchedulerInitiated"}, False),
        ({"lastStatus": "RUNNING"}, False),
        ({"group": "service:other"}, False),
        ({"clusterArn": "arn:cluster/other"}, False),
    ],
)
def test_tasks_that_stop_by_themselves(detail: dict[str, Any], expected: bool) -> None:
    event = {**STOPPED, "detail": {**STOPPED["detail"], **detail}}  # type: ignore[dict-item]
    assert matches(pattern_of("web.TaskStoppedRule"), event) == expected


@pytest.mark.parametrize(("code", "expected"), [(0, False), (1, True), (137, True)])
def test_a_run_without_a_state_machine_fails_by_its_exit_code(code: int, expected: bool) -> None:
    detail = {"group": "family:shop-dev-sweep", "containers": [{"name": "s", "exitCode": code}]}
    event = {**STOPPED, "detail": {**STOPPED["detail"], **detail}}  # type: ignore[dict-item]
    assert matches(pattern_of("sweep.RunFailedRule"), event) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [("FAILED", True), ("TIMED_OUT", True), ("ABORTED", True), ("SUCCEEDED", False)],
)
def test_a_run_of_a_state_machine_fails_by_its_status(status: str, expected: bool) -> None:
    event = {
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "detail": {"stateMachineArn": "arn:machine", "status": status},
    }
    assert matches(pattern_of("report.RunFailedRule"), event) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SERVICE_DEPLOYMENT_FAILED", True),
        ("SERVICE_DEPLOYMENT_COMPLETED", False),
        ("SERVICE_DEPLOYMENT_IN_PROGRESS", False),
    ],
)
def test_failed_deployments(name: str, expected: bool) -> None:
    event = {
        "source": "aws.ecs",
        "detail-type": "ECS Deployment State Change",
        "resources": ["arn:service/web"],
        "detail": {"eventName": name},
    }
    assert matches(pattern_of("web.DeploymentFailedRule"), event) == expected


@pytest.mark.parametrize(
    ("params", "types"),
    [
        ({}, ["ECS Deployment State Change"]),
        ({"circuit_breaker": False}, ["ECS Deployment State Change", "ECS Service Action"]),
        ({"release": "canary"}, ["ECS Deployment State Change", "ECS Service Action"]),
    ],
)
def test_events_of_failed_deployments_depend_on_the_circuit_breaker(
    params: dict[str, Any], types: list[str]
) -> None:
    pattern = properties(resources(web=web(alarms=True, **params)), "DeploymentFailedRule")
    assert pattern["EventPattern"]["detail-type"] == types


# Notifications -------------------------------------------------------------------------------


def topic(**params: Any) -> dict[str, Any]:
    return resources("notifications", notifications={**NOTIFICATIONS, **params})


def statements(document: Mapping[str, Any]) -> dict[str, Any]:
    return {statement["Sid"]: statement for statement in document["Statement"]}


def test_cloudwatch_and_eventbridge_can_publish_and_use_the_key() -> None:
    built = topic()
    policy = statements(properties(built, "TopicPolicy")["PolicyDocument"])
    key = statements(properties(built, "Key")["KeyPolicy"])
    for sid, principal in (
        ("Alarms", "cloudwatch.amazonaws.com"),
        ("Events", "events.amazonaws.com"),
    ):
        assert policy[sid]["Principal"] == key[sid]["Principal"] == {"Service": principal}
        assert policy[sid]["Action"] == ["sns:Publish"]
        assert set(policy[sid]["Condition"]) == {"ArnLike"}
        assert key[sid]["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    # EventBridge sends KMS neither key of a condition on the source.
    assert "Condition" not in key["Events"]
    assert policy["TlsOnly"]["Effect"] == "Deny"
    assert properties(built, "Key")["EnableKeyRotation"] is True
    assert properties(built, "Topic")["KmsMasterKeyId"] == {"Fn::GetAtt": ["Key", "Arn"]}


def test_a_key_of_the_user_replaces_that_of_the_stack() -> None:
    arn = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    built = topic(kms_key=arn)
    assert "Key" not in built
    assert properties(built, "Topic")["KmsMasterKeyId"] == arn


def test_a_function_is_subscribed_and_may_be_invoked_by_this_topic_only() -> None:
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:chat"
    built = topic(subscriptions={"lambda": [arn]})
    assert properties(built, "LambdaFunctionChatSubscription")["Endpoint"] == arn
    permission = properties(built, "LambdaFunctionChatPermission")
    assert permission["SourceArn"] == {"Ref": "Topic"}


def test_an_existing_topic_needs_no_stack() -> None:
    arn = "arn:aws:sns:eu-central-1:123456789012:operations"
    bodies = build(notifications={"existing": {"arn": arn}}, web=web())
    assert "notifications" not in bodies
    assert properties(bodies["web"]["Resources"], "CpuAlarm")["AlarmActions"] == [arn]
