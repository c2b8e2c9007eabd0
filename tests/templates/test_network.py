"""The resources of networks, and the findings about params that could not be deployed."""

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


def params(**fields: Any) -> network.Params:
    return network.Params.model_validate(fields)


def body(region: str = "eu-central-1", **fields: Any) -> dict[str, Any]:
    template = network.compose("network", params(**fields), replace(ENV, region=region))
    assert template is not None
    return template.to_dict()


def resources(region: str = "eu-central-1", **fields: Any) -> Resources:
    return body(region, **fields)["Resources"]


def of_type(kind: str, among: Resources) -> Resources:
    return {
        name: resource
        for name, resource in among.items()
        if resource["Type"] == f"AWS::EC2::{kind}"
    }


def properties(kind: str, among: Resources) -> dict[str, dict[str, Any]]:
    return {name: resource["Properties"] for name, resource in of_type(kind, among).items()}


def findings(region: str = "eu-central-1", **network_params: Any) -> list[Finding]:
    data = {"app": "shop", "region": region, "stacks": {"network": network_params}}
    return validate(Document("dev", "dev.yaml", data, {}), TEMPLATES)[1]


def codes(region: str = "eu-central-1", **network_params: Any) -> list[tuple[str, str]]:
    """Code and path below the stack of each finding."""
    return [
        (finding.code, ".".join(str(step) for step in finding.path[2:]))
        for finding in findings(region, **network_params)
    ]


def find_dependencies(name: str, among: Resources) -> set[str]:
    """All resources that CloudFormation creates before one: by DependsOn, Ref and GetAtt."""
    seen: set[str] = set()
    pending = [name]
    while pending:
        resource = among[pending.pop()]
        referenced = {*resource.get("DependsOn", []), *find_references(resource["Properties"])}
        found = referenced & among.keys() - seen
        seen |= found
        pending += found
    return seen


def find_references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "Ref" in value:
            yield value["Ref"]
        if "Fn::GetAtt" in value:
            yield value["Fn::GetAtt"][0]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from find_references(item)


EGRESS_AND_IPV6 = [
    {"egress": egress, "ipv6": ipv6}
    for egress in ("public", "nat", "nat-per-az", "endpoints")
    for ipv6 in (False, True)
]


# Addresses -----------------------------------------------------------------------------------


def test_an_added_zone_changes_no_existing_resource() -> None:
    two, three, four = (resources("us-east-1", availability_zones=count) for count in (2, 3, 4))
    assert two.items() <= three.items() <= four.items()


def test_an_added_zone_changes_no_ipv6_block_and_no_nat_gateway() -> None:
    two, four = (
        resources("us-east-1", availability_zones=count, ipv6=True, egress="nat-per-az")
        for count in (2, 4)
    )
    assert two.items() <= four.items()


@pytest.mark.parametrize("cidr", ["10.20.0.0/16", "10.0.0.0/19", "192.168.2.0/23"])
def test_subnets_do_not_overlap_and_leave_the_last_quarter_of_the_vpc(cidr: str) -> None:
    subnets = properties("Subnet", resources("us-east-1", cidr=cidr, availability_zones=4))
    blocks = {name: ip_network(subnet["CidrBlock"]) for name, subnet in subnets.items()}
    *three_quarters, last = ip_network(cidr).subnets(prefixlen_diff=2)
    assert len(blocks) == 8
    assert not any(block.overlaps(other) for block, other in combinations(blocks.values(), 2))
    assert not any(block.overlaps(last) for block in blocks.values())
    assert sum(block.num_addresses for block in blocks.values()) == 3 * last.num_addresses
    assert all(any(block.subnet_of(part) for part in three_quarters) for block in blocks.values())


def test_private_subnets_are_eighths_and_public_subnets_sixteenths() -> None:
    subnets = properties("Subnet", resources(cidr="10.0.0.0/16"))
    assert {name: subnet["CidrBlock"] for name, subnet in subnets.items()} == {
        "PrivateSubnetA": "10.0.0.0/19",
        "PrivateSubnetB": "10.0.32.0/19",
        "PublicSubnetA": "10.0.128.0/20",
        "PublicSubnetB": "10.0.144.0/20",
    }


