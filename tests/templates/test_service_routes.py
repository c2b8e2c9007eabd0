"""Resources of services behind an Application Load Balancer."""

from __future__ import annotations

from typing import Any

import pytest
from service_stacks import (
    CERTIFICATE,
    EXISTING_ALB,
    EXISTING_NETWORK,
    IMAGE,
    LISTENER,
    OIDC,
    POOL,
    ROUTE,
    SECRET,
    WEB,
    body,
    built,
    of_type,
    text,
)

# Behind a load balancer ----------------------------------------------------------------------

CHECKED = {"health_check": {"port": 9000, "path": "/healthz"}}
HTTPS = {"public": {"template": "alb", "certificate": CERTIFICATE, "authentication": True}}


def security_group_rules(template: dict[str, Any]) -> dict[str, set[tuple[str, str, int]]]:
    """Source and destination security group and port, by the kind of rule."""
    ingress = {
        (text(rule["SourceSecurityGroupId"]), text(rule["GroupId"]), rule["ToPort"])
        for rule in of_type("SecurityGroupIngress", template).values()
    }
    egress = {
        (text(rule["GroupId"]), text(rule["DestinationSecurityGroupId"]), rule["ToPort"])
        for rule in of_type("SecurityGroupEgress", template).values()
    }
    return {"ingress": ingress, "egress": egress}


BALANCER, TASKS = "shop-dev-public-SecurityGroupId", "SecurityGroup.GroupId"


def test_resources_of_a_route() -> None:
    template = body(expose=[ROUTE])
    (group,) = of_type("TargetGroup", template)
    (rule,) = of_type("ListenerRule", template).values()
    (attached,) = template["Resources"]["Service"]["Properties"]["LoadBalancers"]
    assert group == "PublicApp8080TargetGroup"
    assert rule["Actions"] == [{"Type": "forward", "TargetGroupArn": {"Ref": group}}]
    assert text(rule["ListenerArn"]) == "shop-dev-public-HttpListenerArn"
    assert attached == {
        "ContainerName": "app",
        "ContainerPort": 8080,
        "TargetGroupArn": {"Ref": group},
    }
    rules = {(BALANCER, TASKS, 8080)}
    assert security_group_rules(template) == {"ingress": rules, "egress": rules}


def test_the_service_waits_for_the_rules_that_forward_to_it_only() -> None:
    redirect = {"via": "public", "name": "old", "paths": ["/old"], "redirect": {"path": "/new"}}
    assert body(expose=[ROUTE, redirect])["Resources"]["Service"]["DependsOn"] == [
        "Public8080Egress",
        "Public8080Ingress",
        "PublicApp8080ListenerRule",
    ]


def test_without_routes_there_are_no_security_group_rules() -> None:
    template = body()
    assert security_group_rules(template) == {"ingress": set(), "egress": set()}
    assert not {"DependsOn", "LoadBalancers"} & template["Resources"]["Service"].keys()
    assert not of_type("TargetGroup", template)


def test_a_separate_health_check_port_is_allowed_as_well() -> None:
    template = body(container={"ports": [8080, 9000]}, expose=[ROUTE | {"port": 8080} | CHECKED])
    rules = {(BALANCER, TASKS, port) for port in (8080, 9000)}
    assert security_group_rules(template) == {"ingress": rules, "egress": rules}
    (group,) = of_type("TargetGroup", template).values()
    assert (group["Port"], group["HealthCheckPort"], group["HealthCheckPath"]) == (
        8080,
        "9000",
        "/healthz",
    )


def test_a_sidecar_can_answer_health_checks_of_a_task() -> None:
    containers = {"app": WEB, "health": {"image": IMAGE, "ports": [9000]}}
    template = body(containers=containers, expose=[ROUTE | {"container": "app"} | CHECKED])
    assert {port for _, _, port in security_group_rules(template)["ingress"]} == {8080, 9000}
    (attached,) = template["Resources"]["Service"]["Properties"]["LoadBalancers"]
    assert (attached["ContainerName"], attached["ContainerPort"]) == ("app", 8080)


def test_two_routes_to_one_port_share_its_target_group() -> None:
    second = {"via": "public", "name": "api", "hosts": ["api.example.com"]}
    template = body(expose=[ROUTE | {"deregistration_delay": "5s"}, second])
    (group,) = of_type("TargetGroup", template)
    rules = of_type("ListenerRule", template)
    assert rules.keys() == {"PublicApp8080ListenerRule", "PublicApiListenerRule"}
    assert {rule["Actions"][0]["TargetGroupArn"]["Ref"] for rule in rules.values()} == {group}
    assert rules.keys() <= set(template["Resources"]["Service"]["DependsOn"])
    assert len(template["Resources"]["Service"]["Properties"]["LoadBalancers"]) == 1


