"""What an update does to deployed stacks, found by comparing two versions of the templates."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest
from command_line import main

from moorage.findings.codes import CODES
from moorage.findings.finding import Finding
from moorage.update.compare import compare_templates
from moorage.update.previous_version import (
    NoSuchVersionError,
    load_previous_environment,
    load_previous_template,
)

WEB = dedent(
    """
    Resources:
      Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
      Subnet:
        Type: AWS::EC2::Subnet
        Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.0.0/24, AvailabilityZone: eu-central-1a}
      Balancer:
        Type: AWS::ElasticLoadBalancingV2::LoadBalancer
        Properties: {Type: network, Scheme: internal, Subnets: [!Ref Subnet]}
      Group:
        Type: AWS::ElasticLoadBalancingV2::TargetGroup
        Properties: {Port: 80, Protocol: TCP, VpcId: !Ref Vpc, TargetType: ip}
      Listener:
        Type: AWS::ElasticLoadBalancingV2::Listener
        Properties:
          LoadBalancerArn: !Ref Balancer
          Port: 80
          Protocol: TCP
          DefaultActions: [{Type: forward, TargetGroupArn: !Ref Group}]
      Task:
        Type: AWS::ECS::TaskDefinition
        Properties:
          NetworkMode: awsvpc
          ContainerDefinitions:
            - {Name: app, Image: "a:1", PortMappings: [{ContainerPort: 80}]}
      Service:
        Type: AWS::ECS::Service
        DependsOn: Listener
        Properties:
          Cluster: main
          TaskDefinition: !Ref Task
          DeploymentController: {Type: ECS}
          LoadBalancers: [{ContainerName: app, ContainerPort: 80, TargetGroupArn: !Ref Group}]
      Bucket: {Type: AWS::S3::Bucket}
      Logs: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /web}}
    Outputs:
      Vpc: {Value: !Ref Vpc, Export: {Name: shop-Vpc}}
    """
)
USER = """
Resources:
  Zone:
    Type: AWS::Route53::HostedZone
    Properties: {Name: x.internal, VPCs: [{VPCId: !ImportValue shop-Vpc, VPCRegion: eu-central-1}]}
