"""Services, their tasks, target groups, listeners and load balancers, joined.

Everything here answers from what is certain; what only the deployment knows is None or left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from moorage.cfn.nodes import Node
from moorage.cfn.values import Attr, OneOf, Unknown, are_same
from moorage.cfn.view import Resource, View

SERVICE = "AWS::ECS::Service"
TASK_DEFINITION = "AWS::ECS::TaskDefinition"
CLUSTER = "AWS::ECS::Cluster"
ELB = "AWS::ElasticLoadBalancingV2::"
LISTENER, LISTENER_RULE = f"{ELB}Listener", f"{ELB}ListenerRule"
LOAD_BALANCER, TARGET_GROUP = f"{ELB}LoadBalancer", f"{ELB}TargetGroup"
NLB_PROTOCOLS = ("TCP", "UDP", "TCP_UDP", "TLS", "QUIC", "TCP_QUIC")
"""What only a Network Load Balancer speaks."""

T = TypeVar("T")


def resource_of_type(node: Node, kind: str) -> Resource | None:
    """The resource of that type that a property names, by Ref or by any attribute."""
    resource = node.resource
    return resource if resource is not None and resource.type == kind else None


# Services and tasks --------------------------------------------------------------------------


def services(view: View) -> Iterator[Resource]:
    return view.resources_of_type(SERVICE)


def task_definitions(view: View) -> Iterator[Resource]:
    return view.resources_of_type(TASK_DEFINITION)


def task_definition_of(service: Resource) -> Resource | None:
    """The task definition that a service runs."""
    return resource_of_type(service["TaskDefinition"], TASK_DEFINITION)


def services_of(task: Resource) -> list[Resource]:
    """The services that run a task definition."""
    return [one for one in services(task.view) if task_definition_of(one) is task]


def containers(task: Resource) -> tuple[Node, ...]:
    return task["ContainerDefinitions"].items


def find_container(task: Resource, name: str) -> Node | None:
    """The container of a name."""
    return next((one for one in containers(task) if one["Name"].text == name), None)


def network_mode(task: Resource) -> str | None:
    """`awsvpc`, `bridge` (the default on Linux), `host` or `none`; None where it is not known."""
    mode = task["NetworkMode"]
    if mode.absent:
        return "awsvpc" if is_for_fargate(task) else "bridge"
    return mode.text


def is_for_fargate(task: Resource) -> bool | None:
    """Whether a task definition is made for Fargate: it says so, or a service runs it there."""
    if any(one.text == "FARGATE" for one in task["RequiresCompatibilities"].items):
        return True
    runs = [runs_on_fargate(one) for one in services_of(task)]
    if any(runs):
        return True
    known = task["RequiresCompatibilities"].fully_known and task["LaunchType"].absent
    return False if known and None not in runs else None


def runs_on_fargate(service: Resource) -> bool | None:
    """Whether a service runs its tasks on Fargate."""
    launch, strategy = service["LaunchType"], service["CapacityProviderStrategy"]
    if launch.present:
        return None if launch.unknown else launch.text == "FARGATE"
    providers = [one["CapacityProvider"] for one in strategy.items]
    if any(one.text in ("FARGATE", "FARGATE_SPOT") for one in providers):
        return True
    return False if strategy.absent and service["Cluster"].absent else None


def deployment_controller(service: Resource) -> str | None:
    """`ECS` (the default), `CODE_DEPLOY` or `EXTERNAL`; None where it is not known."""
    given = service.props.at("DeploymentController", "Type")
    return "ECS" if given.absent else given.text


def scalable_targets_by_service(view: View) -> dict[Resource, list[Resource]]:
    """Services with the targets of Application Auto Scaling that set their count of tasks."""
    if "scaled" not in view.cache:
        found: dict[Resource, list[Resource]] = {}
        for target in view.resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget"):
            service = find_scaled_service(target["ResourceId"])
            if service is not None:
                found.setdefault(service, []).append(target)
        view.cache["scaled"] = found
    scaled: dict[Resource, list[Resource]] = view.cache["scaled"]
    return scaled


def find_scaled_service(resource_id: Node) -> Resource | None:
    """The service in view that a scaling target's or policy's ResourceId names, by an attribute
    or by the same text as its ServiceName: `service/<cluster>/<name>`."""
    *_, cluster, name = _segments(resource_id)
    if len(name) == 1 and isinstance(name[0], Attr) and name[0].resource.type == SERVICE:
        return name[0].resource
    for service in services(resource_id.stack.view):
        own, where = service["ServiceName"].parts, service["Cluster"].parts
        if own and _alike(name, own):
            if _texts(cluster) and _texts(where) and not _alike(cluster, where):
                continue
            return service
    return None


Parts = tuple[str | Attr | Unknown | OneOf, ...]


def _segments(node: Node) -> list[Parts]:
    """What stands between the slashes; two at the least, empty ones in front."""
    segments: list[list[str | Attr | Unknown | OneOf]] = [[], []]
    for part in node.parts:
        if isinstance(part, str):
            first, *rest = part.split("/")
            segments[-1] += [first] if first else []
            segments += [[one] if one else [] for one in rest]
        else:
            segments[-1].append(part)
    return [tuple(one) for one in segments]


def _texts(parts: Parts) -> bool:
    return bool(parts) and all(isinstance(one, str) for one in parts)


def _alike(one: Parts, other: Parts) -> bool:
    pairs = zip(one, other, strict=False)
    return len(one) == len(other) and all(are_same(*pair) is True for pair in pairs)


def port_mappings(container: Node) -> list[tuple[int, str, Node]]:
    """Each mapping's container port, protocol (`tcp` by default) and place."""
    found = []
    for one in container["PortMappings"].items:
        protocol = one["Protocol"]
        port = one["ContainerPort"].number
        kind = "tcp" if protocol.absent else protocol.text
        if port is not None and kind is not None:
            found.append((port, kind.lower(), one))
    return found


