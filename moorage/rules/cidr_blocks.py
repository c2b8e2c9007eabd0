"""Blocks of addresses that overlap or do not contain each other."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from itertools import combinations

from moorage.cfn.networks import SUBNET, VPC, cidr_blocks, may_be_modified_elsewhere, vpc_of
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.facts.addresses import RESERVED_BLOCKS, VPC_PREFIXES
from moorage.rules.rule import Problem, problem, rule

Block = IPv4Network | IPv6Network

_VPC_BLOCK = "AWS::EC2::VPCCidrBlock"
_PEERING = "AWS::EC2::VPCPeeringConnection"
_ROUTE = "AWS::EC2::Route"
_INTERFACE = "AWS::EC2::NetworkInterface"


def _block(node: Node) -> Block | None:
    return next(iter(cidr_blocks(node)), None)


def _vpc(node: Node) -> Resource | None:
    resource = node.resource
    return resource if resource is not None and resource.type == VPC else None


def _overlap(first: Block, second: Block) -> bool:
    if isinstance(first, IPv4Network):
        return isinstance(second, IPv4Network) and first.overlaps(second)
    return isinstance(second, IPv6Network) and first.overlaps(second)


def _contains(outer: Block, inner: Block) -> bool:
    return _overlap(outer, inner) and outer.prefixlen <= inner.prefixlen


def _blocks_of_vpc(vpc: Resource) -> list[tuple[Block, Node]] | None:
    """All IPv4 blocks of a VPC that the view creates; None if there may be others."""
    return vpc.view.cached(("blocks of VPC", vpc), lambda: _find_blocks(vpc))


def _find_blocks(vpc: Resource) -> list[tuple[Block, Node]] | None:
    nodes = [vpc["CidrBlock"]]
    for extra in vpc.view.resources_of_type(_VPC_BLOCK):
        owner = extra["VpcId"]
        has_ipv4 = extra["CidrBlock"].present or extra["Ipv4IpamPoolId"].present
        if owner.resource is vpc and has_ipv4:
            nodes.append(extra["CidrBlock"])
        elif owner.resource is None and has_ipv4:
            return None
    blocks = [(block, node) for node in nodes if (block := _block(node)) is not None]
    is_known = len(blocks) == len(nodes) and not may_be_modified_elsewhere(vpc)
    return blocks if is_known else None


@rule(
    "E9683",
    "The block of a VPC or subnet is too large or too small.",
    error_messages=("InvalidVpc.Range: The CIDR '...' is invalid", "InvalidSubnet.Range"),
    fix="Write a block from `/16` to `/28`.",
    sources=("Amazon VPC user guide: VPC CIDR blocks", "Amazon EC2 API reference: CreateSubnet"),
)
def block_of_wrong_size(view: View) -> Iterator[Problem]:
    """A VPC and a subnet have 16 to 65,536 IPv4 addresses."""
    longest, shortest = max(VPC_PREFIXES), min(VPC_PREFIXES)
    for owner in view.resources_of_type(VPC, _VPC_BLOCK, SUBNET):
        block = _block(owner["CidrBlock"])
        if isinstance(block, IPv4Network) and not shortest <= block.prefixlen <= longest:
            yield problem(
                owner["CidrBlock"],
                f"`{owner.id}` has the block `{block}`, and EC2 has blocks from `/{shortest}` to "
                f"`/{longest}`",
                f"Write a block from `/{shortest}` to `/{longest}`.",
            )


@rule(
    "E9684",
    "The block of a VPC is reserved.",
    error_messages=("The CIDR '...' is invalid",),
    fix="Write a private block, such as `10.0.0.0/16`.",
    sources=("AWS's error message, reproduced by badmintoncryer/cdk-preflight",),
)
def reserved_block(view: View) -> Iterator[Problem]:
    """EC2 refuses VPCs with blocks that contain no addresses of hosts."""
    reserved = [ip_network(block) for block in RESERVED_BLOCKS]
    for owner in view.resources_of_type(VPC, _VPC_BLOCK):
        block = _block(owner["CidrBlock"])
        if block is not None and any(_overlap(block, other) for other in reserved):
            yield problem(
                owner["CidrBlock"],
                f"`{owner.id}` has the block `{block}`, which EC2 does not allow in a VPC",
                "Write a private block, such as `10.0.0.0/16`.",
            )


@rule(
    "E9611",
    "A subnet is outside the blocks of its VPC.",
    error_messages=("InvalidSubnet.Range: The CIDR '...' is invalid",),
    fix="Write a block within the VPC's `CidrBlock`.",
    sources=("Amazon VPC user guide: Subnet CIDR blocks",),
)
def subnet_outside_vpc(view: View) -> Iterator[Problem]:
    """The block of a subnet must be a part of a block of its VPC."""
    for subnet in view.resources_of_type(SUBNET):
        vpc, block = vpc_of(subnet), _block(subnet["CidrBlock"])
        if vpc is None or block is None or vpc.stack is not subnet.stack:
            continue
        blocks = _blocks_of_vpc(vpc)
        if blocks and not any(_contains(outer, block) for outer, _ in blocks):
            yield problem(
                subnet["CidrBlock"],
                f"Subnet `{subnet.id}` has the block `{block}`, which is outside VPC `{vpc.id}`: "
                + ", ".join(f"`{outer}`" for outer, _ in blocks),
                f"Write a block within `{blocks[0][0]}`.",
            )


@rule(
    "E9613",
    "Two blocks of a VPC overlap.",
    error_messages=("CidrConflict: CIDR range conflicts",),
    fix="Write another block.",
    sources=("Amazon VPC user guide: VPC CIDR blocks, Manage IPv4 CIDR blocks for a VPC",),
)
def overlapping_blocks(view: View) -> Iterator[Problem]:
    """A further block of a VPC must not overlap its other blocks."""
    for vpc in view.resources_of_type(VPC):
        for (first, _), (second, node) in combinations(_blocks_of_vpc(vpc) or (), 2):
            if _overlap(first, second):
                yield problem(
                    node,
                    f"The block `{second}` of VPC `{vpc.id}` overlaps its block `{first}`",
                    "Write another block.",
                )


@rule(
    "E9614",
    "Two peered VPCs have overlapping blocks.",
    error_messages=("The VPC peering connection has the status failed",),
    fix="Write other blocks for one of the VPCs, or use AWS PrivateLink.",
    sources=("Amazon EC2 API reference: CreateVpcPeeringConnection",),
)
def overlapping_peers(view: View) -> Iterator[Problem]:
    """VPCs with addresses in common cannot be peered, nor a VPC with itself."""
    for peering in view.resources_of_type(_PEERING):
        first, second = _vpc(peering["VpcId"]), _vpc(peering["PeerVpcId"])
        if first is None or second is None:
            continue
        pairs = (
            (mine, theirs)
            for mine, _ in _blocks_of_vpc(first) or ()
            for theirs, _ in _blocks_of_vpc(second) or ()
        )
        common = next((pair for pair in pairs if _overlap(*pair)), None)
        if common:
            yield problem(
                peering["PeerVpcId"],
                f"Peering connection `{peering.id}` fails, because block `{common[0]}` of VPC "
                f"`{first.id}` overlaps block `{common[1]}` of VPC `{second.id}`",
                "Write other blocks for one of the VPCs.",
            )


@rule(
    "E9615",
    "The address of a network interface is outside its subnet.",
    error_messages=("Address does not fall within the subnet's address range",),
    fix="Write an address of the subnet, or remove it.",
    sources=("Amazon EC2 API reference: CreateNetworkInterface, PrivateIpAddress",),
)
def address_outside_subnet(view: View) -> Iterator[Problem]:
    """A network interface has addresses of its subnet's block."""
    for interface in view.resources_of_type(_INTERFACE):
        subnet = interface["SubnetId"].resource
        block = _block(subnet["CidrBlock"]) if subnet and subnet.type == SUBNET else None
        if subnet is None or block is None:
            continue
        listed = (item["PrivateIpAddress"] for item in interface["PrivateIpAddresses"].items)
        for node in (interface["PrivateIpAddress"], *listed):
            try:
                address = ip_address(node.text or "")
            except ValueError:
                continue
            if address.version == 4 and address not in block:
                yield problem(
                    node,
                    f"Network interface `{interface.id}` has the address `{address}`, which is "
                    f"outside block `{block}` of its subnet `{subnet.id}`",
                    f"Write an address within `{block}`.",
                )


