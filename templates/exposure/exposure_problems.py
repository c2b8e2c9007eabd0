"""Problems of the entries below `expose:` of a service, for both kinds of load balancers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from moorage.facts.quotas import MAX_TARGET_GROUPS_PER_SERVICE
from moorage.findings.finding import Path, Problem
from moorage.findings.wording import near, shown
from moorage.model import Environment
from moorage.references import Reference

from ..load_balancers import alb, nlb
from .alb.target_problems import rule_problems
from .alb.targets import security_group_rules
from .exposure import Exposure
from .nlb.health_check_problems import shared_task_problems
from .nlb.listener_problems import listener_problems
from .nlb.listeners import TRANSPORTS, NlbListener, nlb_security_group_rules
from .params import ALB_KEYS, NLB_KEYS, ExposeEntry
from .used_load_balancers import UsedAlb, UsedNetwork, UsedNlb

# Amazon ECS developer guide, "Registering multiple target groups with an Amazon ECS service".


def exposure_problems(exposure: Exposure) -> Iterator[Problem]:
    """The problems of the entries of one service."""
    rules, listeners, env = exposure.rules, exposure.nlb_listeners, exposure.env
    resolved = {used.index for used in exposure.reachable}
    for index, entry in enumerate(exposure.entries):
        if index not in resolved:  # other problems depend on the load balancer
            yield from _via_problems(entry, ("expose", index), env)
    own_network = exposure.placement.network
    for used in exposure.reachable:
        yield from _network_problems(used.load_balancer, used.path, own_network)
    for listener in listeners:
        yield from _ipv6_problems(listener, own_network)
    for rule in rules:
        entry = exposure.entries[rule.index]
        yield from _key_problems(entry, rule.path, NLB_KEYS, "an Application", "M2551")
        yield from _check_problems(entry, (*rule.path, "health_check"))
    for listener in listeners:
        yield from _key_problems(listener.entry, listener.path, ALB_KEYS, "a Network", "M2552")
    yield from rule_problems(rules, exposure.containers)
    for listener in listeners:
        yield from listener_problems(listener, exposure.containers, env)
    yield from shared_task_problems(exposure.nlb_targets, exposure.containers)
    yield from _title_problems(exposure)
    groups = len(exposure.targets) + len(exposure.nlb_targets)
    if groups > MAX_TARGET_GROUPS_PER_SERVICE:
        message = f"`expose` needs {groups} target groups, and ECS allows "
        message += f"{MAX_TARGET_GROUPS_PER_SERVICE} for a service"
        hint = "Forward more routes to the same port, or split the service."
        yield Problem("M1216", ("expose",), message, hint)


def _via_problems(entry: ExposeEntry, path: Path, env: Environment) -> Iterator[Problem]:
    if entry.via in env.broken:
        return
    balancers = [name for kind in (alb.Params, nlb.Params) for name, _ in env.of(kind)]
    names = [closest] if (closest := near(entry.via, balancers)) else sorted(balancers)
    hint = f"Write {' or '.join(f'`{name}`' for name in names)}." if names else ""
    hint = hint or "Add a stack with `template: alb` or `template: nlb`."
    spec = env.stacks.get(entry.via)
    kind = f"a stack of template `{spec.template}`" if spec else "not a stack of this environment"
    message = f"{shown(entry.via)} is {kind}, and `via` needs a load balancer"
    yield Problem("M1201", (*path, "via"), message, hint)


def _network_problems(
    balancer: UsedAlb | UsedNlb, path: Path, own_network: UsedNetwork | None
) -> Iterator[Problem]:
    """A load balancer in another VPC: a target group contains IP addresses of its own VPC."""
    net = balancer.network
    if own_network is None or net is None or balancer.params.existing:
        return
    if _vpc(own_network) != _vpc(net):
        message = f"`{balancer.name}` is in network `{net.name}`, and the service in "
        message += f"`{own_network.name}`"
        hint = f"Write `network: {net.name}`, or use a load balancer of `{own_network.name}`."
        yield Problem("M2553", (*path, "via"), message, hint, because=[("network",)])


def _vpc(net: UsedNetwork) -> str | Reference:
    """Identifies the VPC: two stacks may name the same existing one."""
    return net.params.existing.vpc if net.params.existing else net.name


def _ipv6_problems(listener: NlbListener, own_network: UsedNetwork | None) -> Iterator[Problem]:
    """UDP packets of a dualstack load balancer reach the IPv6 addresses of the tasks.

    If a stack creates the load balancer, this is reported there.
    """
    existing, port = listener.load_balancer.params.existing, listener.entry.port
    if not existing or own_network is None or port is None:
        return
    udp = "udp" in TRANSPORTS.get(port.protocol, ())
    if udp and existing.ip_address_type == "dualstack" and not own_network.handle.ipv6:
        via, name = listener.entry.via, own_network.name
        message = f"UDP packets of `{via}` come over IPv6, and tasks in `{name}` have no IPv6 "
        message += "addresses"
        hint = f"Write `ipv6: true` in `{name}`."
        if own_network.params.existing:
            hint = f"Write `ipv6: true` below `existing:` of `{name}` if its subnets have IPv6 "
            hint += "blocks."
        yield Problem("M2554", (*listener.path, "via"), message, hint, because=[("network",)])


def _key_problems(
    entry: ExposeEntry, path: Path, keys: Sequence[str], kind: str, code: str
) -> Iterator[Problem]:
    for key in sorted(entry.model_fields_set.intersection(keys)):
        hint = "Use `clients:`." if key == "source_ips" else "Remove it."
        message = f"`{key}` has no effect behind {kind} Load Balancer"
        yield Problem(code, (*path, key), message, hint)


def _check_problems(entry: ExposeEntry, path: Path) -> Iterator[Problem]:
    """Health checks that only a Network Load Balancer supports (Elastic Load Balancing API
    reference, CreateTargetGroup, HealthCheckProtocol)."""
    if entry.health_check and entry.health_check.sidecar:
        message = "A health sidecar is for UDP, which an Application Load Balancer does not have"
        hint = "Remove `sidecar`, or write the name of a Network Load Balancer in `via`."
        yield Problem("M2555", (*path, "sidecar"), message, hint)
    if entry.health_check and entry.health_check.protocol == "TCP":
        message = "An Application Load Balancer cannot check health over TCP"
        hint = "Write `protocol: HTTP` or `HTTPS`, or remove `protocol`."
        yield Problem("M2555", (*path, "protocol"), message, hint)


def _title_problems(exposure: Exposure) -> Iterator[Problem]:
    """Load balancers with names that result in the same logical IDs: an ALB `edge-tcp` and an NLB
    `edge`, or port 53 of `edge` and port 3 of `edge-5`."""
    alb_titles = {rule.title for rule in security_group_rules(exposure.targets)}
    nlb_rules = nlb_security_group_rules(exposure.nlb_targets, through_instance=False)
    listeners = {(target.entry.via, target.listener_title) for target in exposure.nlb_targets}
    counts = Counter(title for _, title in listeners)
    repeated = [title for title, count in counts.items() if count > 1]
    shared = alb_titles.intersection(rule.title for rule in nlb_rules)
    if conflicts := sorted({*repeated, *shared}):
        message = f"The names of two load balancers result in the same logical ID, {conflicts[0]}"
        hint = "Rename the stack of one of them."
        yield Problem("M1302", ("expose",), message, hint)
