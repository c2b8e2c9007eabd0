"""The load balancers that the entries below `expose:` name."""

from __future__ import annotations

from moorage.model import Environment
from moorage.records import record
from moorage.references import Reference

from .. import network
from ..common.used_stacks import UsedStack, resolve_stack
from ..load_balancers import alb, nlb

UsedNetwork = UsedStack[network.Params, network.Handle]


@record
class UsedAlb(UsedStack[alb.Params, alb.Handle]):
    """An Application Load Balancer that a service uses."""

    network: UsedNetwork | None

    @property
    def listener_id(self) -> str:
        """Identifies the listener: two stacks may name the same existing one."""
        existing = self.params.existing
        return str(existing.listener) if existing else self.name

    @property
    def load_balancer_id(self) -> str:
        """Identifies the load balancer: of an existing listener, the ARN without the listener's
        ID."""
        return self.listener_id.rpartition("/")[0] or self.listener_id


@record
class UsedNlb(UsedStack[nlb.Params, nlb.Handle]):
    """A Network Load Balancer that a service uses."""

    network: UsedNetwork | None

    @property
    def load_balancer_id(self) -> str:
        """Identifies the load balancer: two stacks may name the same existing one."""
        return str(self.params.existing.arn) if self.params.existing else self.name

    @property
    def security_group_id(self) -> str | Reference | None:
        """Identifies the load balancer's security group, which existing ones may share."""
        if self.params.existing:
            return self.params.existing.security_group
        return self.name if self.params.security_group else None


def resolve_load_balancer(via: str, env: Environment) -> UsedAlb | UsedNlb | None:
    """The load balancer of the stack `via`; None if there is no such stack."""
    if alb_params := env.params_of(via, alb.Params):
        net = resolve_stack(env, network.Params, alb_params.network, network.handle)
        return UsedAlb(via, alb_params, env.resolve(alb.handle, via, alb_params), net)
    if nlb_params := env.params_of(via, nlb.Params):
        net = resolve_stack(env, network.Params, nlb_params.network, network.handle)
        return UsedNlb(via, nlb_params, env.resolve(nlb.handle, via, nlb_params), net)
    return None
