"""What the nlb template composes, and what it says of params that could not be deployed."""

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


def validated(
    given: dict[str, Any], region: str = REGION, **stacks: Any
) -> tuple[Environment | None, list[Finding]]:
    given_stacks = {"network": {}, **stacks, "nlb": given}
    present = {name: stack for name, stack in given_stacks.items() if stack is not None}
    data = {"app": "shop", "region": region, "stacks": present}
    return validate(Document("dev", "dev.yaml", data, {}), TEMPLATES)


def found(given: dict[str, Any], region: str = REGION, **stacks: Any) -> list[tuple[str, ...]]:
    """Level, code and path below the stack of each finding of the load balancer."""
    return [
        (one.level, one.code, ".".join(str(step) for step in one.path[2:]))
        for one in validated(given, region, **stacks)[1]
        if one.path[:2] == ("stacks", "nlb")
    ]


def body(given: dict[str, Any], **stacks: Any) -> dict[str, Any]:
    env, findings = validated(given, **stacks)
    assert env is not None, findings
    template = nlb.compose("nlb", env.stacks["nlb"].params, env)
    assert template is not None
    return template.to_dict()


def balancer(given: dict[str, Any], **stacks: Any) -> dict[str, Any]:
    return body(given, **stacks)["Resources"]["LoadBalancer"]["Properties"]


def attributes(given: dict[str, Any]) -> dict[str, Any]:
    pairs = balancer(given)["LoadBalancerAttributes"]
    assert len({pair["Key"] for pair in pairs}) == len(pairs)
    return {pair["Key"]: pair["Value"] for pair in pairs}


def handle(given: dict[str, Any], **stacks: Any) -> nlb.Handle:
    env, findings = validated(given, **stacks)
    assert env is not None, findings
    params = env.stacks["nlb"].params
    assert isinstance(params, nlb.Params)
    return nlb.handle("nlb", params, env)


# The load balancer ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given", [{}, INTERNAL, FIXED, {"elastic_ips": True}, {"access_logs": True}]
)
def test_nothing_has_a_physical_name_that_would_block_its_replacement(given: Any) -> None:
    for name, resource in body(given)["Resources"].items():
        assert not resource["Properties"].keys() & {"Name", "GroupName", "BucketName"}, name


@pytest.mark.parametrize(("given", "kind"), [({}, "Public"), (INTERNAL, "Private")])
def test_scheme_decides_on_the_subnets(given: Any, kind: str) -> None:
    made = balancer(given)
    assert (made["Type"], made["IpAddressType"]) == ("network", "ipv4")
    assert made["Scheme"] == given.get("scheme", "internet-facing")
    assert made["Subnets"] == [
        {"Fn::ImportValue": f"shop-dev-network-{kind}Subnet{key}Id"} for key in "AB"
    ]
    assert "SubnetMappings" not in made


def test_one_subnet_is_enough() -> None:
    one = {"existing": {**VPC, "public_subnets": SUBNETS[:1]}}
    assert balancer({}, network=one)["Subnets"] == SUBNETS[:1]


def test_it_has_a_security_group_that_lets_nothing_in_or_out() -> None:
    made = body({})
    group = made["Resources"]["SecurityGroup"]["Properties"]
    assert "SecurityGroupIngress" not in group
    (rule,) = group["SecurityGroupEgress"]
    assert (rule["IpProtocol"], rule["CidrIp"]) == ("-1", "127.0.0.1/32")
    used = made["Resources"]["LoadBalancer"]["Properties"]["SecurityGroups"]
    assert used == [{"Fn::GetAtt": ["SecurityGroup", "GroupId"]}]
    assert "SecurityGroupId" in made["Outputs"]


def test_without_a_security_group_there_is_no_trace_of_one() -> None:
    made = body({"security_group": False})
    assert made["Resources"].keys() == {"LoadBalancer"}
    assert "SecurityGroups" not in made["Resources"]["LoadBalancer"]["Properties"]
    assert "SecurityGroupId" not in made["Outputs"]


def test_attributes_are_always_all_there_so_that_an_update_puts_each_back() -> None:
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
def test_private_link_is_only_mentioned_where_somebody_says_so(value: str) -> None:
    key = "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"
    assert key not in balancer({})
    assert balancer({PRIVATE_LINK: value})[key] == value


# Addresses -----------------------------------------------------------------------------------


def mappings(given: dict[str, Any], **stacks: Any) -> list[dict[str, Any]]:
    """What is said of each subnet, beside its id."""
    made = balancer(given, **stacks)
    assert "Subnets" not in made
    for one in made["SubnetMappings"]:
        assert one.pop("SubnetId")
    return made["SubnetMappings"]


def test_elastic_ips_of_its_own_are_made_used_and_told() -> None:
    home = {"availability_zones": 3}
    made = body({"elastic_ips": True}, network=home)
    titles = ["ElasticIpA", "ElasticIpB", "ElasticIpC"]
    assert [name for name in made["Resources"] if name.startswith("Elastic")] == titles
    assert mappings({"elastic_ips": True}, network=home) == [
        {"AllocationId": {"Fn::GetAtt": [title, "AllocationId"]}} for title in titles
    ]
    for title in titles:
        told = made["Outputs"][f"{title}Address"]
        assert told["Value"] == {"Fn::GetAtt": [title, "PublicIp"]}
        assert told["Export"] == {"Name": f"shop-dev-nlb-{title}Address"}


