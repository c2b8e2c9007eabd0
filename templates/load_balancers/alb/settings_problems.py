"""Problems of the params of an Application Load Balancer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from moorage.findings.finding import Path, Problem
from moorage.model import Environment

from ... import network
from ...common.regions import region_problems
from ...common.security_groups import source_property
from ...common.stack_lookup import find_stack, find_stack_problems
from ..access_logs import access_log_problems
from ..alarms import load_balancer_alarm_problems
from ..alias_records import alias_conflict_problems, alias_problems
from ..certificates import certificate_problems, security_policy_problems
from ..clients import client_problems, private_client_problems
from ..shared import LoadBalancedParams, existing_problems, find_subnets, ipv6_problems
from .params import Existing, Params


def settings_problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """Problems of the params, given the other stacks of the environment."""
    if params.existing:
        yield from existing_problems(params)
        yield from _listener_problems(params.existing, env)
        return
    yield from find_stack_problems(env, network.Params, params.network, ("network",), "network")
    yield from certificate_problems(params.certificate, ("certificate",), env)
    yield from security_policy_problems(params.ssl_policy, ("ssl_policy",))
    yield from _plain_http_problems(params)
    yield from _client_problems(params)
    yield from alias_problems(params.aliases)
    yield from alias_conflict_problems(name, params.aliases, env)
    yield from _unserved_alias_problems(name, params, env)
    yield from region_problems(params.web_acl, ("web_acl",), env, "web ACL")
    yield from access_log_problems(params.access_logs)
    yield from load_balancer_alarm_problems(params.alarms, name, env)
    network_stack = find_stack(env, network.Params, params.network)
    if network_stack and not network.has_no_subnets(network_stack[1]):
        yield from _network_problems(params, network_stack[0], network_stack[1], env)


def _listener_problems(existing: Existing, env: Environment) -> Iterator[Problem]:
    yield from region_problems(existing.listener, ("existing", "listener"), env, "listener")


def _plain_http_problems(params: Params) -> Iterator[Problem]:
    if params.certificate:
        return
    if params.scheme == "internet-facing" and "certificate" not in params.model_fields_set:
        message = "Requests from the internet are not encrypted: there is no `certificate:`"
        hint = "Write the ARN of a certificate in ACM, or `certificate: []` if HTTP is intended."
        path, because = ("certificate",), [("existing",), ("scheme",)]
        yield Problem("M2333", path, message, hint, level="warning", because=because)
    for key, enabled in (("ssl_policy", True), ("authentication", params.authentication)):
        if enabled and key in params.model_fields_set:
            message = f"`{key}` needs an HTTPS listener, and there is no `certificate:`"
            hint = f"Add `certificate:`, or remove `{key}:`."
            yield Problem("M2310", (key,), message, hint, because=[("certificate",)])


def _unserved_alias_problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """Aliases whose host name no route of the environment matches. Without any route nothing is
    reported, because routes may be added from outside the environment."""
    services = env.of(LoadBalancedParams)
    routes = [hosts for _, service in services for hosts in service.route_hosts(name)]
    if env.broken or not routes or not all(routes):
        return
    hosts = {host.lower() for route in routes for host in route}
    patterns = [host for host in hosts if "*" in host or "?" in host]
    for index, alias in enumerate(params.aliases):
        name_of_alias = alias.name.lower().rstrip(".")
        if "*" in alias.name or name_of_alias in hosts:
            continue
        if not any(fnmatchcase(name_of_alias, pattern) for pattern in patterns):
            message = f"No route matches the host `{alias.name}`, so all requests to it get a 404"
            hint = f"Add it to the `hosts:` of a route of `{name}`, or remove the alias."
            yield Problem("M2331", ("aliases", index, "name"), message, hint, level="warning")


def _client_problems(params: Params) -> Iterator[Problem]:
    clients = params.clients or []
    yield from client_problems(clients, ("clients",))
    if params.scheme == "internet-facing":
        yield from private_client_problems(clients, ("clients",))
    for index, client in enumerate(clients):
        if params.ip_address_type == "ipv4" and source_property(client) == "CidrIpv6":
            yield Problem(
                "M2307",
                ("clients", index),
                f"`{client}` cannot connect: the load balancer has IPv4 addresses only",
                "Remove it, or write `ip_address_type: dualstack`.",
                level="warning",
                because=[("ip_address_type",)],
            )


def _network_problems(
    params: Params, name: str, stack: network.Params, env: Environment
) -> Iterator[Problem]:
    network_handle = network.handle(name, stack, env)
    is_public = params.scheme == "internet-facing"
    count = len(find_subnets(params.scheme, network_handle))
    if count < 2:
        kind = "public" if is_public else "private"
        needed = f"subnets in two Availability Zones, and the network `{name}` has {count}"
        message = f"An {params.scheme} load balancer needs two {kind} {needed}"
        hint = f"Add a {kind} subnet in another Availability Zone to `{name}`"
        hint += ", or write `scheme: internal`." if is_public else "."
        yield Problem("M2302", ("scheme",), message, hint, because=[("network",)])
    yield from ipv6_problems(params.ip_address_type, name, stack)
    if params.scheme == "internal":
        yield from _internal_problems(params, name, network_handle)


def _internal_problems(
    params: Params, name: str, network_handle: network.Handle
) -> Iterator[Problem]:
    because: Sequence[Path] = [("network",), ("scheme",)]
    if not params.clients and network_handle.cidr is None:
        message = f"`clients` is missing: the addresses of the network `{name}` are unknown"
        hint = (
            "Write the CIDR blocks that are allowed to connect, such as `clients: [10.0.0.0/16]`,"
            f" or add the VPC's `cidr:` below `existing:` of `{name}`."
        )
        yield Problem("M1102", ("clients",), message, hint, because=because)
    elif not params.clients and params.ip_address_type == "dualstack":
        yield Problem(
            "M2308",
            ("clients",),
            "No client can connect over IPv6: by default only the network's IPv4 addresses can",
            "Write the IPv4 and IPv6 CIDR blocks of the clients below `clients:`. AWS assigns the "
            "IPv6 block of a VPC when its stack is deployed.",
            level="warning",
            because=[*because, ("ip_address_type",)],
        )
    if params.authentication and network_handle.egress in ("public", "endpoints"):
        # An internal load balancer has no public address, so it needs a NAT gateway to connect to
        # the internet (AWS re:Post, "How do I resolve errors when I configure authentication in my
        # ALB?").
        yield Problem(
            "M2309",
            ("authentication",),
            "The load balancer cannot connect to an identity provider on the internet: the "
            f"network `{name}` has no NAT gateway",
            f"Write `egress: nat` in `{name}`, or remove `authentication:`.",
            level="warning",
            because=because,
        )