def test_the_route_with_settings_sets_the_target_group_in_any_order() -> None:
    second = {"via": "public", "name": "api", "hosts": ["api.example.com"]}
    plain = of_type("TargetGroup", body(expose=[second, ROUTE]))
    reordered = of_type(
        "TargetGroup", body(expose=[second, ROUTE | {"deregistration_delay": "5s"}])
    )
    key = "deregistration_delay.timeout_seconds"
    for groups, seconds in ((plain, "60"), (reordered, "5")):
        (group,) = groups.values()
        attributes = {pair["Key"]: pair["Value"] for pair in group["TargetGroupAttributes"]}
        assert attributes[key] == seconds


def test_each_of_two_load_balancers_has_a_target_group_and_rules() -> None:
    inner = {"template": "alb", "scheme": "internal"}
    template = body(expose=[ROUTE, ROUTE | {"via": "inner"}], stacks={"inner": inner})
    assert of_type("TargetGroup", template).keys() == {
        "PublicApp8080TargetGroup",
        "InnerApp8080TargetGroup",
    }
    assert {balancer for balancer, _, _ in security_group_rules(template)["ingress"]} == {
        BALANCER,
        "shop-dev-inner-SecurityGroupId",
    }
    assert len(template["Resources"]["Service"]["Properties"]["LoadBalancers"]) == 2


def test_an_existing_load_balancer_is_referred_to_by_its_ids() -> None:
    template = body(
        expose=[ROUTE], stacks={"public": {"template": "alb", "existing": EXISTING_ALB}}
    )
    (rule,) = of_type("ListenerRule", template).values()
    assert rule["ListenerArn"] == LISTENER
    rules = {(EXISTING_ALB["security_group"], TASKS, 8080)}
    assert security_group_rules(template) == {"ingress": rules, "egress": rules}


def test_with_a_certificate_rules_belong_to_the_https_listener() -> None:
    (rule,) = of_type("ListenerRule", body(expose=[ROUTE], stacks=HTTPS)).values()
    assert text(rule["ListenerArn"]) == "shop-dev-public-HttpsListenerArn"


# Actions -------------------------------------------------------------------------------------


def answered(route: dict[str, Any]) -> list[dict[str, Any]]:
    template = body(expose=[{"via": "public", "paths": ["/a"], **route}], stacks=HTTPS)
    (rule,) = of_type("ListenerRule", template).values()
    return list(rule["Actions"])


def test_a_redirect_keeps_what_it_does_not_mention() -> None:
    redirect = {"host": "b.example.com", "port": 8443, "status_code": 301}
    (action,) = answered({"name": "moved", "redirect": redirect})
    assert action["Type"] == "redirect"
    assert action["RedirectConfig"] == {
        "Host": "b.example.com",
        "Port": "8443",
        "StatusCode": "HTTP_301",
    }


def test_a_fixed_response() -> None:
    (action,) = answered({"name": "closed", "fixed_response": {"message_body": "Closed"}})
    assert action["Type"] == "fixed-response"
    assert action["FixedResponseConfig"] == {
        "StatusCode": "503",
        "ContentType": "text/plain",
        "MessageBody": "Closed",
    }


@pytest.mark.parametrize(
    ("provider", "kind"),
    [
        ({"oidc": OIDC}, "authenticate-oidc"),
        (
            {"cognito": {"user_pool": POOL, "client_id": "abc", "domain": "shop"}},
            "authenticate-cognito",
        ),
    ],
    ids=["oidc", "cognito"],
)
def test_users_log_in_before_requests_are_forwarded(provider: dict[str, Any], kind: str) -> None:
    login = provider | {"session_timeout": "1h", "session_cookie": "shop"}
    actions = answered({"authenticate": login})
    assert [(action["Order"], action["Type"]) for action in actions] == [(1, kind), (2, "forward")]
    (config,) = (value for key, value in actions[0].items() if key.endswith("Config"))
    assert (config["SessionTimeout"], config["SessionCookieName"]) == (3600, "shop")


