"""What the comparison of two versions does not report: values that become parameters, resources
that are replaced anyway, and others of the same kind."""

from __future__ import annotations

from textwrap import dedent

import pytest
from comparisons import USER, WEB, codes, compare

PARAMETERS = "Parameters: {P: {Type: String}, L: {Type: CommaDelimitedList}}\n"
CAPACITY = dedent(
    """
    Parameters: {P: {Type: String}, L: {Type: CommaDelimitedList}}
    Resources:
      Cluster:
        Type: AWS::ECS::Cluster
        Properties: {CapacityProviders: [FARGATE, FARGATE_SPOT]}
      Other: {Type: AWS::ECS::Cluster, Properties: {CapacityProviders: [FARGATE]}}
      Service:
        Type: AWS::ECS::Service
        Properties:
          Cluster: !Ref Cluster
          CapacityProviderStrategy: [{CapacityProvider: FARGATE_SPOT}]
    """
)
IN_USE = {"M1404": ["Resources.Cluster.Properties.CapacityProviders"]}


def updated(old: str, *changes: tuple[str, str]) -> dict[str, list[str]]:
    """Places by code of what changes of a template do."""
    new = old
    for before, after in changes:
        assert before in new, before
        new = new.replace(before, after)
    return codes(compare({"web": old}, {"web": new}))


# Containers of target groups -----------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        [("{Name: app,", "{Name: !Ref P,")],
        [("ContainerName: app", "ContainerName: !Ref P"), ("{Name: app,", "{Name: web,")],
        [("TaskDefinition: !Ref Task", "TaskDefinition: other:1")],
        [("TaskDefinition: !Ref Task", "TaskDefinition: !Ref P")],
    ],
)
def test_a_container_whose_name_becomes_unknown_may_still_exist(
    changes: list[tuple[str, str]],
) -> None:
    assert updated(PARAMETERS + WEB, *changes) == {}


def test_a_name_that_was_a_parameter_is_not_compared() -> None:
    old = PARAMETERS + WEB.replace("{Name: app,", "{Name: !Ref P,")
    old = old.replace("ContainerName: app", "ContainerName: !Ref P")
    assert updated(old, ("{Name: !Ref P,", "{Name: web,")) == {}


def test_an_image_from_a_parameter_does_not_hide_a_removed_container() -> None:
    found = updated(PARAMETERS + WEB, ("{Name: app,", "{Name: web,"), ('"a:1"', "!Ref P"))
    assert found == {"M1404": ["Resources.Service.Properties.LoadBalancers.0.ContainerName"]}


def test_a_container_that_the_task_never_had_is_not_removed() -> None:
    old = WEB.replace("ContainerName: app", "ContainerName: missing")
    assert updated(old, ("{Name: app,", "{Name: web,")) == {}


def test_each_service_is_compared_with_its_own_task() -> None:
    added = WEB.replace("  Service:", "  Added:").replace("Resources:\n", "")
    service = added[added.index("  Added:") : added.index("  Bucket:")]
    new = WEB.replace("  Service:", f"{service}  Service:").replace("{Name: app,", "{Name: web,")
    found = codes(compare({"web": WEB}, {"web": new}))
    assert found["M1404"] == ["Resources.Service.Properties.LoadBalancers.0.ContainerName"]


# Capacity providers --------------------------------------------------------------------------


def test_capacity_providers_from_a_parameter_may_be_the_same() -> None:
    assert updated(CAPACITY, ("[FARGATE, FARGATE_SPOT]", "!Ref L")) == {}
    assert updated(CAPACITY, ("[FARGATE, FARGATE_SPOT]", "[FARGATE, !Ref P]")) == {}


@pytest.mark.parametrize(
    ("old", "found"),
    [
        (CAPACITY, IN_USE),
        (CAPACITY.replace("Cluster: !Ref Cluster", "Cluster: !Ref Other"), {}),
        (CAPACITY.replace("{CapacityProvider: FARGATE_SPOT}", "{CapacityProvider: FARGATE}"), {}),
        (CAPACITY.replace("Cluster: !Ref Cluster", "Cluster: main"), {}),
        (CAPACITY.replace("AWS::ECS::Cluster\n", "Custom::Cluster\n"), {}),
    ],
)
def test_only_what_a_service_of_the_cluster_uses_is_in_use(
    old: str, found: dict[str, list[str]]
) -> None:
    assert updated(old, ("[FARGATE, FARGATE_SPOT]", "[FARGATE]")) == found


