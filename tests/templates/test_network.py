"""What the network template composes, and what it says of params that could not be deployed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from itertools import combinations
from typing import Any

import pytest
from cfnlint.helpers import AVAILABILITY_ZONES

from moorage.findings.finding import Finding
from moorage.model import Environment
from moorage.pipeline.load import Document
from moorage.pipeline.validate import validate
from templates import network

TEMPLATES = {"network": network}
ENV = Environment("dev", "shop", "eu-central-1", None, {}, None, {})

Resources = dict[str, dict[str, Any]]


def params(**given: Any) -> network.Params:
    return network.Params.model_validate(given)


def body(region: str = "eu-central-1", **given: Any) -> dict[str, Any]:
    template = network.compose("network", params(**given), replace(ENV, region=region))
    assert template is not None
    return template.to_dict()


def resources(region: str = "eu-central-1", **given: Any) -> Resources:
    return body(region, **given)["Resources"]


def of_type(kind: str, among: Resources) -> Resources:
    return {name: one for name, one in among.items() if one["Type"] == f"AWS::EC2::{kind}"}


def properties(kind: str, among: Resources) -> dict[str, dict[str, Any]]:
    return {name: one["Properties"] for name, one in of_type(kind, among).items()}


def findings(region: str = "eu-central-1", **given: Any) -> list[Finding]:
    data = {"app": "shop", "region": region, "stacks": {"network": given}}
    return validate(Document("dev", "dev.yaml", data, {}), TEMPLATES)[1]


def codes(region: str = "eu-central-1", **given: Any) -> list[tuple[str, str]]:
    """Code and path below the stack of each finding."""
    return [
        (one.code, ".".join(str(step) for step in one.path[2:]))
        for one in findings(region, **given)
    ]


def waits_for(name: str, among: Resources) -> set[str]:
    """All that CloudFormation makes before a resource: by DependsOn, Ref and GetAtt."""
    seen: set[str] = set()
    ahead = [name]
    while ahead:
        one = among[ahead.pop()]
        found = {*one.get("DependsOn", []), *referred(one["Properties"])} & among.keys() - seen
        seen |= found
        ahead += found
    return seen


def referred(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "Ref" in value:
            yield value["Ref"]
        if "Fn::GetAtt" in value:
            yield value["Fn::GetAtt"][0]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from referred(item)


EVERY = [
    {"egress": egress, "ipv6": ipv6}
    for egress in ("public", "nat", "nat-per-az", "endpoints")
    for ipv6 in (False, True)
]


# Addresses -----------------------------------------------------------------------------------


def test_a_zone_that_is_added_changes_nothing_that_was_there() -> None:
    two, three, four = (resources("us-east-1", availability_zones=count) for count in (2, 3, 4))
    assert two.items() <= three.items() <= four.items()


def test_a_zone_that_is_added_keeps_ipv6_blocks_and_nat_gateways() -> None:
    two, four = (
        resources("us-east-1", availability_zones=count, ipv6=True, egress="nat-per-az")
        for count in (2, 4)
    )
    assert two.items() <= four.items()


@pytest.mark.parametrize("cidr", ["10.20.0.0/16", "10.0.0.0/19", "192.168.2.0/23"])
def test_subnets_lie_apart_inside_the_vpc_and_leave_the_last_quarter(cidr: str) -> None:
    subnets = properties("Subnet", resources("us-east-1", cidr=cidr, availability_zones=4))
    blocks = {name: ip_network(one["CidrBlock"]) for name, one in subnets.items()}
    *three_quarters, last = ip_network(cidr).subnets(prefixlen_diff=2)
    assert len(blocks) == 8
    assert not any(one.overlaps(other) for one, other in combinations(blocks.values(), 2))
    assert not any(one.overlaps(last) for one in blocks.values())
    assert sum(one.num_addresses for one in blocks.values()) == 3 * last.num_addresses
    assert all(any(one.subnet_of(part) for part in three_quarters) for one in blocks.values())


def test_private_subnets_take_eighths_and_public_ones_sixteenths() -> None:
    subnets = properties("Subnet", resources(cidr="10.0.0.0/16"))
    assert {name: one["CidrBlock"] for name, one in subnets.items()} == {
        "PrivateSubnetA": "10.0.0.0/19",
        "PrivateSubnetB": "10.0.32.0/19",
        "PublicSubnetA": "10.0.128.0/20",
        "PublicSubnetB": "10.0.144.0/20",
    }


def test_ipv6_blocks_are_all_different_and_wait_for_the_vpcs_block() -> None:
    every = resources("us-east-1", availability_zones=4, ipv6=True)
    subnets = properties("Subnet", every)
    chosen = [one["Ipv6CidrBlock"]["Fn::Select"][0] for one in subnets.values()]
    assert sorted(chosen) == list(range(8))
    assert all("Ipv6CidrBlock" in waits_for(name, every) for name in subnets)


# Zones ---------------------------------------------------------------------------------------


def test_zones_by_name_are_taken_in_their_order() -> None:
    names = ["ap-northeast-1c", "ap-northeast-1a"]
    subnets = properties("Subnet", resources("ap-northeast-1", availability_zones=names))
    assert subnets["PublicSubnetA"]["AvailabilityZone"] == "ap-northeast-1c"
    assert subnets["PrivateSubnetB"]["AvailabilityZone"] == "ap-northeast-1a"


def test_public_and_private_subnet_of_a_letter_share_their_zone() -> None:
    subnets = properties("Subnet", resources(availability_zones=3))
    zones = {name: one["AvailabilityZone"] for name, one in subnets.items()}
    for index, key in enumerate("ABC"):
        place = {"Fn::Select": [index, {"Fn::GetAZs": {"Ref": "AWS::Region"}}]}
        assert zones[f"PublicSubnet{key}"] == zones[f"PrivateSubnet{key}"] == place


@pytest.mark.parametrize("region", sorted(AVAILABILITY_ZONES))
def test_no_region_is_held_to_have_more_zones_than_it_has(region: str) -> None:
    known = len(AVAILABILITY_ZONES[region])
    assert all(codes(region, availability_zones=count) for count in (2, 3, 4) if count > known)


# Ways in and out -----------------------------------------------------------------------------


@pytest.mark.parametrize("given", EVERY, ids=str)
def test_what_needs_the_internet_gateway_waits_for_its_attachment(given: dict[str, Any]) -> None:
    every = resources(availability_zones=3, **given)
    routes = properties("Route", every)
    needy = [name for name, route in routes.items() if "GatewayId" in route]
    needy += [*of_type("EIP", every), *of_type("NatGateway", every)]
    assert all("InternetGatewayAttachment" in every[name]["DependsOn"] for name in needy)
    assert "PublicRoute" in needy


@pytest.mark.parametrize("given", EVERY, ids=str)
def test_each_subnet_has_the_routes_of_its_kind(given: dict[str, Any]) -> None:
    every = resources(availability_zones=3, **given)
    tables = {
        one["SubnetId"]["Ref"]: one["RouteTableId"]["Ref"]
        for one in properties("SubnetRouteTableAssociation", every).values()
    }
    assert tables.keys() == of_type("Subnet", every).keys()
    nat = {"public": "", "endpoints": "", "nat": "AAA", "nat-per-az": "ABC"}[given["egress"]]
    for index, key in enumerate("ABC"):
        public, private = (
            routes_of(tables[f"{kind}Subnet{key}"], every) for kind in ("Public", "Private")
        )
        assert public.pop("0.0.0.0/0") == "InternetGateway"
        if nat:
            assert private.pop("0.0.0.0/0") == f"NatGateway{nat[index]}"
        if given["ipv6"]:
            assert public.pop("::/0") == "InternetGateway"
        if given["ipv6"] and nat:
            assert private.pop("::/0") == "EgressOnlyInternetGateway"
        assert public == private == {}


def routes_of(table: str, among: Resources) -> dict[str, str]:
    """Target by destination."""
    result = {}
    for route in properties("Route", among).values():
        if route["RouteTableId"]["Ref"] == table:
            destination = route.get("DestinationCidrBlock") or route["DestinationIpv6CidrBlock"]
            (target,) = (route[key]["Ref"] for key in route if key.endswith("GatewayId"))
            result[destination] = target
    return result


def test_each_nat_gateway_stands_in_the_public_subnet_of_its_zone() -> None:
    gateways = properties("NatGateway", resources(egress="nat-per-az", availability_zones=3))
    assert {name: one["SubnetId"]["Ref"] for name, one in gateways.items()} == {
        f"NatGateway{key}": f"PublicSubnet{key}" for key in "ABC"
    }
    addresses = [one["AllocationId"]["Fn::GetAtt"][0] for one in gateways.values()]
    assert len(set(addresses)) == 3


def test_more_nat_gateways_keep_the_first_with_its_address() -> None:
    one, many = resources(egress="nat"), resources(egress="nat-per-az")
    assert {"NatGatewayA", "NatAddressA"} <= one.keys()
    assert all(many[name] == one[name] for name in ("NatGatewayA", "NatAddressA"))


def test_no_subnet_gives_out_public_addresses() -> None:
    subnets = properties("Subnet", resources())
    assert not any(one["MapPublicIpOnLaunch"] for one in subnets.values())


# Endpoints -----------------------------------------------------------------------------------


def test_tasks_reach_all_they_need_at_start_by_endpoints() -> None:
    every = resources(egress="endpoints", availability_zones=3)
    endpoints = properties("VPCEndpoint", every)
    names = {
        one["ServiceName"].removeprefix("com.amazonaws.eu-central-1.") for one in endpoints.values()
    }
    assert names == {"s3", "ecr.api", "ecr.dkr", "logs", "secretsmanager", "ssm", "ssmmessages"}
    tables = (
        {"Ref": "PrivateRouteTableA"},
        {"Ref": "PrivateRouteTableB"},
        {"Ref": "PrivateRouteTableC"},
    )
    assert endpoints["S3Endpoint"]["RouteTableIds"] == list(tables)
    for name, one in endpoints.items():
        if name != "S3Endpoint":
            assert one["VpcEndpointType"] == "Interface"
            assert one["PrivateDnsEnabled"] is True
            assert one["SubnetIds"] == [{"Ref": f"PrivateSubnet{key}"} for key in "ABC"]
            assert one["SecurityGroupIds"] == [{"Ref": "EndpointSecurityGroup"}]


def test_private_dns_finds_a_vpc_that_allows_it() -> None:
    vpc = resources(egress="endpoints")["Vpc"]["Properties"]
    assert (vpc["EnableDnsSupport"], vpc["EnableDnsHostnames"]) == (True, True)


def test_endpoints_admit_https_from_the_vpc_and_nothing_else() -> None:
    group = resources(egress="endpoints", cidr="10.9.0.0/16")["EndpointSecurityGroup"]["Properties"]
    (inward,), (outward,) = group["SecurityGroupIngress"], group["SecurityGroupEgress"]
    del inward["Description"]
    assert inward == {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "10.9.0.0/16"}
    assert outward["CidrIp"] == "127.0.0.1/32"
    assert group["VpcId"] == {"Ref": "Vpc"}


def test_endpoints_are_made_only_where_asked() -> None:
    for egress in ("public", "nat", "nat-per-az"):
        assert not of_type("VPCEndpoint", resources(egress=egress))


def test_more_services_get_an_endpoint_of_their_kind() -> None:
    whole = "com.amazonaws.eu-central-1.execute-api"
    every = resources(egress="endpoints", endpoints=["sqs", "dynamodb", whole])
    endpoints = properties("VPCEndpoint", every)
    assert endpoints["SqsEndpoint"]["ServiceName"] == "com.amazonaws.eu-central-1.sqs"
    assert endpoints["DynamodbEndpoint"]["VpcEndpointType"] == "Gateway"
    assert endpoints["ExecuteApiEndpoint"]["ServiceName"] == whole


def test_names_of_endpoint_services_in_china() -> None:
    endpoints = properties("VPCEndpoint", resources("cn-north-1", egress="endpoints"))
    assert endpoints["EcrDkrEndpoint"]["ServiceName"] == "cn.com.amazonaws.cn-north-1.ecr.dkr"
    assert endpoints["LogsEndpoint"]["ServiceName"] == "com.amazonaws.cn-north-1.logs"


# Flow logs -----------------------------------------------------------------------------------


def test_flow_logs_are_written_by_a_role_that_can_do_nothing_else() -> None:
    every = resources(flow_logs={"traffic": "reject", "retention": "14d"})
    log, group = every["FlowLog"]["Properties"], every["FlowLogGroup"]["Properties"]
    assert (log["TrafficType"], log["ResourceId"]) == ("REJECT", {"Ref": "Vpc"})
    assert group == {"RetentionInDays": 14}
    role = every["FlowLogRole"]["Properties"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
    account = {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert trust["Condition"] == {"StringEquals": account}
    ((statement,),) = (one["PolicyDocument"]["Statement"] for one in role["Policies"])
    assert statement["Resource"] == [{"Fn::GetAtt": ["FlowLogGroup", "Arn"]}]
    assert all(action.startswith("logs:") and "*" not in action for action in statement["Action"])


def test_no_flow_logs_unless_asked() -> None:
    assert not {"FlowLog", "FlowLogGroup", "FlowLogRole"} & resources().keys()


# Handle --------------------------------------------------------------------------------------


def test_all_that_the_handle_imports_is_exported() -> None:
    given = {"availability_zones": 3, "egress": "nat", "ipv6": True}
    handle = network.handle("network", params(**given), ENV)
    outputs = body(**given)["Outputs"]
    exported = {one["Export"]["Name"]: one["Value"]["Ref"] for one in outputs.values()}
    for taken in (handle.public_subnets, handle.private_subnets):
        assert len(taken) == 3
    names = [
        one.to_dict()["Fn::ImportValue"]
        for one in (handle.vpc_id, *handle.public_subnets, *handle.private_subnets)
    ]
    assert [exported[name] for name in names] == [
        "Vpc",
        *(f"PublicSubnet{key}" for key in "ABC"),
        *(f"PrivateSubnet{key}" for key in "ABC"),
    ]
    assert (handle.cidr, handle.egress, handle.ipv6) == ("10.0.0.0/16", "nat", True)
    assert handle.public_cidrs == ("10.0.128.0/20", "10.0.144.0/20", "10.0.160.0/20")
    assert handle.private_cidrs == ("10.0.0.0/19", "10.0.32.0/19", "10.0.64.0/19")


def test_an_existing_network_is_literal_and_makes_no_stack() -> None:
    given = params(existing={"vpc": "vpc-0a1b2c3d", "private_subnets": ["subnet-0a1b2c3d"]})
    assert network.compose("network", given, ENV) is None
    assert network.handle("network", given, ENV) == network.Handle(
        vpc_id="vpc-0a1b2c3d",
        public_subnets=(),
        private_subnets=("subnet-0a1b2c3d",),
        cidr=None,
        egress=None,
        ipv6=False,
        public_cidrs=None,
        private_cidrs=None,
    )


# Findings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"cidr": "10.0.0.0/15"}, ("M1218", "cidr")),
        ({"cidr": "10.0.0.0/24"}, ("M1218", "cidr")),
        ({"cidr": "fd00::/20"}, ("M1218", "cidr")),
        ({"cidr": "169.254.0.0/16"}, ("M1218", "cidr")),
        ({"cidr": "10.0.1.0/16"}, ("M1107", "cidr")),
        ({"availability_zones": 1}, ("M1105", "availability_zones")),
        ({"availability_zones": 5}, ("M1105", "availability_zones")),
        ({"availability_zones": 4}, ("M1105", "availability_zones")),
        ({"availability_zones": True}, ("M1103", "availability_zones")),
        ({"availability_zones": "eu-central-1a"}, ("M1103", "availability_zones")),
        ({"availability_zones": ["eu-central-1a"]}, ("M1105", "availability_zones")),
        ({"availability_zones": ["a", "b"]}, ("M1107", "availability_zones")),
        ({"availability_zones": ["eu-central-1a", 2]}, ("M1107", "availability_zones")),
        (
            {"availability_zones": ["eu-central-1a", "eu-west-1a"]},
            ("M1107", "availability_zones.1"),
        ),
        (
            {"availability_zones": ["eu-central-1a", "eu-central-1b", "eu-central-1a"]},
            ("M1107", "availability_zones.2"),
        ),
        ({"egress": "natt"}, ("M1104", "egress")),
        ({"endpoints": ["sqs"]}, ("M1220", "endpoints")),
        ({"egress": "endpoints", "endpoints": ["logs"]}, ("M1220", "endpoints.0")),
        ({"egress": "endpoints", "endpoints": ["sqs", "sqs"]}, ("M1220", "endpoints.1")),
        ({"egress": "endpoints", "endpoints": ["SQS"]}, ("M1107", "endpoints.0")),
        (
            {"egress": "endpoints", "endpoints": ["com.amazonaws.us-east-1.sqs"]},
            ("M1107", "endpoints.0"),
        ),
        ({"flow_logs": {"traffic": "some"}}, ("M1104", "flow_logs.traffic")),
        ({"existing": {"vpc": "vpc-0a1b2c3d"}}, ("M1108", "existing")),
        ({"existing": {"vpc": "my-vpc"}}, ("M1107", "existing.vpc")),
        (
            {"cidr": "10.0.0.0/16"}
            | {"existing": {"vpc": "vpc-0a1b2c3d", "public_subnets": ["subnet-0a1b2c3d"]}},
            ("M1108", "existing"),
        ),
        (
            {
                "existing": {
                    "vpc": "vpc-0a1b2c3d",
                    "public_subnets": ["subnet-0a1b2c3d"],
                    "private_subnets": ["subnet-11111111", "subnet-0a1b2c3d"],
                }
            },
            ("M1107", "existing.private_subnets.1"),
        ),
    ],
    ids=str,
)
def test_params_that_could_not_be_deployed(given: dict[str, Any], wanted: tuple[str, str]) -> None:
    assert codes(**given) == [wanted]


@pytest.mark.parametrize(("region", "zones"), [("us-east-1", 4), ("us-west-1", 2)])
def test_zones_that_every_account_has_are_no_finding(region: str, zones: int) -> None:
    assert codes(region, availability_zones=zones) == []


def test_a_count_of_zones_above_the_regions_says_what_to_write() -> None:
    (finding,) = findings("us-west-1", availability_zones=3)
    assert finding.message == "Not every account has 3 zones in us-west-1"
    assert finding.hint.startswith("Write 2 or fewer, or list the names")


def test_a_region_that_is_wrong_is_not_echoed_by_its_zones() -> None:
    (finding,) = findings("Frankfurt", availability_zones=["eu-central-1a", "eu-central-1b"])
    assert finding.path == ("region",)


def test_a_misspelt_egress_is_not_echoed_by_its_endpoints() -> None:
    assert codes(egress="endpoint", endpoints=["sqs"]) == [("M1104", "egress")]
