"""The template of an Application Load Balancer, and the findings for wrong params."""

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


def validate_params(
    alb_params: dict[str, Any], region: str = REGION, **stacks: Any
) -> tuple[Environment | None, list[Finding]]:
    plain = {} if "existing" in alb_params else {"certificate": []}
    stacks = {"network": {}, **stacks, "alb": {**plain, **alb_params}}
    data = {"app": "shop", "region": region, "stacks": stacks}
    return validate(Document("dev", "dev.yaml", data, {}), TEMPLATES)


def find_findings(
    alb_params: dict[str, Any], region: str = REGION, **stacks: Any
) -> list[tuple[str, ...]]:
    """Level, code and path below the stack of each finding of the load balancer.

    The path is empty for a key that is missing, whose finding is at the stack.
    """
    return [
        (finding.level, finding.code, ".".join(str(step) for step in finding.path[2:]))
        for finding in validate_params(alb_params, region, **stacks)[1]
        if finding.path[:2] == ("stacks", "alb")
    ]


def body(alb_params: dict[str, Any], **stacks: Any) -> dict[str, Any]:
    env, findings = validate_params(alb_params, **stacks)
    assert env is not None, findings
    template = alb.compose("alb", env.stacks["alb"].params, env)
    assert template is not None
    return template.to_dict()


def properties(alb_params: dict[str, Any], name: str, **stacks: Any) -> dict[str, Any]:
    return body(alb_params, **stacks)["Resources"][name]["Properties"]


def attributes(alb_params: dict[str, Any]) -> dict[str, Any]:
    pairs = properties(alb_params, "LoadBalancer")["LoadBalancerAttributes"]
    assert len({pair["Key"] for pair in pairs}) == len(pairs)
    return {pair["Key"]: pair["Value"] for pair in pairs}


def ingress(alb_params: dict[str, Any], **stacks: Any) -> set[tuple[int, int, str]]:
    """From port, to port and source of every inbound rule."""
    rules = properties(alb_params, "SecurityGroup", **stacks)["SecurityGroupIngress"]
    sources = ("CidrIp", "CidrIpv6", "SourcePrefixListId")
    triples = [
        (rule["FromPort"], rule["ToPort"], rule[source])
        for rule in rules
        for source in sources
        if source in rule
    ]
    assert len(triples) == len(rules) == len(set(triples)), (
        "each rule has one source, and no two rules are equal"
    )
    return set(triples)


def handle(alb_params: dict[str, Any]) -> alb.Handle:
    env, findings = validate_params(alb_params)
    assert env is not None, findings
    params = env.stacks["alb"].params
    assert isinstance(params, alb.Params)
    return alb.handle("alb", params, env)


def imported(output: str) -> dict[str, str]:
    return {"Fn::ImportValue": f"shop-dev-alb-{output}"}


# Listeners -----------------------------------------------------------------------------------