"""


def texts(**templates: str) -> Mapping[str, tuple[str, str]]:
    return {name: (f"{name}.yaml", text) for name, text in templates.items()}


def judged(old: Mapping[str, str], new: Mapping[str, str]) -> list[Finding]:
    return compare_templates(texts(**old), texts(**new), "eu-central-1")


def codes(findings: list[Finding]) -> dict[str, list[str]]:
    """Places by code."""
    found: dict[str, list[str]] = {}
    for finding in findings:
        found.setdefault(finding.code, []).append(".".join(map(str, finding.path)))
    return found


def after(*changes: tuple[str, str]) -> dict[str, list[str]]:
    text = WEB
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return codes(judged({"web": WEB}, {"web": text}))


def test_an_unchanged_template_has_no_findings() -> None:
    assert after() == {}


def test_a_new_image_is_not_reported() -> None:
    assert after(('"a:1"', '"a:2"')) == {}


def test_an_update_without_replacement_is_not_reported() -> None:
    assert after(("Port: 80\n      Protocol", "Port: 81\n      Protocol")) == {}


def test_replacing_a_load_balancer_replaces_listener_and_target_group() -> None:
    findings = after(("Scheme: internal", "Scheme: internet-facing"))
    assert findings == {
        "M1401": [
            "Resources.Balancer.Properties.Scheme",
            "Resources.Listener.Properties.LoadBalancerArn",
        ],
        "M1404": ["Resources.Listener.Properties.DefaultActions.0.TargetGroupArn"],
    }


def test_a_new_load_balancer_with_a_new_target_group_is_accepted() -> None:
    findings = after(
        ("Scheme: internal", "Scheme: internet-facing"),
        ("  Group:\n", "  Group2:\n"),
        ("forward, TargetGroupArn: !Ref Group}", "forward, TargetGroupArn: !Ref Group2}"),
        (
            "ContainerPort: 80, TargetGroupArn: !Ref Group}",
            "ContainerPort: 80, TargetGroupArn: !Ref Group2}",
        ),
    )
    assert "M1404" not in findings


def test_a_new_logical_id_of_a_listener_conflicts_with_the_old_port() -> None:
    findings = after(
        ("  Listener:\n", "  Tcp80Listener:\n"), ("DependsOn: Listener", "DependsOn: Vpc")
    )
    assert findings["M1402"] == ["Resources.Tcp80Listener.Properties.Port"]


def test_a_subnet_in_another_zone_needs_another_range() -> None:
    findings = after(("eu-central-1a", "eu-central-1b"))
    assert findings["M1402"] == ["Resources.Subnet.Properties.CidrBlock"]
    moved = after(("eu-central-1a", "eu-central-1b"), ("10.0.0.0/24", "10.0.1.0/24"))
    assert "M1402" not in moved


def test_a_security_group_cannot_be_added_to_a_network_load_balancer() -> None:
    findings = after(("Subnets: [!Ref Subnet]", "Subnets: [!Ref Subnet], SecurityGroups: [sg-1]"))
    assert findings == {"M1404": ["Resources.Balancer.Properties.SecurityGroups"]}


def test_a_fixed_name_blocks_a_replacement() -> None:
    named = WEB.replace("Scheme: internal", "Scheme: internal, Name: web")
    new = named.replace("Scheme: internal", "Scheme: internet-facing")
    assert codes(judged({"web": named}, {"web": new}))["M1402"] == [
        "Resources.Balancer.Properties.Name"
    ]
    renamed = new.replace("Name: web", "Name: web2")
    assert "M1402" not in codes(judged({"web": named}, {"web": renamed}))


def test_a_type_cannot_change() -> None:
    findings = after(("Bucket: {Type: AWS::S3::Bucket}", "Bucket: {Type: AWS::SQS::Queue}"))
    assert findings["M1402"] == ["Resources.Bucket.Type"]


def test_deleted_resources_that_hold_data() -> None:
    findings = after(("  Bucket: {Type: AWS::S3::Bucket}\n", ""))
    assert findings == {"M1405": ["Resources.Bucket"]}
    kept = WEB.replace("Bucket: {Type", "Bucket: {DeletionPolicy: Retain, Type")
    new = WEB.replace("  Bucket: {Type: AWS::S3::Bucket}\n", "")
    assert judged({"web": kept}, {"web": new}) == []
    renamed = after(("/web", "/shop/web"))
    assert renamed["M1405"] == ["Resources.Logs.Properties.LogGroupName"]


def test_an_export_in_use_cannot_be_deleted() -> None:
    old = {"web": WEB, "zone": USER}
    new = WEB[: WEB.index("Outputs:")]
    assert codes(judged(old, {"web": new, "zone": USER}))["M1403"] == ["Outputs.Vpc"]
    unused = codes(judged({"web": WEB}, {"web": new}))
    assert "M1403" not in unused
    moved = WEB.replace("10.0.0.0/16", "10.1.0.0/16")
    assert codes(judged(old, {"web": moved, "zone": USER}))["M1403"] == ["Outputs.Vpc.Value"]


def test_an_export_can_be_deleted_if_its_importers_are_updated_first() -> None:
    old = {"web": WEB, "zone": USER}
    free = USER.replace("!ImportValue shop-Vpc", "vpc-12345678")
    new = WEB[: WEB.index("Outputs:")]
    assert "M1403" not in codes(judged(old, {"zone": free, "web": new}))
    assert "M1403" in codes(judged(old, {"web": new, "zone": free}))


def test_a_removed_stack_stays_deployed() -> None:
    findings = judged({"web": WEB, "zone": USER}, {"web": WEB})
    assert [(finding.code, finding.place.file) for finding in findings] == [("M1407", "zone.yaml")]
    needed = judged({"web": WEB, "zone": USER}, {"zone": USER})
    assert sorted(finding.code for finding in needed) == ["M1403", "M1407"]


def test_an_update_of_a_codedeploy_service_can_fail_for_other_changes() -> None:
    old = WEB.replace("Type: ECS}", "Type: CODE_DEPLOY}")
    new = old.replace("Cluster: main", "Cluster: main\n      DesiredCount: 3")
    assert codes(judged({"web": old}, {"web": new})) == {
        "M1406": ["Resources.Service.Properties.DesiredCount"]
    }


def test_a_codedeploy_service_rejects_most_updates() -> None:
    old = WEB.replace("Type: ECS}", "Type: CODE_DEPLOY}")
    new = old.replace('"a:1"', '"a:2"')
    new = new.replace("Cluster: main", "Cluster: main\n      DesiredCount: 3")
    assert codes(judged({"web": old}, {"web": new})) == {
        "M1404": ["Resources.Service.Properties.TaskDefinition"]
    }


FAMILY = """
Resources:
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties: {Family: shop-web, Cpu: "256"}
  Service:
    Type: AWS::ECS::Service
    Properties:
      TaskDefinition: shop-web
      DeploymentController: {Type: CODE_DEPLOY}
  Blue: {Type: AWS::ElasticLoadBalancingV2::TargetGroup}
  Green: {Type: AWS::ElasticLoadBalancingV2::TargetGroup}
  Rule:
    Type: AWS::ElasticLoadBalancingV2::ListenerRule
    Properties:
      ListenerArn: !ImportValue listener
      Priority: 5
      Actions: [{Type: forward, TargetGroupArn: !Ref Blue}]
  Deployments:
    Type: AWS::CodeDeploy::DeploymentGroup
    Properties:
      LoadBalancerInfo:
        TargetGroupPairInfoList:
          - ProdTrafficRoute: {ListenerArns: [!ImportValue listener]}
            TargetGroups:
              - {Name: !GetAtt Blue.TargetGroupName}
              - {Name: !GetAtt Green.TargetGroupName}