def test_a_new_association_may_come_before_the_removal() -> None:
    association = (
        "  Providers: {Type: AWS::ECS::ClusterCapacityProviderAssociations, Properties: {Cluster: "
        "!Ref Cluster, CapacityProviders: [FARGATE, FARGATE_SPOT], "
        "DefaultCapacityProviderStrategy: []}}\n  Service:"
    )
    found = updated(
        CAPACITY,
        ("{CapacityProviders: [FARGATE, FARGATE_SPOT]}", "{CapacityProviders: [FARGATE]}"),
        ("  Service:", association),
    )
    assert found == {"M1406": IN_USE["M1404"]}
    queue = updated(
        CAPACITY,
        ("[FARGATE, FARGATE_SPOT]", "[FARGATE]"),
        ("  Service:", "  Q: {Type: A}\n  Service:"),
    )
    assert queue == IN_USE


def test_a_service_that_is_deployed_earlier_no_longer_uses_it() -> None:
    cluster = CAPACITY[: CAPACITY.index("  Service:")]
    cluster += "Outputs: {C: {Value: !Ref Cluster, Export: {Name: c}}}\n"
    service = "Resources:\n" + CAPACITY[CAPACITY.index("  Service:") :]
    service = service.replace("!Ref Cluster", "!ImportValue c")
    removed = cluster.replace("[FARGATE, FARGATE_SPOT]", "[FARGATE]")
    later = compare({"a": cluster, "b": service}, {"a": removed, "b": service})
    assert codes(later) == IN_USE
    earlier = compare({"b": service, "a": cluster}, {"b": service, "a": removed})
    assert codes(earlier) == {}


# CodeDeploy ----------------------------------------------------------------------------------

CONTROLLED = WEB.replace("Type: ECS}", "Type: CODE_DEPLOY}")


def test_a_replaced_service_of_codedeploy_is_new() -> None:
    found = updated(CONTROLLED, ("Cluster: main", "Cluster: other"), ('"a:1"', '"a:2"'))
    assert "M1404" not in found


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("EXTERNAL", "ECS", []),
        ("CODE_DEPLOY", "EXTERNAL", []),
        ("ECS", "EXTERNAL", []),
        ("CODE_DEPLOY", "ECS", ["M1406"]),
    ],
)
def test_other_controllers_can_change(old: str, new: str, found: list[str]) -> None:
    before = WEB.replace("Type: ECS}", f"Type: {old}}}")
    after = WEB.replace("Type: ECS}", f"Type: {new}}}")
    assert list(codes(compare({"web": before}, {"web": after}))) == found


def test_each_service_of_codedeploy_is_compared() -> None:
    """A service of ECS and one whose controller changes come first."""
    service = WEB[WEB.index("  Service:") : WEB.index("  Bucket:")]
    first = service.replace("  Service:", "  First:").replace(
        "DependsOn: Listener", "DependsOn: Vpc"
    )
    second = first.replace("  First:", "  Second:").replace("Type: ECS}", "Type: CODE_DEPLOY}")
    old = CONTROLLED.replace("  Service:", f"{first}{second}  Service:")
    new = old.replace(second, second.replace("CODE_DEPLOY", "ECS")).replace('"a:1"', '"a:2"')
    found = codes(compare({"web": old}, {"web": new}))
    assert found["M1404"] == ["Resources.Service.Properties.TaskDefinition"]


def test_a_task_definition_that_changes_twice_is_reported_once() -> None:
    family = (
        "\n  Family: {Type: AWS::ECS::TaskDefinition, Properties: {Family: b, "
        "ContainerDefinitions: [{Name: app}]}}\n  Service:"
    )
    found = updated(
        CONTROLLED.replace("\n  Service:", family),
        ("TaskDefinition: !Ref Task", "TaskDefinition: !Ref Family"),
        ("{Family: b,", "{Family: c,"),
    )
    assert found["M1404"] == ["Resources.Service.Properties.TaskDefinition"]


HOOK = "Transform: AWS::CodeDeployBlueGreen\n" + WEB
IMAGE, QUEUE = ('"a:1"', '"a:2"'), ("AWS::S3::Bucket}", "AWS::S3::Bucket, Properties: {Tags: []}}")
REPORT = ["Resources.Bucket"]


