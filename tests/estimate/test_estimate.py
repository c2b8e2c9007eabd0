"""How long releases take, against cases that were computed by hand.

Unless a test says otherwise, a task's containers run 40 s after the order to start it (30 s, and
10 s for the images), end 5 s after SIGTERM, and an error is in the metrics after 60 s.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from command_line import main

from moorage.estimate import Estimate, estimate_bodies, estimate_texts
from moorage.estimate.settings import Assumptions

CDK = Path(__file__).parent / "cdk-alb-fargate.yaml"
GROUP = {"Ref": "Group"}
BREAKER = {"Enable": True, "Rollback": True}
ALARMS = {"AlarmNames": [{"Ref": "Alarm"}], "Enable": True, "Rollback": True}


def body(
    configuration: dict[str, Any],
    *,
    group: dict[str, Any] | None = None,
    drain: int | None = None,
    container: dict[str, Any] | None = None,
    alarm: dict[str, Any] | None = None,
    resources: dict[str, Any] | None = None,
    **service: Any,
) -> dict[str, Any]:
    """A template with a service, behind a load balancer if it has a target group."""
    result: dict[str, Any] = {
        "Task": {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": {"ContainerDefinitions": [{"Name": "web", **(container or {})}]},
        },
        "Service": {
            "Type": "AWS::ECS::Service",
            "Properties": {
                "TaskDefinition": {"Ref": "Task"},
                "DeploymentConfiguration": configuration,
                **service,
            },
        },
        **(resources or {}),
    }
    if group is not None:
        attributes = []
        if drain is not None:
            key = "deregistration_delay.timeout_seconds"
            attributes = [{"Key": key, "Value": str(drain)}]
        result["Group"] = {
            "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
            "Properties": {"Protocol": "HTTP", "TargetGroupAttributes": attributes, **group},
        }
        entry = {"ContainerName": "web", "ContainerPort": 80, "TargetGroupArn": GROUP}
        result["Service"]["Properties"].setdefault("LoadBalancers", [entry])
    if alarm is not None:
        result["Alarm"] = {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm}
    return {"Resources": result}


def estimated(template: dict[str, Any], **assumptions: Any) -> Estimate:
    (result,) = estimate_bodies({"web": template}, Assumptions(**assumptions))
    return result


def steps(result: Estimate) -> list[tuple[int, int, int, float]]:
    return [(step.at, step.new, step.old, step.share) for step in result.usual.steps]


# Rolling -------------------------------------------------------------------------------------


def test_all_tasks_at_once_with_200_percent() -> None:
    """40 s until the containers run, 15 s until the check of a 30 s interval, 300 s of draining,
    5 s to stop. At the earliest: 40 s, a check at once, no connections."""
    result = estimated(body({}, group={}, DesiredCount=4))
    assert steps(result) == [
        (0, 0, 4, 0),
        (55, 4, 4, 50),
        (55, 4, 0, 100),
        (360, 4, 0, 100),
    ]
    assert result.usual.first_traffic == 55
    assert result.usual.end == 360
    assert result.earliest_end == 40


def test_one_task_after_another_with_125_percent_of_four() -> None:
    """Room for one more: four times 40 s and 5 s, then 30 s of draining and 5 s."""
    configuration = {"MinimumHealthyPercent": 100, "MaximumPercent": 125}
    group = {"HealthCheckIntervalSeconds": 10}
    result = estimated(body(configuration, group=group, drain=30, DesiredCount=4))
    assert result.usual.first_traffic == 45
    assert result.usual.end == 4 * 45 + 35
    assert [step.share for step in result.usual.steps if step.what.endswith("healthy")] == [
        20,
        40,
        60,
        80,
    ]
    assert result.change is not None
    assert (result.change.setting, result.change.gain) == ("MaximumPercent", 3 * 45)


def test_old_tasks_stop_first_without_room_for_more() -> None:
    """Two of four may stop: twice 30 s of draining, 5 s and 45 s of starting; the last ones have
    ended before the last new ones start."""
    configuration = {"MinimumHealthyPercent": 50, "MaximumPercent": 100}
    group = {"HealthCheckIntervalSeconds": 10}
    result = estimated(body(configuration, group=group, drain=30, DesiredCount=4))
    assert steps(result)[:3] == [(0, 0, 2, 0), (35, 0, 2, 0), (80, 2, 2, 50)]
    assert result.usual.first_traffic == 80
    assert result.usual.end == 2 * 80


def test_a_deployment_without_progress_has_no_end(capsys: pytest.CaptureFixture[str]) -> None:
    configuration = {"MinimumHealthyPercent": 100, "MaximumPercent": 150}
    result = estimated(body(configuration, group={}, DesiredCount=1))
    assert (result.usual.first_traffic, result.usual.end) == (None, None)
    assert result.failing.found is None
    assert result.change is None


def test_container_checks_count_besides_those_of_the_load_balancer() -> None:
    """The first check of a container comes after its interval, 20 s, the load balancer's after
    5 s."""
    container = {"HealthCheck": {"Interval": 20, "Retries": 2, "StartPeriod": 10}}
    group = {"HealthCheckIntervalSeconds": 10}
    result = estimated(body({}, group=group, drain=0, container=container))
    assert result.usual.first_traffic == 60


def test_without_checks_a_task_counts_as_healthy_after_40_seconds() -> None:
    result = estimated(body({}, container={"StopTimeout": 2}))
    assert result.usual.first_traffic == 80
    assert result.usual.end == 82, "SIGKILL comes after two seconds"


def test_assumptions_can_be_set() -> None:
    result = estimated(body({}, group={}, drain=0), start=10, pull=60, stop=20, tasks=3)
    assert result.usual.first_traffic == 85
    assert result.usual.end == 105
    assert result.settings.tasks == 3


def test_a_scaled_service_has_its_minimum_of_tasks() -> None:
    target = {
        "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
        "Properties": {
            "ResourceId": {"Fn::Sub": "service/shop/${Service.Name}"},
            "MinCapacity": 5,
        },
    }
    assert estimated(body({}, resources={"Target": target})).settings.tasks == 5


# Tasks that do not become healthy ------------------------------------------------------------


def test_the_circuit_breaker_trips_when_two_tasks_at_a_time_have_failed_twice() -> None:
    """A task fails after 40 s and the grace period of 60 s, which is longer than two checks of
    15 s. Two start at once, so three have failed after the second time."""
    group = {"HealthCheckIntervalSeconds": 15}
    template = body(
        {"DeploymentCircuitBreaker": BREAKER},
        group=group,
        DesiredCount=2,
        HealthCheckGracePeriodSeconds=60,
    )
    result = estimated(template).unhealthy
    assert (result.found, result.rolled_back) == (2 * 100, 2 * 100 + 5)
    assert result.share == 0


@pytest.mark.parametrize(
    ("threshold", "count"),
    [
        (None, 5),  # half of ten
        ({"Type": "COUNT", "Value": 2}, 2),
        ({"Type": "BOUNDED_PERCENT", "Value": 10}, 3),  # at least three
        ({"Type": "UNBOUNDED_PERCENT", "Value": 15}, 2),  # rounded up
    ],
)
def test_thresholds_of_the_circuit_breaker(threshold: Any, count: int) -> None:
    breaker = BREAKER | ({"ThresholdConfiguration": threshold} if threshold else {})
    result = estimated(body({"DeploymentCircuitBreaker": breaker}, group={}, DesiredCount=10))
    assert result.settings.breaker == count


def test_without_a_circuit_breaker_cloudformation_gives_up_after_36_hours() -> None:
    result = estimated(body({}, group={}, DesiredCount=2)).unhealthy
    assert (result.found, result.rolled_back) == (36 * 3600, None)


@pytest.mark.parametrize(
    ("grace", "metric", "detected_at"),
    [
        (300, "UnHealthyHostCount", 40 + 30 + 180 + 60),
        (60, "UnHealthyHostCount", 24 * 3600),  # ECS stops a task before the alarm has seen it
        (300, "HTTPCode_Target_5XX_Count", 24 * 3600),
    ],
)
def test_an_alarm_detects_unhealthy_tasks_if_they_run_long_enough(
    grace: int, metric: str, detected_at: int
) -> None:
    """Two failed checks of 15 s, three periods of a minute, and 60 s until the metric is there."""
    alarm = {"MetricName": metric, "Period": 60, "EvaluationPeriods": 3}
    configuration = {"Strategy": "BLUE_GREEN", "BakeTimeInMinutes": 10, "Alarms": ALARMS}
    group = {"HealthCheckIntervalSeconds": 15}
    settings = {"HealthCheckGracePeriodSeconds": grace}
    template = body(configuration, group=group, alarm=alarm, **settings)
    failure = estimated(template).unhealthy
    assert (failure.found, failure.rolled_back) == (detected_at, detected_at + 5)


# Releases that answer with errors ------------------------------------------------------------


@pytest.mark.parametrize(
    ("metrics", "detected_at"),
    [
        ({"MetricName": "UnHealthyHostCount", "Period": 60}, None),
        ({"MetricName": "HTTPCode_Target_5XX_Count", "Period": 60}, 55 + 60 + 60),
        (
            {
                "Metrics": [
                    {
                        "Id": "errors",
                        "MetricStat": {
                            "Metric": {"MetricName": "HTTPCode_Target_5XX_Count"},
                            "Period": 60,
                        },
                    },
                    {"Id": "rate", "Expression": "errors"},
                ]
            },
            55 + 60 + 60,
        ),
    ],
)
def test_only_alarms_for_errors_detect_errors(
    metrics: dict[str, Any], detected_at: int | None
) -> None:
    configuration = {"Alarms": ALARMS, "BakeTimeInMinutes": 5}
    alarm = {**metrics, "EvaluationPeriods": 1}
    failing = estimated(body(configuration, group={}, drain=30, alarm=alarm)).failing
    assert failing.found == detected_at
    assert detected_at or "none of its alarms watches errors" in failing.by


def test_without_alarms_errors_are_not_detected() -> None:
    result = estimated(body({"DeploymentCircuitBreaker": BREAKER}, group={})).failing
    assert (result.found, result.rolled_back) == (None, None)
    assert (result.exposed_from, result.exposed_until, result.share) == (55, None, 100)


def test_alarms_roll_a_rolling_deployment_back_by_another_one() -> None:
    """First requests at 55 s; two of three periods of a minute, and 60 s until the metric is there:
    detected at 235 s. Old tasks are back after 55 s, and the bad ones have ended after 30 s and 5 s
    more."""
    alarm = {"Period": 60, "EvaluationPeriods": 3, "DatapointsToAlarm": 2}
    configuration = {"Alarms": ALARMS, "BakeTimeInMinutes": 5}
    result = estimated(body(configuration, group={}, drain=30, alarm=alarm, DesiredCount=2))
    assert result.usual.end == 55 + 35 + 300
    assert result.failing.found == 55 + 120 + 60
    assert result.failing.exposed_until == 235 + 55
    assert result.failing.rolled_back == 235 + 90
    assert result.failing.share == 100


def test_an_alarm_that_is_slower_than_the_deployment_does_not_help() -> None:
    alarm = {"Period": 300, "EvaluationPeriods": 3}
    configuration = {"Alarms": ALARMS, "BakeTimeInMinutes": 1}
    result = estimated(body(configuration, group={}, drain=30, alarm=alarm)).failing
    assert result.found is None
    assert "no alarm in time" in result.by
    assert result.exposed_until is None


# Strategies that shift traffic ---------------------------------------------------------------


def test_blue_green_shifts_all_requests_at_once() -> None:
    """Both groups run for the bake time of 10 minutes; then the old tasks drain and stop."""
    configuration = {"Strategy": "BLUE_GREEN", "BakeTimeInMinutes": 10}
    result = estimated(body(configuration, group={}, drain=30, DesiredCount=3))
    assert result.usual.first_traffic == 55
    assert result.usual.end == 55 + 600 + 35
    assert result.change is not None
    assert (result.change.setting, result.change.gain) == ("BakeTimeInMinutes", 300)


def test_canary_shows_a_bad_release_to_few_users() -> None:
    alarm = {"Period": 60, "EvaluationPeriods": 2}
    configuration = {
        "Strategy": "CANARY",
        "CanaryConfiguration": {"CanaryPercent": 2.5, "CanaryBakeTimeInMinutes": 10},
        "BakeTimeInMinutes": 5,
        "Alarms": ALARMS,
    }
    result = estimated(body(configuration, group={}, drain=30, alarm=alarm, DesiredCount=3))
    assert result.usual.end == 55 + 600 + 300 + 35
    assert [step.share for step in result.usual.steps] == [0, 0, 2.5, 100, 100, 100]
    assert result.failing.found == 55 + 120 + 60
    assert result.failing.exposed_until == result.failing.found, "the weights change at once"
    assert result.failing.share == 2.5


def test_linear_behind_a_network_load_balancer_waits_at_every_step() -> None:
    """Steps at 40, 80 and 100 percent: ten minutes at each, five between them. Ten more for the
    test traffic."""
    configuration = {
        "Strategy": "LINEAR",
        "LinearConfiguration": {"StepPercent": 40, "StepBakeTimeInMinutes": 5},
        "BakeTimeInMinutes": 0,
    }
    entry = {
        "TargetGroupArn": GROUP,
        "AdvancedConfiguration": {"TestListenerRule": "arn:aws:elasticloadbalancing:test"},
    }
    result = estimated(
        body(configuration, group={"Protocol": "TCP"}, drain=30, LoadBalancers=[entry])
    )
    assert result.usual.first_traffic == 55 + 600
    assert result.usual.end == 655 + 3 * 600 + 2 * 300 + 35


def codedeploy(name: Any, **group: Any) -> dict[str, Any]:
    wait = {"Action": "TERMINATE", "TerminationWaitTimeInMinutes": 5}
    deployment_group = {
        "Type": "AWS::CodeDeploy::DeploymentGroup",
        "Properties": {
            "DeploymentConfigName": name,
            "ECSServices": [{"ServiceName": {"Fn::GetAtt": ["Service", "Name"]}}],
            "BlueGreenDeploymentConfiguration": {"TerminateBlueInstancesOnDeploymentSuccess": wait},
            **group,
        },
    }
    own = {
        "Type": "AWS::CodeDeploy::DeploymentConfig",
        "Properties": {
            "TrafficRoutingConfig": {
                "TimeBasedLinear": {"LinearPercentage": 50, "LinearInterval": 2}
            }
        },
    }
    resources = {"DeploymentGroup": deployment_group, "Own": own}
    controller = {"Type": "CODE_DEPLOY"}
    return body({}, group={}, drain=30, resources=resources, DeploymentController=controller)


@pytest.mark.parametrize(
    ("name", "waits"),
    [
        ("CodeDeployDefault.ECSAllAtOnce", 0),
        ("CodeDeployDefault.ECSCanary10Percent5Minutes", 300),
        ("CodeDeployDefault.ECSLinear10PercentEvery1Minutes", 9 * 60),
        ({"Ref": "Own"}, 120),
    ],
)
def test_codedeploy_shifts_as_its_configuration_says(name: Any, waits: int) -> None:
    """Then the old tasks wait for five minutes, drain and stop."""
    assert estimated(codedeploy(name)).usual.end == 55 + waits + 300 + 35


def test_codedeploy_rolls_back_for_the_events_of_its_deployment_group() -> None:
    rollback = {"Enabled": True, "Events": ["DEPLOYMENT_FAILURE"]}
    plain = estimated(codedeploy("CodeDeployDefault.ECSAllAtOnce"))
    rolling = estimated(
        codedeploy("CodeDeployDefault.ECSAllAtOnce", AutoRollbackConfiguration=rollback)
    )
    assert (plain.unhealthy.found, plain.unhealthy.rolled_back) == (3600, None)
    assert (rolling.unhealthy.found, rolling.unhealthy.rolled_back) == (3600, 3605)


@pytest.mark.parametrize(
    ("configuration", "drain", "name", "seconds"),
    [
        ({}, 30, "the start of the tasks", 40),
        ({}, 60, "the deregistration delay", 60),
        ({"Strategy": "BLUE_GREEN", "BakeTimeInMinutes": 2}, 60, "the bake time", 120),
        ({"Strategy": "LINEAR"}, 60, "the steps of the traffic", 9 * 360),
    ],
)
def test_the_part_that_takes_longest(
    configuration: dict[str, Any], drain: int, name: str, seconds: int
) -> None:
    longest = estimated(body(configuration, group={}, drain=drain)).longest
    assert longest.name.endswith(name)
    assert longest.seconds == seconds


# Values that only the deployment knows, the command, and the comparison ----------------------


def test_parameters_have_their_defaults() -> None:
    template = body({}, group={}, DesiredCount={"Ref": "Count"})
    template["Parameters"] = {"Count": {"Type": "Number", "Default": 7}}
    assert estimated(template).settings.tasks == 7


def test_useless_values_raise_no_exception() -> None:
    group = {"HealthCheckIntervalSeconds": "soon", "UnhealthyThresholdCount": {"Ref": "Task"}}
    configuration = {"MaximumPercent": [], "MinimumHealthyPercent": "nan", "Strategy": ["FASTER"]}
    assert estimated(body(configuration, group=group, DesiredCount=-1)).usual.end == 360
    assert estimate_texts({"list": "[]", "broken": "{", "text": "x"}, Assumptions()) == []


def test_the_command_prints_a_template_as_text_and_as_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["estimate", "--template", str(CDK), "--tasks", "2", "--pull", "1m"]) == 0
    text = capsys.readouterr().out
    assert f"{CDK}, Service: ROLLING, 2 tasks\n" in text
    assert "  Done at 6:50; at the earliest at 1:30.\n" in text
    assert "  Takes longest: the deregistration delay, 5:00 of 6:50.\n" in text
    change = "deregistration_delay.timeout_seconds 30 s instead of 300 s: done at 2:20.\n"
    assert f"  With {change}" in text
    assert main(["estimate", "--template", str(CDK), "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["assumptions"]["pull"] == 10
    (service,) = shown["services"]
    assert service["end"] == {"earliest": 40, "usual": 360}


@pytest.mark.parametrize(
    "arguments",
    [
        ["estimate"],
        ["estimate", "dev", "--template", str(CDK)],
        ["estimate", "nowhere"],
        ["estimate", "--template", "nowhere.yaml"],
        ["estimate", "--template", str(CDK.parent)],
        ["estimate", "--template", "CHANGELOG.md"],
        ["estimate", "prod", "nowhere"],
        ["estimate", "prod", "network"],
    ],
)
def test_wrong_usage_is_explained(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("build.py: ")


@pytest.mark.parametrize("flags", [["--start", "30"], ["--tasks", "0"], ["--metrics", "soon"]])
def test_assumptions_have_units(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["estimate", "prod", *flags])
    assert stopped.value.code == 2
    assert "write" in capsys.readouterr().err


def test_the_services_of_an_environment_are_named_by_their_stacks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["estimate", "prod", "web"]) == 0
    assert capsys.readouterr().out.startswith("web, Service: ")


# docs/estimate.md ----------------------------------------------------------------------------

PICTURES = dict(
    re.findall(r"  title (.*?)\n(.*?)```", Path("docs/estimate.md").read_text(), re.DOTALL)
)
SHIFT = {"BakeTimeInMinutes": 5}


@pytest.mark.parametrize(
    ("title", "template"),
    [
        ("Rolling", body({}, group={})),
        ("Blue/green", body({"Strategy": "BLUE_GREEN", **SHIFT}, group={})),
        ("Canary", body({"Strategy": "CANARY", **SHIFT}, group={})),
        (
            "Linear",
            body(
                {
                    "Strategy": "LINEAR",
                    "LinearConfiguration": {"StepPercent": 50, "StepBakeTimeInMinutes": 5},
                    **SHIFT,
                },
                group={},
            ),
        ),
        ("CodeDeploy", codedeploy("CodeDeployDefault.ECSCanary10Percent5Minutes")),
    ],
)
def test_the_diagrams_match_the_model(title: str, template: dict[str, Any]) -> None:
    group = template["Resources"]["Group"]["Properties"]
    group["HealthCheckIntervalSeconds"] = 15
    group["TargetGroupAttributes"] = [
        {"Key": "deregistration_delay.timeout_seconds", "Value": "60"}
    ]
    release = estimated(template).usual
    (picture,) = [text for name, text in PICTURES.items() if name.startswith(title)]
    bars = [
        (int(start), int(start) + int(length))
        for start, length in re.findall(r":(?:active, )?(\d+), (\d+)s", picture)
    ]
    assert max(end for _, end in bars) == release.end
    assert release.first_traffic in [start for start, _ in bars]
    for step in release.steps[1:-1]:
        assert step.at in [time for bar in bars for time in bar]
