"""What is true for every environment that can be built, whatever its params say.

Each test draws params of a whole environment (`params_strategies`) and checks what comes out of
them as CloudFormation, ECS and a reviewer would.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from cfnlint.decode.decode import decode_str
from hypothesis import assume, given
from hypothesis import strategies as st
from params_strategies import Params, environments, linted, plan, plan_of, shuffled, steady, written

from moorage.facts.quotas import MAX_LOGICAL_ID
from moorage.model import Plan, PlannedStack
from moorage.pipeline.write import files

Body = dict[str, Any]
Resources = dict[str, Any]


def resources(stack: PlannedStack, kind: str = "") -> Resources:
    """Properties of a stack's resources of one type, by logical ID; of all of them without one."""
    return {
        name: one.get("Properties", {})
        for name, one in stack.rendering.body["Resources"].items()
        if kind in ("", one["Type"].removeprefix("AWS::"))
    }


def services(plan: Plan) -> Iterator[PlannedStack]:
    return (stack for stack in plan.stacks if resources(stack, "ECS::Service"))


def inside(value: Any) -> Iterator[Any]:
    """A value and everything in it."""
    yield value
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from inside(item)


def digest(plan: Plan) -> str:
    return hashlib.sha256(json.dumps(files(plan)).encode()).hexdigest()


# The same in, the same out -------------------------------------------------------------------


@steady(max_examples=25)
@given(environments(), st.integers())
def test_the_order_of_keys_changes_nothing(params: Params, seed: int) -> None:
    again = shuffled(params, Random(seed))
    first = files(plan(params))
    assert files(plan_of(written(params))) == first, "the same params"
    assert files(plan_of(written(again))) == first, "in another order"
    assert files(plan_of(json.dumps(again))) == first, "as JSON, which is YAML too"


_BUILD = """
import sys
from params_strategies import plan_of
from test_properties import digest
for text in sys.stdin.read().split("---"):
    print(digest(plan_of(text)))
"""


def test_another_process_with_other_hashes_writes_the_same() -> None:
    written: dict[str, str] = {}

    @steady(max_examples=10)
    @given(environments())
    def draw(params: Params) -> None:
        written[json.dumps(params)] = digest(plan(params))

    draw()
    other = min({"1", "2"} - {os.environ.get("PYTHONHASHSEED", "")})
    there = subprocess.run(
        [sys.executable, "-c", _BUILD],
        input="---".join(written),
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONHASHSEED": other, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
    )
    assert there.stdout.split() == list(written.values())


@steady(max_examples=40)
@given(environments(most_services=3), st.data())
def test_a_service_more_or_less_changes_no_other_stack(params: Params, data: st.DataObject) -> None:
    stacks = params["stacks"]
    services = {name: stack for name, stack in stacks.items() if stack.get("template") == "service"}
    reached = {name for service in services.values() for name in service.get("reaches", [])}
    assume(len(services) > 1)
    names = [name for name in services if name not in reached]
    gone = data.draw(st.sampled_from(names))
    fewer = params | {"stacks": {name: one for name, one in stacks.items() if name != gone}}
    with_it = {one.name: one for one in plan(params).stacks}
    assert with_it.pop(gone)
    assert with_it == {one.name: one for one in plan(fewer).stacks}


# Stacks among each other ---------------------------------------------------------------------


@steady(max_examples=40)
@given(environments(jobs=True))
def test_what_a_stack_imports_is_exported_by_one_before_it(params: Params) -> None:
    exported: dict[str, str] = {}
    for stack in plan(params).stacks:
        imports = {
            one["Fn::ImportValue"]
            for one in inside(stack.rendering.body)
            if isinstance(one, dict) and "Fn::ImportValue" in one
        }
        assert imports <= exported.keys()
        assert {one.name: one.stack for one in stack.imports} == {
            name: exported[name] for name in imports
        }
        for output in stack.rendering.body.get("Outputs", {}).values():
            if "Export" in output:
                name = output["Export"]["Name"]
                assert name not in exported
                exported[name] = stack.name


# Templates -----------------------------------------------------------------------------------


@steady(max_examples=15)
@given(environments(jobs=True))
def test_nothing_is_found_in_it(params: Params) -> None:
    findings = linted(params)
    assume({finding.code for finding in findings} != {"M2430"})
    assert findings == ()