def test_ipv6_blocks_differ_and_depend_on_the_block_of_the_vpc() -> None:
    all_resources = resources("us-east-1", availability_zones=4, ipv6=True)
    subnets = properties("Subnet", all_resources)
    indices = [subnet["Ipv6CidrBlock"]["Fn::Select"][0] for subnet in subnets.values()]
    assert sorted(indices) == list(range(8))
    assert all("Ipv6CidrBlock" in find_dependencies(name, all_resources) for name in subnets)


# Zones ---------------------------------------------------------------------------------------


def test_named_zones_are_used_in_their_order() -> None:
    names = ["ap-northeast-1c", "ap-northeast-1a"]
    subnets = properties("Subnet", resources("ap-northeast-1", availability_zones=names))
    assert subnets["PublicSubnetA"]["AvailabilityZone"] == "ap-northeast-1c"
    assert subnets["PrivateSubnetB"]["AvailabilityZone"] == "ap-northeast-1a"


def test_subnets_of_the_same_letter_are_in_the_same_zone() -> None:
    subnets = properties("Subnet", resources(availability_zones=3))
    zones = {name: subnet["AvailabilityZone"] for name, subnet in subnets.items()}
    for index, letter in enumerate("ABC"):
        zone = {"Fn::Select": [index, {"Fn::GetAZs": {"Ref": "AWS::Region"}}]}
        assert zones[f"PublicSubnet{letter}"] == zones[f"PrivateSubnet{letter}"] == zone


@pytest.mark.parametrize("region", sorted(AVAILABILITY_ZONES))
def test_more_zones_than_a_region_has_are_a_finding(region: str) -> None:
    known = len(AVAILABILITY_ZONES[region])
    assert all(codes(region, availability_zones=count) for count in (2, 3, 4) if count > known)


# Gateways and routes ------------------------------------------------------------------------


@pytest.mark.parametrize("network_params", EGRESS_AND_IPV6, ids=str)
def test_resources_that_need_the_internet_gateway_depend_on_its_attachment(
    network_params: dict[str, Any],
) -> None:
    all_resources = resources(availability_zones=3, **network_params)
    routes = properties("Route", all_resources)
    dependent = [name for name, route in routes.items() if "GatewayId" in route]
    dependent += [*of_type("EIP", all_resources), *of_type("NatGateway", all_resources)]
    assert all(
        "InternetGatewayAttachment" in all_resources[name]["DependsOn"] for name in dependent
    )
    assert "PublicRoute" in dependent


@pytest.mark.parametrize("network_params", EGRESS_AND_IPV6, ids=str)
def test_each_subnet_has_the_routes_of_its_type(network_params: dict[str, Any]) -> None:
    all_resources = resources(availability_zones=3, **network_params)
    tables = {
        association["SubnetId"]["Ref"]: association["RouteTableId"]["Ref"]
        for association in properties("SubnetRouteTableAssociation", all_resources).values()
    }
    assert tables.keys() == of_type("Subnet", all_resources).keys()
    nat = {"public": "", "endpoints": "", "nat": "AAA", "nat-per-az": "ABC"}[
        network_params["egress"]
    ]
    for index, letter in enumerate("ABC"):
        public, private = (
            routes_of(tables[f"{kind}Subnet{letter}"], all_resources)
            for kind in ("Public", "Private")
        )
        assert public.pop("0.0.0.0/0") == "InternetGateway"
        if nat:
            assert private.pop("0.0.0.0/0") == f"NatGateway{nat[index]}"
        if network_params["ipv6"]:
            assert public.pop("::/0") == "InternetGateway"
        if network_params["ipv6"] and nat:
            assert private.pop("::/0") == "EgressOnlyInternetGateway"
        assert public == private == {}


def routes_of(table: str, among: Resources) -> dict[str, str]:
    """The targets of a route table's routes by destination."""
    result = {}
    for route in properties("Route", among).values():
        if route["RouteTableId"]["Ref"] == table:
            destination = route.get("DestinationCidrBlock") or route["DestinationIpv6CidrBlock"]
            (target,) = (route[key]["Ref"] for key in route if key.endswith("GatewayId"))
            result[destination] = target
    return result


