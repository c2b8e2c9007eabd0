"""The template of a Network Load Balancer, and the findings for wrong params."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.findings.finding import Finding
from moorage.model import Environment
from moorage.pipeline.load import Document
from moorage.pipeline.validate import validate
from templates import network
from templates.load_balancers import nlb

TEMPLATES = {"network": network, "nlb": nlb}
REGION = "eu-central-1"
ARN = f"arn:aws:elasticloadbalancing:{REGION}:123456789012:loadbalancer/net/edge/50dc6c495c0c9188"
GROUP = "sg-0123456789abcdef0"
VPC = {"vpc": "vpc-0123456789abcdef0"}
SUBNETS = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
ALLOCATIONS = ["eipalloc-0123456789abcdef0", "eipalloc-0123456789abcdef1"]
INTERNAL = {"scheme": "internal"}
ADDRESSES = ["10.0.0.10", "10.0.32.10"]
FIXED = {"scheme": "internal", "private_addresses": ADDRESSES}
PRIVATE_LINK = "enforce_security_group_inbound_rules_on_private_link_traffic"


def validate_params(
    nlb_params: dict[str, Any], region: str = REGION, **stacks: Any
) -> tuple[Environment | None, list[Finding]]:
    all_stacks = {"network": {}, **stacks, "nlb": nlb_params}
    present = {name: stack for name, stack in all_stacks.items() if stack is not None}
    data = {"app": "shop", "region": region, "stacks": present}
    return validate(Document("dev", "dev.yaml", data, {}), TEMPLATES)


def find_findings(
    nlb_params: dict[str, Any], region: str = REGION, **stacks: Any
) -> list[tuple[str, ...]]:
    """Level, code and path below the stack of each finding of the load balancer."""
    return [
        (finding.level, finding.code, ".".join(str(step) for step in finding.path[2:]))
        for finding in validate_params(nlb_params, region, **stacks)[1]
        if finding.path[:2] == ("stacks", "nlb")
    ]


def body(nlb_params: dict[str, Any], **stacks: Any) -> dict[str, Any]:
    env, findings = validate_params(nlb_params, **stacks)
    assert env is not None, findings
    template = nlb.compose("nlb", env.stacks["nlb"].params, env)
    assert template is not None
    return template.to_dict()


def balancer(nlb_params: dict[str, Any], **stacks: Any) -> dict[str, Any]:
    return body(nlb_params, **stacks)["Resources"]["LoadBalancer"]["Properties"]


def attributes(nlb_params: dict[str, Any]) -> dict[str, Any]:
    pairs = balancer(nlb_params)["LoadBalancerAttributes"]
    assert len({pair["Key"] for pair in pairs}) == len(pairs)
    return {pair["Key"]: pair["Value"] for pair in pairs}


def handle(nlb_params: dict[str, Any], **stacks: Any) -> nlb.Handle:
    env, findings = validate_params(nlb_params, **stacks)
    assert env is not None, findings
    params = env.stacks["nlb"].params
    assert isinstance(params, nlb.Params)
    return nlb.handle("nlb", params, env)


# The load balancer ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "nlb_params", [{}, INTERNAL, FIXED, {"elastic_ips": True}, {"access_logs": True}]
)
def test_no_resource_has_a_physical_name_that_would_prevent_its_replacement(
    nlb_params: Any,
) -> None:
    for name, resource in body(nlb_params)["Resources"].items():
        assert not resource["Properties"].keys() & {"Name", "GroupName", "BucketName"}, name


@pytest.mark.parametrize(("nlb_params", "kind"), [({}, "Public"), (INTERNAL, "Private")])
def test_the_scheme_determines_the_subnets(nlb_params: Any, kind: str) -> None:
    properties = balancer(nlb_params)
    assert (properties["Type"], properties["IpAddressType"]) == ("network", "ipv4")
    assert properties["Scheme"] == nlb_params.get("scheme", "internet-facing")
    assert properties["Subnets"] == [
        {"Fn::ImportValue": f"shop-dev-network-{kind}Subnet{key}Id"} for key in "AB"
    ]
    assert "SubnetMappings" not in properties


def test_one_subnet_is_enough() -> None:
    network_params = {"existing": {**VPC, "public_subnets": SUBNETS[:1]}}
    assert balancer({}, network=network_params)["Subnets"] == SUBNETS[:1]


def test_the_security_group_allows_no_traffic() -> None:
    template = body({})
    group = template["Resources"]["SecurityGroup"]["Properties"]
    assert "SecurityGroupIngress" not in group
    (rule,) = group["SecurityGroupEgress"]
    assert (rule["IpProtocol"], rule["CidrIp"]) == ("-1", "127.0.0.1/32")
    used = template["Resources"]["LoadBalancer"]["Properties"]["SecurityGroups"]
    assert used == [{"Fn::GetAtt": ["SecurityGroup", "GroupId"]}]
    assert "SecurityGroupId" in template["Outputs"]


def test_without_a_security_group_no_resource_or_output_refers_to_one() -> None:
    template = body({"security_group": False})
    assert template["Resources"].keys() == {"LoadBalancer"}
    assert "SecurityGroups" not in template["Resources"]["LoadBalancer"]["Properties"]
    assert "SecurityGroupId" not in template["Outputs"]


def test_all_attributes_are_always_written_so_that_an_update_resets_each() -> None:
    assert attributes({}) == {
        "deletion_protection.enabled": "false",
        "load_balancing.cross_zone.enabled": "false",
        "zonal_shift.config.enabled": "false",
        "dns_record.client_routing_policy": "any_availability_zone",
        "access_logs.s3.enabled": "false",
    }
    other = {
        "deletion_protection": True,
        "cross_zone": True,
        "zonal_shift": True,
        "dns_client_affinity": "availability_zone_affinity",
        "access_logs": {"bucket": "shop-logs", "prefix": "nlb"},
    }
    assert attributes(other) == {
        "deletion_protection.enabled": "true",
        "load_balancing.cross_zone.enabled": "true",
        "zonal_shift.config.enabled": "true",
        "dns_record.client_routing_policy": "availability_zone_affinity",
        "access_logs.s3.enabled": "true",
        "access_logs.s3.bucket": "shop-logs",
        "access_logs.s3.prefix": "nlb",
    }


@pytest.mark.parametrize("value", ["on", "off"])
def test_the_private_link_property_is_only_written_if_the_params_set_it(value: str) -> None:
    key = "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"
    assert key not in balancer({})
    assert balancer({PRIVATE_LINK: value})[key] == value


# Addresses -----------------------------------------------------------------------------------


def mappings(nlb_params: dict[str, Any], **stacks: Any) -> list[dict[str, Any]]:
    """The properties of each subnet's mapping, apart from its id."""
    properties = balancer(nlb_params, **stacks)
    assert "Subnets" not in properties
    for mapping in properties["SubnetMappings"]:
        assert mapping.pop("SubnetId")
    return properties["SubnetMappings"]


