"""What is created before what, and which fixed values the next creation trips over.

Everything here answers from what is certain: what only the deployment knows is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moorage.cfn import ecs, networks
from moorage.cfn.nodes import Node
from moorage.cfn.values import Attr, OneOf, Unknown, as_text
from moorage.cfn.view import Resource, Stack, View
from moorage.facts.quotas import MAX_STACK_NAME

GATEWAY_ATTACHMENT = f"{networks.EC2}VPCGatewayAttachment"
CAPACITY_PROVIDER_ASSOCIATIONS = "AWS::ECS::ClusterCapacityProviderAssociations"
POLICIES = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy")
ROLE = "AWS::IAM::Role"
REPOSITORY = "AWS::ECR::Repository"

_DOERS = (
    "Custom::",
    "AWS::CloudFormation::CustomResource",
    "AWS::CloudFormation::Macro",
    "AWS::CloudFormation::Stack",
    "AWS::CloudFormation::WaitCondition",
)
_AT_START = frozenset(("ecr.api", "ecr.dkr", "s3", "logs", "secretsmanager", "ssm", "kms"))
_LENGTHS = {
    "AWS::StackName": MAX_STACK_NAME,
    "AWS::AccountId": 12,
    "AWS::Region": 9,
    "AWS::Partition": 3,
}
"""Characters of pseudo parameters: of the longest stack name, of an account's number, and of the
shortest of the others. Source: AWS docs, CreateStack."""


def dependencies_of(resource: Resource) -> Iterator[Resource]:
    """What exists in its own stack before a resource is created."""
    found = resource.stack.resources
    return (found[name] for name in resource.stack.all_dependencies(resource.id))


def find_unordered_dependencies(resource: Resource, needed: Iterable[Resource]) -> list[Resource]:
    """What of this a resource may be created before."""
    return [
        needed_resource
        for needed_resource in dict.fromkeys(needed)
        if not resource.view.is_created_before(needed_resource, resource)
    ]


def depends_on_external_action(resource: Resource) -> bool:
    """Whether a resource waits for something that can do anything meanwhile, as push an image: a
    custom resource, a nested stack, a wait condition."""
    return any(one.type.startswith(_DOERS) for one in dependencies_of(resource))


def are_created_together(one: Resource, other: Resource) -> bool:
    """Whether one run of CloudFormation creates both: of one stack, and under one condition."""
    named = [resource.body["Condition"].text for resource in (one, other)]
    return one.stack is other.stack and named[0] == named[1]


# The gateway of a VPC ------------------------------------------------------------------------


def gateway_attachments(view: View) -> list[Resource]:
    """What attaches an internet gateway to a VPC."""
    return [
        one
        for one in view.resources_of_type(GATEWAY_ATTACHMENT)
        if one["InternetGatewayId"].present
    ]


def attachments_of_gateway(gateway: Resource) -> list[Resource]:
    """What attaches this internet gateway."""
    found = gateway_attachments(gateway.view)
    return [one for one in found if one["InternetGatewayId"].resource is gateway]


def attachments_for_load_balancer(load_balancer: Resource) -> list[Resource]:
    """What attaches an internet gateway to the VPC of a load balancer."""
    mappings = [
        subnet_mapping["SubnetId"] for subnet_mapping in load_balancer["SubnetMappings"].items
    ]
    nodes = [subnet["VpcId"] for subnet in networks.find_subnets(load_balancer["Subnets"])]
    nodes += [
        one["VpcId"] for node in mappings if (one := ecs.resource_of_type(node, networks.SUBNET))
    ]
    return [
        gateway_attachment
        for gateway_attachment in gateway_attachments(load_balancer.view)
        if any(vpc.present and vpc.is_same_as(gateway_attachment["VpcId"]) for vpc in nodes)
    ]


# What tasks need from their start ------------------------------------------------------------


@dataclass(frozen=True)
class StartupDependency:
    """What must exist when tasks start, and what it is to them."""

    description: str
    resources: tuple[Resource, ...]


def startup_dependencies(service: Resource) -> list[StartupDependency]:
    """What the first tasks of a service need, and neither it nor they refer to."""
    found = (
        StartupDependency("policies of its roles", tuple(separate_policies(service))),
        StartupDependency("the way out of its subnets", tuple(outbound_routes(service))),
        StartupDependency("mount targets of its file systems", tuple(mount_targets(service))),
        StartupDependency(
            "capacity providers of its cluster", tuple(capacity_provider_associations(service))
        ),
    )
    return [one for one in found if one.resources]


def roles_of_service(service: Resource) -> list[Resource]:
    """The roles that a service and its tasks work with."""
    task = ecs.task_definition_of(service)
    nodes = [
        service["Role"],
        *(
            load_balancer.at("AdvancedConfiguration", "RoleArn")
            for load_balancer in service["LoadBalancers"].items
        ),
        *(
            volume_configuration.at("ManagedEBSVolume", "RoleArn")
            for volume_configuration in service["VolumeConfigurations"].items
        ),
        *((task["ExecutionRoleArn"], task["TaskRoleArn"]) if task else ()),
    ]
    found = (ecs.resource_of_type(node, ROLE) for node in nodes)
    return list(dict.fromkeys(one for one in found if one is not None))


def separate_policies(service: Resource) -> Iterator[Resource]:
    """The policies that stand beside a role of the service, and not in it."""
    used = roles_of_service(service)
    for policy in service.view.resources_of_type(*POLICIES) if used else ():
        nodes = (*policy["Roles"].items, policy["RoleName"])
        if any(_names_role(node, role) for node in nodes for role in used):
            yield policy


def _names_role(node: Node, role: Resource) -> bool:
    return node.resource is role or (node.present and node.is_same_as(role["RoleName"]) is True)


def outbound_routes(service: Resource) -> Iterator[Resource]:
    """The routes of a service's subnets to the internet with the associations of their tables, or
    the endpoints that stand in for them.

    A route to an internet gateway is left out where the service waits for a load balancer or a
    NAT gateway: those take minutes, the route seconds."""
    listed = service.props.at("NetworkConfiguration", "AwsvpcConfiguration", "Subnets")
    subnets = networks.find_subnets(listed)
    slow = (ecs.LOAD_BALANCER, networks.NAT_GATEWAY)
    waits = any(one.type in slow for one in dependencies_of(service)) if subnets else False
    for subnet in subnets:
        way = networks.default_route(subnet)
        if way == networks.VIA_NAT or (way == networks.VIA_INTERNET_GATEWAY and not waits):
            yield from _routes(subnet)
        elif way == networks.NO_INTERNET_ROUTE:
            yield from _endpoints(subnet)


def _routes(subnet: Resource) -> Iterator[Resource]:
    table = networks.route_table_of(subnet)
    for one in subnet.view.resources_of_type(networks.ROUTE):
        everywhere = one["DestinationCidrBlock"].text == "0.0.0.0/0"
        if everywhere and one["RouteTableId"].resource is table:
            yield one
    for one in subnet.view.resources_of_type(networks.ROUTE_TABLE_ASSOCIATION):
        if one["SubnetId"].resource is subnet:
            yield one


def _endpoints(subnet: Resource) -> Iterator[Resource]:
    vpc = networks.vpc_of(subnet)
    for one in (networks.endpoints_of_vpc(vpc) or ()) if vpc else ():
        if one.service in _AT_START and (not one.is_gateway or networks.serves_subnet(one, subnet)):
            yield one.resource


def mount_targets(service: Resource) -> Iterator[Resource]:
    """The mount targets of the file systems that a service's tasks mount."""
    task = ecs.task_definition_of(service)
    volumes = task["Volumes"].items if task else ()
    systems = [volume.at("EFSVolumeConfiguration", "FilesystemId").resource for volume in volumes]
    for one in service.view.resources_of_type("AWS::EFS::MountTarget") if any(systems) else ():
        if one["FileSystemId"].present and one["FileSystemId"].resource in systems:
            yield one


