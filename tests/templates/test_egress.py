"""`egress:`: where the tasks of a stack may connect to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from moorage.pipeline.build import build
from templates import TEMPLATES


def resources(folder: Path, web: str, network: str = "{}") -> dict[str, Any]:
    """The resources of the service `web` with these params, which build without a finding."""
    (folder / "params").mkdir()
    (folder / "params" / "dev.yaml").write_text(f"""\
app: shop
region: eu-central-1
stacks:
  network: {network}
  cluster: {{namespace: true}}
  prices:
    template: service
    discovery: true
    containers: {{prices: {{image: "ecr:shop/prices:1", ports: [8080, 53/udp]}}}}
  web:
    template: service
    {web}
""")
    built = build(folder / "params", "dev", TEMPLATES)
    assert built.findings == ()
    assert built.plan is not None
    (stack,) = [stack for stack in built.plan.stacks if stack.name == "web"]
    resources: dict[str, Any] = stack.rendering.body["Resources"]
    return resources


CONTAINERS = 'containers: {web: {image: "ecr:shop/web:1"}}'


def test_without_the_setting_a_security_group_has_no_egress_rules(tmp_path: Path) -> None:
    group = resources(tmp_path, CONTAINERS)["SecurityGroup"]["Properties"]
    assert "SecurityGroupEgress" not in group


@pytest.mark.parametrize(
    ("network", "blocks"),
    [
        ("{}", [{"CidrIp": "0.0.0.0/0"}]),
        ("{ipv6: true}", [{"CidrIp": "0.0.0.0/0"}, {"CidrIpv6": "::/0"}]),
    ],
)
def test_https_is_always_allowed(tmp_path: Path, network: str, blocks: list[Any]) -> None:
    built = resources(tmp_path, f"{CONTAINERS}\n    egress: []", network)
    rules = built["SecurityGroup"]["Properties"]["SecurityGroupEgress"]
    https = {"Description": "HTTPS", "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    assert rules == [https | block for block in blocks]


def test_services_that_it_reaches_are_allowed(tmp_path: Path) -> None:
    built = resources(tmp_path, f"{CONTAINERS}\n    egress: []\n    reaches: [prices]")
    rules = {
        (rule["Properties"]["IpProtocol"], rule["Properties"]["FromPort"])
        for rule in built.values()
        if rule["Type"] == "AWS::EC2::SecurityGroupEgress"
    }
    assert rules == {("tcp", 8080), ("udp", 53)}
    assert {"ToPricesTcp8080Egress", "ToPricesUdp53Egress"} < {*built["Service"]["DependsOn"]}


def test_a_rule_that_is_written_twice_is_one_rule(tmp_path: Path) -> None:
    entry = "{to: [0.0.0.0/0], ports: [443, 8443, 8443]}"
    built = resources(tmp_path, f"{CONTAINERS}\n    egress: [{entry}]")
    rules = built["SecurityGroup"]["Properties"]["SecurityGroupEgress"]
    assert [rule["FromPort"] for rule in rules] == [443, 8443]