def test_elastic_ips_that_exist_are_only_named() -> None:
    given = {"elastic_ips": ALLOCATIONS}
    assert mappings(given) == [{"AllocationId": one} for one in ALLOCATIONS]
    assert body(given)["Resources"].keys() == {"LoadBalancer", "SecurityGroup"}


def test_elastic_ips_false_are_none() -> None:
    assert balancer({"elastic_ips": False}) == balancer({})


def test_private_addresses_stand_in_their_subnets() -> None:
    assert mappings(FIXED) == [{"PrivateIPv4Address": one} for one in ADDRESSES]


@pytest.mark.parametrize("scheme", ["internet-facing", "internal"])
def test_dualstack_takes_a_prefix_of_each_subnet_for_udp(scheme: str) -> None:
    given = {"scheme": scheme, "ip_address_type": "dualstack"}
    home = {"ipv6": True}
    assert mappings(given, network=home) == [{"SourceNatIpv6Prefix": "auto_assigned"}] * 2
    assert balancer(given, network=home)["EnablePrefixForIpv6SourceNat"] == "on"
    assert "EnablePrefixForIpv6SourceNat" not in balancer({})


# Access logs and records ---------------------------------------------------------------------


@pytest.mark.parametrize(("logs", "folder"), [(True, ""), ({"prefix": "nlb/edge"}, "nlb/edge/")])
def test_the_bucket_admits_log_delivery_from_this_account_only(logs: Any, folder: str) -> None:
    made = body({"access_logs": logs})["Resources"]
    policy = made["AccessLogsBucketPolicy"]["Properties"]["PolicyDocument"]
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
    assert made["LoadBalancer"]["DependsOn"] == "AccessLogsBucketPolicy"


def test_a_record_for_each_kind_of_address() -> None:
    given = {"aliases": [{"zone": "Z0123456789ABCDEFGHIJ", "name": "ntp.example.com"}]}

    def kinds(given: dict[str, Any], **stacks: Any) -> list[str]:
        made = body(given, **stacks)["Resources"].values()
        return [one["Properties"]["Type"] for one in made if "Route53" in one["Type"]]

    assert kinds(given) == ["A"]
    assert kinds(given | {"ip_address_type": "dualstack"}, network={"ipv6": True}) == ["A", "AAAA"]


# The handle ----------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [{}, {"elastic_ips": True}, FIXED])
def test_the_handle_imports_what_the_stack_exports(given: dict[str, Any]) -> None:
    exports = {one["Export"]["Name"] for one in body(given)["Outputs"].values()}
    got = handle(given)
    assert got.security_group is not None
    for value in (got.load_balancer, got.security_group):
        assert value.to_dict()["Fn::ImportValue"] in exports


def test_the_handle_tells_where_nodes_stand_and_who_may_connect() -> None:
    facing, internal = handle({}), handle(INTERNAL)
    assert facing.addresses == ("10.0.128.0/20", "10.0.144.0/20")
    assert facing.clients_default == ("0.0.0.0/0",)
    assert internal.addresses == ("10.0.0.0/19", "10.0.32.0/19")
    assert internal.clients_default == ("10.0.0.0/16",)
    both = handle({"ip_address_type": "dualstack"}, network={"ipv6": True})
    assert both.clients_default == ("0.0.0.0/0", "::/0")
    assert (facing.dualstack, both.dualstack) == (False, True)
    assert (facing.scheme, internal.scheme) == ("internet-facing", "internal")
    assert handle({"security_group": False}).security_group is None


@pytest.mark.parametrize(("cidr", "known"), [("10.9.0.0/16", ("10.9.0.0/16",)), (None, None)])
def test_a_network_that_exists_tells_the_block_of_its_vpc_at_most(cidr: Any, known: Any) -> None:
    home = {"existing": {**VPC, "private_subnets": SUBNETS, "cidr": cidr}}
    got = handle(INTERNAL, network=home)
    assert (got.addresses, got.clients_default) == (known, known)


@pytest.mark.parametrize(
    ("more", "addresses"),
    [({}, ("10.0.0.0/16",)), ({"addresses": ["10.0.7.0/24"]}, ("10.0.7.0/24",))],
)
@pytest.mark.parametrize("group", [GROUP, None])
def test_what_exists_makes_no_stack_and_a_handle_of_literals(
    more: dict[str, Any], addresses: tuple[str, ...], group: str | None
) -> None:
    given = {"existing": {"arn": ARN, "security_group": group, **more}}
    env, findings = validated(given)
    assert env is not None, findings
    assert nlb.compose("nlb", env.stacks["nlb"].params, env) is None
    assert handle(given) == nlb.Handle(ARN, group, None, False, addresses, None)