def capacity_provider_associations(service: Resource) -> Iterator[Resource]:
    """What associates a service's capacity providers with its cluster, where the cluster itself
    does not list them."""
    asked = [
        capacity_provider_strategy["CapacityProvider"]
        for capacity_provider_strategy in service["CapacityProviderStrategy"].items
    ]
    cluster = ecs.resource_of_type(service["Cluster"], ecs.CLUSTER) if asked else None
    own = cluster["CapacityProviders"] if cluster else None
    if cluster is None or own is None or not own.all_known:
        return
    lacking = [one for one in asked if all(listed.is_same_as(one) is False for listed in own.items)]
    for one in service.view.resources_of_type(CAPACITY_PROVIDER_ASSOCIATIONS):
        listed = one["CapacityProviders"].items
        if one["Cluster"].resource is cluster and any(
            provider.is_same_as(asked_for) for provider in listed for asked_for in lacking
        ):
            yield one


# Log buckets ---------------------------------------------------------------------------------


def bucket_policies(node: Node) -> list[Resource]:
    """The policies of the bucket in view that a property names."""
    view = node.stack.view
    buckets = [
        one
        for one in view.resources_of_type("AWS::S3::Bucket")
        if node.resource is one or (node.present and node.is_same_as(one["BucketName"]) is True)
    ]
    return [
        policy
        for policy in view.resources_of_type("AWS::S3::BucketPolicy")
        for bucket in buckets
        for name in [policy["Bucket"]]
        if name.resource is bucket
        or (name.present and name.is_same_as(bucket["BucketName"]) is True)
    ]


