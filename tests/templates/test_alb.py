"""What the alb template composes, and what it says of params that could not be deployed."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.findings.finding import Finding
from moorage.model import Environment
from moorage.pipeline.load import Document
from moorage.pipeline.validate import validate
from templates import network
from templates.load_balancers import alb

TEMPLATES = {"alb": alb, "network": network}
REGION = "eu-central-1"
ACCOUNT = "123456789012"
CERTIFICATE = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/0a1b2c3d-1111-4222-8333-444455556666"
SECOND = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/ffffffff-1111-4222-8333-444455556666"
IN_IAM = f"arn:aws:iam::{ACCOUNT}:server-certificate/partners/shop.example.org"
IN_VIRGINIA = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/eeeeeeee-1111-4222-8333-444455556666"
WEB_ACL = f"arn:aws:wafv2:{REGION}:{ACCOUNT}:regional/webacl/shop/0a1b2c3d-1111"
LISTENER = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:listener/app/web/50dc6c49/f2f7dc8e"
ZONE = "Z0123456789ABCDEFGHIJ"
EXISTING = {"listener": LISTENER, "security_group": "sg-0123456789abcdef0"}
VPC = {"vpc": "vpc-0123456789abcdef0"}
PUBLIC = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
PRIVATE = ["subnet-0123456789abcdef2", "subnet-0123456789abcdef3"]


def validated(
    given: dict[str, Any], region: str = REGION, **stacks: Any
) -> tuple[Environment | None, list[Finding]]:
    stacks = {"network": {}, **stacks, "alb": given}
    data = {"app": "shop", "region": region, "stacks": stacks}
    return validate(Document("dev", "dev.yaml", data, {}), TEMPLATES)


def found(given: dict[str, Any], region: str = REGION, **stacks: Any) -> list[tuple[str, ...]]:
    """Level, code and path below the stack of each finding of the load balancer.

    What is not written has no path of its own: it is told of at the stack.
    """
    return [
        (one.level, one.code, ".".join(str(step) for step in one.path[2:]))
        for one in validated(given, region, **stacks)[1]
        if one.path[:2] == ("stacks", "alb")
    ]


def body(given: dict[str, Any], **stacks: Any) -> dict[str, Any]:
    env, findings = validated(given, **stacks)
    assert env is not None, findings
    template = alb.compose("alb", env.stacks["alb"].params, env)
    assert template is not None
    return template.to_dict()


def properties(given: dict[str, Any], name: str, **stacks: Any) -> dict[str, Any]:
    return body(given, **stacks)["Resources"][name]["Properties"]


def attributes(given: dict[str, Any]) -> dict[str, Any]:
    pairs = properties(given, "LoadBalancer")["LoadBalancerAttributes"]
    assert len({pair["Key"] for pair in pairs}) == len(pairs)
    return {pair["Key"]: pair["Value"] for pair in pairs}


def ingress(given: dict[str, Any], **stacks: Any) -> set[tuple[int, int, str]]:
    """From, to and source of every rule."""
    rules = properties(given, "SecurityGroup", **stacks)["SecurityGroupIngress"]
    sources = ("CidrIp", "CidrIpv6", "SourcePrefixListId")
    seen = [
        (rule["FromPort"], rule["ToPort"], rule[source])
        for rule in rules
        for source in sources
        if source in rule
    ]
    assert len(seen) == len(rules) == len(set(seen)), "each rule has one source and is unique"
    return set(seen)


def handle(given: dict[str, Any]) -> alb.Handle:
    env, findings = validated(given)
    assert env is not None, findings
    params = env.stacks["alb"].params
    assert isinstance(params, alb.Params)
    return alb.handle("alb", params, env)


def imported(output: str) -> dict[str, str]:
    return {"Fn::ImportValue": f"shop-dev-alb-{output}"}


# Listeners -----------------------------------------------------------------------------------


def test_without_a_certificate_http_answers_404_and_there_is_no_https() -> None:
    made = body({})
    assert made["Resources"]["HttpListener"]["Properties"] == {
        "LoadBalancerArn": {"Ref": "LoadBalancer"},
        "Port": 80,
        "Protocol": "HTTP",
        "DefaultActions": [
            {
                "Type": "fixed-response",
                "FixedResponseConfig": {
                    "StatusCode": "404",
                    "ContentType": "text/plain",
                    "MessageBody": "Not found",
                },
            }
        ],
    }
    assert "HttpsListener" not in made["Resources"]
    assert "HttpsListenerArn" not in made["Outputs"]
    assert ingress({}) == {(80, 80, "0.0.0.0/0")}


def test_with_a_certificate_http_redirects_for_good_and_https_answers_404() -> None:
    made = body({"certificate": CERTIFICATE})["Resources"]
    assert made["HttpListener"]["Properties"]["DefaultActions"] == [
        {
            "Type": "redirect",
            "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"},
        }
    ]
    https = made["HttpsListener"]["Properties"]
    assert (https["Port"], https["Protocol"]) == (443, "HTTPS")
    assert https["Certificates"] == [{"CertificateArn": CERTIFICATE}]
    assert https["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
    assert https["DefaultActions"][0]["FixedResponseConfig"]["StatusCode"] == "404"
    assert not [name for name in made if name.endswith("ListenerCertificate")]
    assert ingress({"certificate": CERTIFICATE}) == {
        (80, 80, "0.0.0.0/0"),
        (443, 443, "0.0.0.0/0"),
    }


def test_further_certificates_are_resources_named_by_what_stays_theirs() -> None:
    def further(*certificates: str) -> dict[str, str]:
        made = body({"certificate": [CERTIFICATE, *certificates]})["Resources"]
        assert made["HttpsListener"]["Properties"]["Certificates"] == [
            {"CertificateArn": CERTIFICATE}
        ]
        return {
            name: one["Properties"]["Certificates"][0]["CertificateArn"]
            for name, one in made.items()
            if one["Type"] == "AWS::ElasticLoadBalancingV2::ListenerCertificate"
        }

    one_order = further(SECOND, IN_IAM)
    assert one_order == {
        "Ffffffff111142228333444455556666ListenerCertificate": SECOND,
        "ShopExampleOrgListenerCertificate": IN_IAM,
    }
    assert further(IN_IAM, SECOND) == one_order


# The load balancer ---------------------------------------------------------------------------


@pytest.mark.parametrize("given", [{}, {"scheme": "internal"}, {"certificate": CERTIFICATE}])
def test_nothing_has_a_physical_name_that_would_block_its_replacement(given: Any) -> None:
    made = body(given | {"access_logs": True})["Resources"]
    for name, resource in made.items():
        assert not resource["Properties"].keys() & {"Name", "GroupName", "BucketName"}, name


def test_scheme_decides_on_the_subnets() -> None:
    facing, internal = ({"Scheme": s} for s in ("internet-facing", "internal"))
    for given, scheme, kind in (({}, facing, "Public"), ({"scheme": "internal"}, internal, "Priv")):
        made = properties(given, "LoadBalancer")
        assert made["Type"] == "application"
        assert made["Scheme"] == scheme["Scheme"]
        assert len(made["Subnets"]) == 2
        for subnet in made["Subnets"]:
            assert subnet["Fn::ImportValue"].startswith(f"shop-dev-network-{kind}")


def test_internal_stands_in_public_subnets_where_there_are_no_others() -> None:
    home = {"existing": {**VPC, "public_subnets": PUBLIC, "cidr": "10.0.0.0/16"}}
    assert properties({"scheme": "internal"}, "LoadBalancer", network=home)["Subnets"] == PUBLIC
    home["existing"]["private_subnets"] = PRIVATE
    assert properties({"scheme": "internal"}, "LoadBalancer", network=home)["Subnets"] == PRIVATE


def test_attributes_are_always_all_there_so_that_an_update_puts_each_back() -> None:
    assert attributes({}) == {
        "deletion_protection.enabled": "false",
        "idle_timeout.timeout_seconds": "60",
        "routing.http.drop_invalid_header_fields.enabled": "true",
        "access_logs.s3.enabled": "false",
    }
    other = {"deletion_protection": True, "drop_invalid_headers": False, "idle_timeout": "4000s"}
    assert attributes(other | {"access_logs": {"bucket": "shop-logs", "prefix": "alb/a"}}) == {
        "deletion_protection.enabled": "true",
        "idle_timeout.timeout_seconds": "4000",
        "routing.http.drop_invalid_header_fields.enabled": "false",
        "access_logs.s3.enabled": "true",
        "access_logs.s3.bucket": "shop-logs",
        "access_logs.s3.prefix": "alb/a",
    }


# The security group --------------------------------------------------------------------------


def test_nothing_is_let_out_and_the_default_that_lets_all_out_is_gone() -> None:
    (rule,) = properties({}, "SecurityGroup")["SecurityGroupEgress"]
    assert (rule["IpProtocol"], rule["CidrIp"]) == ("-1", "127.0.0.1/32")


def test_authentication_lets_out_https_and_nothing_else() -> None:
    given = {"certificate": CERTIFICATE, "authentication": True}
    (rule,) = properties(given, "SecurityGroup")["SecurityGroupEgress"]
    assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 443, 443)
    assert rule["CidrIp"] == "0.0.0.0/0"


def test_clients_of_each_kind_get_a_rule_for_each_port() -> None:
    clients = ["198.51.100.0/24", "2001:db8::/32", "pl-0123456789abcdef0"]
    given = {"certificate": CERTIFICATE, "clients": clients, "ip_address_type": "dualstack"}
    expected = {(port, port, client) for port in (80, 443) for client in clients}
    assert ingress(given, network={"ipv6": True}) == expected


def test_an_internal_one_admits_its_network_only() -> None:
    home = {"cidr": "10.20.0.0/16"}
    assert ingress({"scheme": "internal"}, network=home) == {(80, 80, "10.20.0.0/16")}
    named = {"scheme": "internal", "clients": ["10.9.0.0/16"]}
    assert ingress(named, network=home) == {(80, 80, "10.9.0.0/16")}


def test_dualstack_admits_everybody_twice() -> None:
    given = {"ip_address_type": "dualstack"}
    assert ingress(given, network={"ipv6": True}) == {(80, 80, "0.0.0.0/0"), (80, 80, "::/0")}


# Access logs ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("logs", "folder"),
    [(True, "AWSLogs"), ({"prefix": "alb/public"}, "alb/public/AWSLogs")],
)
def test_the_bucket_admits_log_delivery_where_the_load_balancer_writes(
    logs: Any, folder: str
) -> None:
    made = body({"access_logs": logs})["Resources"]
    delivery, tls = made["AccessLogsBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert delivery == {
        "Sid": "LogDelivery",
        "Effect": "Allow",
        "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
        "Action": ["s3:PutObject"],
        "Resource": [{"Fn::Sub": f"${{AccessLogsBucket.Arn}}/{folder}/${{AWS::AccountId}}/*"}],
    }
    assert tls["Effect"] == "Deny"
    assert tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert made["LoadBalancer"]["DependsOn"] == "AccessLogsBucketPolicy"
    assert attributes({"access_logs": logs})["access_logs.s3.bucket"] == {"Ref": "AccessLogsBucket"}
    prefix = attributes({"access_logs": logs})["access_logs.s3.prefix"]
    assert folder == f"{prefix}/AWSLogs".lstrip("/")


def test_the_bucket_is_kept_private_and_in_the_one_encryption_that_elb_can_write() -> None:
    bucket = body({"access_logs": {"expire_after": "30d"}})["Resources"]["AccessLogsBucket"]
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    made = bucket["Properties"]
    assert all(made["PublicAccessBlockConfiguration"].values())
    assert len(made["PublicAccessBlockConfiguration"]) == 4
    assert made["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    (encryption,) = made["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    (rule,) = made["LifecycleConfiguration"]["Rules"]
    assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", 30)


def test_a_bucket_that_exists_is_only_named() -> None:
    made = body({"access_logs": {"bucket": "shop-logs"}})["Resources"]
    assert not {"AccessLogsBucket", "AccessLogsBucketPolicy"} & made.keys()
    assert "DependsOn" not in made["LoadBalancer"]


# Records and web ACL -------------------------------------------------------------------------


def test_a_record_for_each_name_and_kind_of_address() -> None:
    names = ["shop.example.com", "*.shop.example.com"]
    given = {"aliases": [{"zone": ZONE, "name": name} for name in names]}

    def records(given: dict[str, Any], **stacks: Any) -> dict[str, tuple[str, str]]:
        return {
            name: (one["Properties"]["Name"], one["Properties"]["Type"])
            for name, one in body(given, **stacks)["Resources"].items()
            if one["Type"] == "AWS::Route53::RecordSet"
        }

    ipv4 = {
        "ShopExampleComARecord": (names[0], "A"),
        "WildcardShopExampleComARecord": (names[1], "A"),
    }
    assert records(given) == ipv4
    both = records(given | {"ip_address_type": "dualstack"}, network={"ipv6": True})
    assert both == ipv4 | {
        "ShopExampleComAaaaRecord": (names[0], "AAAA"),
        "WildcardShopExampleComAaaaRecord": (names[1], "AAAA"),
    }
    assert properties(given, "ShopExampleComARecord")["AliasTarget"] == {
        "DNSName": {"Fn::GetAtt": ["LoadBalancer", "DNSName"]},
        "HostedZoneId": {"Fn::GetAtt": ["LoadBalancer", "CanonicalHostedZoneID"]},
    }


def test_the_web_acl_guards_the_load_balancer() -> None:
    assert properties({"web_acl": WEB_ACL}, "WebAclAssociation") == {
        "ResourceArn": {"Ref": "LoadBalancer"},
        "WebACLArn": WEB_ACL,
    }


# The handle ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given", [{}, {"certificate": CERTIFICATE}, {"certificate": CERTIFICATE, "access_logs": True}]
)
def test_the_handle_imports_what_the_stack_exports(given: dict[str, Any]) -> None:
    exports = {one["Export"]["Name"] for one in body(given)["Outputs"].values()}
    got = handle(given)
    for value in (got.listener, got.security_group):
        assert value.to_dict()["Fn::ImportValue"] in exports


def test_services_use_https_where_there_is_a_certificate() -> None:
    plain, secure = handle({}), handle({"certificate": CERTIFICATE, "authentication": True})
    assert (plain.https, plain.authentication) == (False, False)
    assert plain.listener.to_dict() == imported("HttpListenerArn")
    assert (secure.https, secure.authentication) == (True, True)
    assert secure.listener.to_dict() == imported("HttpsListenerArn")


@pytest.mark.parametrize(("protocol", "https"), [({}, True), ({"protocol": "HTTP"}, False)])
def test_what_exists_makes_no_stack_and_a_handle_of_literals(protocol: Any, https: bool) -> None:
    env, findings = validated({"existing": EXISTING | protocol})
    assert (env is not None, findings) == (True, [])
    assert env is not None
    assert alb.compose("alb", env.stacks["alb"].params, env) is None
    assert handle({"existing": EXISTING | protocol}) == alb.Handle(
        LISTENER, https, EXISTING["security_group"], authentication=True
    )


def test_what_exists_needs_no_network() -> None:
    data = {"app": "shop", "region": REGION, "stacks": {"alb": {"existing": EXISTING}}}
    assert validate(Document("dev", "dev.yaml", data, {}), TEMPLATES)[1] == []


# Findings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "code", "path"),
    [
        ({"certificate": IN_VIRGINIA}, "M1210", "certificate"),
        ({"certificate": [CERTIFICATE, IN_VIRGINIA]}, "M1210", "certificate.1"),
        ({"certificate": [CERTIFICATE, CERTIFICATE]}, "M1302", "certificate.1"),
        ({"certificate": "shop.example.com"}, "M1503", "certificate"),
        ({"ssl_policy": "ELBSecurityPolicy-TLS13-1-3-2021-06"}, "M1108", "ssl_policy"),
        ({"certificate": CERTIFICATE, "ssl_policy": "TLS13"}, "M1503", "ssl_policy"),
        ({"authentication": True}, "M1108", "authentication"),
        ({"network": "netwrok"}, "M1201", "network"),
        ({"scheme": "public"}, "M1104", "scheme"),
        ({"idle_timeout": "0s"}, "M1105", "idle_timeout"),
        ({"idle_timeout": "4001s"}, "M1105", "idle_timeout"),
        ({"clients": []}, "M1105", "clients"),
        ({"clients": ["10.0.0.0/8", "10.0.0.0/8"]}, "M1107", "clients.1"),
        ({"clients": ["10.0.0.1/8"]}, "M1504", "clients.0"),
        ({"clients": ["pl-list"]}, "M1503", "clients.0"),
        ({"access_logs": {"prefix": "AWSLogs/alb"}}, "M1503", "access_logs.prefix"),
        ({"access_logs": {"prefix": "/alb"}}, "M1503", "access_logs.prefix"),
        ({"access_logs": {"prefix": "alb/*"}}, "M1503", "access_logs.prefix"),
        ({"access_logs": {"expire_after": "36h"}}, "M1107", "access_logs.expire_after"),
        ({"access_logs": {"expire_after": "0d"}}, "M1107", "access_logs.expire_after"),
        (
            {"access_logs": {"bucket": "shop-logs", "expire_after": "30d"}},
            "M1108",
            "access_logs.expire_after",
        ),
        ({"web_acl": WEB_ACL.replace("regional", "global")}, "M1503", "web_acl"),
        ({"web_acl": WEB_ACL.replace(REGION, "us-east-1")}, "M1220", "web_acl"),
        (
            {"aliases": [{"zone": "example.com", "name": "a.example.com"}]},
            "M1503",
            "aliases.0.zone",
        ),
        ({"aliases": [{"zone": ZONE, "name": "A.example.com"}]}, "M1503", "aliases.0.name"),
        ({"aliases": [{"zone": ZONE, "name": "a.example.com"}] * 2}, "M1302", "aliases.1.name"),
        (
            {"aliases": [{"zone": ZONE, "name": f"a{sep}b.example.com"} for sep in ".-"]},
            "M1302",
            "aliases.1.name",
        ),
        ({"ip_address_type": "dualstack"}, "M1108", "ip_address_type"),
        ({"existing": EXISTING, "scheme": "internal"}, "M1108", "existing"),
        (
            {"existing": EXISTING | {"listener": LISTENER.replace(REGION, "us-east-1")}},
            "M1220",
            "existing.listener",
        ),
        (
            {"existing": EXISTING | {"listener": LISTENER.replace("/app/", "/net/")}},
            "M1503",
            "existing.listener",
        ),
    ],
)
def test_what_could_not_be_deployed_is_one_error(
    given: dict[str, Any], code: str, path: str
) -> None:
    assert found(given) == [("error", code, path)]


@pytest.mark.parametrize("scheme", ["internet-facing", "internal"])
def test_two_subnets_are_needed(scheme: str) -> None:
    one = {**VPC, "cidr": "10.0.0.0/16", "public_subnets": PUBLIC[:1]}
    given = {"scheme": scheme}
    assert found(given, network={"existing": one}) == [("error", "M1108", "scheme")]
    private = {**one, "public_subnets": PUBLIC, "private_subnets": PRIVATE[:1]}
    expected = [("error", "M1108", "scheme")] if scheme == "internal" else []
    assert found(given, network={"existing": private}) == expected


def test_internal_asks_for_clients_where_the_network_does_not_tell_its_addresses() -> None:
    home = {"existing": {**VPC, "private_subnets": PRIVATE}}
    asked = found({"scheme": "internal"}, network=home)
    assert asked == [("error", "M1102", "clients")]
    assert found({"scheme": "internal", "clients": ["10.0.0.0/8"]}, network=home) == []
    misspelt = found({"scheme": "internal", "clients": "10.0.0.0/8"}, network=home)
    assert misspelt == [("error", "M1103", "clients")], "what is wrong already is not missing too"


def test_two_networks_must_be_chosen_from() -> None:
    assert found({}, other={"template": "network"}) == [("error", "M1202", "network")]
    assert found({"network": "other"}, other={"template": "network"}) == []


@pytest.mark.parametrize(
    ("given", "home", "path"),
    [
        ({"clients": ["10.0.0.0/8", "2001:db8::/32"]}, {}, "clients.1"),
        ({"scheme": "internal", "ip_address_type": "dualstack"}, {"ipv6": True}, "clients"),
        (
            {"scheme": "internal", "certificate": CERTIFICATE, "authentication": True},
            {"egress": "endpoints"},
            "authentication",
        ),
    ],
)
def test_what_would_deploy_and_not_work_is_a_warning(given: Any, home: Any, path: str) -> None:
    assert found(given, network=home) == [("warning", "M1220", path)]


@pytest.mark.parametrize("egress", ["nat", "nat-per-az"])
def test_an_internal_one_authenticates_through_nat(egress: str) -> None:
    given = {"scheme": "internal", "certificate": CERTIFICATE, "authentication": True}
    assert found(given, network={"egress": egress}) == []


def test_a_certificate_in_iam_has_no_region_and_fits_in_all() -> None:
    assert found({"certificate": IN_IAM}, region="us-west-2") == []


def test_a_faulty_certificate_is_no_missing_one() -> None:
    given = {"certificate": "mine", "ssl_policy": "ELBSecurityPolicy-2016-08"}
    assert found(given) == [("error", "M1503", "certificate")]


def test_regions_are_not_judged_where_the_region_itself_is_faulty() -> None:
    assert found({"certificate": CERTIFICATE, "web_acl": WEB_ACL}, region="Frankfurt") == []
