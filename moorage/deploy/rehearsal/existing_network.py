"""Creates the VPCs, subnets, security groups and load balancers that templates name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import Any

from moto.ec2.models import ec2_backends, security_groups, subnets, vpcs
from moto.elbv2 import models as elbv2

from moorage.deploy.target import Target

_IDS = re.compile(r"\b(?:vpc|subnet|sg)-(?:[0-9a-f]{17}|[0-9a-f]{8})\b")
_BALANCERS = re.compile(
    r"(?P<start>\barn:[a-z-]+:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:)"
    r"(?P<kind>loadbalancer|listener)/(?P<type>app|net)/(?P<name>[a-zA-Z0-9-]+/[0-9a-f]+)"
    r"(?:/[0-9a-f]+)?"
)


def create_network(target: Target, account: str) -> list[str]:
    """Creates what the templates of the target name, in the server of this process. All of it is
    in one VPC. Returns the IDs."""
    text = json.dumps([stack.body for stack in target.stacks], default=str)
    ids = sorted({*_IDS.findall(text)})
    balancers = sorted({match[0]: match for match in _BALANCERS.finditer(text)}.items())
    if not ids and not balancers:
        return []
    backend: Any = ec2_backends[account][target.region]
    named = [name for name in ids if name.startswith("vpc-")] or ["vpc-0123456789abcdef0"]
    for name in named:
        with _next_id(vpcs, "random_vpc_id", name):
            backend.create_vpc("10.250.0.0/16")
    zones = cycle([zone.name for zone in backend.describe_availability_zones()])
    for number, name in enumerate(item for item in ids if item.startswith("subnet-")):
        with _next_id(subnets, "random_subnet_id", name):
            block = f"10.250.{number}.0/24"
            backend.create_subnet(named[0], block, availability_zone=next(zones))
    for name in ids:
        if name.startswith("sg-"):
            with _next_id(security_groups, "random_security_group_id", name):
                backend.create_security_group(name, "Exists already", named[0])
    for number, (_, match) in enumerate(balancers):
        _create_load_balancer(elbv2.elbv2_backends[account][target.region], match, named[0], number)
    return [*ids, *(arn for arn, _ in balancers)]


def _create_load_balancer(backend: Any, match: re.Match[str], vpc: str, number: int) -> None:
    """Creates a load balancer, or a listener with its load balancer. ELB chooses the ARNs, so they
    are put at those that the template has."""
    models: Any = elbv2
    arn = f"{match['start']}loadbalancer/{match['type']}/{match['name']}"
    if arn not in backend.load_balancers:
        kind = {"app": "application", "net": "network"}[match["type"]]
        name = match["name"].split("/")[0]
        dns_name = f"{name}.{backend.region_name}.elb.amazonaws.com"
        backend.load_balancers[arn] = models.FakeLoadBalancer(
            name, [], [], vpc, arn, dns_name, "active", loadbalancer_type=kind
        )
    if match["kind"] == "listener":
        respond: Any = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
        protocol = {"app": "HTTP", "net": "TCP"}[match["type"]]
        port: Any = 49152 + number  # not that of a listener which a template adds
        backend.load_balancers[arn].listeners[match[0]] = models.FakeListener(
            arn, match[0], protocol, port, "", None, [models.FakeAction(respond)], None
        )


@contextmanager
def _next_id(module: Any, function: str, identity: str) -> Iterator[None]:
    """Lets moto choose this ID."""
    choose = getattr(module, function)
    setattr(module, function, lambda *_: identity)
    try:
        yield
    finally:
        setattr(module, function, choose)