def test_without_a_certificate_http_answers_404_and_there_is_no_https() -> None:
    template = body({})
    assert template["Resources"]["HttpListener"]["Properties"] == {
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
    assert "HttpsListener" not in template["Resources"]
    assert "HttpsListenerArn" not in template["Outputs"]
    assert ingress({}) == {(80, 80, "0.0.0.0/0")}


def test_with_a_certificate_http_redirects_permanently_and_https_answers_404() -> None:
    resources = body({"certificate": CERTIFICATE})["Resources"]
    assert resources["HttpListener"]["Properties"]["DefaultActions"] == [
        {
            "Type": "redirect",
            "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"},
        }
    ]
    https = resources["HttpsListener"]["Properties"]
    assert (https["Port"], https["Protocol"]) == (443, "HTTPS")
    assert https["Certificates"] == [{"CertificateArn": CERTIFICATE}]
    assert https["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
    assert https["DefaultActions"][0]["FixedResponseConfig"]["StatusCode"] == "404"
    assert not [name for name in resources if name.endswith("ListenerCertificate")]
    assert ingress({"certificate": CERTIFICATE}) == {
        (80, 80, "0.0.0.0/0"),
        (443, 443, "0.0.0.0/0"),
    }


def test_additional_certificates_have_logical_ids_independent_of_their_order() -> None:
    def additional(*certificates: str) -> dict[str, str]:
        resources = body({"certificate": [CERTIFICATE, *certificates]})["Resources"]
        assert resources["HttpsListener"]["Properties"]["Certificates"] == [
            {"CertificateArn": CERTIFICATE}
        ]
        return {
            name: resource["Properties"]["Certificates"][0]["CertificateArn"]
            for name, resource in resources.items()
            if resource["Type"] == "AWS::ElasticLoadBalancingV2::ListenerCertificate"
        }

    in_order = additional(SECOND, IN_IAM)
    assert in_order == {
        "Ffffffff111142228333444455556666ListenerCertificate": SECOND,
        "ShopExampleOrgListenerCertificate": IN_IAM,
    }
    assert additional(IN_IAM, SECOND) == in_order


# The load balancer ---------------------------------------------------------------------------


@pytest.mark.parametrize("alb_params", [{}, {"scheme": "internal"}, {"certificate": CERTIFICATE}])
def test_no_resource_has_a_physical_name_that_would_prevent_its_replacement(
    alb_params: Any,
) -> None:
    resources = body(alb_params | {"access_logs": True})["Resources"]
    for name, resource in resources.items():
        assert not resource["Properties"].keys() & {"Name", "GroupName", "BucketName"}, name


def test_the_scheme_determines_the_subnets() -> None:
    facing, internal = ({"Scheme": s} for s in ("internet-facing", "internal"))
    for alb_params, scheme, kind in (
        ({}, facing, "Public"),
        ({"scheme": "internal"}, internal, "Priv"),
    ):
        balancer = properties(alb_params, "LoadBalancer")
        assert balancer["Type"] == "application"
        assert balancer["Scheme"] == scheme["Scheme"]
        assert len(balancer["Subnets"]) == 2
        for subnet in balancer["Subnets"]:
            assert subnet["Fn::ImportValue"].startswith(f"shop-dev-network-{kind}")


def test_an_internal_load_balancer_is_in_public_subnets_if_there_are_no_private_subnets() -> None:
    network_params = {"existing": {**VPC, "public_subnets": PUBLIC, "cidr": "10.0.0.0/16"}}
    assert (
        properties({"scheme": "internal"}, "LoadBalancer", network=network_params)["Subnets"]
        == PUBLIC
    )
    network_params["existing"]["private_subnets"] = PRIVATE
    assert (
        properties({"scheme": "internal"}, "LoadBalancer", network=network_params)["Subnets"]
        == PRIVATE
    )


def test_all_attributes_are_always_written_so_that_an_update_resets_each() -> None:
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


def test_the_security_group_allows_no_outbound_traffic() -> None:
    (rule,) = properties({}, "SecurityGroup")["SecurityGroupEgress"]
    assert (rule["IpProtocol"], rule["CidrIp"]) == ("-1", "127.0.0.1/32")


def test_authentication_allows_outbound_https_only() -> None:
    alb_params = {"certificate": CERTIFICATE, "authentication": True}
    (rule,) = properties(alb_params, "SecurityGroup")["SecurityGroupEgress"]
    assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 443, 443)
    assert rule["CidrIp"] == "0.0.0.0/0"


def test_clients_of_each_kind_get_a_rule_for_each_port() -> None:
    clients = ["198.51.100.0/24", "2001:db8::/32", "pl-0123456789abcdef0"]
    alb_params = {"certificate": CERTIFICATE, "clients": clients, "ip_address_type": "dualstack"}
    expected = {(port, port, client) for port in (80, 443) for client in clients}
    assert ingress(alb_params, network={"ipv6": True}) == expected


def test_an_internal_load_balancer_allows_clients_of_its_network_only() -> None:
    network_params = {"cidr": "10.20.0.0/16"}
    assert ingress({"scheme": "internal"}, network=network_params) == {(80, 80, "10.20.0.0/16")}
    named = {"scheme": "internal", "clients": ["10.9.0.0/16"]}
    assert ingress(named, network=network_params) == {(80, 80, "10.9.0.0/16")}


def test_dualstack_allows_all_ipv4_and_ipv6_addresses() -> None:
    alb_params = {"ip_address_type": "dualstack"}
    assert ingress(alb_params, network={"ipv6": True}) == {(80, 80, "0.0.0.0/0"), (80, 80, "::/0")}


