"""A stack that holds a Network Load Balancer, or the name of one that exists.

edge:
  template: nlb
  elastic_ips: true
  aliases: [{zone: Z0123456789ABCDEFGHIJ, name: ntp.example.com}]

Its listeners come from services, each in the service's own stack, with the rules that let clients
in and traffic out to the service's ports. Until then its security group lets nothing through.
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
    """The load balancer and its security group; addresses, logs and records by choice."""
    if params.existing:
        return None
    picked = find_stack(env, network.Params, params.network)
    assert picked is not None, "`problems` has found this before"
    home = network.handle(*picked, env)
    template = Template(f"{env.app} {env.name}: the network load balancer `{name}`")
    template.set_version()
    template.add_resource(list(nlb_resources(name, params, home, env)))
    template.add_output(list(nlb_outputs(name, params, home, env)))
    return template
