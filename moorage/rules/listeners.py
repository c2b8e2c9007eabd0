"""Listeners: protocols, certificates, ports and attributes."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from itertools import combinations

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource, Stack
from moorage.cfn.values import Attr, OneOf, Text, Unknown, is_ref_equivalent
from moorage.cfn.view import View
from moorage.facts import elb_attributes
from moorage.facts.elb_attributes import APPLICATION, GATEWAY, NETWORK
from moorage.facts.load_balancing import NLB_PROTOCOLS
from moorage.facts.regions import ZONE_NAME
from moorage.rules.elb_attribute_checks import find_invalid_values, find_unsupported_keys
from moorage.rules.load_balancers import LOAD_BALANCER_NAMES
from moorage.rules.message_parts import join_or
from moorage.rules.rule import Problem, problem, rule

_PROTOCOLS = {APPLICATION: ("HTTP", "HTTPS"), NETWORK: NLB_PROTOCOLS}
"""The protocols of listeners, by the type of load balancer."""

_TARGET_PROTOCOLS = {
    "HTTP": ("HTTP", "HTTPS"),
    "HTTPS": ("HTTP", "HTTPS"),
    "TCP": ("TCP", "TCP_UDP", "TCP_QUIC"),
    "TLS": ("TCP", "TLS"),
    "UDP": ("UDP", "TCP_UDP"),
    "TCP_UDP": ("TCP_UDP",),
    "QUIC": ("QUIC", "TCP_QUIC"),
    "TCP_QUIC": ("TCP_QUIC",),
}
"""The protocols of target groups that a listener can forward to, by its own protocol."""


# Protocols -----------------------------------------------------------------------------------


def _load_balancer_type(listener: Resource) -> str | None:
    """The type of a listener's load balancer, from its ARN if the load balancer is not in view."""
    load_balancer = ecs.load_balancer_of(listener)
    if load_balancer is not None:
        return ecs.load_balancer_type(load_balancer)
    arn = "".join(part for part in listener["LoadBalancerArn"].parts if isinstance(part, str))
    types = {"/app/": APPLICATION, "/net/": NETWORK, "/gwy/": GATEWAY}
    return next((name for mark, name in types.items() if f":loadbalancer{mark}" in arn), None)


def _has_wrong_protocol(listener: Resource) -> bool:
    """Whether a listener has a protocol that its load balancer does not support (E9450)."""
    kind = _load_balancer_type(listener)
    return kind in _PROTOCOLS and listener["Protocol"].is_none_of(*_PROTOCOLS[kind])


@rule(
    "E9450",
    "A listener has a protocol that the type of its load balancer does not support.",
    error_messages=(
        "Listener protocol 'TCP' must be one of 'HTTP, HTTPS'",
        "Listener protocol 'HTTP' must be one of 'TLS, TCP, TCP_UDP, UDP'",
    ),
    fix="For HTTP and HTTPS use an Application Load Balancer (`Type: application`, the default). "
    "For TCP, UDP, TCP_UDP, TLS, QUIC and TCP_QUIC write `Type: network` in the load balancer.",
    sources=(
        "alphagov/gsp#351",
        "hashicorp/terraform-provider-aws#6173",
        "pulumi/pulumi-aws#1193",
    ),
    failure_ids=("lb-type-omitted-for-nlb", "lb-http-listener-on-nlb"),
)
def unsupported_listener_protocol(view: View) -> Iterator[Problem]:
    """Application Load Balancers support HTTP and HTTPS, Network Load Balancers TCP, UDP, TCP_UDP,
    TLS, QUIC and TCP_QUIC. A load balancer without Type is an Application Load Balancer, so
    creating a TCP listener for it fails."""
    for load_balancer in view.resources_of_type(ecs.LOAD_BALANCER):
        if ecs.is_nlb_without_type(load_balancer):
            listeners = [
                f"its {listener['Protocol'].text} listener `{listener.id}`"
                for listener in ecs.listeners_of_load_balancer(load_balancer)
            ]
            yield problem(
                load_balancer["Type"],
                f"Load balancer `{load_balancer.id}` has no Type, so it is an Application Load "
                f"Balancer, and AWS rejects {[*listeners, 'its fixed addresses'][0]}",
                "Write `Type: network`.",
            )
    for listener in view.resources_of_type(ecs.LISTENER):
        kind = _load_balancer_type(listener)
        if kind in _PROTOCOLS and _has_wrong_protocol(listener):
            article = "an" if kind == APPLICATION else "a"
            yield problem(
                listener["Protocol"],
                f"Listener `{listener.id}` has protocol {listener['Protocol'].choices[0]}, which "
                f"{article} {LOAD_BALANCER_NAMES[kind]} does not support",
                f"Write {join_or(_PROTOCOLS[kind])}, or change Type of the load balancer.",
            )


