"""Updates after which requests go to a target group that has no targets yet."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from command_line import main
from comparisons import compare

ROUTE = dedent(
    """
    Parameters:
      Number: {Type: Number}
    Resources:
      Port80Group:
        Type: AWS::ElasticLoadBalancingV2::TargetGroup
        Properties: {Port: 80, Protocol: HTTP, VpcId: vpc-1, TargetType: ip}
      Port80Rule:
        Type: AWS::ElasticLoadBalancingV2::ListenerRule
        Properties:
          ListenerArn: arn:aws:elasticloadbalancing:eu-central-1:111122223333:listener/app/a/1/2
          Priority: 20
          Conditions: [{Field: path-pattern, PathPatternConfig: {Values: [/*]}}]
          Actions: [{Type: forward, TargetGroupArn: !Ref Port80Group}]
      Service:
        Type: AWS::ECS::Service
        Properties:
          Cluster: main
          TaskDefinition: web:1
          LoadBalancers: [{ContainerName: app, ContainerPort: 80, TargetGroupArn: !Ref Port80Group}]
    """
)
ENTRY = "Resources.Service.Properties.LoadBalancers.0.TargetGroupArn"
PARAMS = """\
app: shop
region: eu-central-1
stacks:
  network: {template: network, egress: nat}
  cluster: {template: cluster}
  public: {template: alb, scheme: internal}
  web:
    template: service
    containers: {app: {image: "ecr:shop/web:1", ports: [8080]}}
    expose: [{via: public, paths: ["/*"]}]
"""


def moved(*changes: tuple[str, str], old: str = ROUTE) -> list[tuple[str, str, str]]:
    """Code, place and message of what a change of the port does, and of further changes."""
    new = old.replace("80", "90")
    for before, after in changes:
        assert before in new, before
        new = new.replace(before, after)
    return [
        (finding.code, ".".join(map(str, finding.path)), finding.message)
        for finding in compare({"web": old}, {"web": new})
    ]


@pytest.mark.parametrize(
    ("priority", "message"),
    [
        ("10", "Port90Rule takes the place of Port80Rule and comes first at once"),
        ("30", "comes after it until the end of the update, when the old tasks of Service are"),
        ("!Ref Number", "both exist until the end of the update"),
    ],
)
def test_another_port_of_a_route_is_another_rule(priority: str, message: str) -> None:
    ((code, place, text),) = moved(("Priority: 20", f"Priority: {priority}"))
    assert (code, place) == ("M1406", ENTRY)
    assert message in text
    assert "requests fail in the meantime" in text


def test_a_rule_with_the_priority_of_the_old_one_is_a_conflict() -> None:
    assert [code for code, *_ in moved()] == ["M1402"]


@pytest.mark.parametrize(
    "change",
    [
        ("listener/app/a/1/2", "listener/app/a/1/3"),
        ("[/*]", "[/shop/*]"),
    ],
)
def test_a_rule_for_other_requests_does_not_take_the_place(change: tuple[str, str]) -> None:
    ((code, place, text),) = moved(("Priority: 20", "Priority: 10"), change)
    assert (code, place) == ("M1406", ENTRY)
    assert "in the update that creates the listener" in text


def test_a_rule_that_stays_has_its_targets() -> None:
    both = ROUTE.replace("  Service:", "  Other: {Type: AWS::S3::Bucket}\n  Service:")
    rule = both[both.index("  Port80Rule") : both.index("  Other")]
    new = both.replace(rule, rule + rule.replace("Port80Rule", "Second").replace("20", "10"))
    assert compare({"web": both}, {"web": new}) == []


def test_a_service_that_is_new_or_replaced_has_no_tasks_to_move() -> None:
    """The service of another name is created, and a service of another cluster is replaced."""
    priority = ("Priority: 20", "Priority: 10")
    assert moved(priority, ("  Service:\n", "  Other:\n")) == []
    assert {code for code, *_ in moved(priority, ("Cluster: main", "Cluster: c"))} == {"M1401"}


def test_codedeploy_refuses_the_change_anyway() -> None:
    controlled = ROUTE.replace(
        "Cluster: main", "Cluster: main\n      DeploymentController: {Type: CODE_DEPLOY}"
    )
    found = moved(("Priority: 20", "Priority: 10"), old=controlled)
    assert [code for code, *_ in found] == ["M1404"]


def test_check_against_knows_a_route_whose_port_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params = tmp_path / "params/dev.yaml"
    arguments = ["--params", str(tmp_path / "params"), "--out", str(tmp_path / "out")]
    params.parent.mkdir()
    params.write_text(PARAMS)
    assert main(["build", *arguments]) == 0
    (tmp_path / "out").rename(tmp_path / "before")
    params.write_text(PARAMS.replace("8080", "9090"))
    assert main(["build", *arguments]) == 0
    capsys.readouterr()
    assert main(["check", "dev", *arguments, "--against", str(tmp_path / "before")]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if " M1406 " in line]
    assert "PublicApp9090ListenerRule takes the place of PublicApp8080ListenerRule" in line
