"""Cloud Map service registries of services."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.view import Resource, View
from moorage.rules.rule import Problem, problem, rule

MAP_SERVICE = "AWS::ServiceDiscovery::Service"


@rule(
    "E9350",
    "A service registry is given a port that it has no use for",
    error_messages=(
        "The values specified for serviceRegistries do not require a value for 'containerPort'. "
        "Remove the value and retry.",
        "Specify a value for either 'port' or the 'containerName' and 'containerPort' "
        "combination, but not both. Remove one and retry.",
    ),
    fix="For A and AAAA records write RegistryArn alone; for SRV records either Port, or "
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
def registry_ports(view: View) -> Iterator[Problem]:
    """Ports are told by SRV records. A registry with A records of tasks that have addresses of
    their own takes no port, and an SRV record takes it in one way, not in both."""
    for service in ecs.services(view):
        for registry in service["ServiceRegistries"].items:
            port = registry["Port"]
            of_container = [registry["ContainerPort"], registry["ContainerName"]]
            given = [one for one in (*of_container, port) if one.certainly_present]
            if port.certainly_present and len(given) > 1:
                yield problem(
                    port,
                    f"{service.id} gives its service registry a Port and a container's port, and "
                    f"ECS takes only one of them",
                    "Remove Port, or ContainerName and ContainerPort.",
                )
            elif given and _has_no_srv(registry) and _is_awsvpc(service):
                yield problem(
                    given[0],
                    f"The service registry of {service.id} has no SRV record, and ECS refuses a "
                    f"port for it",
                    "Remove " + ", ".join(str(one.path[-1]) for one in given) + ".",
                )


def _has_no_srv(registry: Node) -> bool:
    """Whether a registry in sight certainly has records, and none that tells a port."""
    found = ecs.resource_of_type(registry["RegistryArn"], MAP_SERVICE)
    if found is None:
        return False
    types = [one["Type"] for one in found["DnsConfig"]["DnsRecords"].items]
    return bool(types) and all(one.is_none_of("SRV") for one in types)


def _is_awsvpc(service: Resource) -> bool:
    task = ecs.task_definition_of(service)
    mode = ecs.network_mode(task) if task else None
    return mode == "awsvpc" or bool(ecs.runs_on_fargate(service))


RULES = (registry_ports,)