# Access logs ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("logs", "folder"),
    [(True, "AWSLogs"), ({"prefix": "alb/public"}, "alb/public/AWSLogs")],
)
def test_the_bucket_policy_allows_log_delivery_to_the_prefix_of_the_load_balancer(
    logs: Any, folder: str
) -> None:
    resources = body({"access_logs": logs})["Resources"]
    delivery, tls = resources["AccessLogsBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert delivery == {
        "Sid": "LogDelivery",
        "Effect": "Allow",
        "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
        "Action": ["s3:PutObject"],
        "Resource": [{"Fn::Sub": f"${{AccessLogsBucket.Arn}}/{folder}/${{AWS::AccountId}}/*"}],
    }
    assert tls["Effect"] == "Deny"
    assert tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert resources["LoadBalancer"]["DependsOn"] == "AccessLogsBucketPolicy"
    assert attributes({"access_logs": logs})["access_logs.s3.bucket"] == {"Ref": "AccessLogsBucket"}
    prefix = attributes({"access_logs": logs})["access_logs.s3.prefix"]
    assert folder == f"{prefix}/AWSLogs".lstrip("/")


def test_the_bucket_is_retained_private_and_encrypted_with_sse_s3() -> None:
    bucket = body({"access_logs": {"expire_after": "30d"}})["Resources"]["AccessLogsBucket"]
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    bucket_properties = bucket["Properties"]
    assert all(bucket_properties["PublicAccessBlockConfiguration"].values())
    assert len(bucket_properties["PublicAccessBlockConfiguration"]) == 4
    assert bucket_properties["OwnershipControls"]["Rules"] == [
        {"ObjectOwnership": "BucketOwnerEnforced"}
    ]
    (encryption,) = bucket_properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    (rule,) = bucket_properties["LifecycleConfiguration"]["Rules"]
    assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", 30)


def test_an_existing_bucket_is_only_referenced() -> None:
    resources = body({"access_logs": {"bucket": "shop-logs"}})["Resources"]
    assert not {"AccessLogsBucket", "AccessLogsBucketPolicy"} & resources.keys()
    assert "DependsOn" not in resources["LoadBalancer"]


# Records and web ACL -------------------------------------------------------------------------


def test_each_alias_gets_a_record_for_each_type_of_address() -> None:
    names = ["shop.example.com", "*.shop.example.com"]
    alb_params = {"aliases": [{"zone": ZONE, "name": name} for name in names]}

    def records(alb_params: dict[str, Any], **stacks: Any) -> dict[str, tuple[str, str]]:
        return {
            name: (resource["Properties"]["Name"], resource["Properties"]["Type"])
            for name, resource in body(alb_params, **stacks)["Resources"].items()
            if resource["Type"] == "AWS::Route53::RecordSet"
        }

    ipv4 = {
        "ShopExampleComARecord": (names[0], "A"),
        "WildcardShopExampleComARecord": (names[1], "A"),
    }
    assert records(alb_params) == ipv4
    dualstack = records(alb_params | {"ip_address_type": "dualstack"}, network={"ipv6": True})
    assert dualstack == ipv4 | {
        "ShopExampleComAaaaRecord": (names[0], "AAAA"),
        "WildcardShopExampleComAaaaRecord": (names[1], "AAAA"),
    }
    assert properties(alb_params, "ShopExampleComARecord")["AliasTarget"] == {
        "DNSName": {"Fn::GetAtt": ["LoadBalancer", "DNSName"]},
        "HostedZoneId": {"Fn::GetAtt": ["LoadBalancer", "CanonicalHostedZoneID"]},
    }


def test_the_web_acl_is_associated_with_the_load_balancer() -> None:
    assert properties({"web_acl": WEB_ACL}, "WebAclAssociation") == {
        "ResourceArn": {"Ref": "LoadBalancer"},
        "WebACLArn": WEB_ACL,
    }


# The handle ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "alb_params",
    [{}, {"certificate": CERTIFICATE}, {"certificate": CERTIFICATE, "access_logs": True}],
)
def test_the_handle_imports_what_the_stack_exports(alb_params: dict[str, Any]) -> None:
    exports = {output["Export"]["Name"] for output in body(alb_params)["Outputs"].values()}
    imported_handle = handle(alb_params)
    for value in (imported_handle.listener, imported_handle.security_group):
        assert value.to_dict()["Fn::ImportValue"] in exports


