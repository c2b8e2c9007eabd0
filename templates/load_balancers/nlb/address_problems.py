"""What is wrong with the addresses of a Network Load Balancer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network

from moorage.findings.finding import Path, Problem
from moorage.model import Environment

from ... import network
from ...common.stack_lookup import find_stack
from ..shared import find_subnet_cidrs
from .handles import handle
from .params import Params, find_allocation_ids


def unknown_address_problems(
    name: str, params: Params, env: Environment, path: Path
) -> Iterator[Problem]:
    """Health checks come from the load balancer's private addresses.

    Where it has no security group that tasks could admit, they admit those (Network Load Balancers
    user guide, "Target security groups").
    """
    its = handle(name, params, env)
    if its.security_group is None and its.addresses is None:
        what = "`addresses` is missing" if params.existing else "`security_group` is needed"
        message = f"{what}: nothing tells where health checks come from, and tasks must admit them"
        hint = "Write `addresses: [10.0.0.0/24]`, or `security_group:` if it has one."
        if not params.existing:
            hint = "Remove this line, or write the network's `cidr:` below its `existing:`."
        because = [("network",), ("existing", "security_group"), ("scheme",)]
        yield Problem("M1102", path, message, hint, because=because)


def scheme_problems(params: Params) -> Iterator[Problem]:
    """Addresses that ELB refuses for the scheme.

    ELB API reference, CreateLoadBalancer, SubnetMappings; "Elastic IPs are not supported for load
    balancers with scheme 'internal'" (hashicorp/terraform-provider-aws#15235).
    """
    if params.elastic_ips and params.scheme == "internal":
        hint = "Write `private_addresses:` with one of each subnet, or `scheme: internet-facing`."
        message = "An internal load balancer has no Elastic IPs"
        yield Problem("M1108", ("elastic_ips",), message, hint, because=[("scheme",)])
    if params.private_addresses and params.scheme == "internet-facing":
        hint = "Use `elastic_ips: true` for fixed public addresses, or `scheme: internal`."
        message = "Only an internal load balancer takes chosen private addresses"
        yield Problem("M1108", ("private_addresses",), message, hint, because=[("scheme",)])


def address_count_problems(
    key: str, given: Sequence[str], count: int, name: str
) -> Iterator[Problem]:
    if given and len(given) != count:
        many = f"{count}, not {len(given)}"
        message = f"As many are needed as the network `{name}` has subnets for it: {many}"
        hint = "Write one for each, in the order of the network's zones."
        yield Problem("M1218", (key,), message, hint, because=[("network",), ("scheme",)])


def private_address_problems(params: Params, home: network.Handle) -> Iterator[Problem]:
    """Addresses that their subnet does not have, where its block is known.

    Of each subnet AWS keeps the first four addresses and the last one (VPC user guide, "Subnet
    CIDR blocks").
    """
    blocks = find_subnet_cidrs(params.scheme, home) or ()
    for index, (address, cidr) in enumerate(zip(params.private_addresses, blocks, strict=False)):
        block = IPv4Network(cidr)
        first, last = block[4], block[-2]
        if not first <= IPv4Address(address) <= last:
            reserved = IPv4Address(address) in block
            what = "is kept by AWS for itself" if reserved else "is not"
            message = f"`{address}` {what} in `{cidr}`, the subnet at this place"
            hint = f"Write one from `{first}` to `{last}`."
            path = ("private_addresses", index)
            yield Problem("M1218", path, message, hint, because=[("network",), ("scheme",)])


def address_conflict_problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """One address has room for one load balancer."""
    mine = find_stack(env, network.Params, params.network)
    for other, its in env.of(Params):
        if other == name:
            return
        for index, allocation in enumerate(find_allocation_ids(params)):
            if allocation in find_allocation_ids(its):
                yield _taken(("elastic_ips", index), allocation, other)
        if params.scheme == "internal" and mine == find_stack(env, network.Params, its.network):
            for index, address in enumerate(params.private_addresses):
                if address in its.private_addresses:
                    yield _taken(("private_addresses", index), address, other)


def _taken(path: Path, address: str, other: str) -> Problem:
    return Problem("M1218", path, f"`{address}` belongs to `{other}` already", "Take another one.")
