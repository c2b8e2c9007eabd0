"""What an update does to deployed stacks, found by comparing two versions of the templates."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from comparisons import USER, WEB, codes, compare, compare_web

from moorage.findings.codes import CODES
from moorage.findings.finding import Finding

DATABASE = dedent(
    """
    Resources:
      Cluster:
        Type: AWS::RDS::DBCluster
        DeletionPolicy: Snapshot
        UpdateReplacePolicy: Snapshot
        Properties: {DBClusterIdentifier: shop, DatabaseName: shop, Engine: aurora-mysql}
      Writer:
        Type: AWS::RDS::DBInstance
        DeletionPolicy: Delete
        UpdateReplacePolicy: Delete
        Properties: {DBClusterIdentifier: !Ref Cluster, Engine: aurora-mysql}
      Reader:
        Type: AWS::RDS::DBInstance
        DeletionPolicy: Delete
        Properties: {DBClusterIdentifier: !Ref Cluster, Engine: aurora-mysql}
    """
)


def test_the_data_of_a_cluster_is_not_in_its_instances() -> None:
    without_reader = DATABASE[: DATABASE.index("  Reader:")]
    assert codes(compare({"db": DATABASE}, {"db": without_reader})) == {}


def test_a_database_with_a_fixed_identifier_cannot_be_replaced() -> None:
    renamed = DATABASE.replace("DatabaseName: shop", "DatabaseName: other")
    found = codes(compare({"db": DATABASE}, {"db": renamed}))
    assert found["M1402"] == ["Resources.Cluster.Properties.DBClusterIdentifier"]
    assert "M1405" not in found


def test_an_unchanged_template_has_no_findings() -> None:
    assert compare_web() == {}


def test_a_new_image_is_not_reported() -> None:
    assert compare_web(('"a:1"', '"a:2"')) == {}


def test_an_update_without_replacement_is_not_reported() -> None:
    assert compare_web(("Port: 80\n      Protocol", "Port: 81\n      Protocol")) == {}


def test_replacing_a_load_balancer_replaces_listener_and_target_group() -> None:
    findings = compare_web(("Scheme: internal", "Scheme: internet-facing"))
    assert findings == {
        "M1401": [
            "Resources.Balancer.Properties.Scheme",
            "Resources.Listener.Properties.LoadBalancerArn",
        ],
        "M1404": ["Resources.Listener.Properties.DefaultActions.0.TargetGroupArn"],
    }


def test_a_new_load_balancer_with_a_new_target_group_is_accepted() -> None:
    findings = compare_web(
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
    findings = compare_web(
        ("  Listener:\n", "  Tcp80Listener:\n"), ("DependsOn: Listener", "DependsOn: Vpc")
    )
    assert findings["M1402"] == ["Resources.Tcp80Listener.Properties.Port"]


def test_a_subnet_in_another_zone_needs_another_range() -> None:
    findings = compare_web(("eu-central-1a", "eu-central-1b"))
    assert findings["M1402"] == ["Resources.Subnet.Properties.CidrBlock"]
    moved = compare_web(("eu-central-1a", "eu-central-1b"), ("10.0.0.0/24", "10.0.1.0/24"))
    assert "M1402" not in moved


def test_a_security_group_cannot_be_added_to_a_network_load_balancer() -> None:
    findings = compare_web(
        ("Subnets: [!Ref Subnet]", "Subnets: [!Ref Subnet], SecurityGroups: [sg-1]")
    )
    assert findings == {"M1404": ["Resources.Balancer.Properties.SecurityGroups"]}


def test_a_fixed_name_blocks_a_replacement() -> None:
    named = WEB.replace("Scheme: internal", "Scheme: internal, Name: web")
    new = named.replace("Scheme: internal", "Scheme: internet-facing")
    assert codes(compare({"web": named}, {"web": new}))["M1402"] == [
        "Resources.Balancer.Properties.Name"
    ]
    renamed = new.replace("Name: web", "Name: web2")
    assert "M1402" not in codes(compare({"web": named}, {"web": renamed}))


def test_a_type_cannot_change() -> None:
    findings = compare_web(("Bucket: {Type: AWS::S3::Bucket}", "Bucket: {Type: AWS::SQS::Queue}"))
    assert findings["M1402"] == ["Resources.Bucket.Type"]


def test_deleted_resources_that_hold_data() -> None:
    findings = compare_web(("  Bucket: {Type: AWS::S3::Bucket}\n", ""))
    assert findings == {"M1405": ["Resources.Bucket"]}
    kept = WEB.replace("Bucket: {Type", "Bucket: {DeletionPolicy: Retain, Type")
    new = WEB.replace("  Bucket: {Type: AWS::S3::Bucket}\n", "")
    assert compare({"web": kept}, {"web": new}) == []
    renamed = compare_web(("/web", "/shop/web"))
    assert renamed["M1405"] == ["Resources.Logs.Properties.LogGroupName"]


def test_an_export_in_use_cannot_be_deleted() -> None:
    old = {"web": WEB, "zone": USER}
    new = WEB[: WEB.index("Outputs:")]
    assert codes(compare(old, {"web": new, "zone": USER}))["M1403"] == ["Outputs.Vpc"]
    unused = codes(compare({"web": WEB}, {"web": new}))
    assert "M1403" not in unused
    moved = WEB.replace("10.0.0.0/16", "10.1.0.0/16")
    assert codes(compare(old, {"web": moved, "zone": USER}))["M1403"] == ["Outputs.Vpc.Value"]


def test_an_export_can_be_deleted_if_its_importers_are_updated_first() -> None:
    old = {"web": WEB, "zone": USER}
    free = USER.replace("!ImportValue shop-Vpc", "vpc-12345678")
    new = WEB[: WEB.index("Outputs:")]
    assert "M1403" not in codes(compare(old, {"zone": free, "web": new}))
    assert "M1403" in codes(compare(old, {"web": new, "zone": free}))


def test_a_removed_stack_stays_deployed() -> None:
    findings = compare({"web": WEB, "zone": USER}, {"web": WEB})
    assert [(finding.code, finding.place.file) for finding in findings] == [("M1407", "zone.yaml")]
    needed = compare({"web": WEB, "zone": USER}, {"zone": USER})
    assert sorted(finding.code for finding in needed) == ["M1403", "M1407"]


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
    findings = compare({"web": RULES}, {"web": swapped.replace("Priority: 0", "Priority: 2")})
    assert [(finding.code, finding.level, finding.path[1]) for finding in findings] == [
        ("M1402", "error", "First"),
        ("M1402", "error", "Second"),
    ]
    moved = RULES.replace("Priority: 2", "Priority: 3").replace("Priority: 1", "Priority: 2")
    findings = compare({"web": RULES}, {"web": moved})
    assert [(finding.code, finding.level, finding.path[1]) for finding in findings] == [
        ("M1402", "warning", "First")
    ]
    waits = moved.replace("Properties", "DependsOn: Second\n    Properties", 1)
    assert compare({"web": RULES}, {"web": waits}) == []


def test_a_unique_value_that_moves_to_another_logical_id_is_still_in_use() -> None:
    def moved(kind: str, properties: str) -> list[Finding]:
        text = f"Resources: {{Old: {{Type: {kind}, Properties: {{{properties}}}}}}}"
        return compare({"web": text}, {"web": text.replace("Old", "New")})

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
    assert compare({"web": text}, {"web": text.replace("rtb-1", "rtb-2")}) == []


def test_addresses_are_in_use_until_the_old_load_balancer_is_deleted() -> None:
    mappings = "SubnetMappings: [{SubnetId: !Ref Subnet, AllocationId: eipalloc-1}]"
    old = WEB.replace("Subnets: [!Ref Subnet]", mappings)
    new = old.replace("Scheme: internal", "Scheme: internet-facing")
    assert codes(compare({"web": old}, {"web": new}))["M1402"] == [
        "Resources.Balancer.Properties.SubnetMappings.0.AllocationId"
    ]
    late = codes(compare({"web": WEB}, {"web": old}))
    assert late == {"M1404": ["Resources.Balancer.Properties.SubnetMappings.0.AllocationId"]}
    assert compare({"web": old}, {"web": old}) == []


def test_a_changed_launch_type_replaces_the_service() -> None:
    old = WEB.replace("Cluster: main", "Cluster: main\n      LaunchType: EC2")
    new = old.replace("LaunchType: EC2", "LaunchType: FARGATE")
    assert codes(compare({"web": old}, {"web": new})) == {
        "M1401": ["Resources.Service.Properties.LaunchType"]
    }
    assert compare({"web": WEB}, {"web": new}) == []


def test_a_name_of_service_connect_blocks_a_replacement() -> None:
    connect = (
        "Cluster: main\n      ServiceConnectConfiguration: "
        "{Enabled: true, Namespace: ns, Services: [{PortName: app}]}"
    )
    old = WEB.replace("Cluster: main", connect)
    findings = codes(compare({"web": old}, {"web": old.replace("Cluster: main", "Cluster: other")}))
    assert [place.rsplit(".", 1)[1] for place in findings["M1402"]] == ["PortName"]


def test_renaming_a_container_of_a_running_service() -> None:
    assert compare_web(("{Name: app,", "{Name: web,")) == {
        "M1404": ["Resources.Service.Properties.LoadBalancers.0.ContainerName"]
    }
    assert (
        compare_web(("{Name: app,", "{Name: web,"), ("ContainerName: app", "ContainerName: web"))
        == {}
    )


def test_a_load_balancer_cannot_move_to_another_vpc() -> None:
    old = WEB.replace(
        "Subnets: [!Ref Subnet]", "Subnets: [!Ref Subnet], SecurityGroups: [!Ref Guard]"
    ).replace(
        "  Bucket:",
        "  Guard: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: a, VpcId: vpc-1}}"
        "\n  Bucket:",
    )
    findings = codes(compare({"web": old}, {"web": old.replace("vpc-1", "vpc-2")}))
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
        compare({"web": old}, {"web": old.replace("FARGATE, FARGATE_SPOT", "FARGATE")})
    ) == {"M1404": ["Resources.Cluster.Properties.CapacityProviders"]}


def test_a_listener_that_forwards_to_a_new_target_group_has_no_targets_at_first() -> None:
    findings = compare_web(
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
    assert compare({"web": text}, {"web": text.replace("Default: internal", "Default: x")}) == []
    assert compare({"web": WEB}, {"web": text}) == []
    moved = compare({"web": WEB}, {"web": text.replace("Default: internal", "Default: x")})
    assert "M1401" in codes(moved)


def test_zones_by_index_are_compared_with_zones_by_letter() -> None:
    old = WEB.replace("eu-central-1a", "!Select [0, !GetAZs '']")
    assert compare({"web": old}, {"web": WEB}) == []
    elsewhere = codes(compare({"web": old}, {"web": WEB.replace("eu-central-1a", "eu-central-1c")}))
    assert elsewhere["M1402"] == ["Resources.Subnet.Properties.CidrBlock"]


def test_the_port_of_a_removed_stack_is_still_in_use() -> None:
    findings = compare(
        {"web": WEB.replace("!Ref Balancer", "arn")}, {"shop": WEB.replace("!Ref Balancer", "arn")}
    )
    assert [finding.code for finding in findings] == ["M1402", "M1402", "M1407"]
    assert "stays deployed" in findings[0].message


def test_files_that_are_not_templates_are_skipped() -> None:
    assert compare({"web": "a: ["}, {"web": "- 1"}) == []


def test_every_code_of_an_update_has_a_test() -> None:
    source = "".join(path.read_text() for path in Path(__file__).parent.glob("test_compare*.py"))
    assert [code for code in CODES if code.startswith("M14") and f'"{code}"' not in source] == []
