"""VPCs: subnets, and addresses of IPv6, which moto's CloudFormation does not have."""

from __future__ import annotations

from ipaddress import ip_network
from itertools import islice
from typing import Any

from moto.cloudformation import parsing
from moto.ec2.models.vpcs import VPC

from moorage.deploy.rehearsal.resources import Api, Properties, Resource, without


def subnet(api: Api, name: str, request: Properties) -> Resource:
    ec2 = api("ec2")
    of_others = ("Tags", "MapPublicIpOnLaunch", "AssignIpv6AddressOnCreation")
    created = ec2.create_subnet(
        **without(request, *of_others),
        TagSpecifications=[{"ResourceType": "subnet", "Tags": request.get("Tags", [])}],
    )["Subnet"]
    identity = created["SubnetId"]
    for attribute in of_others[1:]:
        if request.get(attribute):
            ec2.modify_subnet_attribute(SubnetId=identity, **{attribute: {"Value": True}})
    return Resource(identity, SubnetId=identity, AvailabilityZone=created["AvailabilityZone"])


def ipv6_block(api: Api, name: str, request: Properties) -> Resource:
    """A range that AWS chooses, for a VPC."""
    association = api("ec2").associate_vpc_cidr_block(**request)["Ipv6CidrBlockAssociation"]
    return Resource(association["AssociationId"], Id=association["AssociationId"])


def egress_only_gateway(api: Api, name: str, request: Properties) -> Resource:
    created = api("ec2").create_egress_only_internet_gateway(VpcId=request["VpcId"])
    identity = created["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"]
    return Resource(identity, Id=identity)


def cidr_blocks(block: str, count: int, host_bits: int) -> list[str]:
    """What `Fn::Cidr` returns: the first ranges of a block, each with these bits for addresses."""
    network = ip_network(block)
    prefix = network.max_prefixlen - host_bits
    return [str(part) for part in islice(network.subnets(new_prefix=prefix), count)]


def correct_vpcs() -> None:
    """`Ipv6CidrBlocks` of a VPC, and `Fn::Cidr`."""
    attribute, clean = VPC.get_cfn_attribute, parsing.clean_json

    def get_cfn_attribute(self: Any, attribute_name: str) -> Any:
        if attribute_name == "Ipv6CidrBlocks":
            blocks = self.get_cidr_block_association_set(ipv6=True)
            return [block["cidr_block"] for block in blocks]
        return attribute(self, attribute_name)

    def clean_json(resource_json: Any, resources_map: Any) -> Any:
        if isinstance(resource_json, dict) and "Fn::Cidr" in resource_json:
            block, count, host_bits = clean(resource_json["Fn::Cidr"], resources_map)
            return cidr_blocks(block, int(count), int(host_bits))
        return clean(resource_json, resources_map)

    vpc: Any = VPC
    vpc.get_cfn_attribute = get_cfn_attribute
    changed: Any = parsing
    changed.clean_json = clean_json
