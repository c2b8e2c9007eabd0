"""Properties of the output that hold for the params of every environment.

The tests draw the params of whole environments (`params_strategies`) and check the templates that
are built from them. One test checks all properties of a plan that need nothing else, since it takes
longer to draw and build an environment than to check it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from cfnlint.decode.decode import decode_str
from hypothesis import assume, given, seed
from hypothesis import strategies as st
from params_plans import linted, plan, plan_of, written
from params_strategies import environments, shuffled
from strategy_parts import Params, steady

from moorage.facts.quotas import MAX_LOGICAL_ID
from moorage.pipeline.write import files
from moorage.plan import Plan, PlannedStack

Body = dict[str, Any]
Resources = dict[str, Any]


def resources(stack: PlannedStack, resource_type: str = "") -> Resources:
    """Properties of a stack's resources by logical ID: of all, or of those of one type."""
    return {
        name: resource.get("Properties", {})
        for name, resource in stack.rendering.body["Resources"].items()
        if resource_type in ("", resource["Type"].removeprefix("AWS::"))
    }


def services(plan: Plan) -> Iterator[PlannedStack]:
    return (stack for stack in plan.stacks if resources(stack, "ECS::Service"))


def nested_values(value: Any) -> Iterator[Any]:
    """A value and all values nested in it."""
    yield value
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from nested_values(item)


def digest(plan: Plan) -> str:
    return hashlib.sha256(json.dumps(files(plan)).encode()).hexdigest()


Property = Callable[[Params, Plan], None]

_PROPERTIES: dict[str, list[Property]] = {"services": [], "jobs": []}


def of_services(check: Property) -> Property:
    """Declares a property of the plans of all environments without workers and other jobs."""
    _PROPERTIES["services"].append(check)
    return check


def of_all_stacks(check: Property) -> Property:
    """Declares a property of the plans of all environments."""
    _PROPERTIES["jobs"].append(check)
    return of_services(check)


# Deterministic output ------------------------------------------------------------------------


@steady(max_examples=25)
@given(environments(), st.integers())
def test_the_order_of_keys_in_params_does_not_change_the_output(params: Params, seed: int) -> None:
    reordered = shuffled(params, Random(seed))
    expected = files(plan(params))
    assert files(plan_of(written(params))) == expected, "the same params"
    assert files(plan_of(written(reordered))) == expected, "in another order"
    assert files(plan_of(json.dumps(reordered))) == expected, "as JSON, which is YAML too"


_BUILD = """
import sys
from params_plans import plan_of
from test_properties import digest
for text in sys.stdin.read().split("---"):
    print(digest(plan_of(text)))
"""


def test_a_process_with_another_hash_seed_builds_the_same_files() -> None:
    digests: dict[str, str] = {}

    @steady(max_examples=10)
    @given(environments())
    def draw(params: Params) -> None:
        digests[json.dumps(params)] = digest(plan(params))

    draw()
    other_seed = min({"1", "2"} - {os.environ.get("PYTHONHASHSEED", "")})
    process = subprocess.run(
        [sys.executable, "-c", _BUILD],
        input="---".join(digests),
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONHASHSEED": other_seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
    )
    assert process.stdout.split() == list(digests.values())


@steady(max_examples=40)
@given(environments(most_services=3), st.data())
def test_removing_a_service_changes_no_other_stack(params: Params, data: st.DataObject) -> None:
    stacks = params["stacks"]
    services = {name: stack for name, stack in stacks.items() if stack.get("template") == "service"}
    reached = {name for service in services.values() for name in service.get("reaches", [])}
    assume(len(services) > 1)
    names = [name for name in services if name not in reached]
    removed = data.draw(st.sampled_from(names))
    kept = {name: stack for name, stack in stacks.items() if name != removed}
    before = {stack.name: stack for stack in plan(params).stacks}
    assert before.pop(removed)
    assert before == {stack.name: stack for stack in plan(params | {"stacks": kept}).stacks}


# Imports and exports -------------------------------------------------------------------------