@steady(max_examples=25)
@given(environments(jobs=True))
def test_the_text_says_what_the_body_says(params: Params) -> None:
    for stack in plan(params).stacks:
        read, faults = decode_str(stack.rendering.text)
        assert faults == []
        assert _long(read) == _long(stack.rendering.body)
        assert "\t" not in stack.rendering.text
        assert all(line == line.rstrip() for line in stack.rendering.text.splitlines())


def _long(value: Any) -> Any:
    """Plain data; `GetAtt` with its two parts, however it was written."""
    if isinstance(value, dict):
        return {
            str(key): str.split(item, ".", 1)
            if key == "Fn::GetAtt" and isinstance(item, str)
            else _long(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_long(item) for item in value]
    return str(value) if isinstance(value, str) else value


# Names that AWS asks for, and one that blocks nothing: a task definition's family. Alias records
# are names and nothing else, and a setting's name is no name of a resource.
_PHYSICAL = {
    "AutoScaling::AutoScalingGroup": "AutoScalingGroupName",
    "EC2::SecurityGroup": "GroupName",
    "ECS::Cluster": "ClusterName",
    "ECS::Service": "ServiceName",
    "ElasticLoadBalancingV2::LoadBalancer": "Name",
    "ElasticLoadBalancingV2::TargetGroup": "Name",
    "IAM::Role": "RoleName",
    "Logs::LogGroup": "LogGroupName",
    "S3::Bucket": "BucketName",
}


@steady(max_examples=40)
@given(environments(jobs=True))
def test_ids_are_letters_and_digits_and_names_are_left_to_cloudformation(params: Params) -> None:
    for stack in plan(params).stacks:
        body = stack.rendering.body
        for name in (*body["Resources"], *body.get("Outputs", {})):
            assert re.fullmatch(r"[A-Za-z0-9]+", name)
            assert len(name) <= MAX_LOGICAL_ID
        for kind, key in _PHYSICAL.items():
            assert not [
                name for name, resource in resources(stack, kind).items() if key in resource
            ]


# The resources of these take none in a policy: Service Authorization Reference, Amazon ECR, Amazon
# Message Gateway Service, CloudWatch Logs and AWS X-Ray.
_EVERYWHERE = {
    "ecr:GetAuthorizationToken",
    "ecs:ListTasks",  # with the cluster for a condition
    "logs:DescribeLogGroups",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
    "xray:GetSamplingRules",
    "xray:GetSamplingStatisticSummaries",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}


@steady(max_examples=40)
@given(environments(jobs=True))
def test_no_policy_allows_every_action_or_every_resource(params: Params) -> None:
    for stack in plan(params).stacks:
        for value in inside(stack.rendering.body):
            if not isinstance(value, dict) or value.get("Effect") != "Allow":
                continue
            actions, named = _list(value["Action"]), _list(value.get("Resource", []))
            assert not [action for action in actions if "*" in action]
            assert "NotAction" not in value
            assert "*" not in named or set(actions) <= _EVERYWHERE


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# Services ------------------------------------------------------------------------------------


def forwarded(rule: Body) -> list[str]:
    """The target groups that a listener rule, or a service's own listener, forwards to."""
    actions = rule.get("Actions") or rule["DefaultActions"]
    return [action["TargetGroupArn"]["Ref"] for action in actions if action["Type"] == "forward"]


@steady(max_examples=40)
@given(environments())
def test_a_service_waits_for_what_leads_to_it(params: Params) -> None:
    for stack in services(plan(params)):
        service = stack.rendering.body["Resources"]["Service"]
        waits = set(service.get("DependsOn", []))
        attached = {
            one["TargetGroupArn"]["Ref"] for one in service["Properties"].get("LoadBalancers", [])
        }
        rules = {
            name: forwarded(rule)
            for kind in ("ListenerRule", "Listener")
            for name, rule in resources(stack, f"ElasticLoadBalancingV2::{kind}").items()
        }
        groups = set(resources(stack, "ElasticLoadBalancingV2::TargetGroup"))
        assert {name for name, groups in rules.items() if groups} <= waits
        assert {group for forwarded in rules.values() for group in forwarded} == groups == attached
        opened = (*resources(stack, "EC2::SecurityGroupIngress"),)
        assert waits >= {*opened, *resources(stack, "EC2::SecurityGroupEgress")}


@steady(max_examples=40)
@given(environments())
def test_services_are_opened_by_those_who_reach_them(params: Params) -> None:
    for stack in services(plan(params)):
        rules = resources(stack, "EC2::SecurityGroupIngress")
        opened = {
            rule["GroupId"]["Fn::ImportValue"]
            for name, rule in rules.items()
            if re.match("To[A-Z]", name)
        }
        reaches = params["stacks"][stack.name].get("reaches", [])
        assert opened == {f"{params['app']}-dev-{name}-SecurityGroupId" for name in reaches}


@steady(max_examples=40)
@given(environments())
def test_what_a_container_mounts_is_a_volume_that_the_task_role_may_mount(params: Params) -> None:
    for stack in services(plan(params)):
        task = stack.rendering.body["Resources"]["TaskDefinition"]["Properties"]
        volumes = {one["Name"]: one for one in task.get("Volumes", [])}
        mounts = [one for box in task["ContainerDefinitions"] for one in box.get("MountPoints", [])]
        assert {mount["SourceVolume"] for mount in mounts} == volumes.keys()
        systems = [volume for volume in volumes.values() if "EFSVolumeConfiguration" in volume]
        roles = resources(stack, "IAM::Role")
        if "TaskRole" in roles:
            policies = roles["TaskRole"].get("Policies", [])
            volume_policies = [policy for policy in policies if policy["PolicyName"] == "Volumes"]
            allowed = [
                s for policy in volume_policies for s in policy["PolicyDocument"]["Statement"]
            ]
            assert len(allowed) == len(systems)
            assert all("Condition" in one for one in allowed)
        disks = stack.rendering.body["Resources"]["Service"]["Properties"].get(
            "VolumeConfigurations", []
        )
        launched = {name for name, one in volumes.items() if one.get("ConfiguredAtLaunch")}
        assert {disk["Name"] for disk in disks} == launched


def listener_of(stack: PlannedStack, group: str) -> set[str]:
    """The listeners that forward to a target group, by themselves or by their rules, as text."""
    rules = resources(stack, "ElasticLoadBalancingV2::ListenerRule").values()
    own = resources(stack, "ElasticLoadBalancingV2::Listener").items()
    return {json.dumps(rule["ListenerArn"]) for rule in rules if group in forwarded(rule)} | {
        name for name, listener in own if group in forwarded(listener)
    }


def balancer_group(params: Params, via: str) -> Any:
    """A load balancer's security group, as a service refers to it."""
    its = params["stacks"][via].get("existing")
    export = f"{params['app']}-dev-{via}-SecurityGroupId"
    return its["security_group"] if its else {"Fn::ImportValue": export}


@steady(max_examples=40)
@given(environments())
def test_tasks_and_albs_open_the_ports_in_use_and_no_other(params: Params) -> None:
    for stack in services(plan(params)):
        expose = [
            way for way in params["stacks"][stack.name].get("expose", []) if way["via"] != "edge"
        ]
        used = {
            (json.dumps(balancer_group(params, route["via"])), port)
            for route in expose
            if "port" in route
            for port in (route["port"], route.get("health_check", {}).get("port", route["port"]))
        }
        mine = {"Fn::GetAtt": ["SecurityGroup", "GroupId"]}
        ways = {
            "Ingress": ("SourceSecurityGroupId", "GroupId"),
            "Egress": ("GroupId", "DestinationSecurityGroupId"),
        }
        for kind, (balancer, tasks) in ways.items():
            every = resources(stack, f"EC2::SecurityGroup{kind}").items()
            others = re.compile("Edge|To[A-Z]|Sg[0-9]+Nfs")  # listeners, other services, NFS
            rules = [rule for name, rule in every if not others.match(name)]
            assert all(rule[tasks] == mine and rule["IpProtocol"] == "tcp" for rule in rules)
            assert all(rule["FromPort"] == rule["ToPort"] for rule in rules)
            opened = [(json.dumps(rule[balancer]), rule["FromPort"]) for rule in rules]
            assert len(opened) == len(set(opened)), "EC2 refuses a second rule like the first"
            assert set(opened) == used
        own = resources(stack, "EC2::SecurityGroup")["SecurityGroup"]
        assert "SecurityGroupIngress" not in own


@steady(max_examples=40)
@given(environments())
def test_tasks_and_the_nlb_open_the_ports_in_use_and_no_other(params: Params) -> None:
    closed = params["stacks"]["edge"]["security_group"]
    edge = json.dumps({"Fn::ImportValue": f"{params['app']}-dev-edge-SecurityGroupId"})
    tasks = json.dumps({"Fn::GetAtt": ["SecurityGroup", "GroupId"]})
    for stack in services(plan(params)):
        listened: set[tuple[str, str, int]] = set()
        used: set[tuple[str, int]] = set()
        for way in params["stacks"][stack.name].get("expose", []):
            if way["via"] != "edge":
                continue
            port, protocol = way["port"].split("/")
            transport = "udp" if protocol == "udp" else "tcp"
            listened.add((edge, transport, int(port)))
            used.add((transport, way["target_port"]))
            if protocol == "udp":
                used.add(("tcp", way["health_check"]["sidecar"]["port"]))
        opened = {
            kind: {
                (json.dumps(rule["GroupId"]), rule["IpProtocol"], rule["FromPort"])
                for name, rule in resources(stack, f"EC2::SecurityGroup{kind}").items()
                if name.startswith("Edge")
            }
            for kind in ("Ingress", "Egress")
        }
        to_tasks = {(tasks, *one) for one in used}
        assert opened["Ingress"] == to_tasks | (listened if closed else set())
        assert opened["Egress"] == ({(edge, *one) for one in used} if closed else set())


@steady(max_examples=40)
@given(environments())
def test_target_groups_fit_the_containers_they_lead_to(params: Params) -> None:
    for stack in services(plan(params)):
        service = resources(stack)["Service"]
        definitions = resources(stack)["TaskDefinition"]["ContainerDefinitions"]
        groups = resources(stack, "ElasticLoadBalancingV2::TargetGroup")
        listened = {
            definition["Name"]: {
                mapping["ContainerPort"] for mapping in definition.get("PortMappings", [])
            }
            for definition in definitions
        }
        for one in service.get("LoadBalancers", []):
            group = groups[one["TargetGroupArn"]["Ref"]]
            assert one["ContainerPort"] == group["Port"]
            assert one["ContainerPort"] in listened[one["ContainerName"]]
            assert group["TargetType"] == "ip"
            health_port = group["HealthCheckPort"]
            assert health_port == "traffic-port" or any(
                int(health_port) in one for one in listened.values()
            )
            assert len(listener_of(stack, one["TargetGroupArn"]["Ref"])) == 1


@steady(max_examples=40)
@given(environments())
def test_rules_of_one_listener_have_priorities_of_their_own(params: Params) -> None:
    taken: set[tuple[str, int]] = set()
    for stack in services(plan(params)):
        for rule in resources(stack, "ElasticLoadBalancingV2::ListenerRule").values():
            place = (json.dumps(rule["ListenerArn"]), rule["Priority"])
            assert 1 <= rule["Priority"] <= 50_000
            assert place not in taken
            taken.add(place)


# The draws themselves ------------------------------------------------------------------------


_SERVICE_FEATURES = {
    "AWS::EC2::NatGateway",
    "AWS::EC2::VPCEndpoint",
    "authenticate-oidc",
    "authenticate-cognito",
    "fixed-response",
    "FARGATE_SPOT",
    "GRPC",
    "app_cookie",
    "ssmmessages",
    "secretsmanager",
    "HttpsListener",
    "listener/app/old",
    '"Protocol": "UDP"',
    '"Protocol": "TLS"',
    '"IpAddressType": "ipv6"',
    "--probe=dns",
    "vpc-00",
    '"Cluster": "old"',
    "source-ip",
    "query-string",
}

_JOB_FEATURES = {
    "WakeAlarm",
    "ecs:runTask.sync",
    '"EcsParameters"',
    '"RunTask": {"Type": "AWS::SSM::Parameter"',
    '"RedrivePolicy"',
}


@pytest.mark.parametrize(
    ("features", "drawn", "number"),
    [
        pytest.param(_SERVICE_FEATURES, environments(), 120, id="services"),
        pytest.param(_JOB_FEATURES, environments(most_services=1, jobs=True), 200, id="jobs"),
    ],
)
def test_draws_contain_every_feature(
    features: set[str], drawn: st.SearchStrategy[Params], number: int
) -> None:
    missing = set(features)

    @steady(max_examples=number)
    @given(drawn)
    def draw(params: Params) -> None:
        if missing:
            text = json.dumps([stack.rendering.body for stack in plan(params).stacks])
            missing.difference_update({feature for feature in missing if feature in text})

    draw()
    assert not missing
