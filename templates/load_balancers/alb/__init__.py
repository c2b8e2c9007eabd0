"""A stack that holds an Application Load Balancer, or the listener of one that exists.

public:
  template: alb
  certificate: arn:aws:acm:${region}:${account}:certificate/0a1b2c3d-0000-4000-8000-000000000000
  aliases: [{zone: Z0123456789ABCDEFGHIJ, name: www.example.com}]

It answers 404 until services add rules to its listener. Its security group lets clients in and
nothing out: each service opens the way to its own ports.
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
    """The load balancer, its listeners and its security group; logs, records and WAF by choice."""
    if params.existing:
        return None
    picked = find_stack(env, network.Params, params.network)
    assert picked is not None, "`problems` has found this before"
    home = network.handle(*picked, env)
    template = Template(f"{env.app} {env.name}: the application load balancer `{name}`")
    template.set_version()
    template.add_resource(list(alb_resources(name, params, home, env)))
    template.add_output(list(alb_outputs(name, params, env)))
    return template