@rule(
    "E9616",
    "A route to a peered VPC has the addresses of another network.",
    fix="Write the `CidrBlock` of the peered VPC as the destination.",
    sources=("Amazon VPC peering guide: Update your route tables for a VPC peering connection",),
)
def route_beside_peer(view: View) -> Iterator[Problem]:
    """A peering connection only takes traffic for the addresses of the peered VPC. It does not
    lead on to other networks, so what this route sends there is dropped."""
    for route in view.resources_of_type(_ROUTE):
        peering = route["VpcPeeringConnectionId"].resource
        block = _block(route["DestinationCidrBlock"])
        if peering is None or peering.type != _PEERING or block is None:
            continue
        ends = [vpc for key in ("VpcId", "PeerVpcId") if (vpc := _vpc(peering[key])) is not None]
        blocks = [known for vpc in ends for known, _ in _blocks_of_vpc(vpc) or ()]
        are_known = len(ends) == 2 and all(_blocks_of_vpc(vpc) for vpc in ends)
        if are_known and not any(_overlap(known, block) for known in blocks):
            yield problem(
                route["DestinationCidrBlock"],
                f"Route `{route.id}` leads `{block}` to peering connection `{peering.id}`, but "
                f"neither VPC has these addresses",
                "Write the `CidrBlock` of the peered VPC.",
            )


RULES = (
    block_of_wrong_size,
    reserved_block,
    subnet_outside_vpc,
    overlapping_blocks,
    overlapping_peers,
    address_outside_subnet,
    route_beside_peer,
)