def test_elastic_ips_true_creates_uses_and_exports_elastic_ips() -> None:
    network_params = {"availability_zones": 3}
    template = body({"elastic_ips": True}, network=network_params)
    titles = ["ElasticIpA", "ElasticIpB", "ElasticIpC"]
    assert [name for name in template["Resources"] if name.startswith("Elastic")] == titles
    assert mappings({"elastic_ips": True}, network=network_params) == [
        {"AllocationId": {"Fn::GetAtt": [title, "AllocationId"]}} for title in titles
    ]
    for title in titles:
        output = template["Outputs"][f"{title}Address"]
        assert output["Value"] == {"Fn::GetAtt": [title, "PublicIp"]}
        assert output["Export"] == {"Name": f"shop-dev-nlb-{title}Address"}


def test_existing_elastic_ips_are_only_referenced() -> None:
    nlb_params = {"elastic_ips": ALLOCATIONS}
    assert mappings(nlb_params) == [{"AllocationId": allocation} for allocation in ALLOCATIONS]
    assert body(nlb_params)["Resources"].keys() == {"LoadBalancer", "SecurityGroup"}


def test_elastic_ips_false_creates_none() -> None:
    assert balancer({"elastic_ips": False}) == balancer({})


def test_each_private_address_is_in_the_mapping_of_its_subnet() -> None:
    assert mappings(FIXED) == [{"PrivateIPv4Address": address} for address in ADDRESSES]


