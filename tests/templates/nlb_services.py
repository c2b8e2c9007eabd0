"""A service behind a Network Load Balancer as tests build it, and its template."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from moorage.findings.finding import Finding
from moorage.pipeline.compose import compose
from moorage.pipeline.load import Document
from moorage.pipeline.render import render
from moorage.pipeline.validate import validate
from templates import TEMPLATES

REGION, ACCOUNT = "eu-central-1", "123456789012"
HERE = f"{REGION}:{ACCOUNT}"
CERTIFICATE = f"arn:aws:acm:{HERE}:certificate/0a1b2c3d-1111-4222-8333-444455556666"
NLB = f"arn:aws:elasticloadbalancing:{HERE}:loadbalancer/net/edge/50dc6c495c0c9188"
GROUP, CLIENT_GROUP = "sg-0123456789abcdef0", "sg-0fedcba9876543210"
IMPORTED = {"Fn::ImportValue": "shop-dev-edge-SecurityGroupId"}
TASKS = {"Fn::GetAtt": ["SecurityGroup", "GroupId"]}

ECHO = {"sidecar": {"probe": "echo"}}
ALL = {"clients": ["0.0.0.0/0"]}
UDP = {"via": "edge", "port": "1234/udp", "health_check": ECHO, **ALL}
TLS = {"via": "edge", "port": "443/tls", "target_port": 8443, "certificate": CERTIFICATE, **ALL}
TCP = {"via": "edge", "port": 8443, **ALL}
DNS = {"via": "edge", "port": "54/tcp_udp", **ALL}
OPEN = {"template": "nlb", "security_group": False}
INTERNAL = {"template": "nlb", "scheme": "internal"}
EXISTING_NLB = {"arn": NLB, "addresses": ["10.7.0.0/24"]}

UNHEALTHY = "target_health_state.unhealthy.connection_termination.enabled"

Rule = tuple[str, str, str, int, Any]
"""Direction, security group, protocol, port, and source or destination."""


def without_clients(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != "clients"}


def stacks(*expose: dict[str, Any], **options: Any) -> dict[str, Any]:
    """A service `web` with a container `app`; `edge` and other stacks replace the usual ones."""
    names = {"edge", "network", "rival", "public"} & options.keys()
    container = {
        "image": "ecr:shop/app:1",
        "ports": ["1234/udp", "53/udp", 54, 8443, 9000],
        **options.get("container", {}),
    }
    service = {
        "template": "service",
        "desired_count": 2,
        "containers": {"app": container, **options.get("more", {})},
        "expose": list(expose),
        **options.get("service", {}),
    }
    usual = {"network": {}, "cluster": {}, "edge": {"template": "nlb"}}
    return {**usual, **{name: options[name] for name in names}, "web": service}


def document(all_stacks: dict[str, Any]) -> Document:
    data = {"app": "shop", "region": REGION, "stacks": all_stacks}
    return Document("dev", "params/dev.yaml", data, {})


def body(*expose: dict[str, Any], warnings: Collection[str] = (), **options: Any) -> dict[str, Any]:
    """The resources of the service, of which nothing but these warnings is reported."""
    parsed = document(stacks(*expose, **options))
    env, findings = validate(parsed, TEMPLATES)
    assert env is not None, findings
    assert {finding.code for finding in findings} == set(warnings)
    stack = next(stack for stack in compose(env, TEMPLATES) if stack.name == "web")
    rendering, faults = render(stack, parsed, "yaml")
    assert rendering is not None, faults
    resources: dict[str, Any] = rendering.body["Resources"]
    return resources


def all_findings(all_stacks: dict[str, Any]) -> list[Finding]:
    """All findings of an environment."""
    _, findings = validate(document(all_stacks), TEMPLATES)
    return findings


def find_findings(*expose: dict[str, Any], **options: Any) -> list[tuple[str, str]]:
    """Code and path of each finding of the service."""
    findings = all_findings(stacks(*expose, **options))
    assert all(finding.path[:2] == ("stacks", "web") for finding in findings), findings
    return [
        (finding.code, ".".join(str(step) for step in finding.path[2:])) for finding in findings
    ]


def properties(resources: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [
        resource["Properties"]
        for resource in resources.values()
        if resource["Type"].endswith(f"::{kind}")
    ]


def rules(resources: dict[str, Any]) -> set[Rule]:
    """All security group rules, of which EC2 refuses duplicates."""
    all_rules = [
        (
            entry,
            _end(property_["GroupId"]),
            property_["IpProtocol"],
            property_["FromPort"],
            _other(property_),
        )
        for entry in ("Ingress", "Egress")
        for property_ in properties(resources, f"SecurityGroup{entry}")
        if property_["FromPort"] == property_["ToPort"]
    ]
    assert len(set(all_rules)) == len(all_rules)
    return set(all_rules)


def _end(group: Any) -> str:
    return {repr(IMPORTED): "edge", repr(TASKS): "tasks"}.get(repr(group), str(group))


def _other(rule: dict[str, Any]) -> str:
    keys = ("CidrIp", "CidrIpv6", "SourcePrefixListId")
    groups = ("SourceSecurityGroupId", "DestinationSecurityGroupId")
    (end,) = [rule[key] for key in (*keys, *groups) if key in rule]
    return _end(end)


def attributes(resources: dict[str, Any]) -> dict[str, str]:
    (group,) = properties(resources, "TargetGroup")
    return {pair["Key"]: pair["Value"] for pair in group["TargetGroupAttributes"]}


def sidecar(resources: dict[str, Any], name: str = "health-1234") -> dict[str, Any]:
    (task,) = properties(resources, "TaskDefinition")
    containers: dict[str, Any] = {
        definition["Name"]: definition for definition in task["ContainerDefinitions"]
    }
    container: dict[str, Any] = containers[name]
    return container
