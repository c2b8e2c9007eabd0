"""An Application Load Balancer, or an existing listener of one.

public:
  template: alb
  certificate: arn:aws:acm:${region}:${account}:certificate/0a1b2c3d-0000-4000-8000-000000000000
  aliases: [{zone: Z0123456789ABCDEFGHIJ, name: www.example.com}]

It responds with 404 until services add rules to its listener. Its security group allows inbound
traffic from clients and no outbound traffic: each service adds rules for its own ports.
"""

from __future__ import annotations

from troposphere import Template

from moorage.model import Environment

from ... import network
from ...common.stack_lookup import find_stack
from .handles import Handle, handle
from .params import Params
from .resources import alb_outputs, alb_resources
from .settings_problems import settings_problems as problems

__all__ = ["Handle", "Params", "compose", "handle", "problems"]


def compose(name: str, params: Params, env: Environment) -> Template | None:
    """The template; None for an existing listener."""
    if params.existing:
        return None
    network_stack = find_stack(env, network.Params, params.network)
    assert network_stack is not None, "`problems` reports a missing network"
    network_handle = network.handle(*network_stack, env)
    template = Template(f"{env.app} {env.name}: the application load balancer `{name}`")
    template.set_version()
    template.add_resource(list(alb_resources(name, params, network_handle, env)))
    template.add_output(list(alb_outputs(name, params, env)))
    return template
