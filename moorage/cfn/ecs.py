"""Services with their task definitions, target groups, listeners and load balancers.

Functions return only what is certain: what only the deployment knows is None or left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.values import Attr, OneOf, Unknown, are_same
from moorage.cfn.view import View
from moorage.facts.fargate import CAPACITY_PROVIDERS
from moorage.facts.load_balancing import NLB_PROTOCOLS
from moorage.records import record

SERVICE = "AWS::ECS::Service"
TASK_DEFINITION = "AWS::ECS::TaskDefinition"
CLUSTER = "AWS::ECS::Cluster"
ELB = "AWS::ElasticLoadBalancingV2::"
LISTENER, LISTENER_RULE = f"{ELB}Listener", f"{ELB}ListenerRule"
LOAD_BALANCER, TARGET_GROUP = f"{ELB}LoadBalancer", f"{ELB}TargetGroup"
SCALABLE_TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
SCALING_POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"

Parts = tuple[str | Attr | Unknown | OneOf, ...]


def resource_of_type(node: Node, kind: str) -> Resource | None:
    """The resource of this type that a property refers to, by Ref or by any attribute."""
    resource = node.resource
    return resource if resource is not None and resource.type == kind else None


# Services and task definitions ---------------------------------------------------------------


def services(view: View) -> Iterator[Resource]:
    return view.resources_of_type(SERVICE)


def task_definitions(view: View) -> Iterator[Resource]:
    return view.resources_of_type(TASK_DEFINITION)


def task_definition_of(service: Resource) -> Resource | None:
    """The task definition that a service runs: it refers to it, or names its family."""
    node = service["TaskDefinition"]
    if node.resource is not None or not node.text:
        return resource_of_type(node, TASK_DEFINITION)
    view = service.view
    by_family = view.cached("task definitions by family", lambda: _group_by_family(view))
    return by_family.get(node.text)


def _group_by_family(view: View) -> dict[str | None, Resource]:
    """The first task definition of each family."""
    by_family: dict[str | None, Resource] = {}
    for task in task_definitions(view):
        by_family.setdefault(task["Family"].text, task)
    return by_family


def services_of(task: Resource) -> list[Resource]:
    """The services that run a task definition."""
    view = task.view
    by_task = view.cached("services by task definition", lambda: _group_services(view))
    return by_task.get(task, [])


def _group_services(view: View) -> dict[Resource | None, list[Resource]]:
    by_task: dict[Resource | None, list[Resource]] = {}
    for service in services(view):
        by_task.setdefault(task_definition_of(service), []).append(service)
    return by_task


def containers(task: Resource) -> tuple[Node, ...]:
    return task["ContainerDefinitions"].items


def find_container(task: Resource, name: str) -> Node | None:
    """The container definition with this name."""
    return next(
        (container for container in containers(task) if container["Name"].text == name), None
    )


def network_mode(task: Resource) -> str | None:
    """`awsvpc`, `bridge` (the default on Linux instances), `host` or `none`; None if unknown."""
    mode = task["NetworkMode"]
    if mode.absent:
        return "awsvpc" if is_for_fargate(task) else "bridge"
    return mode.text


def is_for_fargate(task: Resource) -> bool | None:
    """Whether a task definition requires Fargate, or a service runs it there."""
    compatibilities = task["RequiresCompatibilities"]
    if any(compatibility.text == "FARGATE" for compatibility in compatibilities.items):
        return True
    on_fargate = [runs_on_fargate(service) for service in services_of(task)]
    if any(on_fargate):
        return True
    is_known = compatibilities.fully_known and task["LaunchType"].absent
    return False if is_known and None not in on_fargate else None


def runs_on_fargate(service: Resource) -> bool | None:
    """Whether a service runs its tasks on Fargate."""
    launch_type, strategy = service["LaunchType"], service["CapacityProviderStrategy"]
    if launch_type.present:
        return None if launch_type.unknown else launch_type.text == "FARGATE"
    providers = [item["CapacityProvider"] for item in strategy.items]
    if any(provider.text in CAPACITY_PROVIDERS for provider in providers):
        return True
    return False if strategy.absent and service["Cluster"].absent else None


def deployment_controller(service: Resource) -> str | None:
    """`ECS` (the default), `CODE_DEPLOY` or `EXTERNAL`; None if unknown."""
    controller = service.props.at("DeploymentController", "Type")
    return "ECS" if controller.absent else controller.text


def port_mappings(container: Node) -> list[tuple[int, str, Node]]:
    """Container port, protocol (`tcp` by default) and node of the port mappings of a container.
    Leaves out those with an unknown port or protocol."""
    mappings = []
    for mapping in container["PortMappings"].items:
        port = mapping["ContainerPort"].number
        protocol = "tcp" if mapping["Protocol"].absent else mapping["Protocol"].text
        if port is not None and protocol is not None:
            mappings.append((port, protocol.lower(), mapping))
    return mappings


def accepts_tcp(task: Resource, port: int) -> bool | None:
    """Whether a container of a task has a TCP port mapping for this container port; None if
    unknown. Meaningful for network modes in which container port and host port are equal: awsvpc
    and host."""
    if not task["ContainerDefinitions"].all_known or not containers(task):
        return None
    is_known = True
    for container in containers(task):
        mappings = container["PortMappings"]
        is_known = is_known and mappings.all_known
        for mapping in mappings.items:
            protocol, container_port = mapping["Protocol"], mapping["ContainerPort"].number
            if protocol.is_none_of("tcp", "TCP"):
                continue
            if container_port == port and not protocol.unknown:
                return True
            has_range = mapping["ContainerPortRange"].present
            is_known = (
                is_known and container_port is not None and not has_range and not protocol.unknown
            )
    return False if is_known else None


# Scaling -------------------------------------------------------------------------------------


def scalable_targets_by_service(view: View) -> dict[Resource, list[Resource]]:
    """Scalable targets of Application Auto Scaling by the service that they scale."""
    return view.cached("scalable targets", lambda: _find_scalable_targets(view))


def _find_scalable_targets(view: View) -> dict[Resource, list[Resource]]:
    targets: dict[Resource, list[Resource]] = {}
    for target in view.resources_of_type(SCALABLE_TARGET):
        service = find_scaled_service(target["ResourceId"])
        if service is not None:
            targets.setdefault(service, []).append(target)
    return targets


def find_scaled_service(resource_id: Node) -> Resource | None:
    """The service in the view that the ResourceId of a scalable target or scaling policy,
    `service/<cluster>/<name>`, refers to: by the attribute Name, or by a text equal to its
    ServiceName."""
    *_, cluster, name = _split_at_slashes(resource_id)
    if len(name) == 1 and isinstance(name[0], Attr) and name[0].resource.type == SERVICE:
        return name[0].resource
    for service in services(resource_id.stack.view):
        service_name, service_cluster = service["ServiceName"].parts, service["Cluster"].parts
        is_other_cluster = (
            _is_literal(cluster)
            and _is_literal(service_cluster)
            and not _are_equal(cluster, service_cluster)
        )
        if service_name and _are_equal(name, service_name) and not is_other_cluster:
            return service
    return None


def _split_at_slashes(node: Node) -> list[Parts]:
    """The parts of a text between slashes: at least two lists, the first of them empty if there are
    not enough slashes."""
    segments: list[list[str | Attr | Unknown | OneOf]] = [[], []]
    for part in node.parts:
        if isinstance(part, str):
            first, *rest = part.split("/")
            segments[-1] += [first] if first else []
            segments += [[segment] if segment else [] for segment in rest]
        else:
            segments[-1].append(part)
    return [tuple(segment) for segment in segments]


def _is_literal(parts: Parts) -> bool:
    return bool(parts) and all(isinstance(part, str) for part in parts)


def _are_equal(left: Parts, right: Parts) -> bool:
    pairs = zip(left, right, strict=False)
    return len(left) == len(right) and all(are_same(*pair) is True for pair in pairs)


# Target groups -------------------------------------------------------------------------------


@record
class TargetGroupAttachment:
    """A target group in which a service registers its tasks."""

    service: Resource
    entry: Node
    """The entry of LoadBalancers."""
    target_group: Node
    """The property that refers to the target group."""

    @property
    def container_name(self) -> str | None:
        return self.entry["ContainerName"].text

    @property
    def container_port(self) -> int | None:
        return self.entry["ContainerPort"].number


def target_group_attachments(view: View) -> list[TargetGroupAttachment]:
    """The target groups of all services, with the alternate ones for blue/green deployments."""
    return view.cached(
        "target group attachments",
        lambda: [
            TargetGroupAttachment(service, entry, node)
            for service in services(view)
            for entry in service["LoadBalancers"].items
            for node in (
                entry["TargetGroupArn"],
                entry.at("AdvancedConfiguration", "AlternateTargetGroupArn"),
            )
            if node.present
        ],
    )


def target_type(group: Resource) -> str | None:
    """`instance` (the default), `ip`, `lambda` or `alb`; None if unknown."""
    node = group["TargetType"]
    return "instance" if node.absent else node.text


def attributes(resource: Resource, name: str) -> dict[str, Node]:
    """The values in LoadBalancerAttributes, TargetGroupAttributes or ListenerAttributes by key."""
    return {
        key: item["Value"]
        for item in resource[name].items
        for key in [item["Key"].text]
        if key is not None
    }


# Listeners and listener rules ----------------------------------------------------------------
#
# A forwarder is a listener or a listener rule: both have actions, which forward to target groups.


def actions(forwarder: Resource) -> Node:
    """The actions of a listener or a listener rule."""
    return forwarder["DefaultActions" if forwarder.type == LISTENER else "Actions"]


def forwarded_target_groups(forwarder: Resource) -> list[Node]:
    """The properties of a listener or a listener rule that refer to target groups."""
    nodes = []
    for action in actions(forwarder).items:
        weighted = action.at("ForwardConfig", "TargetGroups").items
        nodes += [action["TargetGroupArn"], *(group["TargetGroupArn"] for group in weighted)]
    return [node for node in nodes if node.present]


def find_forwarders(view: View, group: Resource) -> tuple[Resource, ...]:
    """The listeners and listener rules that forward to a target group."""
    forwarders = view.cached("forwarders", lambda: _find_forwarders(view))
    return tuple(forwarders.get(group, ()))


def _find_forwarders(view: View) -> dict[Resource, list[Resource]]:
    """Listeners and listener rules by target group."""
    forwarders: dict[Resource, list[Resource]] = {}
    for forwarder in view.resources_of_type(LISTENER, LISTENER_RULE):
        for node in forwarded_target_groups(forwarder):
            group = resource_of_type(node, TARGET_GROUP)
            if group is not None and forwarder not in forwarders.setdefault(group, []):
                forwarders[group].append(forwarder)
    return forwarders


def are_all_forwards_known(view: View) -> bool:
    """Whether the target groups of every listener and listener rule are known."""
    for forwarder in view.resources_of_type(LISTENER, LISTENER_RULE):
        groups = [item.at("ForwardConfig", "TargetGroups") for item in actions(forwarder).items]
        if not all(node.all_known for node in (actions(forwarder), *groups)):
            return False
        if any(isinstance(node.value, Unknown) for node in forwarded_target_groups(forwarder)):
            return False
    return True


def listener_of(forwarder: Resource) -> Resource | None:
    """The listener of a listener rule, or the listener itself."""
    if forwarder.type == LISTENER:
        return forwarder
    return resource_of_type(forwarder["ListenerArn"], LISTENER)


def listeners_of_target_group(view: View, group: Resource) -> list[Resource]:
    """The listeners that forward to a target group, by their default actions or their rules."""
    listeners = map(listener_of, find_forwarders(view, group))
    return list(dict.fromkeys(listener for listener in listeners if listener is not None))


# Load balancers ------------------------------------------------------------------------------


def load_balancer_of(forwarder: Resource) -> Resource | None:
    """The load balancer of a listener or a listener rule."""
    listener = listener_of(forwarder)
    return resource_of_type(listener["LoadBalancerArn"], LOAD_BALANCER) if listener else None


def load_balancers_of_target_group(view: View, group: Resource) -> list[Resource]:
    """The load balancers that forward to a target group."""
    load_balancers = map(load_balancer_of, find_forwarders(view, group))
    return list(dict.fromkeys(item for item in load_balancers if item is not None))


def load_balancer_type(load_balancer: Resource) -> str | None:
    """`application` (the default), `network` or `gateway`. None if unknown, or if Type is absent
    although the rest describes a Network Load Balancer."""
    node = load_balancer["Type"]
    if node.present:
        return node.text
    return None if is_nlb_without_type(load_balancer) else "application"


def is_nlb_without_type(load_balancer: Resource) -> bool:
    """Whether Type is absent although the rest describes a Network Load Balancer: the protocols of
    its listeners or, if there are none in the view, fixed IP addresses."""
    return load_balancer.view.cached(
        ("is NLB without type", load_balancer), lambda: _is_nlb_without_type(load_balancer)
    )


def _is_nlb_without_type(load_balancer: Resource) -> bool:
    if load_balancer["Type"].present:
        return False
    listeners = listeners_of_load_balancer(load_balancer)
    if not listeners:
        return bool(fixed_addresses(load_balancer))
    return all(listener["Protocol"].text in NLB_PROTOCOLS for listener in listeners)


def fixed_addresses(load_balancer: Resource) -> list[Node]:
    """The IP addresses in the subnet mappings of a load balancer; only a Network Load Balancer
    supports them."""
    nodes = (
        mapping[key]
        for mapping in load_balancer["SubnetMappings"].items
        for key in ("AllocationId", "PrivateIPv4Address")
    )
    return [node for node in nodes if node.present]


def listeners_of_load_balancer(load_balancer: Resource) -> tuple[Resource, ...]:
    """The listeners of a load balancer."""
    view = load_balancer.view
    listeners = view.cached("listeners", lambda: _listeners_by_load_balancer(view))
    return tuple(listeners.get(load_balancer, ()))


def _listeners_by_load_balancer(view: View) -> dict[Resource, list[Resource]]:
    listeners: dict[Resource, list[Resource]] = {}
    for listener in view.resources_of_type(LISTENER):
        load_balancer = resource_of_type(listener["LoadBalancerArn"], LOAD_BALANCER)
        if load_balancer is not None:
            listeners.setdefault(load_balancer, []).append(listener)
    return listeners