@of_all_stacks
def every_import_is_an_export_of_an_earlier_stack(params: Params, plan: Plan) -> None:
    exported: dict[str, str] = {}
    for stack in plan.stacks:
        imports = {
            value["Fn::ImportValue"]
            for value in nested_values(stack.rendering.body)
            if isinstance(value, dict) and "Fn::ImportValue" in value
        }
        assert imports <= exported.keys()
        assert {item.name: item.stack for item in stack.imports} == {
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
def test_valid_params_have_no_findings(params: Params) -> None:
    findings = linted(params)
    assume({finding.code for finding in findings} != {"M2430"})
    assert findings == ()


@of_all_stacks
def the_yaml_text_parses_to_the_body(params: Params, plan: Plan) -> None:
    for stack in plan.stacks:
        parsed, faults = decode_str(stack.rendering.text)
        assert faults == []
        assert _normalized(parsed) == _normalized(stack.rendering.body)
        assert "\t" not in stack.rendering.text
        assert all(line == line.rstrip() for line in stack.rendering.text.splitlines())


def _normalized(value: Any) -> Any:
    """Plain data, with the argument of `GetAtt` as a list of two texts in both of its forms."""
    if isinstance(value, dict):
        return {
            str(key): str.split(item, ".", 1)
            if key == "Fn::GetAtt" and isinstance(item, str)
            else _normalized(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_normalized(item) for item in value]
    return str(value) if isinstance(value, str) else value


# Properties with a physical name, which CloudFormation can generate. The family of a task
# definition is not listed: it does not prevent a replacement. Of a log group for the logs of a
# database, RDS chooses the name.
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


@of_all_stacks
def logical_ids_are_alphanumeric_and_resources_have_no_physical_names(
    params: Params, plan: Plan
) -> None:
    for stack in plan.stacks:
        body = stack.rendering.body
        for name in (*body["Resources"], *body.get("Outputs", {})):
            assert re.fullmatch(r"[A-Za-z0-9]+", name)
            assert len(name) <= MAX_LOGICAL_ID
        for resource_type, key in _PHYSICAL.items():
            assert not [
                name
                for name, values in resources(stack, resource_type).items()
                if key in values and not str(values[key]).startswith("/aws/rds/")
            ]


# Actions without resource-level permissions: Service Authorization Reference, Amazon ECR, Amazon
# Message Gateway Service, CloudWatch Logs and AWS X-Ray.
_NEED_WILDCARD = {
    "ecr:GetAuthorizationToken",
    "ecs:ListTasks",  # restricted to the cluster by a condition
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


@of_all_stacks
def no_policy_allows_every_action_or_every_resource(params: Params, plan: Plan) -> None:
    for stack in plan.stacks:
        for value in nested_values(stack.rendering.body):
            if not isinstance(value, dict) or value.get("Effect") != "Allow":
                continue
            actions, arns = _list(value["Action"]), _list(value.get("Resource", []))
            assert not [action for action in actions if "*" in action]
            assert "NotAction" not in value
            assert "*" not in arns or set(actions) <= _NEED_WILDCARD


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# Services ------------------------------------------------------------------------------------


def forwarded(rule: Body) -> list[str]:
    """The target groups that a listener rule, or a service's own listener, forwards to."""
    actions = rule.get("Actions") or rule["DefaultActions"]
    forwarding = [action for action in actions if action["Type"] == "forward"]
    return [
        target["TargetGroupArn"]["Ref"]
        for action in forwarding
        for target in action.get("ForwardConfig", {}).get("TargetGroups", [action])
    ]


@of_services
def a_service_depends_on_its_listeners_and_security_group_rules(params: Params, plan: Plan) -> None:
    for stack in services(plan):
        service = stack.rendering.body["Resources"]["Service"]
        depends_on = set(service.get("DependsOn", []))
        attached = set()
        for item in service["Properties"].get("LoadBalancers", []):
            attached.add(item["TargetGroupArn"]["Ref"])
            if shift := item.get("AdvancedConfiguration"):
                attached.add(shift["AlternateTargetGroupArn"]["Ref"])
                depends_on.add(shift["ProductionListenerRule"]["Ref"])
        rules = {
            name: forwarded(rule)
            for resource_type in ("ListenerRule", "Listener")
            for name, rule in resources(stack, f"ElasticLoadBalancingV2::{resource_type}").items()
        }
        groups = set(resources(stack, "ElasticLoadBalancingV2::TargetGroup"))
        assert {name for name, groups in rules.items() if groups} <= depends_on
        assert {group for forwarded in rules.values() for group in forwarded} == groups == attached
        ingress = resources(stack, "EC2::SecurityGroupIngress")
        assert depends_on >= {*ingress, *resources(stack, "EC2::SecurityGroupEgress")}


@of_services
def reaches_adds_ingress_rules_to_the_named_services_only(params: Params, plan: Plan) -> None:
    for stack in services(plan):
        rules = resources(stack, "EC2::SecurityGroupIngress")
        security_groups = {
            rule["GroupId"]["Fn::ImportValue"]
            for name, rule in rules.items()
            if re.match("To[A-Z]", name)
        }
        reaches = params["stacks"][stack.name].get("reaches", [])
        prefix = f"{params['app']}-dev"
        assert security_groups == {f"{prefix}-{name}-SecurityGroupId" for name in reaches}


@of_services
def mounts_match_the_volumes_and_the_permissions_of_the_task_role(
    params: Params, plan: Plan
) -> None:
    for stack in services(plan):
        task = stack.rendering.body["Resources"]["TaskDefinition"]["Properties"]
        volumes = {volume["Name"]: volume for volume in task.get("Volumes", [])}
        containers = task["ContainerDefinitions"]
        mounts = [m for container in containers for m in container.get("MountPoints", [])]
        assert {mount["SourceVolume"] for mount in mounts} == volumes.keys()
        file_systems = [name for name, v in volumes.items() if "EFSVolumeConfiguration" in v]
        roles = resources(stack, "IAM::Role")
        if "TaskRole" in roles:
            policies = roles["TaskRole"].get("Policies", [])
            volume_policies = [policy for policy in policies if policy["PolicyName"] == "Volumes"]
            statements = [
                s for policy in volume_policies for s in policy["PolicyDocument"]["Statement"]
            ]
            assert len(statements) == len(file_systems)
            assert all("Condition" in statement for statement in statements)
        disks = stack.rendering.body["Resources"]["Service"]["Properties"].get(
            "VolumeConfigurations", []
        )
        configured_at_launch = {name for name, v in volumes.items() if v.get("ConfiguredAtLaunch")}
        assert {disk["Name"] for disk in disks} == configured_at_launch


def listeners_of(stack: PlannedStack, group: str) -> set[str]:
    """Listeners that forward to a target group by default or by a rule: ARNs as JSON, or IDs."""
    rules = resources(stack, "ElasticLoadBalancingV2::ListenerRule").values()
    listeners = resources(stack, "ElasticLoadBalancingV2::Listener").items()
    return {json.dumps(rule["ListenerArn"]) for rule in rules if group in forwarded(rule)} | {
        name for name, listener in listeners if group in forwarded(listener)
    }


def balancer_group(params: Params, via: str) -> Any:
    """A load balancer's security group, as a service refers to it."""
    existing = params["stacks"][via].get("existing")
    export = f"{params['app']}-dev-{via}-SecurityGroupId"
    return existing["security_group"] if existing else {"Fn::ImportValue": export}


@of_services
def security_groups_of_tasks_and_albs_allow_used_ports_only(params: Params, plan: Plan) -> None:
    for stack in services(plan):
        expose = params["stacks"][stack.name].get("expose", [])
        expected = {
            (json.dumps(balancer_group(params, route["via"])), port)
            for route in expose
            if route["via"] != "edge" and "port" in route
            for port in (route["port"], route.get("health_check", {}).get("port", route["port"]))
        }
        task_group = {"Fn::GetAtt": ["SecurityGroup", "GroupId"]}
        group_properties = {
            "Ingress": ("SourceSecurityGroupId", "GroupId"),
            "Egress": ("GroupId", "DestinationSecurityGroupId"),
        }
        for direction, (balancer, tasks) in group_properties.items():
            all_rules = resources(stack, f"EC2::SecurityGroup{direction}").items()
            others = re.compile("Edge|To[A-Z]|Sg[0-9]+Nfs")  # listeners, other services, NFS
            rules = [rule for name, rule in all_rules if not others.match(name)]
            assert all(rule[tasks] == task_group and rule["IpProtocol"] == "tcp" for rule in rules)
            assert all(rule["FromPort"] == rule["ToPort"] for rule in rules)
            allowed = [(json.dumps(rule[balancer]), rule["FromPort"]) for rule in rules]
            assert len(allowed) == len(set(allowed)), "EC2 refuses a second rule like the first"
            assert set(allowed) == expected
        security_group = resources(stack, "EC2::SecurityGroup")["SecurityGroup"]
        assert "SecurityGroupIngress" not in security_group


@of_services
def security_groups_of_tasks_and_the_nlb_allow_used_ports_only(params: Params, plan: Plan) -> None:
    has_group = params["stacks"]["edge"]["security_group"]
    edge = json.dumps({"Fn::ImportValue": f"{params['app']}-dev-edge-SecurityGroupId"})
    tasks = json.dumps({"Fn::GetAtt": ["SecurityGroup", "GroupId"]})
    for stack in services(plan):
        listener_ports: set[tuple[str, str, int]] = set()
        task_ports: set[tuple[str, int]] = set()
        for entry in params["stacks"][stack.name].get("expose", []):
            if entry["via"] != "edge":
                continue
            port, protocol = entry["port"].split("/")
            transport = "udp" if protocol == "udp" else "tcp"
            listener_ports.add((edge, transport, int(port)))
            task_ports.add((transport, entry["target_port"]))
            if protocol == "udp":
                task_ports.add(("tcp", entry["health_check"]["sidecar"]["port"]))
        allowed = {
            direction: {
                (json.dumps(rule["GroupId"]), rule["IpProtocol"], rule["FromPort"])
                for name, rule in resources(stack, f"EC2::SecurityGroup{direction}").items()
                if name.startswith("Edge")
            }
            for direction in ("Ingress", "Egress")
        }
        to_tasks = {(tasks, *port) for port in task_ports}
        assert allowed["Ingress"] == to_tasks | (listener_ports if has_group else set())
        assert allowed["Egress"] == ({(edge, *port) for port in task_ports} if has_group else set())


@of_services
def target_groups_match_the_port_mappings_of_their_containers(params: Params, plan: Plan) -> None:
    for stack in services(plan):
        service = resources(stack)["Service"]
        definitions = resources(stack)["TaskDefinition"]["ContainerDefinitions"]
        groups = resources(stack, "ElasticLoadBalancingV2::TargetGroup")
        container_ports = {
            definition["Name"]: {
                mapping["ContainerPort"] for mapping in definition.get("PortMappings", [])
            }
            for definition in definitions
        }
        for load_balancer in service.get("LoadBalancers", []):
            group_id = load_balancer["TargetGroupArn"]["Ref"]
            group = groups[group_id]
            assert load_balancer["ContainerPort"] == group["Port"]
            assert group["Port"] in container_ports[load_balancer["ContainerName"]]
            assert group["TargetType"] == "ip"
            health_port = group["HealthCheckPort"]
            assert health_port == "traffic-port" or any(
                int(health_port) in ports for ports in container_ports.values()
            )
            assert len(listeners_of(stack, group_id)) == 1


@of_services
def rules_of_a_listener_have_different_priorities(params: Params, plan: Plan) -> None:
    seen: set[tuple[str, int]] = set()
    for stack in services(plan):
        for rule in resources(stack, "ElasticLoadBalancingV2::ListenerRule").values():
            key = (json.dumps(rule["ListenerArn"]), rule["Priority"])
            assert 1 <= rule["Priority"] <= 50_000
            assert key not in seen
            seen.add(key)


# All properties, of enough environments -------------------------------------------------------


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
    "UPLOADS_BUCKET",
    "ReadIndexes",
    "EVENTS_TOPIC_ARN",
}


@pytest.mark.parametrize(
    ("kind", "features", "drawn"),
    [
        pytest.param("services", _SERVICE_FEATURES, environments(), id="services"),
        pytest.param("jobs", _JOB_FEATURES, environments(most_services=1, jobs=True), id="jobs"),
    ],
)
def test_every_property_holds_until_every_feature_was_drawn(
    kind: str, features: set[str], drawn: st.SearchStrategy[Params]
) -> None:
    missing = set(features)

    @steady(max_examples=50)
    @given(drawn)
    def draw(params: Params) -> None:
        built = plan(params)
        for check in _PROPERTIES[kind]:
            check(params, built)
        text = json.dumps([stack.rendering.body for stack in built.stacks])
        missing.difference_update({feature for feature in missing if feature in text})

    for number in range(20):
        if missing:
            seed(number)(draw)()
    assert not missing