def test_services_use_https_where_there_is_a_certificate() -> None:
    plain, secure = handle({}), handle({"certificate": CERTIFICATE, "authentication": True})
    assert (plain.https, plain.authentication) == (False, False)
    assert plain.listener.to_dict() == imported("HttpListenerArn")
    assert (secure.https, secure.authentication) == (True, True)
    assert secure.listener.to_dict() == imported("HttpsListenerArn")


@pytest.mark.parametrize(("protocol", "https"), [({}, True), ({"protocol": "HTTP"}, False)])
def test_an_existing_listener_has_no_stack_and_a_handle_of_literals(
    protocol: Any, https: bool
) -> None:
    env, findings = validate_params({"existing": EXISTING | protocol})
    assert (env is not None, findings) == (True, [])
    assert env is not None
    assert alb.compose("alb", env.stacks["alb"].params, env) is None
    assert handle({"existing": EXISTING | protocol}) == alb.Handle(
        LISTENER, https, EXISTING["security_group"], authentication=True, scheme=None
    )


def test_an_existing_listener_needs_no_network() -> None:
    data = {"app": "shop", "region": REGION, "stacks": {"alb": {"existing": EXISTING}}}
    assert validate(Document("dev", "dev.yaml", data, {}), TEMPLATES)[1] == []


# Findings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("alb_params", "code", "path"),
    [
        ({"certificate": IN_VIRGINIA}, "M1210", "certificate"),
        ({"certificate": [CERTIFICATE, IN_VIRGINIA]}, "M1210", "certificate.1"),
        ({"certificate": [CERTIFICATE, CERTIFICATE]}, "M2305", "certificate.1"),
        ({"certificate": "shop.example.com"}, "M1503", "certificate"),
        ({"ssl_policy": "ELBSecurityPolicy-TLS13-1-3-2021-06"}, "M2310", "ssl_policy"),
        ({"certificate": CERTIFICATE, "ssl_policy": "TLS13"}, "M1503", "ssl_policy"),
        ({"authentication": True}, "M2310", "authentication"),
        ({"network": "netwrok"}, "M1201", "network"),
        ({"scheme": "public"}, "M1104", "scheme"),
        ({"idle_timeout": "0s"}, "M1105", "idle_timeout"),
        ({"idle_timeout": "4001s"}, "M1105", "idle_timeout"),
        ({"clients": []}, "M1105", "clients"),
        ({"clients": ["198.51.100.0/24", "198.51.100.0/24"]}, "M2306", "clients.1"),
        ({"clients": ["10.0.0.1/8"]}, "M1504", "clients.0"),
        ({"clients": ["pl-list"]}, "M1503", "clients.0"),
        ({"access_logs": {"prefix": "AWSLogs/alb"}}, "M1503", "access_logs.prefix"),
        ({"access_logs": {"prefix": "/alb"}}, "M1503", "access_logs.prefix"),
        ({"access_logs": {"prefix": "alb/*"}}, "M1503", "access_logs.prefix"),
        ({"access_logs": {"expire_after": "36h"}}, "M2321", "access_logs.expire_after"),
        ({"access_logs": {"expire_after": "0d"}}, "M2321", "access_logs.expire_after"),
        (
            {"access_logs": {"bucket": "shop-logs", "expire_after": "30d"}},
            "M2320",
            "access_logs.expire_after",
        ),
        ({"web_acl": WEB_ACL.replace("regional", "global")}, "M1503", "web_acl"),
        ({"web_acl": WEB_ACL.replace(REGION, "us-east-1")}, "M1510", "web_acl"),
        (
            {"aliases": [{"zone": "example.com", "name": "a.example.com"}]},
            "M1503",
            "aliases.0.zone",
        ),
        ({"aliases": [{"zone": ZONE, "name": "A.example.com"}]}, "M1503", "aliases.0.name"),
        ({"aliases": [{"zone": ZONE, "name": "a.example.com"}] * 2}, "M2330", "aliases.1.name"),
        (
            {"aliases": [{"zone": ZONE, "name": f"a{sep}b.example.com"} for sep in ".-"]},
            "M1302",
            "aliases.1.name",
        ),
        ({"ip_address_type": "dualstack"}, "M2303", "ip_address_type"),
        ({"existing": EXISTING, "scheme": "internal"}, "M2300", "existing"),
        (
            {"existing": EXISTING | {"listener": LISTENER.replace(REGION, "us-east-1")}},
            "M1510",
            "existing.listener",
        ),
        (
            {"existing": EXISTING | {"listener": LISTENER.replace("/app/", "/net/")}},
            "M1503",
            "existing.listener",
        ),
    ],
)
def test_each_mistake_is_one_error(alb_params: dict[str, Any], code: str, path: str) -> None:
    assert find_findings(alb_params) == [("error", code, path)]


