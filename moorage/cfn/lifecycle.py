"""The order in which CloudFormation creates resources, and what services need at their creation.

Functions return only what is certain: what only the deployment knows is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from moorage.cfn import ecs, networks
from moorage.cfn.fixed_values import is_decided_by_template
from moorage.cfn.nodes import Node
from moorage.cfn.permissions import POLICIES, ROLE
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.facts.addresses import ANY_IPV4
from moorage.records import entity

GATEWAY_ATTACHMENT = f"{networks.EC2}VPCGatewayAttachment"
CAPACITY_PROVIDER_ASSOCIATIONS = "AWS::ECS::ClusterCapacityProviderAssociations"
REPOSITORY = "AWS::ECR::Repository"

_ARBITRARY_ACTIONS = (
    "Custom::",
    "AWS::CloudFormation::CustomResource",
    "AWS::CloudFormation::Macro",
    "AWS::CloudFormation::Stack",
    "AWS::CloudFormation::WaitCondition",
)
"""Types whose creation can do anything, such as push an image, or wait for anything."""
_STARTUP_SERVICES = frozenset(("ecr.api", "ecr.dkr", "s3", "logs", "secretsmanager", "ssm", "kms"))
"""Services that tasks call when they start, by the name of the VPC endpoint."""


# Order ---------------------------------------------------------------------------------------


def dependencies_of(resource: Resource) -> Iterator[Resource]:
    """The resources of the same stack that exist before a resource is created."""
    resources = resource.stack.resources
    return (resources[name] for name in resource.stack.all_dependencies(resource.id))


def find_unordered_dependencies(
    resource: Resource, dependencies: Iterable[Resource]
) -> list[Resource]:
    """The dependencies that CloudFormation may create after the resource."""
    return [
        dependency
        for dependency in dict.fromkeys(dependencies)
        if not resource.view.is_created_before(dependency, resource)
    ]


def depends_on_external_action(resource: Resource) -> bool:
    """Whether a resource waits for something that can do anything, such as push an image: a custom
    resource, a nested stack, a wait condition."""
    return any(
        dependency.type.startswith(_ARBITRARY_ACTIONS) for dependency in dependencies_of(resource)
    )


def are_created_together(first: Resource, second: Resource) -> bool:
    """Whether two resources are in the same stack, and have the same condition."""
    conditions = [resource.body["Condition"].text for resource in (first, second)]
    return first.stack is second.stack and conditions[0] == conditions[1]


# Internet gateways ---------------------------------------------------------------------------


def gateway_attachments(view: View) -> list[Resource]:
    """The attachments of internet gateways to VPCs."""
    return [
        attachment
        for attachment in view.resources_of_type(GATEWAY_ATTACHMENT)
        if attachment["InternetGatewayId"].present
    ]


def attachments_of_gateway(gateway: Resource) -> list[Resource]:
    """The attachments of an internet gateway."""
    return [
        attachment
        for attachment in gateway_attachments(gateway.view)
        if attachment["InternetGatewayId"].resource is gateway
    ]


def attachments_for_load_balancer(load_balancer: Resource) -> list[Resource]:
    """The attachments of internet gateways to the VPC of a load balancer."""
    mapped = (
        ecs.resource_of_type(mapping["SubnetId"], networks.SUBNET)
        for mapping in load_balancer["SubnetMappings"].items
    )
    subnets = [
        *networks.find_subnets(load_balancer["Subnets"]),
        *(subnet for subnet in mapped if subnet is not None),
    ]
    vpcs = [subnet["VpcId"] for subnet in subnets if subnet["VpcId"].present]
    return [
        attachment
        for attachment in gateway_attachments(load_balancer.view)
        if any(vpc.is_same_as(attachment["VpcId"]) for vpc in vpcs)
    ]


# Dependencies of tasks at startup ------------------------------------------------------------


@entity
class StartupDependency:
    """Resources that must exist when the tasks of a service start."""

    description: str
    resources: tuple[Resource, ...]


def startup_dependencies(service: Resource) -> list[StartupDependency]:
    """The resources that the first tasks of a service need, although neither the service nor its
    task definition refers to them."""
    dependencies = (
        StartupDependency("policies of its roles", tuple(separate_policies(service))),
        StartupDependency(
            "internet routes or VPC endpoints of its subnets", tuple(outbound_routes(service))
        ),
        StartupDependency("mount targets of its file systems", tuple(mount_targets(service))),
        StartupDependency(
            "capacity providers of its cluster", tuple(capacity_provider_associations(service))
        ),
    )
    return [dependency for dependency in dependencies if dependency.resources]


def roles_of_service(service: Resource) -> list[Resource]:
    """The roles of a service and of its task definition."""
    task = ecs.task_definition_of(service)
    nodes = [
        service["Role"],
        *(
            load_balancer.at("AdvancedConfiguration", "RoleArn")
            for load_balancer in service["LoadBalancers"].items
        ),
        *(
            volume.at("ManagedEBSVolume", "RoleArn")
            for volume in service["VolumeConfigurations"].items
        ),
        *((task["ExecutionRoleArn"], task["TaskRoleArn"]) if task else ()),
    ]
    roles = (ecs.resource_of_type(node, ROLE) for node in nodes)
    return list(dict.fromkeys(role for role in roles if role is not None))


def separate_policies(service: Resource) -> Iterator[Resource]:
    """The policy resources that are attached to a role of the service."""
    roles = roles_of_service(service)
    for policy in service.view.resources_of_type(*POLICIES) if roles else ():
        nodes = (*policy["Roles"].items, policy["RoleName"])
        if any(_is_name_of(node, role) for node in nodes for role in roles):
            yield policy


def _is_name_of(node: Node, role: Resource) -> bool:
    return node.resource is role or (node.present and node.is_same_as(role["RoleName"]) is True)


def outbound_routes(service: Resource) -> Iterator[Resource]:
    """The internet routes of a service's subnets, with the associations of their route tables. For
    subnets without an internet route: the VPC endpoints.

    Routes to an internet gateway are left out if the service waits for a load balancer or a NAT
    gateway: creating those takes minutes, and the route takes seconds."""
    node = service.props.at("NetworkConfiguration", "AwsvpcConfiguration", "Subnets")
    subnets = networks.find_subnets(node)
    slow_types = (ecs.LOAD_BALANCER, networks.NAT_GATEWAY)
    waits = bool(subnets) and any(
        dependency.type in slow_types for dependency in dependencies_of(service)
    )
    for subnet in subnets:
        route = networks.default_route(subnet)
        if route == networks.VIA_NAT or (route == networks.VIA_INTERNET_GATEWAY and not waits):
            yield from _internet_routes(subnet)
        elif route == networks.NO_INTERNET_ROUTE:
            yield from _startup_endpoints(subnet)


def _internet_routes(subnet: Resource) -> Iterator[Resource]:
    table = networks.route_table_of(subnet)
    view, keys = subnet.view, ("RouteTableId",)
    routes = view.referring((table,), (networks.ROUTE,), keys) if table else ()
    for route in routes:
        is_default = route["DestinationCidrBlock"].text == ANY_IPV4
        if is_default:
            yield route
    yield from view.referring((subnet,), (networks.ROUTE_TABLE_ASSOCIATION,), ("SubnetId",))


def _startup_endpoints(subnet: Resource) -> Iterator[Resource]:
    vpc = networks.vpc_of(subnet)
    for endpoint in (networks.endpoints_of_vpc(vpc) or ()) if vpc else ():
        is_reachable = not endpoint.is_gateway or networks.serves_subnet(endpoint, subnet)
        if endpoint.service in _STARTUP_SERVICES and is_reachable:
            yield endpoint.resource


def mount_targets(service: Resource) -> Iterator[Resource]:
    """The mount targets of the EFS file systems that a service's tasks mount."""
    task = ecs.task_definition_of(service)
    volumes = task["Volumes"].items if task else ()
    named = [volume.at("EFSVolumeConfiguration", "FilesystemId").resource for volume in volumes]
    file_systems = [file_system for file_system in named if file_system is not None]
    yield from service.view.referring(file_systems, ("AWS::EFS::MountTarget",), ("FileSystemId",))