def test_each_nat_gateway_is_in_the_public_subnet_of_its_zone() -> None:
    gateways = properties("NatGateway", resources(egress="nat-per-az", availability_zones=3))
    assert {name: gateway["SubnetId"]["Ref"] for name, gateway in gateways.items()} == {
        f"NatGateway{letter}": f"PublicSubnet{letter}" for letter in "ABC"
    }
    addresses = [gateway["AllocationId"]["Fn::GetAtt"][0] for gateway in gateways.values()]
    assert len(set(addresses)) == 3


def test_more_nat_gateways_keep_the_first_one_and_its_address() -> None:
    single, several = resources(egress="nat"), resources(egress="nat-per-az")
    assert {"NatGatewayA", "NatAddressA"} <= single.keys()
    assert all(several[name] == single[name] for name in ("NatGatewayA", "NatAddressA"))


def test_no_subnet_assigns_public_addresses() -> None:
    subnets = properties("Subnet", resources())
    assert not any(subnet["MapPublicIpOnLaunch"] for subnet in subnets.values())


# Endpoints -----------------------------------------------------------------------------------


def test_endpoints_of_all_services_that_a_task_needs_at_its_start() -> None:
    all_resources = resources(egress="endpoints", availability_zones=3)
    endpoints = properties("VPCEndpoint", all_resources)
    names = {
        endpoint["ServiceName"].removeprefix("com.amazonaws.eu-central-1.")
        for endpoint in endpoints.values()
    }
    assert names == {"s3", "ecr.api", "ecr.dkr", "logs", "secretsmanager", "ssm", "ssmmessages"}
    tables = (
        {"Ref": "PrivateRouteTableA"},
        {"Ref": "PrivateRouteTableB"},
        {"Ref": "PrivateRouteTableC"},
    )
    assert endpoints["S3Endpoint"]["RouteTableIds"] == list(tables)
    for name, endpoint in endpoints.items():
        if name != "S3Endpoint":
            assert endpoint["VpcEndpointType"] == "Interface"
            assert endpoint["PrivateDnsEnabled"] is True
            assert endpoint["SubnetIds"] == [{"Ref": f"PrivateSubnet{letter}"} for letter in "ABC"]
            assert endpoint["SecurityGroupIds"] == [{"Ref": "EndpointSecurityGroup"}]


def test_endpoints_accept_credentials_of_the_account_only_on_request() -> None:
    every = properties("VPCEndpoint", resources(egress="endpoints"))
    assert not any("PolicyDocument" in endpoint for endpoint in every.values())
    every = properties("VPCEndpoint", resources(egress="endpoints", endpoint_access="account"))
    policies = {
        endpoint["ServiceName"].removeprefix("com.amazonaws.eu-central-1."): endpoint.get(
            "PolicyDocument"
        )
        for endpoint in every.values()
    }
    limited = {service for service, policy in policies.items() if policy}
    assert limited == {"ecr.api", "ecr.dkr", "logs", "secretsmanager", "ssm"}
    for service in limited:
        (statement,) = policies[service]["Statement"]
        account = {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}
        assert statement["Condition"] == {"StringEquals": account}


def test_the_vpc_has_the_dns_settings_that_private_dns_needs() -> None:
    vpc = resources(egress="endpoints")["Vpc"]["Properties"]
    assert (vpc["EnableDnsSupport"], vpc["EnableDnsHostnames"]) == (True, True)


def test_endpoints_allow_https_from_the_vpc_and_nothing_else() -> None:
    group = resources(egress="endpoints", cidr="10.9.0.0/16")["EndpointSecurityGroup"]["Properties"]
    (ingress,), (egress,) = group["SecurityGroupIngress"], group["SecurityGroupEgress"]
    del ingress["Description"]
    assert ingress == {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "10.9.0.0/16"}
    assert egress["CidrIp"] == "127.0.0.1/32"
    assert group["VpcId"] == {"Ref": "Vpc"}