@pytest.mark.parametrize("scheme", ["internet-facing", "internal"])
def test_dualstack_gets_a_source_nat_prefix_from_each_subnet(scheme: str) -> None:
    nlb_params = {"scheme": scheme, "ip_address_type": "dualstack"}
    network_params = {"ipv6": True}
    assert (
        mappings(nlb_params, network=network_params)
        == [{"SourceNatIpv6Prefix": "auto_assigned"}] * 2
    )
    assert balancer(nlb_params, network=network_params)["EnablePrefixForIpv6SourceNat"] == "on"
    assert "EnablePrefixForIpv6SourceNat" not in balancer({})


# Access logs and records ---------------------------------------------------------------------


@pytest.mark.parametrize(("logs", "folder"), [(True, ""), ({"prefix": "nlb/edge"}, "nlb/edge/")])
def test_the_bucket_policy_allows_log_delivery_from_this_account_only(
    logs: Any, folder: str
) -> None:
    resources = body({"access_logs": logs})["Resources"]
    policy = resources["AccessLogsBucketPolicy"]["Properties"]["PolicyDocument"]
    check, write, tls = policy["Statement"]
    for statement in (check, write):
        assert statement["Principal"] == {"Service": "delivery.logs.amazonaws.com"}
        condition = statement["Condition"]
        assert condition["StringEquals"]["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}
        assert condition["ArnLike"]["aws:SourceArn"]["Fn::Sub"].endswith(":${AWS::AccountId}:*")
    assert (check["Sid"], check["Action"]) == ("AWSLogDeliveryAclCheck", ["s3:GetBucketAcl"])
    assert (write["Sid"], write["Action"]) == ("AWSLogDeliveryWrite", ["s3:PutObject"])
    assert write["Condition"]["StringEquals"]["s3:x-amz-acl"] == "bucket-owner-full-control"
    where = f"${{AccessLogsBucket.Arn}}/{folder}AWSLogs/${{AWS::AccountId}}/*"
    assert write["Resource"] == [{"Fn::Sub": where}]
    assert (tls["Sid"], tls["Effect"]) == ("TlsOnly", "Deny")
    assert resources["LoadBalancer"]["DependsOn"] == "AccessLogsBucketPolicy"


def test_each_alias_gets_a_record_for_each_type_of_address() -> None:
    nlb_params = {"aliases": [{"zone": "Z0123456789ABCDEFGHIJ", "name": "ntp.example.com"}]}

    def kinds(nlb_params: dict[str, Any], **stacks: Any) -> list[str]:
        resources = body(nlb_params, **stacks)["Resources"].values()
        return [item["Properties"]["Type"] for item in resources if "Route53" in item["Type"]]

    assert kinds(nlb_params) == ["A"]
    assert kinds(nlb_params | {"ip_address_type": "dualstack"}, network={"ipv6": True}) == [
        "A",
        "AAAA",
    ]


# The handle ----------------------------------------------------------------------------------


@pytest.mark.parametrize("nlb_params", [{}, {"elastic_ips": True}, FIXED])
def test_the_handle_imports_what_the_stack_exports(nlb_params: dict[str, Any]) -> None:
    exports = {output["Export"]["Name"] for output in body(nlb_params)["Outputs"].values()}
    nlb_handle = handle(nlb_params)
    assert nlb_handle.security_group is not None
    for value in (nlb_handle.load_balancer, nlb_handle.security_group):
        assert value.to_dict()["Fn::ImportValue"] in exports


def test_the_handle_has_the_addresses_of_the_nodes_and_the_default_clients() -> None:
    facing, internal = handle({}), handle(INTERNAL)
    assert facing.addresses == ("10.0.128.0/20", "10.0.144.0/20")
    assert facing.default_clients == ("0.0.0.0/0",)
    assert internal.addresses == ("10.0.0.0/19", "10.0.32.0/19")
    assert internal.default_clients == ("10.0.0.0/16",)
    dualstack = handle({"ip_address_type": "dualstack"}, network={"ipv6": True})
    assert dualstack.default_clients == ("0.0.0.0/0", "::/0")
    assert (facing.dualstack, dualstack.dualstack) == (False, True)
    assert (facing.scheme, internal.scheme) == ("internet-facing", "internal")
    assert handle({"security_group": False}).security_group is None


@pytest.mark.parametrize(("cidr", "known"), [("10.9.0.0/16", ("10.9.0.0/16",)), (None, None)])
def test_only_the_cidr_of_an_existing_network_can_be_known(cidr: Any, known: Any) -> None:
    network_params = {"existing": {**VPC, "private_subnets": SUBNETS, "cidr": cidr}}
    nlb_handle = handle(INTERNAL, network=network_params)
    assert (nlb_handle.addresses, nlb_handle.default_clients) == (known, known)


@pytest.mark.parametrize(
    ("more", "addresses"),
    [({}, ("10.0.0.0/16",)), ({"addresses": ["10.0.7.0/24"]}, ("10.0.7.0/24",))],
)
@pytest.mark.parametrize("group", [GROUP, None])
def test_an_existing_load_balancer_has_no_stack_and_a_handle_of_literals(
    more: dict[str, Any], addresses: tuple[str, ...], group: str | None
) -> None:
    nlb_params = {"existing": {"arn": ARN, "security_group": group, **more}}
    env, findings = validate_params(nlb_params)
    assert env is not None, findings
    assert nlb.compose("nlb", env.stacks["nlb"].params, env) is None
    assert handle(nlb_params) == nlb.Handle(
        ARN, ARN.split(":loadbalancer/")[1], group, None, False, addresses, None
    )


def test_an_existing_load_balancer_with_security_group_or_addresses_needs_no_network() -> None:
    assert find_findings({"existing": {"arn": ARN, "security_group": GROUP}}, network=None) == []
    assert (
        find_findings({"existing": {"arn": ARN, "addresses": ["10.0.7.0/24"]}}, network=None) == []
    )
    assert find_findings({"existing": {"arn": ARN}}, network=None) == [
        ("error", "M2314", "existing.addresses")
    ]


def test_an_existing_load_balancer_can_have_a_network() -> None:
    nlb_params = {"existing": {"arn": ARN}, "network": "network"}
    other = {"template": "network", "cidr": "10.1.0.0/16"}
    assert handle(nlb_params, other=other).addresses == ("10.0.0.0/16",)
    assert find_findings(nlb_params | {"network": "nett"}, other=other) == [
        ("error", "M1201", "network")
    ]


# Findings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nlb_params", "code", "path"),
    [
        ({"network": "netwrok"}, "M1201", "network"),
        ({"scheme": "public"}, "M1104", "scheme"),
        ({"ip_address_type": "dualstack"}, "M2303", "ip_address_type"),
        ({"dns_client_affinity": "any"}, "M1104", "dns_client_affinity"),
        ({"elastic_ips": True, **INTERNAL}, "M2311", "elastic_ips"),
        ({"elastic_ips": ALLOCATIONS, **INTERNAL}, "M2311", "elastic_ips"),
        ({"elastic_ips": ALLOCATIONS[:1]}, "M2312", "elastic_ips"),
        ({"elastic_ips": [*ALLOCATIONS, "eipalloc-01234567"]}, "M2312", "elastic_ips"),
        ({"elastic_ips": ALLOCATIONS[:1] * 2}, "M1502", "elastic_ips"),
        ({"elastic_ips": ["203.0.113.7", ALLOCATIONS[0]]}, "M1503", "elastic_ips.0"),
        ({"elastic_ips": ALLOCATIONS[0]}, "M1103", "elastic_ips"),
        ({"private_addresses": ADDRESSES}, "M2311", "private_addresses"),
        (FIXED | {"private_addresses": ADDRESSES[:1]}, "M2312", "private_addresses"),
        (FIXED | {"private_addresses": ADDRESSES[:1] * 2}, "M1502", "private_addresses"),
        (FIXED | {"private_addresses": ["10.0.0.0/19"]}, "M1505", "private_addresses.0"),
        ({PRIVATE_LINK: "on", "security_group": False}, "M2315", PRIVATE_LINK),
        ({PRIVATE_LINK: True}, "M1104", PRIVATE_LINK),
        (
            {"access_logs": {"bucket": "shop-logs", "expire_after": "30d"}},
            "M2320",
            "access_logs.expire_after",
        ),
        ({"existing": {"arn": ARN}, "cross_zone": True}, "M2300", "existing"),
        ({"existing": {"arn": ARN.replace(REGION, "us-east-1")}}, "M1510", "existing.arn"),
        ({"existing": {"arn": ARN.replace("/net/", "/app/")}}, "M1503", "existing.arn"),
        (
            {"existing": {"arn": ARN, "addresses": ["2001:db8::/32"]}},
            "M1506",
            "existing.addresses.0",
        ),
    ],
)
def test_each_mistake_is_one_error(nlb_params: dict[str, Any], code: str, path: str) -> None:
    assert find_findings(nlb_params) == [("error", code, path)]