def accepts_tcp(task: Resource, port: int) -> bool | None:
    """Whether some container of a task says that it takes TCP on a port; None where that is not
    known. By its container port: for tasks with addresses of their own, or the host's."""
    every = containers(task)
    if not task["ContainerDefinitions"].all_known or not every:
        return None
    known = True
    for one in every:
        mappings = one["PortMappings"]
        known = known and mappings.all_known
        for mapping in mappings.items:
            at, span, kind = (
                mapping[key] for key in ("ContainerPort", "ContainerPortRange", "Protocol")
            )
            if kind.is_none_of("tcp", "TCP"):
                continue
            if at.number == port and not kind.unknown:
                return True
            known = known and at.number is not None and span.absent and not kind.unknown
    return False if known else None


# What a load balancer sends to a service ------------------------------------------------------


@dataclass(frozen=True)
class TargetGroupAttachment:
    """One entry of a service's LoadBalancers."""

    service: Resource
    entry: Node
    target_group: Node
    """The property that names the target group."""

    @property
    def container_name(self) -> str | None:
        return self.entry["ContainerName"].text

    @property
    def container_port(self) -> int | None:
        return self.entry["ContainerPort"].number


def target_group_attachments(view: View) -> list[TargetGroupAttachment]:
    """Every target group that a service registers its tasks in, alternates too."""
    if "attachments" not in view.cache:
        view.cache["attachments"] = [
            TargetGroupAttachment(service, entry, node)
            for service in services(view)
            for entry in service["LoadBalancers"].items
            for node in (
                entry["TargetGroupArn"],
                entry.at("AdvancedConfiguration", "AlternateTargetGroupArn"),
            )
            if node.present
        ]
    found: list[TargetGroupAttachment] = view.cache["attachments"]
    return found


def actions(forwarder: Resource) -> Node:
    """The actions of a listener or of a rule."""
    return forwarder["DefaultActions" if forwarder.type == LISTENER else "Actions"]


def forwarded_target_groups(forwarder: Resource) -> list[Node]:
    """The properties of a listener or of a rule that name the target groups it forwards to."""
    found = []
    for action in actions(forwarder).items:
        several = action.at("ForwardConfig", "TargetGroups").items
        found += [action["TargetGroupArn"], *(one["TargetGroupArn"] for one in several)]
    return [one for one in found if one.present]


