"""Workers, schedules and tasks of a deployment, deployed by the real AWS CLI against moto, whose
tasks end at once: with 0, or with what the variable EXIT_CODE of their container says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from cloud import Cloud, Deployment, built
from command_line import main

GOLDEN = Path("tests/golden")

MIGRATED = """
app: {app}
region: eu-central-1
stacks:
  network: {{egress: public}}
  cluster: {{}}
  web:
    template: service
    after: [migrate]
    containers:
      web: {{image: "public.ecr.aws/nginx/nginx:1.27.3"}}
  migrate:
    template: one_off
    containers:
      migrate:
        image: "public.ecr.aws/docker/library/busybox:1.37"
        environment: {{EXIT_CODE: {code}}}
"""


def _golden(case: str, app: str, cloud: Cloud, folder: Path) -> Deployment:
    """A golden case under a different app name, without references to existing resources."""
    text = (GOLDEN / case / "params/dev.yaml").read_text().replace("app: shop", f"app: {app}")
    text = re.sub(r"  old:\n(    .*\n)+|.*via: old.*\n", "", text)
    params = folder / "params"
    params.mkdir()
    (params / "dev.yaml").write_text(text)
    deployment = built(params, "dev", cloud, folder / "out")
    process = deployment.run()
    assert process.returncode == 0, process.stdout
    return deployment


def _migrated(app: str, code: int, cloud: Cloud, folder: Path) -> Deployment:
    params = folder / "params"
    params.mkdir(exist_ok=True)
    (params / "dev.yaml").write_text(MIGRATED.format(app=app, code=code))
    return built(params, "dev", cloud, folder / "out")


def test_a_task_runs_before_the_stacks_that_wait_for_it_and_again_if_they_change(
    cloud: Cloud, tmp_path: Path
) -> None:
    deployment = _migrated("early", 0, cloud, tmp_path)
    process = deployment.run()
    assert process.returncode == 0, process.stdout
    position = process.stdout.index("Running the task of early-dev-migrate")
    assert position < process.stdout.index("early-dev-web")
    assert len(_tasks(deployment)) == 1
    again = deployment.run()
    assert again.returncode == 0, again.stdout
    assert "The task of early-dev-migrate does not run again" in again.stdout
    assert len(_tasks(deployment)) == 1
    assert deployment.run("migrate", "--run-tasks").returncode == 0
    assert len(_tasks(deployment)) == 2
    failing = _migrated("early", 3, cloud, tmp_path)
    assert failing.run("migrate").returncode == 1
    assert failing.run("migrate").returncode == 1, "nothing has changed, but its last run failed"
    assert len(_tasks(deployment)) == 4
    corrected = _migrated("early", 0, cloud, tmp_path)
    assert corrected.run("migrate").returncode == 0
    assert len(_tasks(deployment)) == 5


def test_the_task_is_that_of_the_stack_and_runs_where_the_params_say(
    cloud: Cloud, tmp_path: Path
) -> None:
    deployment = _migrated("there", 0, cloud, tmp_path)
    assert deployment.run("--region", "eu-central-1").returncode == 0
    (task,) = _tasks(deployment)
    assert task["taskDefinitionArn"] == deployment.ids("migrate")["TaskDefinition"]
    assert task["launchType"] == "FARGATE"
    details = {detail["name"]: detail["value"] for detail in task["attachments"][0]["details"]}
    network = deployment.ids("network")
    assert details["subnetId"] in (network["PublicSubnetA"], network["PublicSubnetB"])


def test_a_failed_task_stops_the_deployment_before_the_stacks_that_wait_for_it(
    cloud: Cloud, tmp_path: Path
) -> None:
    deployment = _migrated("broken", 3, cloud, tmp_path)
    process = deployment.run()
    assert process.returncode == 1
    assert "The task of broken-dev-migrate failed: exit code of migrate: 3" in process.stdout
    assert "web" not in deployment.stacks()
    assert deployment.run().returncode == 1, "the next deployment runs it again"
    assert len(_tasks(deployment)) == 2


def test_a_preview_runs_no_task(cloud: Cloud, tmp_path: Path) -> None:
    deployment = _migrated("shown", 0, cloud, tmp_path)
    assert deployment.run().returncode == 0
    events = deployment.events()
    process = _migrated("shown", 1, cloud, tmp_path).run("--preview", "--run-tasks")
    assert process.returncode == 0, process.stdout
    assert "  Modify  TaskDefinition  AWS::ECS::TaskDefinition" in process.stdout
    assert len(_tasks(deployment)) == 1
    assert deployment.events() == events


def _tasks(deployment: Deployment) -> list[dict[str, object]]:
    ecs = deployment.client("ecs")
    cluster = deployment.ids("cluster")["Cluster"]
    family = f"{deployment.plan.environment.app}-dev-migrate"
    arns = [
        arn
        for status in ("RUNNING", "STOPPED")
        for arn in ecs.list_tasks(cluster=cluster, family=family, desiredStatus=status)["taskArns"]
    ]
    found: list[dict[str, object]] = ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"]
    return found


@pytest.fixture(scope="module")
def workers(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return _golden("worker", "queues", cloud, tmp_path_factory.mktemp("worker"))


def test_a_worker_has_the_url_of_its_queue_and_permission_to_receive(workers: Deployment) -> None:
    ids = workers.ids("mailer")
    task = workers.task_definition(ids["TaskDefinition"])
    variables = task["containerDefinitions"][0]["environment"]
    assert variables == [{"name": "QUEUE_URL", "value": ids["Queue"]}]
    statement = workers.policies(ids["TaskRole"])["ReceiveMessages"]
    sqs = workers.client("sqs")
    names = ["QueueArn", "RedrivePolicy", "VisibilityTimeout"]
    queue = sqs.get_queue_attributes(QueueUrl=ids["Queue"], AttributeNames=names)["Attributes"]
    assert statement["Resource"] == [queue["QueueArn"]]
    assert queue["VisibilityTimeout"] == "120"
    assert json.loads(queue["RedrivePolicy"])["maxReceiveCount"] == 3


def test_a_service_has_the_urls_of_the_queues_that_it_sends_to(workers: Deployment) -> None:
    task = workers.task_definition(workers.ids("shop")["TaskDefinition"])
    variables = task["containerDefinitions"][0]["environment"]
    assert {variable["name"]: variable["value"] for variable in variables} == {
        "LEDGER_QUEUE_URL": workers.ids("ledger")["Queue"],
        "MAIL_QUEUE_URL": workers.ids("mailer")["Queue"],
        "ORDERS_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/123456789012/orders",
    }


def test_a_worker_scales_by_its_backlog(workers: Deployment) -> None:
    scaling = workers.client("application-autoscaling")
    targets = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    cluster, ids = workers.ids("cluster")["Cluster"], workers.ids("films")
    name = ids["Service"].split("/")[-1]
    (target,) = [
        target for target in targets if target["ResourceId"] == f"service/{cluster}/{name}"
    ]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (0, 5)
    policies = scaling.describe_scaling_policies(
        ServiceNamespace="ecs", ResourceId=target["ResourceId"]
    )["ScalingPolicies"]
    assert {policy["PolicyName"]: policy["PolicyType"] for policy in policies} == {
        "Backlog": "TargetTrackingScaling",
        "Wake": "StepScaling",
    }
    alarms = workers.client("cloudwatch").describe_alarms()["MetricAlarms"]
    (wake,) = [alarm for alarm in alarms if alarm["AlarmName"] == ids["WakeAlarm"]]
    assert wake["AlarmActions"] == [ids["WakeScalingPolicy"]]


@pytest.fixture(scope="module")
def schedules(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return _golden("scheduled-task", "clocks", cloud, tmp_path_factory.mktemp("scheduled"))


def test_a_schedule_starts_a_state_machine_that_first_lists_running_tasks(
    schedules: Deployment,
) -> None:
    ids = schedules.ids("report")
    schedule = schedules.client("scheduler").get_schedule(Name=ids["Schedule"])
    assert schedule["ScheduleExpression"] == "cron(30 6 ? * MON-FRI *)"
    assert schedule["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert schedule["Target"]["Arn"] == ids["StateMachine"]
    machine = schedules.client("stepfunctions").describe_state_machine(
        stateMachineArn=ids["StateMachine"]
    )
    states = json.loads(machine["definition"])["States"]
    assert states["ListTasks"]["Parameters"]["Family"] == "clocks-dev-report"
    run = states["Run"]["Parameters"]
    assert run["TaskDefinition"] == ids["TaskDefinition"]
    assert run["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"] == [
        ids["SecurityGroup"]
    ]


def test_with_overlap_the_schedule_runs_the_task_directly(schedules: Deployment) -> None:
    ids = schedules.ids("prices")
    target = schedules.client("scheduler").get_schedule(Name=ids["Schedule"])["Target"]
    cluster = schedules.ids("cluster")["Cluster"]
    assert target["Arn"].endswith(f":cluster/{cluster}")
    assert target["EcsParameters"]["TaskDefinitionArn"] == ids["TaskDefinition"]


def test_a_service_scales_by_the_requests_to_its_target_group(cloud: Cloud, tmp_path: Path) -> None:
    deployment = _golden("scaling", "wide", cloud, tmp_path)
    ids = deployment.ids("web")
    scaling = deployment.client("application-autoscaling")
    policies = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    (requests,) = [
        policy
        for policy in policies
        if policy["PolicyARN"] == ids["PublicWeb8080RequestsScalingPolicy"]
    ]
    specification = requests["TargetTrackingScalingPolicyConfiguration"][
        "PredefinedMetricSpecification"
    ]
    balancer = deployment.load_balancer()["LoadBalancerArn"].split(":loadbalancer/")[1]
    group = ids["PublicWeb8080TargetGroup"].split(":")[-1]
    assert specification["ResourceLabel"] == f"{balancer}/{group}"


def test_every_kind_of_scaling_is_deployed(cloud: Cloud, tmp_path: Path) -> None:
    deployment = _golden("scaling-kinds", "kinds", cloud, tmp_path)
    scaling = deployment.client("application-autoscaling")
    cluster = deployment.ids("cluster")["Cluster"]

    def resource(stack: str) -> str:
        return f"service/{cluster}/{deployment.ids(stack)['Service'].split('/')[-1]}"

    actions = scaling.describe_scheduled_actions(
        ServiceNamespace="ecs", ResourceId=resource("mailer")
    )["ScheduledActions"]
    assert {
        action["ScheduledActionName"]: (action["Schedule"], action["ScalableTargetAction"])
        for action in actions
    } == {
        "evening": ("cron(0 19 ? * MON-FRI *)", {"MinCapacity": 0, "MaxCapacity": 0}),
        "morning": ("cron(0 7 ? * MON-FRI *)", {"MinCapacity": 1, "MaxCapacity": 4}),
    }
    types = {
        stack: {
            policy["PolicyName"]: policy["PolicyType"]
            for policy in scaling.describe_scaling_policies(
                ServiceNamespace="ecs", ResourceId=resource(stack)
            )["ScalingPolicies"]
        }
        for stack in ("web", "api")
    }
    tracking, step = "TargetTrackingScaling", "StepScaling"
    assert "PredictiveScalingPolicy" in deployment.ids("web")  # moto has no such policies
    assert types["web"] == {
        "Cpu": tracking,
        "PublicWeb8080ResponseTime": tracking,
        "ReceivedMetric": tracking,
        "SessionsMetric": tracking,
    }
    assert types["api"] == dict.fromkeys(
        ("CpuAbove", "CpuBelow", "JobsAbove", "LagAbove", "LagBelow"), step
    )
    ids = deployment.ids("api")
    alarms = deployment.client("cloudwatch").describe_alarms()["MetricAlarms"]
    (lag,) = [alarm for alarm in alarms if alarm["AlarmName"] == ids["LagBelowAlarm"]]
    assert lag["AlarmActions"] == [ids["LagBelowScalingPolicy"]]


def test_the_script_and_the_command_know_of_each_others_runs(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in cloud.environ().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)

    def command(*words: str) -> int:
        return main([*words, "--params", str(tmp_path / "params")])

    deployment = _migrated("inturn", 0, cloud, tmp_path)
    assert command("deploy", "dev", "--yes") == 0
    assert len(_tasks(deployment)) == 1
    script = deployment.run()
    assert "The task of inturn-dev-migrate does not run again" in script.stdout, script.stdout
    assert command("deploy", "dev", "migrate", "--yes") == 0
    assert len(_tasks(deployment)) == 1, "neither of them runs it twice"
    failing = _migrated("inturn", 3, cloud, tmp_path)
    assert failing.run("migrate").returncode == 1
    assert command("deploy", "dev", "--yes") == 1, "the command repeats what failed in the script"
    assert len(_tasks(deployment)) == 3
    corrected = _migrated("inturn", 0, cloud, tmp_path)
    assert command("deploy", "dev", "--yes") == 0
    assert corrected.run().returncode == 0
    assert len(_tasks(deployment)) == 4
    assert command("run", "dev", "migrate") == 0
    assert corrected.run().returncode == 0
    assert len(_tasks(deployment)) == 5