@pytest.mark.parametrize(
    ("old", "changes", "found"),
    [
        (HOOK, [IMAGE, QUEUE], REPORT),
        (HOOK, [IMAGE], None),
        (HOOK, [QUEUE], None),
        (HOOK.replace("AWS::CodeDeployBlueGreen", "AWS::Serverless"), [IMAGE, QUEUE], None),
        (WEB, [IMAGE, QUEUE], None),
    ],
)
def test_the_hook_deploys_only_a_task_definition(
    old: str, changes: list[tuple[str, str]], found: list[str] | None
) -> None:
    assert updated(old, *changes).get("M1404") == found


def test_the_hook_of_one_stack_does_not_concern_others() -> None:
    other = "Resources: {Mail: {Type: AWS::SQS::Queue, Properties: {DelaySeconds: 1}}}\n"
    new = HOOK.replace(*IMAGE)
    changed = other.replace("1", "2")
    for old, after in (
        ({"web": HOOK, "other": other}, {"web": new, "other": changed}),
        ({"other": other, "web": HOOK}, {"other": changed, "web": new}),
    ):
        assert codes(compare(old, after)) == {}
    both = new.replace(*QUEUE)
    found = codes(compare({"other": other, "web": HOOK}, {"other": other, "web": both}))
    assert found == {"M1404": REPORT}


# Load balancers ------------------------------------------------------------------------------


def test_an_application_load_balancer_can_get_a_security_group() -> None:
    group = ("Subnets: [!Ref Subnet]", "Subnets: [!Ref Subnet], SecurityGroups: [sg-1]")
    assert updated(WEB.replace("Type: network", "Type: application"), group) == {}
    replaced = updated(WEB, group, ("Scheme: internal", "Scheme: internet-facing"))
    assert "Resources.Balancer.Properties.SecurityGroups" not in replaced["M1404"]


def test_addresses_of_a_replaced_load_balancer_are_new() -> None:
    mapping = "SubnetMappings: [{SubnetId: !Ref Subnet, PrivateIPv4Address: 10.0.0.8}]"
    old = WEB.replace("Subnets: [!Ref Subnet]", mapping)
    address = ("10.0.0.8", "10.0.0.9")
    place = "Resources.Balancer.Properties.SubnetMappings.0.PrivateIPv4Address"
    assert updated(old, address) == {"M1404": [place]}
    replaced = updated(old, address, ("Scheme: internal", "Scheme: internet-facing"))
    assert place not in replaced["M1404"]
    parameter = updated(PARAMETERS + old, ("10.0.0.8", "!Ref P"))
    assert parameter == {}


def test_a_subnet_of_another_zone_can_be_added() -> None:
    second = (
        "  Second: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.1.0/24, "
        "AvailabilityZone: %s}}\n  Balancer:"
    )
    both = ("Subnets: [!Ref Subnet]", "Subnets: [!Ref Subnet, !Ref Second]")
    assert updated(WEB, ("  Balancer:", second % "eu-central-1b"), both) == {}
    assert updated(WEB, ("  Balancer:", second % "eu-central-1a"), both) == {
        "M1404": ["Resources.Balancer.Properties.Subnets"]
    }
    by_parameter = (second % "!Ref P", "Parameters: {P: {Type: String}}\n")
    assert updated(by_parameter[1] + WEB, ("  Balancer:", by_parameter[0]), both) == {}


def test_only_load_balancers_stay_in_a_vpc() -> None:
    """A subnet of another VPC replaces the target group and its load balancer's subnets."""
    group = WEB.replace(
        "  Bucket:",
        "  Guard: {Type: AWS::EC2::SecurityGroup, Properties: "
        "{GroupDescription: a, VpcId: vpc-1}}\n  Bucket:",
    )
    unused = updated(group, ("vpc-1", "vpc-2"))
    assert "M1404" not in unused
    listed = group.replace(
        "  Bucket:",
        "  Set: {Type: Custom::Set, Properties: {SecurityGroups: [!Ref Guard]}}\n  Bucket:",
    )
    assert "M1404" not in updated(listed, ("vpc-1", "vpc-2"))


# Target groups and exports -------------------------------------------------------------------

MOVED = (
    ("  Group:\n", "  Group2:\n"),
    ("forward, TargetGroupArn: !Ref Group}", "forward, TargetGroupArn: !Ref Group2}"),
    ("80, TargetGroupArn: !Ref Group}", "80, TargetGroupArn: !Ref Group2}"),
)