def find_forwarders(view: View, group: Resource) -> tuple[Resource, ...]:
    """The listeners and rules that forward to a target group."""
    if "forwarders" not in view.cache:
        found: dict[Resource, list[Resource]] = {}
        for listener in view.resources_of_type(LISTENER, LISTENER_RULE):
            for node in forwarded_target_groups(listener):
                target = resource_of_type(node, TARGET_GROUP)
                if target is not None and listener not in found.setdefault(target, []):
                    found[target].append(listener)
        view.cache["forwarders"] = found
    return tuple(view.cache["forwarders"].get(group, ()))


def are_all_forwards_known(view: View) -> bool:
    """Whether it is in sight what every listener and rule forwards to."""
    for forwarder in view.resources_of_type(LISTENER, LISTENER_RULE):
        groups = [one.at("ForwardConfig", "TargetGroups") for one in actions(forwarder).items]
        if not all(one.all_known for one in (actions(forwarder), *groups)):
            return False
        if any(isinstance(node.value, Unknown) for node in forwarded_target_groups(forwarder)):
            return False
    return True


def listener_of(forwarder: Resource) -> Resource | None:
    """The listener itself, or the listener that a rule belongs to."""
    if forwarder.type == LISTENER:
        return forwarder
    return resource_of_type(forwarder["ListenerArn"], LISTENER)


def load_balancer_of(forwarder: Resource) -> Resource | None:
    """The load balancer that a listener or a rule belongs to."""
    listener = listener_of(forwarder)
    return resource_of_type(listener["LoadBalancerArn"], LOAD_BALANCER) if listener else None


def listeners_of_target_group(view: View, group: Resource) -> list[Resource]:
    """The listeners through which a target group is reached, by themselves or by their rules."""
    found = (listener_of(one) for one in find_forwarders(view, group))
    return list(dict.fromkeys(one for one in found if one is not None))


def load_balancers_of_target_group(view: View, group: Resource) -> list[Resource]:
    """The load balancers that send to a target group."""
    found = (load_balancer_of(one) for one in find_forwarders(view, group))
    return list(dict.fromkeys(one for one in found if one is not None))


def load_balancer_type(load_balancer: Resource) -> str | None:
    """`application` (the default), `network` or `gateway`; None where it is not known, or where
    it was left out and it is a Network Load Balancer by all else."""
    given = load_balancer["Type"]
    if given.present:
        return given.text
    return None if is_nlb_without_type(load_balancer) else "application"


def is_nlb_without_type(load_balancer: Resource) -> bool:
    """Whether the type of a Network Load Balancer was forgotten, going by its listeners, or by
    what is said of its addresses where no listener is in sight."""
    key = ("typeless", load_balancer)
    if key not in load_balancer.view.cache:
        spoken = [one["Protocol"].text for one in listeners_of_load_balancer(load_balancer)]
        load_balancer.view.cache[key] = load_balancer["Type"].absent and (
            all(one in NLB_PROTOCOLS for one in spoken)
            if spoken
            else bool(fixed_addresses(load_balancer))
        )
    found: bool = load_balancer.view.cache[key]
    return found


def fixed_addresses(load_balancer: Resource) -> list[Node]:
    """The addresses that are chosen for a load balancer, which only a Network one has."""
    keys = ("AllocationId", "PrivateIPv4Address")
    found = (one[key] for one in load_balancer["SubnetMappings"].items for key in keys)
    return [one for one in found if one.present]


def listeners_of_load_balancer(load_balancer: Resource) -> tuple[Resource, ...]:
    """The listeners of a load balancer."""
    view = load_balancer.view
    if "listeners" not in view.cache:
        found: dict[Resource, list[Resource]] = {}
        for one in view.resources_of_type(LISTENER):
            owner = resource_of_type(one["LoadBalancerArn"], LOAD_BALANCER)
            if owner is not None:
                found.setdefault(owner, []).append(one)
        view.cache["listeners"] = found
    return tuple(view.cache["listeners"].get(load_balancer, ()))


def target_type(group: Resource) -> str | None:
    """`instance` (the default), `ip`, `lambda` or `alb`; None where it is not known."""
    given = group["TargetType"]
    return "instance" if given.absent else given.text


def attributes(resource: Resource, name: str) -> dict[str, Node]:
    """Key and value of LoadBalancerAttributes, TargetGroupAttributes or ListenerAttributes."""
    return {
        key: one["Value"]
        for one in resource[name].items
        for key in [one["Key"].text]
        if key is not None
    }