@pytest.mark.parametrize("scheme", ["internet-facing", "internal"])
def test_two_subnets_are_needed(scheme: str) -> None:
    existing = {**VPC, "cidr": "10.0.0.0/16", "public_subnets": PUBLIC[:1]}
    alb_params = {"scheme": scheme}
    assert find_findings(alb_params, network={"existing": existing}) == [
        ("error", "M2302", "scheme")
    ]
    private = {**existing, "public_subnets": PUBLIC, "private_subnets": PRIVATE[:1]}
    expected = [("error", "M2302", "scheme")] if scheme == "internal" else []
    assert find_findings(alb_params, network={"existing": private}) == expected


def test_an_internal_load_balancer_needs_clients_if_the_network_addresses_are_unknown() -> None:
    network_params = {"existing": {**VPC, "private_subnets": PRIVATE}}
    missing = find_findings({"scheme": "internal"}, network=network_params)
    assert missing == [("error", "M1102", "clients")]
    assert (
        find_findings({"scheme": "internal", "clients": ["10.0.0.0/8"]}, network=network_params)
        == []
    )
    misspelt = find_findings(
        {"scheme": "internal", "clients": "10.0.0.0/8"}, network=network_params
    )
    assert misspelt == [("error", "M1103", "clients")], (
        "a wrong value is not reported as missing, too"
    )


def test_network_is_required_if_there_are_two_networks() -> None:
    assert find_findings({}, other={"template": "network"}) == [("error", "M1202", "network")]
    assert find_findings({"network": "other"}, other={"template": "network"}) == []


@pytest.mark.parametrize(
    ("alb_params", "network_params", "code", "path"),
    [
        ({"clients": ["198.51.100.0/24", "2001:db8::/32"]}, {}, "M2307", "clients.1"),
        (
            {"scheme": "internal", "ip_address_type": "dualstack"},
            {"ipv6": True},
            "M2308",
            "clients",
        ),
        (
            {"scheme": "internal", "certificate": CERTIFICATE, "authentication": True},
            {"egress": "endpoints"},
            "M2309",
            "authentication",
        ),
    ],
)
def test_settings_that_deploy_and_do_not_work_are_a_warning(
    alb_params: Any, network_params: Any, code: str, path: str
) -> None:
    assert find_findings(alb_params, network=network_params) == [("warning", code, path)]


@pytest.mark.parametrize("egress", ["nat", "nat-per-az"])
def test_an_internal_load_balancer_can_authenticate_with_a_nat_gateway(egress: str) -> None:
    alb_params = {"scheme": "internal", "certificate": CERTIFICATE, "authentication": True}
    assert find_findings(alb_params, network={"egress": egress}) == []


def test_a_certificate_in_iam_can_be_used_in_every_region() -> None:
    assert find_findings({"certificate": IN_IAM}, region="us-west-2") == []


def test_an_invalid_certificate_is_not_reported_as_missing() -> None:
    alb_params = {"certificate": "mine", "ssl_policy": "ELBSecurityPolicy-2016-08"}
    assert find_findings(alb_params) == [("error", "M1503", "certificate")]


def test_arns_are_not_checked_against_an_invalid_region() -> None:
    assert find_findings({"certificate": CERTIFICATE, "web_acl": WEB_ACL}, region="Frankfurt") == []


def test_plain_http_for_the_internet_is_a_warning_unless_it_is_written() -> None:
    data = {"app": "shop", "region": REGION, "stacks": {"network": {}, "alb": {}}}
    _, findings = validate(Document("dev", "dev.yaml", data, {}), TEMPLATES)
    assert [(finding.code, finding.level) for finding in findings] == [("M2333", "warning")]
    assert find_findings({"certificate": []}) == []
    assert find_findings({"certificate": CERTIFICATE}) == []
    data["stacks"] = {"network": {}, "alb": {"scheme": "internal"}}
    assert validate(Document("dev", "dev.yaml", data, {}), TEMPLATES)[1] == []