def _can_forward(listener: Resource, group: Resource) -> bool:
    """Whether a listener can forward to a target group, as far as it is known. If only one of them
    has HTTP or HTTPS, it depends on the load balancer which of them is wrong."""
    protocol = listener["Protocol"].text or ""
    allowed = _TARGET_PROTOCOLS.get(protocol)
    if allowed is None or not group["Protocol"].is_none_of(*allowed):
        return True
    http = _PROTOCOLS[APPLICATION]
    only_one_has_http = (protocol in http) is group["Protocol"].is_none_of(*http)
    return _load_balancer_type(listener) is None and only_one_has_http


@rule(
    "E9453",
    "A listener forwards to a target group with an incompatible protocol.",
    error_messages=(
        "IncompatibleProtocols: The listener and its associated target group 'arn:...' have "
        "incompatible protocols",
    ),
    fix="Forward from HTTP and HTTPS to HTTP or HTTPS, from TCP to TCP or TCP_UDP, from TLS to TCP "
    "or TLS, from UDP to UDP or TCP_UDP, and from TCP_UDP to TCP_UDP.",
    sources=(
        "hashicorp/terraform-provider-aws#4955",
        "aws/aws-cdk#8508",
        "aws/aws-cdk#11535",
        "AWS docs: Network Load Balancers user guide, Target groups",
    ),
    failure_ids=("lb-tcp-listener-http-target-group", "lb-udp-listener-tcp-target-group"),
)
def incompatible_target_group(view: View) -> Iterator[Problem]:
    """A load balancer does not translate between protocols, except that it can decrypt TLS. AWS
    refuses to create a listener or rule that forwards UDP to TCP, or TCP to HTTP."""
    for forwarder in view.resources_of_type(ecs.LISTENER, ecs.LISTENER_RULE):
        listener = ecs.listener_of(forwarder)
        if listener is None or _has_wrong_protocol(listener):
            continue
        for node in ecs.forwarded_target_groups(forwarder):
            group = ecs.resource_of_type(node, ecs.TARGET_GROUP)
            if group is None or _can_forward(listener, group):
                continue
            other_listeners = (
                candidate
                for candidate in ecs.listeners_of_target_group(view, group)
                if candidate is not listener
            )
            fits_another = any(_can_forward(candidate, group) for candidate in other_listeners)
            protocol = listener["Protocol"].text or ""
            yield problem(
                node if fits_another else group["Protocol"],
                f"Listener `{listener.id}` has protocol {protocol} and forwards to target group "
                f"`{group.id}` with the incompatible protocol {group['Protocol'].choices[0]}",
                f"Forward to a target group with protocol {join_or(_TARGET_PROTOCOLS[protocol])}."
                if fits_another
                else f"Write `Protocol: {_TARGET_PROTOCOLS[protocol][0]}` in `{group.id}`, or "
                f"change the protocol of the listener.",
            )


