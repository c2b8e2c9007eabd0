"""IP address blocks with a special meaning."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

ANY_IPV4 = "0.0.0.0/0"
ANY_IPV6 = "::/0"

HOSTLESS_BLOCKS = ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4")
"""Blocks that contain no addresses of hosts. IANA, "IPv4 Special-Purpose Address
Registry" (RFC 6890), and multicast (RFC 5771)."""

PRIVATE_BLOCKS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
"""Blocks that VPCs usually have. RFC 1918, and RFC 6598 for the last one."""

RESERVED_BLOCKS = ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4")
"""Blocks that EC2 refuses for VPCs. AWS's error message, reproduced by
badmintoncryer/cdk-preflight."""

VPC_PREFIXES = (16, 28)
"""The lengths of the prefixes of VPCs and subnets. Amazon VPC user guide, "VPC CIDR blocks" and
"Subnet CIDR blocks"."""

MAX_DNS_SERVERS = 4
"""Name servers in DHCP options. Amazon EC2 API reference, CreateDhcpOptions (botocore 1.44.5, read
on 2026-11-27)."""


def assignable_range(subnet: IPv4Network) -> tuple[IPv4Address, IPv4Address]:
    """The first and the last address of a subnet that AWS does not reserve: it keeps the first four
    addresses and the last one. Amazon VPC user guide, "Subnet CIDR blocks".
    >>> [str(address) for address in assignable_range(IPv4Network("10.0.0.0/24"))]
    ['10.0.0.4', '10.0.0.254']
    """
    return subnet[4], subnet[-2]
