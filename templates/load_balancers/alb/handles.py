"""How other stacks refer to an Application Load Balancer."""

from __future__ import annotations

from typing import Any

from moorage.model import Environment
from moorage.records import record

from ...common.exports import import_value
from ..shared import Scheme, full_name_of
from .params import Params


@record
class Handle:
    """What other stacks use to refer to the load balancer. The values are literals or imports."""

    listener: Any
    """ARN of the listener that rules are added to: the HTTPS listener if there is one."""
    full_name: Any
    """The value of the dimension LoadBalancer in CloudWatch."""
    https: bool
    security_group: Any
    authentication: bool
    """Whether the load balancer can connect to identity providers; True if that is unknown."""
    scheme: Scheme | None
    """None for an existing load balancer, whose scheme is unknown."""


def handle(name: str, params: Params, env: Environment) -> Handle:
    """The handle of the load balancer `name`."""
    if params.existing:
        return Handle(
            listener=params.existing.listener,
            full_name=full_name_of(params.existing.listener),
            https=params.existing.protocol == "HTTPS",
            scheme=None,
            security_group=params.existing.security_group,
            authentication=True,
        )
    listener = "HttpsListenerArn" if params.certificate else "HttpListenerArn"
    return Handle(
        listener=import_value(env, name, listener),
        full_name=import_value(env, name, "LoadBalancerFullName"),
        https=bool(params.certificate),
        scheme=params.scheme,
        security_group=import_value(env, name, "SecurityGroupId"),
        authentication=params.authentication,
    )
