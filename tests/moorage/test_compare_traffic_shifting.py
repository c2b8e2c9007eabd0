"""Updates of services whose traffic ECS shifts between two target groups."""

from __future__ import annotations

from textwrap import dedent

import pytest
from comparisons import compare

SHIFTING = dedent(
    """
    Parameters:
      Production: {Type: String, Default: primary, AllowedValues: [primary, alternate]}
    Conditions:
      AlternateLive: !Equals [!Ref Production, alternate]
    Resources:
      Blue:
        Type: AWS::ElasticLoadBalancingV2::TargetGroup
        Properties: {Port: 80, Protocol: HTTP, VpcId: vpc-1, TargetType: ip}
      Green:
        Type: AWS::ElasticLoadBalancingV2::TargetGroup
        Properties: {Port: 80, Protocol: HTTP, VpcId: vpc-1, TargetType: ip}
      Rule:
        Type: AWS::ElasticLoadBalancingV2::ListenerRule
        Properties:
          ListenerArn: arn:aws:elasticloadbalancing:eu-central-1:111122223333:listener/app/a/1/2
          Priority: 20
          Conditions: [{Field: path-pattern, PathPatternConfig: {Values: [/*]}}]
          Actions:
            - Type: forward
              ForwardConfig:
                TargetGroups:
                  - {TargetGroupArn: !Ref Blue, Weight: !If [AlternateLive, 0, 100]}
                  - {TargetGroupArn: !Ref Green, Weight: !If [AlternateLive, 100, 0]}
      Service:
        Type: AWS::ECS::Service
        Properties:
          Cluster: main
          TaskDefinition: web:1
          PlatformVersion: LATEST
          DeploymentConfiguration: {Strategy: BLUE_GREEN}
          LoadBalancers:
            - ContainerName: app
              ContainerPort: 80
              TargetGroupArn: !Ref Blue
              AdvancedConfiguration:
                AlternateTargetGroupArn: !Ref Green
                ProductionListenerRule: !Ref Rule
                RoleArn: arn:aws:iam::111122223333:role/shift
    """
)
ADVANCED = SHIFTING[SHIFTING.index("          AdvancedConfiguration") :]


def shifted(*changes: tuple[str, str], old: str = SHIFTING) -> list[tuple[str, str, str]]:
    """Code, level and place of what an update of a service does whose traffic ECS shifts."""
    new = SHIFTING
    for before, replacement in changes:
        assert before in new, before
        new = new.replace(before, replacement)
    return [
        (finding.code, finding.level, ".".join(map(str, finding.path)))
        for finding in compare({"web": old}, {"web": new})
    ]


ROUTE = "Resources.Service.Properties.LoadBalancers.0.AdvancedConfiguration.ProductionListenerRule"


def test_a_new_task_definition_of_a_shifting_service_is_not_reported() -> None:
    assert shifted(("web:1", "web:2")) == []


def test_a_rule_with_weights_by_parameter_needs_the_script() -> None:
    assert shifted(("[/*]", "[/shop/*]")) == [
        ("M1406", "info", "Resources.Rule.Properties.Conditions")
    ]
    (finding,) = compare({"web": SHIFTING}, {"web": SHIFTING.replace("[/*]", "[/shop/*]")})
    assert "REVERT_DRIFT" in finding.hint
    assert "deploy.sh" in finding.hint


def test_a_rule_with_fixed_weights_is_reset() -> None:
    fixed = SHIFTING.replace("!If [AlternateLive, 0, 100]", "100")
    fixed = fixed.replace("!If [AlternateLive, 100, 0]", "0")
    reported = compare({"web": fixed}, {"web": fixed.replace("[/*]", "[/shop/*]")})
    assert [(finding.code, finding.level) for finding in reported] == [("M1406", "warning")]


@pytest.mark.parametrize(
    ("priority", "findings"),
    [
        (30, [("M1406", "error", ROUTE)]),
        (20, [("M1402", "error", "Resources.Shop.Properties.Priority")]),
        (10, []),
    ],
)
def test_a_replaced_production_rule_must_come_before_the_old_one(
    priority: int, findings: list[tuple[str, str, str]]
) -> None:
    changes = ("  Rule:", "  Shop:"), ("!Ref Rule", "!Ref Shop"), ("20", f"{priority}")
    assert shifted(*changes) == findings


def test_a_production_rule_cannot_move_to_another_listener() -> None:
    assert shifted(("listener/app/a/1/2", "listener/app/a/1/3")) == [("M1406", "error", ROUTE)]


def test_target_groups_of_a_shifting_service_cannot_be_replaced() -> None:
    assert shifted(("Port: 80, Protocol", "Port: 81, Protocol")) == [
        ("M1406", "error", "Resources.Blue.Properties.Port")
    ]


@pytest.mark.parametrize("priority", ["10", "30"])
def test_target_groups_with_new_logical_ids_are_empty(priority: str) -> None:
    """That they also have a new rule is not another mistake."""
    groups = ("Blue", "First"), ("Green", "Second")
    rule = ("  Rule:", "  Shop:"), ("!Ref Rule", "!Ref Shop"), ("20", priority)
    place = "Resources.Service.Properties.LoadBalancers.0.TargetGroupArn"
    assert shifted(*groups, *rule) == [("M1406", "error", place)]


def test_the_alternate_target_group_may_be_the_one_in_use() -> None:
    reported = shifted((ADVANCED, ""), ("BLUE_GREEN", "ROLLING"))
    assert reported == [("M1406", "warning", "Resources.Service.Properties.LoadBalancers.0")]


def test_a_strategy_needs_the_second_target_group_first() -> None:
    rolling = SHIFTING.replace("BLUE_GREEN", "ROLLING")
    assert shifted(old=rolling) == []
    place = "Resources.Service.Properties.DeploymentConfiguration.Strategy"
    without = rolling.replace(ADVANCED, "")
    assert shifted(old=without) == [("M1406", "warning", place)]
    # No deployment has switched the target groups of the rule yet.
    assert shifted(old=without.replace("[/*]", "[/shop/*]")) == [("M1406", "warning", place)]


def test_a_rule_does_not_change_together_with_what_starts_a_deployment() -> None:
    reported = shifted(("[/*]", "[/shop/*]"), ("LATEST", "1.4.0"))
    assert reported == [
        ("M1406", "info", "Resources.Rule.Properties.Conditions"),
        ("M1406", "error", "Resources.Service.Properties.PlatformVersion"),
    ]