"""


def test_a_codedeploy_service_that_names_a_family_can_get_a_new_revision() -> None:
    new = FAMILY.replace('"256"', '"512"')
    assert not {"M1404", "M1406"} & set(codes(judged({"web": FAMILY}, {"web": new})))


def test_an_update_reverts_the_rule_that_codedeploy_switched() -> None:
    new = FAMILY.replace("Priority: 5", "Priority: 6")
    found = codes(judged({"web": FAMILY}, {"web": new}))
    assert found == {"M1406": ["Resources.Rule.Properties.Priority"]}


def test_an_update_reverts_the_listener_that_codedeploy_switched() -> None:
    pair = dedent(
        """
          Deployments:
            Type: AWS::CodeDeploy::DeploymentGroup
            Properties:
              LoadBalancerInfo:
                TargetGroupPairInfoList:
                  - ProdTrafficRoute: {ListenerArns: [!Ref Listener]}
        Outputs:"""
    )
    old = WEB.replace("\nOutputs:", pair)
    new = old.replace("Port: 80\n      Protocol", "Port: 81\n      Protocol")
    assert codes(judged({"web": old}, {"web": new})) == {
        "M1406": ["Resources.Listener.Properties.Port"]
    }


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
        for finding in judged({"web": old}, {"web": new})
    ]


ROUTE = "Resources.Service.Properties.LoadBalancers.0.AdvancedConfiguration.ProductionListenerRule"


def test_a_new_task_definition_of_a_shifting_service_is_not_reported() -> None:
    assert shifted(("web:1", "web:2")) == []


def test_a_rule_with_weights_by_parameter_needs_the_script() -> None:
    assert shifted(("[/*]", "[/shop/*]")) == [
        ("M1406", "info", "Resources.Rule.Properties.Conditions")
    ]
    (finding,) = judged({"web": SHIFTING}, {"web": SHIFTING.replace("[/*]", "[/shop/*]")})
    assert "REVERT_DRIFT" in finding.hint
    assert "deploy.sh" in finding.hint


def test_a_rule_with_fixed_weights_is_reset() -> None:
    fixed = SHIFTING.replace("!If [AlternateLive, 0, 100]", "100")
    fixed = fixed.replace("!If [AlternateLive, 100, 0]", "0")
    found = judged({"web": fixed}, {"web": fixed.replace("[/*]", "[/shop/*]")})
    assert [(finding.code, finding.level) for finding in found] == [("M1406", "warning")]


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
    found = shifted((ADVANCED, ""), ("BLUE_GREEN", "ROLLING"))
    assert found == [("M1406", "warning", "Resources.Service.Properties.LoadBalancers.0")]


def test_a_strategy_needs_the_second_target_group_first() -> None:
    rolling = SHIFTING.replace("BLUE_GREEN", "ROLLING")
    assert shifted(old=rolling) == []
    place = "Resources.Service.Properties.DeploymentConfiguration.Strategy"
    without = rolling.replace(ADVANCED, "")
    assert shifted(old=without) == [("M1406", "warning", place)]
    # No deployment has switched the target groups of the rule yet.
    assert shifted(old=without.replace("[/*]", "[/shop/*]")) == [("M1406", "warning", place)]


def test_a_rule_does_not_change_together_with_what_starts_a_deployment() -> None:
    found = shifted(("[/*]", "[/shop/*]"), ("LATEST", "1.4.0"))
    assert found == [
        ("M1406", "info", "Resources.Rule.Properties.Conditions"),
        ("M1406", "error", "Resources.Service.Properties.PlatformVersion"),
    ]


def test_a_service_cannot_change_to_code_deploy() -> None:
    new = WEB.replace("Type: ECS}", "Type: CODE_DEPLOY}").replace('"a:1"', '"a:2"')
    place = "Resources.Service.Properties.DeploymentController"
    assert codes(judged({"web": WEB}, {"web": new})) == {"M1404": [place]}
    (back,) = judged({"web": new}, {"web": WEB})
    assert (back.code, back.level) == ("M1406", "warning")


RULES = dedent(
    """
    Resources:
      First:
        Type: AWS::ElasticLoadBalancingV2::ListenerRule
        Properties: {ListenerArn: arn, Priority: 1, Conditions: [], Actions: []}
      Second:
        Type: AWS::ElasticLoadBalancingV2::ListenerRule
        Properties: {ListenerArn: arn, Priority: 2, Conditions: [], Actions: []}
    """
)


def test_priorities_that_are_swapped_are_in_use() -> None:
    swapped = RULES.replace("Priority: 1", "Priority: 0").replace("Priority: 2", "Priority: 1")
    findings = judged({"web": RULES}, {"web": swapped.replace("Priority: 0", "Priority: 2")})
    assert [(finding.code, finding.level, finding.path[1]) for finding in findings] == [
        ("M1402", "error", "First"),
        ("M1402", "error", "Second"),
    ]
    moved = RULES.replace("Priority: 2", "Priority: 3").replace("Priority: 1", "Priority: 2")
    findings = judged({"web": RULES}, {"web": moved})
    assert [(finding.code, finding.level, finding.path[1]) for finding in findings] == [
        ("M1402", "warning", "First")
    ]
    waits = moved.replace("Properties", "DependsOn: Second\n    Properties", 1)
    assert judged({"web": RULES}, {"web": waits}) == []


def test_a_unique_value_that_moves_to_another_logical_id_is_still_in_use() -> None:
    def moved(kind: str, properties: str) -> list[Finding]:
        text = f"Resources: {{Old: {{Type: {kind}, Properties: {{{properties}}}}}}}"
        return judged({"web": text}, {"web": text.replace("Old", "New")})

    rule = "GroupId: sg-1, IpProtocol: tcp, FromPort: 80, ToPort: 80, CidrIp: 10.0.0.0/8"
    for kind, properties in (
        ("AWS::EC2::SecurityGroupIngress", rule),
        ("AWS::EC2::SubnetRouteTableAssociation", "SubnetId: subnet-1, RouteTableId: rtb-1"),
        ("AWS::EC2::NatGateway", "SubnetId: subnet-1, AllocationId: eipalloc-1"),
        ("AWS::ECS::CapacityProvider", "Name: spot"),
        ("AWS::Route53::RecordSet", "HostedZoneId: Z1, Name: a.example.com, Type: A"),
    ):
        assert [finding.code for finding in moved(kind, properties)] == ["M1402"], kind
    assert moved("AWS::IAM::Policy", "PolicyName: main, Roles: [web]") == []


def test_an_association_is_deleted_before_its_replacement_is_created() -> None:
    text = (
        "Resources: {A: {Type: AWS::EC2::SubnetRouteTableAssociation, "
        "Properties: {SubnetId: subnet-1, RouteTableId: rtb-1}}}"
    )
    assert judged({"web": text}, {"web": text.replace("rtb-1", "rtb-2")}) == []


def test_addresses_are_in_use_until_the_old_load_balancer_is_deleted() -> None:
    mappings = "SubnetMappings: [{SubnetId: !Ref Subnet, AllocationId: eipalloc-1}]"
    old = WEB.replace("Subnets: [!Ref Subnet]", mappings)
    new = old.replace("Scheme: internal", "Scheme: internet-facing")
    assert codes(judged({"web": old}, {"web": new}))["M1402"] == [
        "Resources.Balancer.Properties.SubnetMappings.0.AllocationId"
    ]
    late = codes(judged({"web": WEB}, {"web": old}))
    assert late == {"M1404": ["Resources.Balancer.Properties.SubnetMappings.0.AllocationId"]}
    assert judged({"web": old}, {"web": old}) == []


def test_a_changed_launch_type_replaces_the_service() -> None:
    old = WEB.replace("Cluster: main", "Cluster: main\n      LaunchType: EC2")
    new = old.replace("LaunchType: EC2", "LaunchType: FARGATE")
    assert codes(judged({"web": old}, {"web": new})) == {
        "M1401": ["Resources.Service.Properties.LaunchType"]
    }
    assert judged({"web": WEB}, {"web": new}) == []


def test_a_name_of_service_connect_blocks_a_replacement() -> None:
    connect = (
        "Cluster: main\n      ServiceConnectConfiguration: "
        "{Enabled: true, Namespace: ns, Services: [{PortName: app}]}"
    )
    old = WEB.replace("Cluster: main", connect)
    findings = codes(judged({"web": old}, {"web": old.replace("Cluster: main", "Cluster: other")}))
    assert [place.rsplit(".", 1)[1] for place in findings["M1402"]] == ["PortName"]


def test_renaming_a_container_of_a_running_service() -> None:
    assert after(("{Name: app,", "{Name: web,")) == {
        "M1404": ["Resources.Service.Properties.LoadBalancers.0.ContainerName"]
    }
    assert after(("{Name: app,", "{Name: web,"), ("ContainerName: app", "ContainerName: web")) == {}


def test_a_load_balancer_cannot_move_to_another_vpc() -> None:
    old = WEB.replace(
        "Subnets: [!Ref Subnet]", "Subnets: [!Ref Subnet], SecurityGroups: [!Ref Guard]"
    ).replace(
        "  Bucket:",
        "  Guard: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: a, VpcId: vpc-1}}"
        "\n  Bucket:",
    )
    findings = codes(judged({"web": old}, {"web": old.replace("vpc-1", "vpc-2")}))
    assert findings["M1404"] == ["Resources.Balancer.Properties.SecurityGroups.0"]


def test_capacity_in_use_cannot_be_removed() -> None:
    cluster = dedent(
        """
          Cluster:
            Type: AWS::ECS::Cluster
            Properties: {CapacityProviders: [FARGATE, FARGATE_SPOT]}
        Outputs:"""
    )
    strategy = "[{CapacityProvider: FARGATE_SPOT, Weight: 1}]"
    old = WEB.replace("\nOutputs:", cluster).replace(
        "Cluster: main", f"Cluster: !Ref Cluster\n      CapacityProviderStrategy: {strategy}"
    )
    assert codes(
        judged({"web": old}, {"web": old.replace("FARGATE, FARGATE_SPOT", "FARGATE")})
    ) == {"M1404": ["Resources.Cluster.Properties.CapacityProviders"]}


def test_a_listener_that_forwards_to_a_new_target_group_has_no_targets_at_first() -> None:
    findings = after(
        ("  Group:\n", "  Group2:\n"),
        ("forward, TargetGroupArn: !Ref Group}", "forward, TargetGroupArn: !Ref Group2}"),
        (
            "ContainerPort: 80, TargetGroupArn: !Ref Group}",
            "ContainerPort: 80, TargetGroupArn: !Ref Group2}",
        ),
    )
    assert findings == {"M1406": ["Resources.Listener.Properties.DefaultActions.0.TargetGroupArn"]}


def test_a_changed_parameter_default_does_not_change_a_deployed_stack() -> None:
    text = "Parameters: {S: {Type: String, Default: internal}}\n" + WEB.replace(
        "Scheme: internal", "Scheme: !Ref S"
    )
    assert judged({"web": text}, {"web": text.replace("Default: internal", "Default: x")}) == []
    assert judged({"web": WEB}, {"web": text}) == []
    moved = judged({"web": WEB}, {"web": text.replace("Default: internal", "Default: x")})
    assert "M1401" in codes(moved)


def test_zones_by_index_are_compared_with_zones_by_letter() -> None:
    old = WEB.replace("eu-central-1a", "!Select [0, !GetAZs '']")
    assert judged({"web": old}, {"web": WEB}) == []
    other = codes(judged({"web": old}, {"web": WEB.replace("eu-central-1a", "eu-central-1c")}))
    assert other["M1402"] == ["Resources.Subnet.Properties.CidrBlock"]


def test_the_port_of_a_removed_stack_is_still_in_use() -> None:
    findings = judged(
        {"web": WEB.replace("!Ref Balancer", "arn")}, {"shop": WEB.replace("!Ref Balancer", "arn")}
    )
    assert [finding.code for finding in findings] == ["M1402", "M1402", "M1407"]
    assert "stays deployed" in findings[0].message


def test_files_that_are_not_templates_are_skipped() -> None:
    assert judged({"web": "a: ["}, {"web": "- 1"}) == []


def test_every_code_of_an_update_has_a_test() -> None:
    source = Path(__file__).read_text()
    assert [code for code in CODES if code.startswith("M14") and f'"{code}"' not in source] == []


# Where the old version comes from --------------------------------------------------------------


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with params and out/ of an environment, committed."""
    (tmp_path / "params").mkdir()
    (tmp_path / "params" / "dev.yaml").write_text(
        "app: shop\nregion: eu-central-1\nstacks:\n"
        "  network: {}\n  edge: {template: nlb, scheme: internal}\n"
    )
    assert built(tmp_path) == 0
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        subprocess.run(["git", "-C", str(tmp_path), *identity, *words], check=True)
    return tmp_path