def test_what_exists_needs_no_network_where_it_tells_of_itself() -> None:
    assert found({"existing": {"arn": ARN, "security_group": GROUP}}, network=None) == []
    assert found({"existing": {"arn": ARN, "addresses": ["10.0.7.0/24"]}}, network=None) == []
    assert found({"existing": {"arn": ARN}}, network=None) == [
        ("error", "M1102", "existing.addresses")
    ]


def test_what_exists_may_name_its_network() -> None:
    given = {"existing": {"arn": ARN}, "network": "network"}
    other = {"template": "network", "cidr": "10.1.0.0/16"}
    assert handle(given, other=other).addresses == ("10.0.0.0/16",)
    assert found(given | {"network": "nett"}, other=other) == [("error", "M1201", "network")]


# Findings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "code", "path"),
    [
        ({"network": "netwrok"}, "M1201", "network"),
        ({"scheme": "public"}, "M1104", "scheme"),
        ({"ip_address_type": "dualstack"}, "M1108", "ip_address_type"),
        ({"dns_client_affinity": "any"}, "M1104", "dns_client_affinity"),
        ({"elastic_ips": True, **INTERNAL}, "M1108", "elastic_ips"),
        ({"elastic_ips": ALLOCATIONS, **INTERNAL}, "M1108", "elastic_ips"),
        ({"elastic_ips": ALLOCATIONS[:1]}, "M1218", "elastic_ips"),
        ({"elastic_ips": [*ALLOCATIONS, "eipalloc-01234567"]}, "M1218", "elastic_ips"),
        ({"elastic_ips": ALLOCATIONS[:1] * 2}, "M1502", "elastic_ips"),
        ({"elastic_ips": ["203.0.113.7", ALLOCATIONS[0]]}, "M1503", "elastic_ips.0"),
        ({"elastic_ips": ALLOCATIONS[0]}, "M1103", "elastic_ips"),
        ({"private_addresses": ADDRESSES}, "M1108", "private_addresses"),
        (FIXED | {"private_addresses": ADDRESSES[:1]}, "M1218", "private_addresses"),
        (FIXED | {"private_addresses": ADDRESSES[:1] * 2}, "M1502", "private_addresses"),
        (FIXED | {"private_addresses": ["10.0.0.0/19"]}, "M1505", "private_addresses.0"),
        ({PRIVATE_LINK: "on", "security_group": False}, "M1108", PRIVATE_LINK),
        ({PRIVATE_LINK: True}, "M1104", PRIVATE_LINK),
        (
            {"access_logs": {"bucket": "shop-logs", "expire_after": "30d"}},
            "M1108",
            "access_logs.expire_after",
        ),
        ({"existing": {"arn": ARN}, "cross_zone": True}, "M1108", "existing"),
        ({"existing": {"arn": ARN.replace(REGION, "us-east-1")}}, "M1220", "existing.arn"),
        ({"existing": {"arn": ARN.replace("/net/", "/app/")}}, "M1503", "existing.arn"),
        (
            {"existing": {"arn": ARN, "addresses": ["2001:db8::/32"]}},
            "M1506",
            "existing.addresses.0",
        ),
    ],
)
def test_what_could_not_be_deployed_is_one_error(
    given: dict[str, Any], code: str, path: str
) -> None:
    assert found(given) == [("error", code, path)]


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
def test_a_private_address_is_one_that_its_subnet_can_give(address: str, fits: bool) -> None:
    expected = [] if fits else [("error", "M1218", "private_addresses.0")]
    assert found(FIXED | {"private_addresses": [address, ADDRESSES[1]]}) == expected


def test_nothing_is_said_of_addresses_in_subnets_that_nobody_knows() -> None:
    home = {"existing": {**VPC, "private_subnets": SUBNETS}}
    assert found(FIXED | {"private_addresses": ["10.9.0.3", "10.8.0.3"]}, network=home) == []


@pytest.mark.parametrize(
    ("given", "path"),
    [({"elastic_ips": ALLOCATIONS}, "elastic_ips"), (FIXED, "private_addresses")],
)
def test_an_address_belongs_to_one_load_balancer(given: dict[str, Any], path: str) -> None:
    other = {"template": "nlb", **given}
    expected = [("error", "M1218", f"{path}.{index}") for index in range(2)]
    assert found(given, another=other) == expected
    assert found({}, another=other) == []


@pytest.mark.parametrize(
    ("given", "home"),
    [({}, {"private_subnets": SUBNETS}), (INTERNAL, {"public_subnets": []})],
)
def test_a_subnet_is_needed(given: dict[str, Any], home: dict[str, Any]) -> None:
    path = "scheme"
    assert found(given, network={"existing": {**VPC, **home}}) == [("error", "M1108", path)]


def test_without_a_security_group_somebody_must_tell_where_health_checks_come_from() -> None:
    home = {"existing": {**VPC, "public_subnets": SUBNETS}}
    alone = {"security_group": False}
    assert found(alone, network=home) == [("error", "M1102", "security_group")]
    home["existing"]["cidr"] = "10.0.0.0/16"
    assert found(alone, network=home) == []


def test_the_region_is_not_judged_where_it_is_faulty_itself() -> None:
    assert found({"existing": {"arn": ARN, "security_group": GROUP}}, region="Frankfurt") == []
