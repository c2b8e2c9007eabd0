"""Creates the VPCs, subnets and security groups that templates name by their IDs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import Any

from moto.ec2.models import ec2_backends, security_groups, subnets, vpcs

from moorage.deploy.target import Target

_IDS = re.compile(r"\b(?:vpc|subnet|sg)-(?:[0-9a-f]{17}|[0-9a-f]{8})\b")


def create_network(target: Target, account: str) -> list[str]:
    """Creates what the templates of the target name, in the server of this process. All of it is
    in one VPC. Returns the IDs."""
    text = json.dumps([stack.body for stack in target.stacks], default=str)
    ids = sorted({*_IDS.findall(text)})
    if not ids:
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
    return ids


@contextmanager
def _next_id(module: Any, function: str, identity: str) -> Iterator[None]:
    """Lets moto choose this ID."""
    choose = getattr(module, function)
    setattr(module, function, lambda *_: identity)
    try:
        yield
    finally:
        setattr(module, function, choose)