@rule(
    "E9456",
    "An HTTP listener forwards to a target group with protocol version GRPC or HTTP2.",
    fix="Write `Protocol: HTTPS` and Certificates in the listener.",
    sources=("AWS docs: Application Load Balancers user guide, Target groups, Protocol version",),
    failure_ids=("lb-grpc-on-http-listener",),
)
def grpc_without_tls(view: View) -> Iterator[Problem]:
    """Clients negotiate HTTP/2 during the TLS handshake, so an Application Load Balancer forwards
    to target groups with the protocol version GRPC or HTTP2 from HTTPS listeners only."""
    for forwarder in view.resources_of_type(ecs.LISTENER, ecs.LISTENER_RULE):
        listener = ecs.listener_of(forwarder)
        is_http = listener is not None and listener["Protocol"].text == "HTTP"
        if listener is None or not is_http or _has_wrong_protocol(listener):
            continue
        for node in ecs.forwarded_target_groups(forwarder):
            group = ecs.resource_of_type(node, ecs.TARGET_GROUP)
            version = group["ProtocolVersion"].text if group is not None else None
            if group is None or version not in ("GRPC", "HTTP2"):
                continue
            if _can_forward(listener, group):
                yield problem(
                    listener["Protocol"],
                    f"HTTP listener `{listener.id}` forwards to target group `{group.id}` with "
                    f"protocol version {version}, which AWS allows for HTTPS listeners only",
                    "Write `Protocol: HTTPS` and Certificates.",
                )


# Certificates --------------------------------------------------------------------------------


@rule(
    "E9465",
    "The certificate of a listener is in another region.",
    error_messages=(
        "CertificateNotFound: Certificate 'arn:aws:acm:us-east-1:...' not found",
        "Certificate ARN '...' is not valid",
    ),
    fix="Use a certificate in the region of the load balancer.",
    sources=(
        "hashicorp/terraform#20587",
        "kubernetes-sigs/aws-load-balancer-controller#2134",
        "pulumi/pulumi-cloud#214",
    ),
    failure_ids=("lb-certificate-in-other-region",),
)
def certificate_in_other_region(view: View) -> Iterator[Problem]:
    """A load balancer only finds certificates of its own region. A certificate for CloudFront is in
    us-east-1 and does not work for load balancers in other regions."""
    for owner in view.resources_of_type(ecs.LISTENER, f"{ecs.ELB}ListenerCertificate"):
        arns = [certificate["CertificateArn"] for certificate in owner["Certificates"].items]
        regions = [(arn, _region_of_certificate(arn)) for arn in arns]
        stack_region = (
            _region_of_stack(owner.stack) if any(region for _, region in regions) else None
        )
        for arn, region in regions:
            if region and stack_region and region != stack_region:
                yield problem(
                    arn,
                    f"The certificate of `{owner.id}` is in {region}, but the stack is in "
                    f"{stack_region}, where AWS does not find it",
                    f"Use a certificate in {stack_region}.",
                )


def _region_of_stack(stack: Stack) -> str | None:
    """The region that a stack is deployed to, if it is given or a subnet's zone shows it."""
    if stack.template.region:
        return stack.template.region
    for resource in stack.resources.values():
        if resource.type == "AWS::EC2::Subnet":
            zone = resource["AvailabilityZone"].text or ""
            if re.fullmatch(ZONE_NAME, zone):
                return zone[:-1]
    return None


def _region_of_certificate(arn: Node) -> str | None:
    text = "".join(part if isinstance(part, str) else "?" for part in arn.parts)
    match = re.match(r"arn:[^:]+:acm:([a-z0-9-]+):", text)
    return match[1] if match else None


# Ports ---------------------------------------------------------------------------------------


def find_duplicates(
    resources: Iterator[Resource], owner: str, key: str
) -> Iterator[tuple[Resource, Resource]]:
    """Pairs of resources with the same owner and the same key, both given as names of properties.
    The second resource of a pair is in no other pair."""
    groups: dict[Hashable, list[Resource]] = {}
    for resource in resources:
        owner_value, key_value = (
            _comparable_value(resource[owner]),
            _comparable_value(resource[key]),
        )
        if owner_value is not None and key_value is not None:
            groups.setdefault((owner_value, key_value), []).append(resource)
    for group in groups.values():
        reported: set[Resource] = set()
        for first, second in combinations(group, 2):
            if second not in reported and exist_together(first, second):
                reported.add(second)
                yield first, second