def test_endpoints_are_created_with_egress_endpoints_only() -> None:
    for egress in ("public", "nat", "nat-per-az"):
        assert not of_type("VPCEndpoint", resources(egress=egress))


def test_further_services_get_an_endpoint_of_their_type() -> None:
    full_name = "com.amazonaws.eu-central-1.execute-api"
    all_resources = resources(egress="endpoints", endpoints=["sqs", "dynamodb", full_name])
    endpoints = properties("VPCEndpoint", all_resources)
    assert endpoints["SqsEndpoint"]["ServiceName"] == "com.amazonaws.eu-central-1.sqs"
    assert endpoints["DynamodbEndpoint"]["VpcEndpointType"] == "Gateway"
    assert endpoints["ExecuteApiEndpoint"]["ServiceName"] == full_name


def test_names_of_endpoint_services_in_china() -> None:
    endpoints = properties("VPCEndpoint", resources("cn-north-1", egress="endpoints"))
    assert endpoints["EcrDkrEndpoint"]["ServiceName"] == "cn.com.amazonaws.cn-north-1.ecr.dkr"
    assert endpoints["LogsEndpoint"]["ServiceName"] == "com.amazonaws.cn-north-1.logs"


# Flow logs -----------------------------------------------------------------------------------


def test_the_role_of_flow_logs_allows_nothing_else() -> None:
    all_resources = resources(flow_logs={"traffic": "reject", "retention": "14d"})
    log, group = all_resources["FlowLog"]["Properties"], all_resources["FlowLogGroup"]["Properties"]
    assert (log["TrafficType"], log["ResourceId"]) == ("REJECT", {"Ref": "Vpc"})
    assert group == {"RetentionInDays": 14}
    role = all_resources["FlowLogRole"]["Properties"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
    account = {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    arn = "arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:vpc-flow-log/*"
    source = {"aws:SourceArn": {"Fn::Sub": arn}}
    assert trust["Condition"] == {"StringEquals": account, "ArnLike": source}
    ((statement,),) = (policy["PolicyDocument"]["Statement"] for policy in role["Policies"])
    assert statement["Resource"] == [{"Fn::GetAtt": ["FlowLogGroup", "Arn"]}]
    assert all(action.startswith("logs:") and "*" not in action for action in statement["Action"])


def test_no_flow_logs_by_default() -> None:
    assert not {"FlowLog", "FlowLogGroup", "FlowLogRole"} & resources().keys()


# Handle --------------------------------------------------------------------------------------


def test_all_imports_of_the_handle_are_exported() -> None:
    network_params = {"availability_zones": 3, "egress": "nat", "ipv6": True}
    handle = network.handle("network", params(**network_params), ENV)
    outputs = body(**network_params)["Outputs"]
    exported = {output["Export"]["Name"]: output["Value"]["Ref"] for output in outputs.values()}
    for subnets in (handle.public_subnets, handle.private_subnets):
        assert len(subnets) == 3
    names = [
        value.to_dict()["Fn::ImportValue"]
        for value in (handle.vpc_id, *handle.public_subnets, *handle.private_subnets)
    ]
    assert [exported[name] for name in names] == [
        "Vpc",
        *(f"PublicSubnet{letter}" for letter in "ABC"),
        *(f"PrivateSubnet{letter}" for letter in "ABC"),
    ]
    assert (handle.cidr, handle.egress, handle.ipv6) == ("10.0.0.0/16", "nat", True)
    assert handle.public_cidrs == ("10.0.128.0/20", "10.0.144.0/20", "10.0.160.0/20")
    assert handle.private_cidrs == ("10.0.0.0/19", "10.0.32.0/19", "10.0.64.0/19")


def test_an_existing_network_has_literal_ids_and_no_stack() -> None:
    network_params = params(
        existing={"vpc": "vpc-0a1b2c3d", "private_subnets": ["subnet-0a1b2c3d"]}
    )
    assert network.compose("network", network_params, ENV) is None
    assert network.handle("network", network_params, ENV) == network.Handle(
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
    ("network_params", "expected"),
    [
        ({"cidr": "10.0.0.0/15"}, ("M2003", "cidr")),
        ({"cidr": "10.0.0.0/24"}, ("M2003", "cidr")),
        ({"cidr": "fd00::/20"}, ("M1506", "cidr")),
        ({"cidr": "169.254.0.0/16"}, ("M2004", "cidr")),
        ({"cidr": "10.0.1.0/16"}, ("M1504", "cidr")),
        ({"availability_zones": 1}, ("M1105", "availability_zones")),
        ({"availability_zones": 5}, ("M1105", "availability_zones")),
        ({"availability_zones": 4}, ("M2008", "availability_zones")),
        ({"availability_zones": True}, ("M1103", "availability_zones")),
        ({"availability_zones": "eu-central-1a"}, ("M1103", "availability_zones")),
        ({"availability_zones": ["eu-central-1a"]}, ("M1105", "availability_zones")),
        ({"availability_zones": ["a", "b"]}, ("M2005", "availability_zones")),
        ({"availability_zones": ["eu-central-1a", 2]}, ("M2005", "availability_zones")),
        (
            {"availability_zones": ["eu-central-1a", "eu-west-1a"]},
            ("M2006", "availability_zones.1"),
        ),
        (
            {"availability_zones": ["eu-central-1a", "eu-central-1b", "eu-central-1a"]},
            ("M2007", "availability_zones.2"),
        ),
        ({"egress": "natt"}, ("M1104", "egress")),
        ({"endpoints": ["sqs"]}, ("M2009", "endpoints")),
        ({"egress": "endpoints", "endpoints": ["logs"]}, ("M2012", "endpoints.0")),
        ({"egress": "endpoints", "endpoints": ["sqs", "sqs"]}, ("M2012", "endpoints.1")),
        ({"egress": "endpoints", "endpoints": ["SQS"]}, ("M2010", "endpoints.0")),
        (
            {"egress": "endpoints", "endpoints": ["com.amazonaws.us-east-1.sqs"]},
            ("M2011", "endpoints.0"),
        ),
        ({"flow_logs": {"traffic": "some"}}, ("M1104", "flow_logs.traffic")),
        ({"existing": {"vpc": "vpc-0a1b2c3d"}}, ("M2001", "existing")),
        ({"existing": {"vpc": "my-vpc"}}, ("M1503", "existing.vpc")),
        (
            {"cidr": "10.0.0.0/16"}
            | {"existing": {"vpc": "vpc-0a1b2c3d", "public_subnets": ["subnet-0a1b2c3d"]}},
            ("M2000", "existing"),
        ),
        (
            {
                "existing": {
                    "vpc": "vpc-0a1b2c3d",
                    "public_subnets": ["subnet-0a1b2c3d"],
                    "private_subnets": ["subnet-11111111", "subnet-0a1b2c3d"],
                }
            },
            ("M2002", "existing.private_subnets.1"),
        ),
    ],
    ids=str,
)
def test_params_that_could_not_be_deployed(
    network_params: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert codes(**network_params) == [expected]


@pytest.mark.parametrize(("region", "zones"), [("us-east-1", 4), ("us-west-1", 2)])
def test_as_many_zones_as_every_account_has_are_no_finding(region: str, zones: int) -> None:
    assert codes(region, availability_zones=zones) == []


def test_too_many_zones_for_a_region_say_what_to_write() -> None:
    (finding,) = findings("us-west-1", availability_zones=3)
    assert finding.message == "Not every account has 3 Availability Zones in us-west-1"
    assert finding.hint.startswith("Write 2 or fewer, or list the names")


def test_a_wrong_region_is_one_finding_and_not_another_for_each_zone() -> None:
    (finding,) = findings("Frankfurt", availability_zones=["eu-central-1a", "eu-central-1b"])
    assert finding.path == ("region",)


def test_a_misspelt_egress_is_one_finding_and_not_another_for_the_endpoints() -> None:
    assert codes(egress="endpoint", endpoints=["sqs"]) == [("M1104", "egress")]
