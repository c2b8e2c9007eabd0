"""Whole environments, deployed: those that are shipped, and reference systems R4 and R5.

moto takes broken services, so this proves that the calls fit together: the AWS CLI takes the
commands, CloudFormation finds every import, and each service's API takes every property.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cloud import Cloud, Deployment, Opening, built


def _case(folder: str, env: str, name: str) -> Any:
    # All tests of an environment run in one worker (tests/conftest.py), which deploys it once.
    return pytest.param((Path(folder), env), id=name)


DEV = _case("params", "dev", "dev")
PROD = _case("params", "prod", "prod")
R4 = _case("tests/golden/r4/params", "dev", "r4")
R5 = _case("tests/golden/r5/params", "dev", "r5")

NOWHERE: Opening = ("-1", None, "127.0.0.1/32")


@pytest.fixture(scope="module")
def deployment(
    request: pytest.FixtureRequest, cloud: Cloud, tmp_path_factory: pytest.TempPathFactory
) -> Deployment:
    """An environment, deployed once, with what it expects to exist already."""
    source, env = request.param
    folder = tmp_path_factory.mktemp(env)
    for file in source.glob("*.yaml"):
        (folder / file.name).write_text(_with_what_exists(file.read_text(), cloud))
    deployment = built(folder, env, cloud, folder / "out")
    process = deployment.run()
    assert process.returncode == 0, process.stdout
    return deployment


def _with_what_exists(params: str, cloud: Cloud) -> str:
    """Params whose certificate is there: AWS, and so moto, forms its ARN."""
    if match := re.search(r"arn:aws:acm:([a-z0-9-]+):\d+:certificate/[0-9a-f-]+", params):
        acm = cloud.client("acm", match[1])
        certificate_arn = acm.request_certificate(DomainName="*.kelp.example")["CertificateArn"]
        params = params.replace(match[0], certificate_arn)
    return params


every_environment = pytest.mark.parametrize("deployment", [DEV, PROD, R4], indirect=True)
prod = pytest.mark.parametrize("deployment", [PROD], indirect=True)
r4 = pytest.mark.parametrize("deployment", [R4], indirect=True)
r5 = pytest.mark.parametrize("deployment", [R5], indirect=True)


# Every environment ---------------------------------------------------------------------------


@every_environment
def test_every_stack_is_complete_and_exports_what_others_import(deployment: Deployment) -> None:
    stacks = deployment.stacks()
    assert {name: stack["StackStatus"] for name, stack in stacks.items()} == {
        stack.name: "CREATE_COMPLETE" for stack in deployment.plan.stacks
    }
    for stack in deployment.plan.stacks:
        tags = {tag["Key"]: tag["Value"] for tag in stacks[stack.name]["Tags"]}
        assert tags == dict(stack.tags)
    imported = {name for stack in deployment.plan.stacks for name in stack.exports.values()}
    assert imported <= deployment.exports().keys()


@every_environment
def test_a_second_run_changes_nothing(deployment: Deployment) -> None:
    before = deployment.stacks(), deployment.events()
    process = deployment.run()
    assert process.returncode == 0, process.stdout
    for stack in deployment.plan.stacks:
        assert f"] {stack.stack_name}\nNothing to deploy\n" in process.stdout
    assert (deployment.stacks(), deployment.events()) == before


@every_environment
def test_requests_reach_a_container_port_of_every_service(deployment: Deployment) -> None:
    rules = [
        rule
        for listener in deployment.all("AWS::ElasticLoadBalancingV2::Listener")
        for rule in deployment.rules(listener)
    ]
    actions = [action for rule in rules for action in rule["Actions"]]
    for balancer in deployment.load_balancers():
        for listener in deployment.listeners(balancer["LoadBalancerArn"]):
            actions += listener["DefaultActions"]
    # Of two groups, the service registers tasks in the one with the weight.
    forwarded = {
        group["TargetGroupArn"]
        for action in actions
        if action["Type"] == "forward"
        for group in action.get("ForwardConfig", {}).get("TargetGroups") or [action]
        if group.get("Weight", 1) > 0
    }
    attached = set()
    for service in deployment.services():
        task = deployment.task_definition(service["taskDefinition"])
        for balancer in service["loadBalancers"]:
            group = deployment.target_group(balancer["targetGroupArn"])
            assert group["TargetType"] == "ip"
            assert group["Port"] == balancer["containerPort"]
            assert (balancer["containerName"], balancer["containerPort"]) in {
                (container["name"], port["containerPort"])
                for container in task["containerDefinitions"]
                for port in container["portMappings"]
            }
            attached.add(group["TargetGroupArn"])
    assert attached == forwarded


@every_environment
def test_security_groups_of_tasks_allow_their_load_balancers_only(deployment: Deployment) -> None:
    groups = {
        load_balancer["LoadBalancerArn"]: load_balancer["SecurityGroups"][0]
        for load_balancer in deployment.load_balancers()
    }
    expected_egress = {group: {NOWHERE} for group in groups.values()}
    for service in deployment.services():
        (tasks,) = service["networkConfiguration"]["awsvpcConfiguration"]["securityGroups"]
        expected: set[Opening] = set()
        for attached in service["loadBalancers"]:
            target = deployment.target_group(attached["targetGroupArn"])
            (arn,) = set(target["LoadBalancerArns"])
            protocol = "udp" if target["Protocol"] == "UDP" else "tcp"
            port = target["HealthCheckPort"]
            health = target["Port"] if port == "traffic-port" else int(port)
            for port_range in ((protocol, target["Port"]), ("tcp", health)):
                expected.add((*port_range, groups[arn]))
                expected_egress[groups[arn]].add((*port_range, tasks))
        assert deployment.admitted(tasks) == expected
    assert {group: deployment.let_out(group) for group in expected_egress} == expected_egress


@every_environment
def test_every_task_has_its_own_roles(deployment: Deployment) -> None:
    created = set(deployment.all("AWS::IAM::Role"))
    services = deployment.services()
    tasks = [deployment.task_definition(service["taskDefinition"]) for service in services]
    used_arns = [task[role] for task in tasks for role in ("executionRoleArn", "taskRoleArn")]
    names = [arn.rsplit("/", 1)[-1] for arn in used_arns]
    assert created.issuperset(names)
    assert len(set(names)) == len(names)


@prod
def test_with_a_certificate_http_redirects_to_https(deployment: Deployment) -> None:
    ids = deployment.ids("public")
    elb = deployment.client("elbv2")
    arns = [ids["HttpListener"], ids["HttpsListener"]]
    listeners = elb.describe_listeners(ListenerArns=arns)["Listeners"]
    http, https = (next(item for item in listeners if item["ListenerArn"] == arn) for arn in arns)
    (redirect,) = (action["RedirectConfig"] for action in http["DefaultActions"])
    assert (redirect["Protocol"], redirect["Port"]) == ("HTTPS", "443")
    assert deployment.rules(ids["HttpListener"]) == []
    assert (https["Protocol"], https["Port"]) == ("HTTPS", 443)
    assert len(https["Certificates"]) == 1
    assert deployment.rules(ids["HttpsListener"])


@prod
def test_alarms_and_events_of_the_shop_notify_the_people_on_call(deployment: Deployment) -> None:
    topic = deployment.ids("notifications")["Topic"]
    sns = deployment.client("sns")
    (subscribed,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (subscribed["Protocol"], subscribed["Endpoint"]) == ("email", "on-call@kelp.example")
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    key = deployment.client("kms").describe_key(KeyId=attributes["KmsMasterKeyId"])["KeyMetadata"]
    assert (key["KeyManager"], key["Enabled"]) == ("CUSTOMER", True)
    principals = {
        statement["Sid"]: statement["Principal"]
        for statement in json.loads(attributes["Policy"])["Statement"]
    }
    assert principals["Alarms"] == {"Service": "cloudwatch.amazonaws.com"}
    assert principals["Events"] == {"Service": "events.amazonaws.com"}

    alarms = deployment.client("cloudwatch").describe_alarms()["MetricAlarms"]
    shop = [alarm for alarm in alarms if "kelp-prod-web:" in alarm.get("AlarmDescription", "")]
    assert len(shop) == 8
    assert all(alarm["AlarmActions"] == [topic] for alarm in shop)
    events = deployment.client("events")
    rules = events.list_rules()["Rules"]
    targets = [events.list_targets_by_rule(Rule=rule["Name"])["Targets"] for rule in rules]
    assert [target["Arn"] for (target,) in targets] == [topic, topic]


@prod
def test_dashboards_show_what_is_deployed(deployment: Deployment) -> None:
    cloudwatch = deployment.client("cloudwatch")
    names = {each["DashboardName"] for each in cloudwatch.list_dashboards()["DashboardEntries"]}
    assert names == {"kelp-prod-web-eu-central-1", "kelp-prod-overview-eu-central-1"}
    texts = [cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"] for name in names]
    assert not any("${" in text for text in texts)
    (service,) = (each for each in deployment.services() if "web" in each["serviceName"])
    assert any(service["serviceName"] in text for text in texts)
    balancer = deployment.load_balancer()["LoadBalancerArn"].split("loadbalancer/")[1]
    assert all(balancer in text for text in texts)


# Reference system R4 --------------------------------------------------------------------------


@r4
def test_r4_load_balancer_and_listener(deployment: Deployment) -> None:
    network = deployment.ids("network")
    balancer = deployment.load_balancer()
    assert balancer["Scheme"] == "internet-facing"
    assert balancer["VpcId"] == network["Vpc"]
    assert {zone["SubnetId"] for zone in balancer["AvailabilityZones"]} == {
        network["PublicSubnetA"],
        network["PublicSubnetB"],
    }
    assert deployment.admitted(balancer["SecurityGroups"][0]) == {("tcp", 80, "0.0.0.0/0")}
    elb = deployment.client("elbv2")
    arn = balancer["LoadBalancerArn"]
    attributes = elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    assert {"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "true"} in attributes
    (listener,) = elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]
    assert (listener["Protocol"], listener["Port"]) == ("HTTP", 80)
    (default,) = listener["DefaultActions"]
    assert default["FixedResponseConfig"]["StatusCode"] == "404"


@r4
def test_r4_rule_and_target_group(deployment: Deployment) -> None:
    web = deployment.ids("web")
    (rule,) = deployment.rules(deployment.ids("alb")["HttpListener"])
    assert rule["RuleArn"] == web["AlbNginx80ListenerRule"]
    assert 1 <= int(rule["Priority"]) <= 50000
    assert rule["Conditions"] == [
        {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/*"]}}
    ]
    assert [action["TargetGroupArn"] for action in rule["Actions"]] == [
        web["AlbNginx80TargetGroup"]
    ]
    group = deployment.target_group(web["AlbNginx80TargetGroup"])
    expected = {
        "Protocol": "HTTP",
        "Port": 80,
        "TargetType": "ip",
        "VpcId": deployment.ids("network")["Vpc"],
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPort": "traffic-port",
        "HealthCheckPath": "/",
        "HealthCheckIntervalSeconds": 30,
        "Matcher": {"HttpCode": "200-399"},
    }
    assert {key: group[key] for key in expected} == expected


@r4
def test_r4_service(deployment: Deployment) -> None:
    network, web = deployment.ids("network"), deployment.ids("web")
    (service,) = deployment.services()
    assert service["clusterArn"].endswith(":cluster/ecs-cluster-dev")
    assert service["desiredCount"] == 2
    assert service["taskDefinition"] == web["TaskDefinition"]
    assert service["loadBalancers"] == [
        {
            "targetGroupArn": web["AlbNginx80TargetGroup"],
            "containerName": "nginx",
            "containerPort": 80,
        }
    ]
    assert service["networkConfiguration"]["awsvpcConfiguration"] == {
        "subnets": [network["PublicSubnetA"], network["PublicSubnetB"]],
        "securityGroups": [web["SecurityGroup"]],
        "assignPublicIp": "ENABLED",
    }


@r4
def test_r4_task_definition(deployment: Deployment) -> None:
    web = deployment.ids("web")
    task = deployment.task_definition(web["TaskDefinition"])
    assert (task["cpu"], task["memory"], task["networkMode"]) == ("256", "512", "awsvpc")
    assert task["requiresCompatibilities"] == ["FARGATE"]
    assert task["executionRoleArn"].endswith(f":role/{web['ExecutionRole']}")
    assert task["taskRoleArn"].endswith(f":role/{web['TaskRole']}")
    (container,) = task["containerDefinitions"]
    assert container["image"] == "public.ecr.aws/nginx/nginx:stable"
    assert container["command"][-1].endswith("exec nginx -g 'daemon off;'")
    parameter = "arn:aws:ssm:ap-northeast-1:123456789012:parameter/demo/dev"
    assert {secret["name"]: secret["valueFrom"] for secret in container["secrets"]} == {
        "DB_PASSWORD": f"{parameter}/db_password",
        "MESSAGE": f"{parameter}/message",
    }
    assert container["logConfiguration"]["logDriver"] == "awslogs"
    options = container["logConfiguration"]["options"]
    assert options["awslogs-group"] == web["LogGroup"]
    assert options["awslogs-region"] == "ap-northeast-1"


@r4
def test_r4_roles_have_the_expected_permissions_only(deployment: Deployment) -> None:
    web, cluster = deployment.ids("web"), deployment.ids("cluster")
    account = "arn:aws:{}:ap-northeast-1:123456789012"
    parameter = account.format("ssm") + ":parameter/demo/dev"
    group = account.format("logs") + ":log-group"
    assert _allowed(deployment, web["ExecutionRole"]) == {
        (("ssm:GetParameters",), (f"{parameter}/db_password", f"{parameter}/message")),
        (("logs:CreateLogStream", "logs:PutLogEvents"), (f"{group}:{web['LogGroup']}:*",)),
    }
    channels = (
        "CreateControlChannel",
        "CreateDataChannel",
        "OpenControlChannel",
        "OpenDataChannel",
    )
    streams = ("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")
    assert _allowed(deployment, web["TaskRole"]) == {
        (tuple(f"ssmmessages:{channel}" for channel in channels), ("*",)),
        (("logs:DescribeLogGroups",), ("*",)),
        (streams, (f"{group}:{cluster['ExecLogGroup']}:*",)),
    }


def _allowed(deployment: Deployment, role: str) -> set[tuple[tuple[str, ...], tuple[str, ...]]]:
    statements = deployment.policies(role).values()
    assert all(statement["Effect"] == "Allow" for statement in statements)
    return {(tuple(sorted(s["Action"])), tuple(sorted(s["Resource"]))) for s in statements}


@r4
def test_r4_cluster_and_log_groups(deployment: Deployment) -> None:
    cluster = deployment.ids("cluster")
    (found,) = deployment.client("ecs").describe_clusters(clusters=["ecs-cluster-dev"])["clusters"]
    assert found["settings"] == [{"name": "containerInsights", "value": "disabled"}]
    logging = found["configuration"]["executeCommandConfiguration"]
    assert logging["logConfiguration"]["cloudWatchLogGroupName"] == cluster["ExecLogGroup"]
    groups = deployment.client("logs").describe_log_groups()["logGroups"]
    days = {group["logGroupName"]: group["retentionInDays"] for group in groups}
    assert days[deployment.ids("web")["LogGroup"]] == 14
    assert days[cluster["ExecLogGroup"]] == 7


# Reference system R5 --------------------------------------------------------------------------


@r5
def test_r5_is_complete_and_a_second_run_changes_nothing(deployment: Deployment) -> None:
    statuses = {name: stack["StackStatus"] for name, stack in deployment.stacks().items()}
    assert statuses == {stack.name: "CREATE_COMPLETE" for stack in deployment.plan.stacks}
    before = deployment.stacks(), deployment.events()
    process = deployment.run()
    assert process.returncode == 0, process.stdout
    assert (deployment.stacks(), deployment.events()) == before


@r5
def test_r5_load_balancer_and_listener(deployment: Deployment) -> None:
    network, service = deployment.ids("network"), deployment.ids("udp-service")
    balancer = deployment.load_balancer("network")
    assert (balancer["Type"], balancer["Scheme"]) == ("network", "internal")
    assert {zone["SubnetId"] for zone in balancer["AvailabilityZones"]} == {
        network["PrivateSubnetA"],
        network["PrivateSubnetB"],
    }
    elb = deployment.client("elbv2")
    arn = balancer["LoadBalancerArn"]
    attributes = elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    assert {"Key": "load_balancing.cross_zone.enabled", "Value": "false"} in attributes
    (listener,) = elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]
    assert (listener["Protocol"], listener["Port"]) == ("UDP", 1234)
    (action,) = listener["DefaultActions"]
    assert action["TargetGroupArn"] == service["EdgeUdp1234TargetGroup"]


@r5
def test_r5_target_group(deployment: Deployment) -> None:
    arn = deployment.ids("udp-service")["EdgeUdp1234TargetGroup"]
    group = deployment.target_group(arn)
    expected = {
        "Protocol": "UDP",
        "Port": 1234,
        "TargetType": "ip",
        "VpcId": deployment.ids("network")["Vpc"],
        "HealthCheckProtocol": "TCP",
        "HealthCheckPort": "8080",
        "HealthCheckIntervalSeconds": 10,
    }
    assert {key: group[key] for key in expected} == expected
    described = deployment.client("elbv2").describe_target_group_attributes(TargetGroupArn=arn)
    attributes = {attribute["Key"]: attribute["Value"] for attribute in described["Attributes"]}
    assert attributes["deregistration_delay.timeout_seconds"] == "300"


@r5
def test_r5_security_groups_allow_the_service_and_its_health_check_only(
    deployment: Deployment,
) -> None:
    tasks = deployment.ids("udp-service")["SecurityGroup"]
    edge = deployment.ids("edge")["SecurityGroup"]
    assert deployment.load_balancer("network")["SecurityGroups"] == [edge]
    assert deployment.admitted(edge) == {("udp", 1234, "10.20.0.0/16")}
    assert deployment.let_out(edge) == {NOWHERE, ("udp", 1234, tasks), ("tcp", 8080, tasks)}
    assert deployment.admitted(tasks) == {("udp", 1234, edge), ("tcp", 8080, edge)}


@r5
def test_r5_service_and_task(deployment: Deployment) -> None:
    ids = deployment.ids("udp-service")
    (service,) = deployment.services()
    assert service["loadBalancers"] == [
        {
            "targetGroupArn": ids["EdgeUdp1234TargetGroup"],
            "containerName": "udp-service",
            "containerPort": 1234,
        }
    ]
    (group,) = service["networkConfiguration"]["awsvpcConfiguration"]["securityGroups"]
    assert group == ids["SecurityGroup"]
    task = deployment.task_definition(service["taskDefinition"])
    assert (task["cpu"], task["memory"]) == ("256", "512")
    containers = {container["name"]: container for container in task["containerDefinitions"]}
    assert containers.keys() == {"udp-service", "health-1234"}
    (port,) = containers["udp-service"]["portMappings"]
    assert (port["containerPort"], port["protocol"]) == (1234, "udp")
    (port,) = containers["health-1234"]["portMappings"]
    assert (port["containerPort"], port["protocol"]) == (8080, "tcp")
    program = Path("templates/exposure/health_sidecar/program.py").read_text()
    assert containers["health-1234"]["command"][:4] == ["python3", "-u", "-c", program]