@pytest.mark.parametrize(
    ("address", "fits"),
    [
        ("10.0.0.0", False),
        ("10.0.0.3", False),
        ("10.0.0.4", True),
        ("10.0.31.254", True),
        ("10.0.31.255", False),
        ("10.0.33.1", False),
    ],
)
def test_a_private_address_must_be_available_in_its_subnet(address: str, fits: bool) -> None:
    expected = [] if fits else [("error", "M2313", "private_addresses.0")]
    assert find_findings(FIXED | {"private_addresses": [address, ADDRESSES[1]]}) == expected


def test_addresses_are_not_checked_if_the_blocks_of_the_subnets_are_unknown() -> None:
    network_params = {"existing": {**VPC, "private_subnets": SUBNETS}}
    assert (
        find_findings(
            FIXED | {"private_addresses": ["10.9.0.3", "10.8.0.3"]}, network=network_params
        )
        == []
    )


@pytest.mark.parametrize(
    ("nlb_params", "path"),
    [({"elastic_ips": ALLOCATIONS}, "elastic_ips"), (FIXED, "private_addresses")],
)
def test_an_address_can_be_used_by_one_load_balancer_only(
    nlb_params: dict[str, Any], path: str
) -> None:
    other = {"template": "nlb", **nlb_params}
    expected = [("error", "M2316", f"{path}.{index}") for index in range(2)]
    assert find_findings(nlb_params, another=other) == expected
    assert find_findings({}, another=other) == []


def test_a_public_subnet_is_needed() -> None:
    network = {"existing": {**VPC, "private_subnets": SUBNETS}}
    assert find_findings({}, network=network) == [("error", "M2302", "scheme")]


@pytest.mark.parametrize("nlb_params", [{}, INTERNAL])
def test_a_network_without_subnets_is_reported_there(nlb_params: dict[str, Any]) -> None:
    assert find_findings(nlb_params, network={"existing": {**VPC, "public_subnets": []}}) == []


def test_without_a_security_group_the_source_addresses_of_health_checks_must_be_known() -> None:
    network_params = {"existing": {**VPC, "public_subnets": SUBNETS}}
    alone = {"security_group": False}
    assert find_findings(alone, network=network_params) == [("error", "M2314", "security_group")]
    network_params["existing"]["cidr"] = "10.0.0.0/16"
    assert find_findings(alone, network=network_params) == []


def test_arns_are_not_checked_against_an_invalid_region() -> None:
    assert (
        find_findings({"existing": {"arn": ARN, "security_group": GROUP}}, region="Frankfurt") == []
    )