def test_a_listener_with_an_old_target_group_has_targets() -> None:
    kept = (
        *MOVED[1:],
        (
            "  Listener:\n",
            "  Group2: {Type: AWS::ElasticLoadBalancingV2::TargetGroup}\n  Listener:\n",
        ),
    )
    assert updated(WEB, *kept) == {}


def test_a_replaced_listener_is_new() -> None:
    scheme = ("Scheme: internal", "Scheme: internet-facing")
    assert "M1406" not in updated(WEB, *MOVED, scheme)


def test_a_listener_that_did_not_forward_is_not_interrupted() -> None:
    old = WEB.replace(
        "{Type: forward, TargetGroupArn: !Ref Group}",
        "{Type: fixed-response, FixedResponseConfig: {StatusCode: 200}}",
    )
    old = old[: old.index("  Task:")] + old[old.index("  Bucket:") :]
    new = WEB[: WEB.index("  Task:")] + WEB[WEB.index("  Bucket:") :]
    new = new.replace("  Group:\n", "  Group2:\n").replace("!Ref Group}", "!Ref Group2}")
    assert codes(compare({"web": old}, {"web": new})) == {}


def test_an_export_that_becomes_a_parameter_may_be_the_same() -> None:
    old = {"web": PARAMETERS + WEB.replace("Value: !Ref Vpc", "Value: vpc-1"), "zone": USER}
    new = {**old, "web": old["web"].replace("Value: vpc-1", "Value: !Ref P")}
    assert codes(compare(old, new)) == {}
    changed = {**old, "web": old["web"].replace("Value: vpc-1", "Value: vpc-2")}
    assert codes(compare(old, changed)) == {"M1403": ["Outputs.Vpc.Value"]}


def test_a_removed_stack_whose_export_nobody_imports() -> None:
    unused = WEB.replace("shop-Vpc", "shop-Other")
    assert "M1403" not in codes(compare({"web": unused, "zone": USER}, {"zone": USER}))
    (found,) = [f for f in compare({"web": WEB, "zone": USER}, {"zone": USER}) if f.code == "M1403"]
    assert "zone imports shop-Vpc" in found.message
    two = compare({"web": WEB, "a": USER, "b": USER}, {"a": USER, "b": USER})
    assert "a, b import shop-Vpc" in next(f.message for f in two if f.code == "M1403")


# Other types ---------------------------------------------------------------------------------


def test_a_list_of_containers_from_a_parameter_may_have_the_container() -> None:
    definitions = WEB[WEB.index("      ContainerDefinitions:") : WEB.index("  Service:")]
    old = PARAMETERS + WEB
    assert updated(old, (definitions, "      ContainerDefinitions: !Ref L\n")) == {}


def test_properties_of_other_types_mean_something_else() -> None:
    custom = (
        "  Custom: {Type: Custom::Thing, Properties: {Cluster: !Ref Cluster, DeploymentController: "
        "{Type: CODE_DEPLOY}, CapacityProviders: [FARGATE_SPOT, x]}}\n  Service:"
    )
    old = CAPACITY.replace("  Service:", custom)
    assert updated(old, ("[FARGATE_SPOT, x]", "[y]")) == {}


def test_a_second_listener_with_a_new_target_group_is_reported() -> None:
    """The first one keeps its target group, and a bucket comes before both."""
    second = WEB[WEB.index("  Listener:") : WEB.index("  Task:")].replace("  Listener:", "  Kept:")
    second = second.replace("Port: 80", "Port: 81").replace("!Ref Group", "!Ref Stays")
    group = "  Stays: {Type: AWS::ElasticLoadBalancingV2::TargetGroup}\n"
    old = WEB.replace("  Listener:", f"{group}{second}  Listener:")
    assert updated(old, *MOVED) == {
        "M1406": ["Resources.Listener.Properties.DefaultActions.0.TargetGroupArn"]
    }


def test_a_listener_that_loses_its_target_group_has_none_to_wait_for() -> None:
    answer = "{Type: fixed-response, FixedResponseConfig: {StatusCode: 200}}"
    old = WEB[: WEB.index("  Task:")] + WEB[WEB.index("  Bucket:") :]
    group = old[old.index("  Group:") : old.index("  Listener:")]
    found = updated(old, (group, ""), ("{Type: forward, TargetGroupArn: !Ref Group}", answer))
    assert found == {}