# Scaling -------------------------------------------------------------------------------------


def starts_tasks(service: Resource) -> bool:
    """Whether a service certainly starts tasks: a new one without DesiredCount starts one.
    Source: AWS docs, AWS::ECS::Service."""
    count = service["DesiredCount"]
    if not is_decided_by_template(count):
        return False
    if count.absent or (count.number or 0) > 0:
        return True
    return any(
        (one["MinCapacity"].number or 0) > 0
        and ecs.find_scaled_service(one["ResourceId"]) is service
        for one in service.view.resources_of_type(ecs.SCALABLE_TARGET)
    )


# Names and other fixed values ----------------------------------------------------------------


def fixed_text(node: Node) -> str | None:
    """The text of a property that is the same in every stack of its template."""
    return (
        node.text
        if is_decided_by_template(node) and "AWS::Region" not in _mentioned(node.raw)
        else None
    )


def is_decided_by_template(node: Node) -> bool:
    """Whether the template alone decides what stands here: not a condition, and not a value that
    is given for a parameter, or taken for one to look at a scenario."""
    stack = node.stack
    for name in _mentioned(node.raw):
        parameter = stack.template.parameters.get(name)
        if name == "Fn::If" or (stack.name, name) in stack.view.scenario:
            return False
        if parameter is not None and name in stack.template.parameter_values:
            return False
    return True


def _mentioned(raw: Any) -> set[str]:
    """The names that an expression refers to, and `Fn::If` where it decides something in it."""
    found: set[str] = set()
    todo = [raw]
    while todo:
        value = todo.pop()
        if isinstance(value, list):
            todo += value
        elif isinstance(value, Mapping):
            todo += value.values()
            match value:
                case {"Ref": str(name)}:
                    found.add(name)
                case {"Fn::If": [_, one, other]} if one != other:
                    found.add("Fn::If")
        elif isinstance(value, str):
            found |= {part.split("}")[0] for part in value.split("${")[1:]}
    return found


def max_length(node: Node) -> int:
    """The characters of a text with its parts at their longest, as far as that is known: the name
    of a stack, a parameter's MaxLength or longest AllowedValue, or else its Default."""
    return sum(_longest(node.stack, part) for part in node.parts)


def _longest(stack: Stack, part: str | Attr | Unknown | OneOf) -> int:
    if isinstance(part, str):
        return len(part)
    if isinstance(part, OneOf):
        return max(map(len, part.values))
    if isinstance(part, Attr):
        return 0
    name = part.token.removeprefix(f"{stack.name}:")
    parameter = stack.template.parameters.get(name)
    if parameter is None:
        return _LENGTHS.get(name, 0)
    if parameter.max_length is not None:
        return parameter.max_length
    return len(as_text(part.default) or "")


def varies_between_stacks(node: Node) -> bool:
    """Whether a value is a parameter, or an import under a name that is put together: then the
    template is made for more than one stack. An import of a fixed name is for one."""
    value = node.value
    if not isinstance(value, Unknown):
        return False
    kind, _, name = value.token.partition(":")
    if kind == "import":
        return not name.startswith(("'", '"'))
    return kind == node.stack.name and name in node.stack.template.parameters
