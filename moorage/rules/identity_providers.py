"""Load balancers that log users in, and whether they reach the identity provider."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs, networks, peers, reachability
from moorage.cfn.peers import ANY_PEER
from moorage.cfn.security_group_rules import EGRESS
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule
from moorage.rules.security_groups import describe_groups, hint_for_rule, rules_property


@rule(
    "E9484",
    "The load balancer's security groups do not allow HTTPS to the identity provider.",
    error_messages=("HTTP 561: Unauthorized", "HTTP 500: Internal server error"),
    fix="Add an egress rule for tcp 443 to 0.0.0.0/0 to the load balancer's security group.",
    sources=(
        "AWS docs: User guide for Application Load Balancers, Authenticate users using an "
        "Application Load Balancer",
    ),
)
def identity_provider_blocked(view: View) -> Iterator[Problem]:
    """To log users in, the load balancer itself connects to the token and user info endpoints of
    the identity provider. If its security groups allow no HTTPS to any address, each login ends
    with an error."""
    for forwarder in view.resources_of_type(ecs.LISTENER, ecs.LISTENER_RULE):
        balancer = ecs.load_balancer_of(forwarder)
        logins = [
            action
            for action in ecs.actions(forwarder).items
            if action["Type"].text in ("authenticate-oidc", "authenticate-cognito")
        ]
        if balancer is None or not logins:
            continue
        peer = peers.load_balancer_peer(balancer)
        groups = peers.visible_security_groups(peer)
        if groups and reachability.allows_egress(peer, "tcp", (443, 443), ANY_PEER) is False:
            yield problem(
                rules_property(groups[0], EGRESS),
                f"`{forwarder.id}` logs users in, but {describe_groups(groups)} of load balancer "
                f"`{balancer.id}` does not allow tcp 443 to the identity provider",
                hint_for_rule(groups[0], EGRESS, "tcp 443", "to the identity provider"),
            )


@rule(
    "E9485",
    "An internal load balancer logs users in, but has no route to the internet.",
    error_messages=("HTTP 561: Unauthorized", "HTTP 500: Internal server error"),
    fix="Add a NAT gateway and a route to it, or make the load balancer internet-facing.",
    sources=(
        "AWS docs: User guide for Application Load Balancers, Authenticate users using an "
        "Application Load Balancer",
    ),
)
def login_without_route_to_internet(view: View) -> Iterator[Problem]:
    """The load balancer connects to the token and user info endpoints of the identity provider.
    An internal one has no public address, and reaches Amazon Cognito only through a NAT
    gateway."""
    for forwarder in view.resources_of_type(ecs.LISTENER, ecs.LISTENER_RULE):
        for action in ecs.actions(forwarder).items:
            balancer = ecs.load_balancer_of(forwarder)
            if action["Type"].text != "authenticate-cognito" or balancer is None:
                continue
            subnets = networks.subnets_of_load_balancer(balancer)
            if balancer["Scheme"].text != "internal" or not subnets:
                continue
            routes = {networks.default_route(subnet) for subnet in subnets}
            if routes == {networks.NO_INTERNET_ROUTE}:
                yield problem(
                    action["Type"],
                    f"`{forwarder.id}` logs users in with Amazon Cognito, but the subnets of load "
                    f"balancer `{balancer.id}` have no route to the internet",
                    "Add a NAT gateway and a route to it.",
                )


RULES = (identity_provider_blocked, login_without_route_to_internet)
