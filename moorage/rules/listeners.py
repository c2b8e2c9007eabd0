"""Listeners and their rules: what they speak, where they send to, and what is taken already."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from itertools import combinations

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.values import Attr, OneOf, Text, Unknown, is_ref_equivalent
from moorage.cfn.view import Resource, Stack, View
from moorage.facts import elb_attributes
from moorage.facts.elb_attributes import APPLICATION, GATEWAY, NETWORK
from moorage.rules.elb_attribute_checks import find_invalid_values, find_unsupported_keys
from moorage.rules.rule import Problem, problem, rule

_SPEAKS = {APPLICATION: ("HTTP", "HTTPS"), NETWORK: ecs.NLB_PROTOCOLS}
_A_KIND = {APPLICATION: "an Application Load Balancer", NETWORK: "a Network Load Balancer"}


# What is spoken ------------------------------------------------------------------------------


def _kind(listener: Resource) -> str | None:
    """What kind of load balancer a listener belongs to, going by its ARN where that is all."""
    balancer = ecs.load_balancer_of(listener)
    if balancer is not None:
        return ecs.load_balancer_type(balancer)
    arn = "".join(part for part in listener["LoadBalancerArn"].parts if isinstance(part, str))
    kinds = {"/app/": APPLICATION, "/net/": NETWORK, "/gwy/": GATEWAY}
    return next((kind for mark, kind in kinds.items() if f":loadbalancer{mark}" in arn), None)


def _out_of_place(listener: Resource) -> bool:
    """Whether a listener speaks what its load balancer does not: E9321 tells."""
    kind = _kind(listener)
    return kind in _SPEAKS and listener["Protocol"].is_none_of(*_SPEAKS[kind])


@rule(
    "E9321",
    "A listener speaks a protocol that its load balancer's type does not speak",
    error_messages=(
        "Listener protocol 'TCP' must be one of 'HTTP, HTTPS'",
        "Listener protocol 'HTTP' must be one of 'TLS, TCP, TCP_UDP, UDP'",
    ),
    fix="HTTP and HTTPS need `Type: application` on the load balancer (the default), TCP, UDP, "
    "TCP_UDP, TLS, QUIC and TCP_QUIC need `Type: network`.",
    sources=(
        "alphagov/gsp#351",
        "hashicorp/terraform-provider-aws#6173",
        "pulumi/pulumi-aws#1193",
    ),
    failure_ids=("lb-type-omitted-for-nlb", "lb-http-listener-on-nlb"),
)
def listener_protocol(view: View) -> Iterator[Problem]:
    """An Application Load Balancer reads HTTP, a Network Load Balancer passes on what comes. The
    type is `application` where none is written, so that a forgotten one makes every TCP listener
    fail."""
    for balancer in view.resources_of_type(ecs.LOAD_BALANCER):
        if ecs.is_nlb_without_type(balancer):
            spoken = [
                f"{one.id} on it, which speaks {one['Protocol'].text}"
                for one in ecs.listeners_of_load_balancer(balancer)
            ]
            yield problem(
                balancer["Type"],
                f"{balancer.id} has no type, which makes it an Application Load Balancer, and AWS "
                f"refuses {[*spoken, 'fixed addresses for it'][0]}",
                "Write `Type: network`.",
            )
    for listener in view.resources_of_type(ecs.LISTENER):
        kind = _kind(listener)
        if kind in _SPEAKS and _out_of_place(listener):
            yield problem(
                listener["Protocol"],
                f"{listener.id} speaks {listener['Protocol'].choices[0]}, and AWS refuses that on "
                f"{_A_KIND[kind]}",
                f"Write one of {', '.join(_SPEAKS[kind])}, or change the load balancer's `Type`.",
            )


_PAIRS = {
    "HTTP": ("HTTP", "HTTPS"),
    "HTTPS": ("HTTP", "HTTPS"),
    "TCP": ("TCP", "TCP_UDP", "TCP_QUIC"),
    "TLS": ("TCP", "TLS"),
    "UDP": ("UDP", "TCP_UDP"),
    "TCP_UDP": ("TCP_UDP",),
    "QUIC": ("QUIC", "TCP_QUIC"),
    "TCP_QUIC": ("TCP_QUIC",),
}


def _fits(listener: Resource, group: Resource) -> bool:
    """Whether a listener can send to a target group, as far as is known. Where one speaks HTTP and
    the other does not, it takes the load balancer to tell which of them is wrong."""
    speaks = listener["Protocol"].text or ""
    pairs = _PAIRS.get(speaks)
    if pairs is None or not group["Protocol"].is_none_of(*pairs):
        return True
    http = _SPEAKS[APPLICATION]
    return _kind(listener) is None and (speaks in http) is group["Protocol"].is_none_of(*http)


@rule(
    "E9322",
    "A listener forwards to a target group of another protocol",
    error_messages=(
        "IncompatibleProtocols: The listener and its associated target group 'arn:...' have "
        "incompatible protocols",
    ),
    fix="HTTP and HTTPS listeners forward to HTTP or HTTPS, TCP to TCP or TCP_UDP, TLS to TCP or "
    "TLS, UDP to UDP or TCP_UDP, TCP_UDP to TCP_UDP.",
    sources=(
        "hashicorp/terraform-provider-aws#4955",
        "aws/aws-cdk#8508",
        "aws/aws-cdk#11535",
        "AWS docs: Network Load Balancers user guide, Target groups",
    ),
    failure_ids=("lb-tcp-listener-http-target-group", "lb-udp-listener-tcp-target-group"),
)
def listener_and_target_group(view: View) -> Iterator[Problem]:
    """A listener passes on what it speaks, or what is left of it after TLS. It can't make TCP of
    UDP, nor read HTTP out of TCP, and creating the listener or the rule fails."""
    for forwarder in view.resources_of_type(ecs.LISTENER, ecs.LISTENER_RULE):
        listener = ecs.listener_of(forwarder)
        if listener is None or _out_of_place(listener):
            continue
        for node in ecs.forwarded_target_groups(forwarder):
            group = ecs.resource_of_type(node, ecs.TARGET_GROUP)
            if group is None or _fits(listener, group):
                continue
            others = (
                one for one in ecs.listeners_of_target_group(view, group) if one is not listener
            )
            shared = any(_fits(one, group) for one in others)
            speaks = listener["Protocol"].text or ""
            yield problem(
                node if shared else group["Protocol"],
                f"{listener.id} speaks {speaks}, and AWS does not let it forward to {group.id}, "
                f"which speaks {group['Protocol'].choices[0]}",
                f"Write `Protocol: {_PAIRS[speaks][0]}` on the target group, or let the listener "
                f"speak what it takes.",
            )


@rule(
    "E9323",
    "A listener without TLS forwards to a target group of gRPC or HTTP/2",
    fix="Let the listener speak HTTPS, with a certificate.",
    sources=("AWS docs: Application Load Balancers user guide, Target groups, Protocol version",),
    failure_ids=("lb-grpc-on-http-listener",),
)
def grpc_without_tls(view: View) -> Iterator[Problem]:
    """Clients agree on HTTP/2 while TLS begins, so an Application Load Balancer forwards to target
    groups with the protocol version GRPC or HTTP2 from HTTPS listeners only."""
    for forwarder in view.resources_of_type(ecs.LISTENER, ecs.LISTENER_RULE):
        listener = ecs.listener_of(forwarder)
        if listener is None or listener["Protocol"].text != "HTTP" or _out_of_place(listener):
            continue
        for node in ecs.forwarded_target_groups(forwarder):
            group = ecs.resource_of_type(node, ecs.TARGET_GROUP)
            version = group["ProtocolVersion"].text if group is not None else None
            if group is not None and version in ("GRPC", "HTTP2") and _fits(listener, group):
                yield problem(
                    listener["Protocol"],
                    f"{listener.id} speaks HTTP and forwards to {group.id}, which speaks "
                    f"{version}: AWS allows that from HTTPS only",
                    "Write `Protocol: HTTPS` and give it a certificate.",
                )


# Certificates --------------------------------------------------------------------------------


def _region(stack: Stack) -> str | None:
    """Where a stack is deployed to: it is said, or the zone of a subnet shows it."""
    if stack.template.region:
        return stack.template.region
    for resource in stack.resources.values():
        if resource.type == "AWS::EC2::Subnet":
            zone = re.fullmatch(
                r"([a-z]{2}(?:-[a-z]+)+-\d)[a-z]", resource["AvailabilityZone"].text or ""
            )
            if zone:
                return zone[1]
    return None


@rule(
    "E9324",
    "A listener's certificate is from another region",
    error_messages=(
        "CertificateNotFound: Certificate 'arn:aws:acm:us-east-1:...' not found",
        "Certificate ARN '...' is not valid",
    ),
    fix="Use a certificate of the load balancer's own region.",
    sources=(
        "hashicorp/terraform#20587",
        "kubernetes-sigs/aws-load-balancer-controller#2134",
        "pulumi/pulumi-cloud#214",
    ),
    failure_ids=("lb-certificate-in-other-region",),
)
def certificate_elsewhere(view: View) -> Iterator[Problem]:
    """A load balancer finds the certificates of its own region only. The one that CloudFront uses
    is in us-east-1 and serves no load balancer elsewhere."""
    for owner in view.resources_of_type(ecs.LISTENER, f"{ecs.ELB}ListenerCertificate"):
        certificates = [one["CertificateArn"] for one in owner["Certificates"].items]
        places = [(node, _certified_in(node)) for node in certificates]
        home = _region(owner.stack) if any(place for _, place in places) else None
        for node, place in places:
            if place and home and place != home:
                yield problem(
                    node,
                    f"The certificate of {owner.id} is in {place}, and the stack is in {home}, "
                    f"where AWS does not find it",
                    f"Use a certificate in {home}.",
                )


def _certified_in(arn: Node) -> str | None:
    text = "".join(part if isinstance(part, str) else "?" for part in arn.parts)
    found = re.match(r"arn:[^:]+:acm:([a-z0-9-]+):", text)
    return found[1] if found else None


# What is taken -------------------------------------------------------------------------------


def _same_place(node: Node) -> Hashable | None:
    """What is equal for nodes that certainly say the same; None where they say nothing."""
    value = node.value
    if isinstance(value, Attr):
        return value.resource if is_ref_equivalent(value) else (value.resource, value.name)
    if isinstance(value, Unknown | OneOf):
        return value.token
    return tuple(map(str, value.parts)) if isinstance(value, Text) else node.text


def _doubles(
    resources: Iterator[Resource], owner: str, key: str
) -> Iterator[tuple[Resource, Resource]]:
    """Pairs that have the same owner and the same key; each second one once."""
    found: dict[Hashable, list[Resource]] = {}
    for one in resources:
        place, what = _same_place(one[owner]), _same_place(one[key])
        if place is not None and what is not None:
            found.setdefault((place, what), []).append(one)
    for several in found.values():
        told: set[Resource] = set()
        for first, second in combinations(several, 2):
            if second not in told and _together(first, second):
                told.add(second)
                yield first, second


def _together(one: Resource, other: Resource) -> bool:
    """Whether two resources certainly exist together. Conditions that were only assumed to hold
    may exclude each other."""
    first, second = one.body["Condition"].text, other.body["Condition"].text
    if first is None or second is None or (first == second and one.stack is other.stack):
        return True
    stacks = {one.stack.name, other.stack.name}
    if any(name.startswith("Condition ") and at in stacks for at, name in one.view.scenario):
        return False
    return (
        one.stack.evaluate_condition(first) is True
        and other.stack.evaluate_condition(second) is True
    )


@rule(
    "E9325",
    "Two listeners of a load balancer have the same port",
    error_messages=("A listener already exists on this port for this load balancer",),
    fix="Give each listener a port of its own; on a Network Load Balancer, one listener speaks "
    "TCP_UDP for both on one port.",
    sources=("AWS docs: Elastic Load Balancing API reference, CreateListener, DuplicateListener",),
    failure_ids=("lb-duplicate-listener-port",),
)
def listener_port_taken(view: View) -> Iterator[Problem]:
    """A port of a load balancer has one listener, whatever it speaks: TCP and UDP on one port are
    one listener that speaks TCP_UDP. The second one fails."""
    for first, second in _doubles(view.resources_of_type(ecs.LISTENER), "LoadBalancerArn", "Port"):
        protocols = {one["Protocol"].text for one in (first, second)}
        both = protocols in ({"TCP", "UDP"}, {"TCP", "QUIC"})
        joint = "TCP_UDP" if "UDP" in protocols else "TCP_QUIC"
        yield problem(
            second["Port"],
            f"{second.id} has the port of {first.id} on the same load balancer, and AWS refuses "
            f"a second listener on a port",
            f"Make them one listener with `Protocol: {joint}`, or take another port."
            if both
            else "Take another port, or make them one listener.",
        )


@rule(
    "E9326",
    "Two rules of a listener have the same priority",
    error_messages=("Priority '1' is currently in use",),
    fix="Give each rule of a listener a priority of its own.",
    sources=("stelligent/mu#85", "aws/copilot-cli#454", "aws/copilot-cli#4532"),
    failure_ids=("lb-duplicate-rule-priority",),
)
def rule_priority_taken(view: View) -> Iterator[Problem]:
    """The rules of a listener are asked in the order of their priorities, and no two can have the
    same. The second one fails with PriorityInUse."""
    for first, second in _doubles(
        view.resources_of_type(ecs.LISTENER_RULE), "ListenerArn", "Priority"
    ):
        yield problem(
            second["Priority"],
            f"{second.id} has the priority of {first.id} on the same listener, and AWS refuses "
            f"the second one",
            "Take a priority that no other rule of the listener has.",
        )


# Conditions of rules -------------------------------------------------------------------------

_MOST_VALUES = 5
_MOST_WILDCARDS = 6
_CONFIGS = (
    "PathPatternConfig",
    "HostHeaderConfig",
    "HttpHeaderConfig",
    "HttpRequestMethodConfig",
    "QueryStringConfig",
    "SourceIpConfig",
)


@rule(
    "E9327",
    "The conditions of a rule have more than five values together",
    error_messages=("A rule can only have '5' condition values",),
    fix="Split the rule in several, with at most five values over all their conditions.",
    sources=(
        "serverless/serverless#11882",
        "aws/copilot-cli#4961",
        "aws/aws-cdk#10065",
        "AWS docs: Quotas for your Application Load Balancers, Rules",
    ),
    failure_ids=("lb-rule-over-5-values-in-total",),
)
def rule_condition_values(view: View) -> Iterator[Problem]:
    """Five values are the limit of a rule, not of each of its conditions: three paths and three
    host names are one too many. So are more than six wildcards (AWS's pages say five or six)."""
    for one in view.resources_of_type(ecs.LISTENER_RULE):
        lists = _values(one)
        values = [value for values in lists for value in values]
        wildcards = sum(len(re.findall(r"[*?]", value.text or "")) for value in _patterns(values))
        # cfn-lint counts the paths of one condition (E3032).
        if len(values) > _MOST_VALUES and not _linted(one):
            yield problem(
                one["Conditions"],
                f"The conditions of {one.id} have {len(values)} values together, and AWS takes "
                f"{_MOST_VALUES} in a rule",
                "Split the rule in two.",
            )
        elif len(values) <= _MOST_VALUES and wildcards > _MOST_WILDCARDS:
            yield problem(
                one["Conditions"],
                f"The conditions of {one.id} have {wildcards} wildcards, and AWS takes at most "
                f"{_MOST_WILDCARDS} in a rule",
                "Split the rule in two, or write fewer.",
            )


def _values(one: Resource) -> list[list[Node]]:
    """The values of each condition of a rule that are certainly there."""
    found = []
    for condition in one["Conditions"].items:
        configs = (condition, *(condition[name] for name in _CONFIGS))
        lists = [config[key] for config in configs for key in ("Values", "RegexValues")]
        found.append([value for node in lists for value in node.items if not value.optional])
    return found


def _patterns(values: list[Node]) -> Iterator[Node]:
    """The texts in which wildcards count."""
    for value in values:
        if "RegexValues" not in value.path:
            yield from (value["Key"], value["Value"]) if value.entries else (value,)


def _linted(one: Resource) -> bool:
    paths = [item.at("PathPatternConfig", "Values") for item in one["Conditions"].items]
    return any(len(node.items) > _MOST_VALUES for node in paths)


# Target groups -------------------------------------------------------------------------------


@rule(
    "E9328",
    "A target group is behind two load balancers",
    error_messages=(
        "The following target groups cannot be associated with more than one load balancer: "
        "arn:...",
    ),
    fix="Give each load balancer a target group of its own; a service can be in several.",
    sources=(
        "aws/aws-cdk#15233",
        "aws-cloudformation/cloudformation-coverage-roadmap#780",
    ),
    failure_ids=("lb-target-group-on-two-load-balancers",),
)
def target_group_of_two(view: View) -> Iterator[Problem]:
    """A target group belongs to the load balancer whose listener forwarded to it first. A listener
    of another load balancer that does so too fails, while a second listener or a rule of the same
    one is fine."""
    firsts: dict[Resource, tuple[Resource, Resource]] = {}
    for forwarder in view.resources_of_type(ecs.LISTENER, ecs.LISTENER_RULE):
        balancer = ecs.load_balancer_of(forwarder)
        if balancer is None:
            continue
        for node in ecs.forwarded_target_groups(forwarder):
            group = ecs.resource_of_type(node, ecs.TARGET_GROUP)
            if group is None:
                continue
            first, first_balancer = firsts.setdefault(group, (forwarder, balancer))
            if first_balancer is not balancer and _together(first, forwarder):
                yield problem(
                    node,
                    f"{forwarder.id} on {balancer.id} forwards to {group.id}, which belongs to "
                    f"{first_balancer.id} already: AWS allows one load balancer",
                    "Make a second target group for this load balancer.",
                )


# Attributes ----------------------------------------------------------------------------------


@rule(
    "E9329",
    "A listener has an attribute, or a value of one, that it does not take",
    fix="Remove the attribute, or write a value that it takes.",
    sources=("AWS docs: Elastic Load Balancing API reference, ListenerAttribute",),
)
def listener_attribute(view: View) -> Iterator[Problem]:
    """Listeners have attributes of their own, which differ by the type of the load balancer. One
    that belongs to another type, or to the load balancer itself, is refused."""
    for listener in view.resources_of_type(ecs.LISTENER):
        items = listener["ListenerAttributes"].items
        kind = _kind(listener) if items else None
        if kind in (APPLICATION, NETWORK, GATEWAY) and not _out_of_place(listener):
            table = elb_attributes.LISTENER
            whose = f"{listener.id}, a listener of {_A_KIND.get(kind, 'a Gateway Load Balancer')},"
            yield from find_unsupported_keys(items, table, kind, whose)
            yield from find_invalid_values(items, table, kind)


RULES = (
    listener_protocol,
    listener_and_target_group,
    grpc_without_tls,
    certificate_elsewhere,
    listener_port_taken,
    rule_priority_taken,
    rule_condition_values,
    target_group_of_two,
    listener_attribute,
)
