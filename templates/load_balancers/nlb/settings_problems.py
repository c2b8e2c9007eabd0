"""Problems of the params of a Network Load Balancer."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.findings.finding import Problem
from moorage.model import Environment

from ... import network
from ...common.regions import region_problems
from ...common.stack_lookup import find_stack, find_stack_problems
from ..access_logs import access_log_problems
from ..alarms import load_balancer_alarm_problems
from ..alias_records import alias_conflict_problems, alias_problems
from ..shared import LoadBalancedParams, existing_problems, find_subnets, ipv6_problems
from .address_problems import (
    address_conflict_problems,
    address_count_problems,
    private_address_problems,
    scheme_problems,
    unknown_address_problems,
)
from .params import Existing, Params


def settings_problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """Problems of the params, given the other stacks of the environment."""
    if params.existing:
        yield from existing_problems(params, used=frozenset({"network"}))
        yield from _arn_problems(params.existing, env)
        if params.network and not find_stack(env, network.Params, params.network):
            yield from find_stack_problems(
                env, network.Params, params.network, ("network",), "network"
            )
        else:
            yield from unknown_address_problems(name, params, env, ("existing", "addresses"))
        return
    yield from find_stack_problems(env, network.Params, params.network, ("network",), "network")
    yield from scheme_problems(params)
    yield from alias_problems(params.aliases)
    yield from alias_conflict_problems(name, params.aliases, env)
    yield from access_log_problems(params.access_logs)
    yield from load_balancer_alarm_problems(params.alarms, name, env)
    if params.access_logs:
        yield from _empty_access_log_problems(name, env)
    if params.enforce_security_group_inbound_rules_on_private_link_traffic:
        yield from _private_link_problems(params)
    network_stack = find_stack(env, network.Params, params.network)
    if network_stack and not network.has_no_subnets(network_stack[1]):
        yield from _network_problems(params, network_stack[0], network_stack[1], env)
        yield from unknown_address_problems(name, params, env, ("security_group",))
        yield from address_conflict_problems(name, params, env)


def _arn_problems(existing: Existing, env: Environment) -> Iterator[Problem]:
    yield from region_problems(existing.arn, ("existing", "arn"), env, "load balancer")


def _empty_access_log_problems(name: str, env: Environment) -> Iterator[Problem]:
    """Access logs of a load balancer without a TLS listener.

    "Access logs are created only if the load balancer has a TLS listener" (Network Load Balancers
    user guide, "Access logs"). Without any listener nothing is reported, because listeners may be
    added from outside the environment.
    """
    services = env.of(LoadBalancedParams)
    protocols = [protocol for _, params in services for protocol in params.listener_protocols(name)]
    if protocols and "tls" not in protocols and not env.broken:
        message = (
            "No access logs will be written: ELB logs TLS connections only, and no listener of"
            f" `{name}` has the protocol TLS"
        )
        hint = "Remove `access_logs:`, or terminate TLS at a listener with `port: 443/tls`."
        yield Problem("M2322", ("access_logs",), message, hint, level="warning")


def _private_link_problems(params: Params) -> Iterator[Problem]:
    if not params.security_group:
        yield Problem(
            "M2315",
            ("enforce_security_group_inbound_rules_on_private_link_traffic",),
            "The setting has no effect, because the load balancer has no security group",
            "Remove this setting, or remove `security_group: false`.",
            because=[("security_group",)],
        )


def _network_problems(
    params: Params, name: str, stack: network.Params, env: Environment
) -> Iterator[Problem]:
    network_handle = network.handle(name, stack, env)
    count = len(find_subnets(params.scheme, network_handle))
    if not count:
        is_public = params.scheme == "internet-facing"
        kind = "public subnet" if is_public else "subnet"
        needed = f"a {kind}, and the network `{name}` has none"
        message = f"An {params.scheme} load balancer needs {needed}"
        hint = f"Add a {kind} to `{name}`"
        hint += ", or write `scheme: internal`." if is_public else "."
        yield Problem("M2302", ("scheme",), message, hint, because=[("network",)])
        return
    yield from ipv6_problems(params.ip_address_type, name, stack)
    if isinstance(params.elastic_ips, list) and params.scheme == "internet-facing":
        yield from address_count_problems("elastic_ips", params.elastic_ips, count, name)
    if params.scheme == "internal":
        yield from address_count_problems(
            "private_addresses", params.private_addresses, count, name
        )
        yield from private_address_problems(params, network_handle)
