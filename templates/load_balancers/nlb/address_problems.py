"""Problems of the addresses of a Network Load Balancer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network

from moorage.facts.addresses import assignable_range
from moorage.findings.finding import Path, Problem
from moorage.model import Environment
from moorage.references import Reference

from ... import network
from ...common.stack_lookup import find_stack
from ..shared import find_subnet_cidrs
from .handles import handle
from .params import Params, find_allocation_ids


def unknown_address_problems(
    name: str, params: Params, env: Environment, path: Path
) -> Iterator[Problem]:
    """Reports a load balancer whose security group and addresses are both unknown.

    Health checks come from its private addresses. Tasks allow its security group, or the addresses
    if it has none (Network Load Balancers user guide, "Target security groups").
    """
    balancer = handle(name, params, env)
    if balancer.security_group is None and balancer.addresses is None:
        message = "The source addresses of health checks are unknown, so the security group of the "
        message += "tasks cannot allow them"
        if params.existing:
            hint = (
                "Write the CIDR blocks of the load balancer's subnets, such as `addresses: "
                "[10.0.0.0/24]`, or its `security_group:` if it has one."
            )
        else:
            hint = (
                "Remove `security_group: false`, or write the VPC's `cidr:` below `existing:` of "
                "the network."
            )
        because = [("network",), ("existing", "security_group"), ("scheme",)]
        yield Problem("M2314", path, message, hint, because=because)


def scheme_problems(params: Params) -> Iterator[Problem]:
    """Fixed addresses that ELB rejects for the scheme.

    ELB API reference, CreateLoadBalancer, SubnetMappings; "Elastic IPs are not supported for load
    balancers with scheme 'internal'" (hashicorp/terraform-provider-aws#15235).
    """
    if params.elastic_ips and params.scheme == "internal":
        hint = (
            "Remove `elastic_ips:`, or write `private_addresses:` with one address in each subnet."
        )
        message = "An internal load balancer cannot have Elastic IPs"
        yield Problem("M2311", ("elastic_ips",), message, hint, because=[("scheme",)])
    if params.private_addresses and params.scheme == "internet-facing":
        hint = "Write `elastic_ips: true` for fixed public addresses, or `scheme: internal`."
        message = "An internet-facing load balancer cannot have fixed private addresses"
        yield Problem("M2311", ("private_addresses",), message, hint, because=[("scheme",)])


def address_count_problems(
    key: str, addresses: Sequence[str | Reference], count: int, name: str
) -> Iterator[Problem]:
    """A list of addresses below `key` with a length other than `count`, the number of subnets that
    the network `name` has for the load balancer."""
    if addresses and len(addresses) != count:
        subnets = "the subnet" if count == 1 else f"each of the {count} subnets"
        message = (
            f"`{key}` needs an address for {subnets} of the network `{name}`, and lists "
            f"{len(addresses)}"
        )
        hint = (
            "Write one address for each subnet, in the order of the network's Availability Zones."
        )
        yield Problem("M2312", (key,), message, hint, because=[("network",), ("scheme",)])


def private_address_problems(params: Params, network_handle: network.Handle) -> Iterator[Problem]:
    """Addresses that are not available in their subnet, where its block is known."""
    blocks = find_subnet_cidrs(params.scheme, network_handle) or ()
    for index, (address, cidr) in enumerate(zip(params.private_addresses, blocks, strict=False)):
        block = IPv4Network(cidr)
        first, last = assignable_range(block)
        if not first <= IPv4Address(address) <= last:
            reserved = IPv4Address(address) in block
            reason = "is reserved by AWS" if reserved else "is not"
            message = f"`{address}` {reason} in `{cidr}`, the subnet at this position"
            hint = f"Write an address from `{first}` to `{last}`."
            path = ("private_addresses", index)
            yield Problem("M2313", path, message, hint, because=[("network",), ("scheme",)])


def address_conflict_problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """Addresses that an earlier load balancer of the environment has already."""
    own_network = find_stack(env, network.Params, params.network)
    for stack, stack_params in env.of(Params):
        if stack == name:
            return
        for index, allocation in enumerate(find_allocation_ids(params)):
            if allocation in find_allocation_ids(stack_params):
                yield _used_address(("elastic_ips", index), allocation, stack)
        stack_network = find_stack(env, network.Params, stack_params.network)
        if params.scheme == "internal" and own_network == stack_network:
            for index, address in enumerate(params.private_addresses):
                if address in stack_params.private_addresses:
                    yield _used_address(("private_addresses", index), address, stack)


def _used_address(path: Path, address: str | Reference, stack: str) -> Problem:
    message = f"`{address}` is already used by the load balancer `{stack}`"
    return Problem("M2316", path, message, "Write another address.")