def capacity_provider_associations(service: Resource) -> Iterator[Resource]:
    """The resources that associate a service's capacity providers with its cluster, for those that
    the cluster itself does not list."""
    providers = [item["CapacityProvider"] for item in service["CapacityProviderStrategy"].items]
    cluster = ecs.resource_of_type(service["Cluster"], ecs.CLUSTER)
    if not providers or cluster is None or not cluster["CapacityProviders"].all_known:
        return
    listed = cluster["CapacityProviders"].items
    missing = [
        provider
        for provider in providers
        if all(item.is_same_as(provider) is False for item in listed)
    ]
    for association in service.view.resources_of_type(CAPACITY_PROVIDER_ASSOCIATIONS):
        if association["Cluster"].resource is cluster and any(
            item.is_same_as(provider)
            for item in association["CapacityProviders"].items
            for provider in missing
        ):
            yield association


def starts_tasks(service: Resource) -> bool:
    """Whether a service certainly starts tasks when it is created. Without DesiredCount, it starts
    one. Source: AWS docs, AWS::ECS::Service."""
    count = service["DesiredCount"]
    if not is_decided_by_template(count):
        return False
    if count.absent or (count.number or 0) > 0:
        return True
    return any(
        (target["MinCapacity"].number or 0) > 0
        and ecs.find_scaled_service(target["ResourceId"]) is service
        for target in service.view.resources_of_type(ecs.SCALABLE_TARGET)
    )


# Buckets -------------------------------------------------------------------------------------


def bucket_policies(node: Node) -> list[Resource]:
    """The policies of the bucket in the view that a property refers to."""
    view = node.stack.view
    buckets = [
        bucket for bucket in view.resources_of_type("AWS::S3::Bucket") if _is_bucket(node, bucket)
    ]
    return [
        policy
        for policy in view.resources_of_type("AWS::S3::BucketPolicy")
        for bucket in buckets
        if _is_bucket(policy["Bucket"], bucket)
    ]


def _is_bucket(node: Node, bucket: Resource) -> bool:
    is_same_name = node.present and node.is_same_as(bucket["BucketName"]) is True
    return node.resource is bucket or is_same_name