def arguments(folder: Path) -> list[str]:
    return ["--params", str(folder / "params"), "--out", str(folder / "out")]


def built(folder: Path) -> int:
    return main(["build", *arguments(folder)])


def test_check_compares_with_a_revision_or_a_folder(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = repository / "before"
    (repository / "out").rename(before)
    params = repository / "params" / "dev.yaml"
    params.write_text(params.read_text().replace("internal", "internet-facing"))
    assert built(repository) == 0
    for source in ("HEAD", str(before), str(before / "dev")):
        capsys.readouterr()
        assert main(["check", "dev", *arguments(repository), "--against", source]) == 0
        output = capsys.readouterr().out
        assert "M1401 Resources.LoadBalancer.Properties.Scheme: LoadBalancer" in output
        assert "DNS name and addresses change" in output
    capsys.readouterr()
    file = str(repository / "out" / "dev" / "edge.yaml")
    main(["check", file, "--against", "HEAD"])
    assert "M1401" in capsys.readouterr().out


def test_a_new_environment_has_no_previous_version(repository: Path) -> None:
    assert load_previous_environment("HEAD", repository / "out" / "prod") is None
    assert (
        load_previous_environment(str(repository / "out" / "dev"), repository / "out" / "prod")
        is None
    )
    assert load_previous_template("HEAD", repository / "new.yaml") == {}
    old = load_previous_environment("HEAD", repository / "out" / "dev")
    assert old is not None
    assert list(old.texts) == ["shop-dev-network", "shop-dev-edge"]


def test_another_region_or_application_is_another_environment(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params = repository / "params" / "dev.yaml"
    text = params.read_text()
    for old, new, message in (
        ("region: eu-central-1", "region: eu-west-1", "The environment was in eu-central-1"),
        ("app: shop", "app: store", "`shop-dev-edge` is no longer built"),
    ):
        params.write_text(text.replace(old, new))
        assert built(repository) == 0
        capsys.readouterr()
        assert main(["check", "dev", *arguments(repository), "--against", "HEAD"]) == 0
        output = capsys.readouterr().out
        assert message in output
        assert "M1401" not in output


def test_templates_without_a_previous_version_are_reported(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fresh = repository / "fresh.yaml"
    fresh.write_text("Resources: {A: {Type: AWS::SNS::Topic}}")
    for command in (
        ["check", str(fresh), "--against", "HEAD"],
        ["check", "dev", *arguments(repository), "--against", str(repository / "params")],
    ):
        assert main(command) == 0
        assert "M1408" in capsys.readouterr().out
    old = repository / "old.yaml"
    old.write_text("Resources: {B: {Type: AWS::S3::Bucket}}")
    main(["check", str(fresh), "--against", str(old)])
    assert "M1405" in capsys.readouterr().out


@pytest.mark.parametrize("source", ["nope", "--help", "HEAD:params", ""])
def test_an_unknown_revision_is_a_usage_error(
    source: str, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(NoSuchVersionError):
        load_previous_environment(source or "no such folder", repository / "out" / "dev")
    command = ["check", "dev", *arguments(repository), f"--against={source or 'none'}"]
    assert main(command) == 2
    assert "neither a folder nor a git revision" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../secret.yaml", "/etc/hostname", "", ".."])
def test_a_manifest_names_files_of_its_own_folder(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "out" / "dev"
    folder.mkdir(parents=True)
    stacks = [{"stack_name": "shop-dev-web", "template": name}]
    manifest = {"environment": "dev", "region": "eu-central-1", "stacks": stacks}
    (folder / "stacks.json").write_text(json.dumps(manifest))
    with pytest.raises(NoSuchVersionError, match="was not written by a build"):
        load_previous_environment(str(tmp_path / "out"), folder)