def _comparable_value(node: Node) -> Hashable | None:
    """A value that is equal for nodes that are certainly the same; None for a missing one."""
    value = node.value
    if isinstance(value, Attr):
        return value.resource if is_ref_equivalent(value) else (value.resource, value.name)
    if isinstance(value, Unknown | OneOf):
        return value.token
    return tuple(map(str, value.parts)) if isinstance(value, Text) else node.text


def exist_together(first: Resource, second: Resource) -> bool:
    """Whether two resources certainly exist in the same deployment. Conditions that this scenario
    only assumes may exclude each other."""
    first_condition, second_condition = (
        resource.body["Condition"].text for resource in (first, second)
    )
    if first_condition is None or second_condition is None:
        return True
    if first_condition == second_condition and first.stack is second.stack:
        return True
    stacks = {first.stack.name, second.stack.name}
    scenario = first.view.scenario
    if any(name.startswith("Condition ") and stack in stacks for stack, name in scenario):
        return False
    return (
        first.stack.evaluate_condition(first_condition) is True
        and second.stack.evaluate_condition(second_condition) is True
    )


@rule(
    "E9470",
    "Two listeners of a load balancer have the same port.",
    error_messages=("A listener already exists on this port for this load balancer",),
    fix="Give each listener its own port. On a Network Load Balancer, one TCP_UDP listener handles "
    "both protocols on one port.",
    sources=("AWS docs: Elastic Load Balancing API reference, CreateListener, DuplicateListener",),
    failure_ids=("lb-duplicate-listener-port",),
)
def duplicate_listener_port(view: View) -> Iterator[Problem]:
    """A port of a load balancer can have one listener only, whatever its protocol. TCP and UDP on
    one port need one listener with the protocol TCP_UDP. AWS refuses to create the second one."""
    for first, second in find_duplicates(
        view.resources_of_type(ecs.LISTENER), "LoadBalancerArn", "Port"
    ):
        protocols = {listener["Protocol"].text for listener in (first, second)}
        joint = {frozenset(("TCP", "UDP")): "TCP_UDP", frozenset(("TCP", "QUIC")): "TCP_QUIC"}
        protocol = joint.get(frozenset(str(name) for name in protocols))
        yield problem(
            second["Port"],
            f"Listeners `{first.id}` and `{second.id}` of the same load balancer have the same "
            f"port, and AWS rejects the second one",
            f"Replace both with one listener with `Protocol: {protocol}`, or write another Port."
            if protocol
            else "Write another Port, or remove one of the two listeners.",
        )


# Attributes ----------------------------------------------------------------------------------


@rule(
    "E9480",
    "A listener has an attribute that it does not support, or an attribute with an invalid value.",
    fix="Remove the attribute, or write a value that it accepts.",
    sources=("AWS docs: Elastic Load Balancing API reference, ListenerAttribute",),
)
def invalid_listener_attribute(view: View) -> Iterator[Problem]:
    """The attributes of a listener depend on the type of its load balancer. AWS rejects those of
    another type, and those of load balancers."""
    for listener in view.resources_of_type(ecs.LISTENER):
        items = listener["ListenerAttributes"].items
        kind = _load_balancer_type(listener) if items else None
        if kind in LOAD_BALANCER_NAMES and not _has_wrong_protocol(listener):
            table = elb_attributes.LISTENER
            owner = f"{LOAD_BALANCER_NAMES[kind]} listener `{listener.id}`"
            yield from find_unsupported_keys(items, table, kind, owner)
            yield from find_invalid_values(items, table, kind)


RULES = (
    unsupported_listener_protocol,
    incompatible_target_group,
    grpc_without_tls,
    certificate_in_other_region,
    duplicate_listener_port,
    invalid_listener_attribute,
)
