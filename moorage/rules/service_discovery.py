"""Cloud Map service registries of services."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.rules.message_parts import join_and
from moorage.rules.rule import Problem, problem, rule

_CLOUD_MAP_SERVICE = "AWS::ServiceDiscovery::Service"


@rule(
    "E9350",
    "A service registry has a port that ECS rejects.",
    error_messages=(
        "The values specified for serviceRegistries do not require a value for 'containerPort'. "
        "Remove the value and retry.",
        "Specify a value for either 'port' or the 'containerName' and 'containerPort' "
        "combination, but not both. Remove one and retry.",
    ),
    fix="For A and AAAA records write only RegistryArn. For SRV records write either Port, or "
    "ContainerName and ContainerPort.",
    sources=(
        "umotif-public/terraform-aws-ecs-fargate#25",
        "telia-oss/terraform-aws-ecs-fargate#36",
        "cloudposse/terraform-aws-ecs-web-app#208",
        "trussworks/terraform-aws-ecs-service#344",
    ),
    failure_ids=(
        "svc-registry-container-port-with-a-record",
        "svc-registry-port-and-container-port",
    ),
)
def rejected_registry_port(view: View) -> Iterator[Problem]:
    """Only SRV records contain a port. For tasks in network mode awsvpc, ECS rejects the port of a
    registry with A or AAAA records. An SRV record needs either Port, or ContainerName and
    ContainerPort; ECS rejects both together."""
    for service in ecs.services(view):
        for registry in service["ServiceRegistries"].items:
            port = registry["Port"]
            names = (registry["ContainerPort"], registry["ContainerName"], port)
            present = [node for node in names if node.certainly_present]
            if port.certainly_present and len(present) > 1:
                others = join_and(str(node.path[-1]) for node in reversed(present[:-1]))
                yield problem(
                    port,
                    f"A service registry of service `{service.id}` has Port together with "
                    f"{others}, which ECS rejects",
                    f"Remove Port, or remove {others}.",
                )
            elif present and _has_no_srv_record(registry) and _is_awsvpc(service):
                properties = join_and(str(node.path[-1]) for node in reversed(present))
                yield problem(
                    present[0],
                    f"A service registry of service `{service.id}` has {properties}, which ECS "
                    f"rejects for a Cloud Map service without SRV records",
                    f"Remove {properties}.",
                )


def _has_no_srv_record(registry: Node) -> bool:
    """Whether the Cloud Map service of a registry is in view and has only other records."""
    cloud_map_service = ecs.resource_of_type(registry["RegistryArn"], _CLOUD_MAP_SERVICE)
    if cloud_map_service is None:
        return False
    types = [record["Type"] for record in cloud_map_service["DnsConfig"]["DnsRecords"].items]
    return bool(types) and all(record_type.is_none_of("SRV") for record_type in types)


def _is_awsvpc(service: Resource) -> bool:
    task = ecs.task_definition_of(service)
    mode = ecs.network_mode(task) if task else None
    return mode == "awsvpc" or bool(ecs.runs_on_fargate(service))


@rule(
    "E9353",
    "A service registry on the bridge or host network lacks the container and port.",
    error_messages=(
        "When specifying 'host' or 'bridge' for networkMode, values for 'containerName' and "
        "'containerPort' must be specified from the task definition.",
    ),
    fix="Write ContainerName and ContainerPort in ServiceRegistries.",
    sources=("techservicesillinois/terraform-aws-ecs-service#16",),
    failure_ids=("svc-registry-on-the-bridge-without-container",),
)
def registry_without_container(view: View) -> Iterator[Problem]:
    """In the network modes bridge and host a task has no address of its own. ECS registers the
    address of the instance and the host port of a container, which the registry must name."""
    for service in ecs.services(view):
        task = ecs.task_definition_of(service)
        if task is None or ecs.network_mode(task) not in ("bridge", "host"):
            continue
        for registry in service["ServiceRegistries"].items:
            keys = ("ContainerName", "ContainerPort")
            missing = [key for key in keys if registry[key].absent]
            if not registry.unknown and missing:
                yield problem(
                    registry,
                    f"A service registry of service `{service.id}` lacks {join_and(missing)}, "
                    f"which ECS requires in network mode {ecs.network_mode(task)}",
                    f"Write {join_and(missing)}.",
                )


RULES = (rejected_registry_port, registry_without_container)
