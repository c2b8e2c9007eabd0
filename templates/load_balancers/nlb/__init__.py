"""A Network Load Balancer, or a reference to an existing one.

edge:
  template: nlb
  elastic_ips: true
  aliases: [{zone: Z0123456789ABCDEFGHIJ, name: ntp.example.com}]

Its listeners are in the stacks of the services that use it, with the security group rules for
clients and for the ports of the service. Until then its security group allows no traffic.
"""

from __future__ import annotations

from troposphere import Template

from moorage.model import Environment

from ... import network
from ...common.stack_lookup import find_stack
from .handles import Handle, handle, is_same_load_balancer
from .params import Params
from .resources import nlb_outputs, nlb_resources
from .settings_problems import settings_problems as problems

__all__ = ["Handle", "Params", "compose", "handle", "is_same_load_balancer", "problems"]


def compose(name: str, params: Params, env: Environment) -> Template | None:
    """The template; None for an existing load balancer."""
    if params.existing:
        return None
    network_stack = find_stack(env, network.Params, params.network)
    assert network_stack is not None, "`problems` reports a missing network"
    network_handle = network.handle(*network_stack, env)
    template = Template(f"{env.app} {env.name}: the network load balancer `{name}`")
    template.set_version()
    template.add_resource(list(nlb_resources(name, params, network_handle, env)))
    template.add_output(list(nlb_outputs(name, params, network_handle, env)))
    return template