def test_the_secret_of_an_oidc_client_is_not_in_the_template() -> None:
    config = answered({"authenticate": {"oidc": OIDC}})[0]["AuthenticateOidcConfig"]
    assert config["ClientSecret"] == "{{resolve:secretsmanager:login:SecretString:secret}}"


def test_two_stacks_with_one_existing_vpc_are_one_network() -> None:
    private = EXISTING_NETWORK | {"public_subnets": []}
    web = {"template": "service", "network": "inner", "containers": {"web": WEB}}
    stacks = {
        "network": {"existing": EXISTING_NETWORK},
        "inner": {"template": "network", "existing": private},
        "public": {"template": "alb", "network": "network", "certificate": []},
        "web": web | {"expose": [ROUTE]},
    }
    assert built(stacks)[1] == []
    other = {"template": "network", "existing": private | {"vpc": "vpc-0123456789abcdef1"}}
    _, (finding,) = built(stacks | {"inner": other})
    assert finding.code == "M2553"


def test_the_secret_of_an_oidc_client_can_be_written_as_an_arn() -> None:
    login = OIDC | {"client_secret": f"secretsmanager:{SECRET}:password"}
    config = answered({"authenticate": {"oidc": login}})[0]["AuthenticateOidcConfig"]
    expected = f"{{{{resolve:secretsmanager:{SECRET}:SecretString:password}}}}"
    assert config["ClientSecret"] == expected


# Target groups -------------------------------------------------------------------------------


def target_group(**settings: Any) -> dict[str, Any]:
    (group,) = of_type("TargetGroup", body(expose=[ROUTE | settings], stacks=HTTPS)).values()
    return group


def attributes(**settings: Any) -> dict[str, str]:
    return {
        pair["Key"]: pair["Value"] for pair in target_group(**settings)["TargetGroupAttributes"]
    }


def test_a_target_group_is_in_the_network_of_the_service() -> None:
    group = target_group()
    assert group["TargetType"] == "ip"
    assert text(group["VpcId"]) == "shop-dev-network-VpcId"
    assert (group["Protocol"], group["ProtocolVersion"]) == ("HTTP", "HTTP1")
    assert (group["HealthCheckPort"], group["HealthCheckPath"]) == ("traffic-port", "/")
    assert group["Matcher"] == {"HttpCode": "200-399"}


def test_health_check_of_grpc() -> None:
    group = target_group(protocol_version="GRPC")
    assert group["ProtocolVersion"] == "GRPC"
    assert group["HealthCheckPath"] == "/AWS.ALB/healthcheck"
    assert group["Matcher"] == {"GrpcCode": "12"}
    own = target_group(protocol_version="GRPC", health_check={"path": "/a.B/Check", "matcher": "0"})
    assert (own["HealthCheckPath"], own["Matcher"]) == ("/a.B/Check", {"GrpcCode": "0"})


def test_a_target_group_with_https_has_an_https_health_check() -> None:
    group = target_group(protocol="HTTPS")
    assert (group["Protocol"], group["HealthCheckProtocol"]) == ("HTTPS", "HTTPS")
    other = target_group(protocol="HTTPS", health_check={"protocol": "HTTP"})
    assert other["HealthCheckProtocol"] == "HTTP"


@pytest.mark.parametrize(
    ("stickiness", "expected"),
    [
        (None, {"stickiness.enabled": "false"}),
        (
            {"duration": "1h"},
            {
                "stickiness.enabled": "true",
                "stickiness.type": "lb_cookie",
                "stickiness.lb_cookie.duration_seconds": "3600",
            },
        ),
        (
            {"app_cookie": "session"},
            {
                "stickiness.enabled": "true",
                "stickiness.type": "app_cookie",
                "stickiness.app_cookie.cookie_name": "session",
                "stickiness.app_cookie.duration_seconds": "86400",
            },
        ),
    ],
    ids=["none", "balancer", "application"],
)
def test_stickiness(stickiness: dict[str, Any] | None, expected: dict[str, str]) -> None:
    settings = {"stickiness": stickiness} if stickiness else {}
    values = attributes(**settings)
    assert {key: value for key, value in values.items() if key.startswith("stickiness")} == expected


def test_slow_start_and_algorithm() -> None:
    assert attributes(slow_start="30s")["slow_start.duration_seconds"] == "30"
    values = attributes(algorithm="least_outstanding_requests")
    assert values["load_balancing.algorithm.type"] == "least_outstanding_requests"
    assert values["slow_start.duration_seconds"] == "0", "what is taken out must be switched off"
