"""Whether tasks on Fargate reach AWS services: public addresses, routes and VPC endpoints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from moorage.cfn import ecs, networks, task_startup, tristate
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.rules.message_parts import join_and, quote
from moorage.rules.rule import Problem, problem, rule

ENDPOINTS_PAGE = "AWS docs: Amazon ECS interface VPC endpoints (AWS PrivateLink)"

_PULL_ERRORS = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource "
    "retrieval failed: ... i/o timeout",
    "CannotPullContainerError: ... net/http: request canceled while waiting for connection "
    "(Client.Timeout exceeded while awaiting headers)",
)


def _awsvpc_configuration(service: Resource) -> Node:
    return service.props.at("NetworkConfiguration", "AwsvpcConfiguration")


# Routes --------------------------------------------------------------------------------------


@rule(
    "E9600",
    "Fargate tasks in a public subnet have no public IP address.",
    error_messages=_PULL_ERRORS,
    fix="Write `AssignPublicIp: ENABLED`, or run the tasks in subnets with a route to a NAT "
    "gateway.",
    sources=("aws/amazon-ecs-agent#1128", "aws/amazon-ecs-agent#1266"),
    failure_ids=("net-public-subnet-without-public-ip",),
)
def public_subnet_without_public_ip(view: View) -> Iterator[Problem]:
    """An internet gateway only works for network interfaces with a public IP address, and the
    default of AssignPublicIp is DISABLED. The task cannot pull its image, and its service never
    becomes stable."""
    for service in ecs.services(view):
        assign = _awsvpc_configuration(service)["AssignPublicIp"]
        is_disabled = assign.absent or assign.text == "DISABLED"
        if not is_disabled or not task_startup.is_certainly_on_fargate(service):
            continue
        public_subnets = [
            subnet
            for subnet, route in task_startup.subnet_routes(service)
            if route == networks.VIA_INTERNET_GATEWAY
        ]
        isolated = [subnet for subnet in public_subnets if _lacks_endpoints(service, subnet)]
        if isolated:
            yield problem(
                assign,
                f"The tasks of service `{service.id}` have no public IP address in subnet "
                f"`{isolated[0].id}`, whose default route leads to an internet gateway, so they "
                f"cannot pull images, read secrets or write logs",
                "Write `AssignPublicIp: ENABLED`, or use subnets with a route to a NAT gateway.",
            )


def _lacks_endpoints(service: Resource, subnet: Resource) -> bool:
    """Whether a VPC certainly lacks an endpoint for a service that tasks in the subnet need."""
    vpc = networks.vpc_of(subnet)
    endpoints = networks.endpoints_of_vpc(vpc) if vpc else None
    if endpoints is None or any(endpoint.service is None for endpoint in endpoints):
        return False
    return not endpoints or bool(_unreachable_services(service, subnet, endpoints))


def _unreachable_services(
    service: Resource, subnet: Resource, endpoints: tuple[networks.VpcEndpoint, ...]
) -> list[task_startup.RequiredService]:
    """The required services that no endpoint makes available in a subnet."""
    return [
        required
        for required in _required_services(service, endpoints)
        if _serves(required, endpoints, subnet) is False
    ]


def _required_services(
    service: Resource, endpoints: tuple[networks.VpcEndpoint, ...]
) -> tuple[task_startup.RequiredService, ...]:
    """The AWS services that tasks need. An endpoint for ecr.dkr shows that images come from ECR,
    and their layers from S3, even if the image is not known."""
    required = task_startup.required_services(service)
    if any(needed.service == "s3" for needed in required):
        return required
    if any(endpoint.service == "ecr.dkr" for endpoint in endpoints):
        return (*required, task_startup.RequiredService("s3", "the image's layers"))
    return required


def _serves(
    required: task_startup.RequiredService,
    endpoints: tuple[networks.VpcEndpoint, ...],
    subnet: Resource,
) -> bool | None:
    return tristate.any_of(
        networks.serves_subnet(endpoint, subnet) if endpoint.is_gateway else True
        for endpoint in endpoints
        if endpoint.service in (required.service, f"{required.service}-fips")
    )


@rule(
    "E9605",
    "Fargate tasks in a private subnet have neither a NAT gateway nor VPC endpoints.",
    error_messages=_PULL_ERRORS,
    fix="Add a default route to a NAT gateway to the subnet's route table, or VPC endpoints for "
    "all services that the tasks call: ECR, S3, CloudWatch Logs and the stores of their secrets.",
    sources=(
        "aws/amazon-ecs-agent#1246",
        "karanpratapsingh/preview-environments#9",
        ENDPOINTS_PAGE,
    ),
    failure_ids=("net-private-subnet-without-nat",),
)
def private_subnet_without_nat(view: View) -> Iterator[Problem]:
    """On Fargate, images are pulled, secrets read and logs written over the network interface of
    the task. Without a default route and without VPC endpoints the task reaches no AWS service, and
    never starts."""
    found = groupby(_services_in_isolated_subnets(view), key=itemgetter(0))
    for service, items in found:
        _, subnets, all_endpoints = zip(*items, strict=True)
        image, has_endpoints = _public_image(service), bool(all_endpoints[0])
        if has_endpoints and not image:
            continue
        place = _awsvpc_configuration(service)["Subnets"]
        isolated = f"{_describe_subnets(subnets)} no default route"
        tables = join_and(dict.fromkeys(map(_describe_route_table, subnets)))
        route = (
            f"Add an AWS::EC2::Route to {tables}, with `DestinationCidrBlock: 0.0.0.0/0` and a "
            f"NatGatewayId"
        )
        if has_endpoints:
            yield problem(
                place,
                f"The tasks of service `{service.id}` cannot pull image `{image}`: {isolated}, and "
                f"VPC endpoints do not reach public registries",
                f"{route}, or copy the image to ECR.",
            )
        else:
            yield problem(
                place,
                f"The tasks of service `{service.id}` cannot pull images, read secrets or write "
                f"logs: {isolated}, and {'its' if len(subnets) == 1 else 'their'} VPC has no "
                f"endpoints",
                f"{route}, or add VPC endpoints.",
            )


def _describe_subnets(subnets: Sequence[Resource]) -> str:
    names = join_and(quote(subnet.id for subnet in subnets))
    return f"subnet {names} has" if len(subnets) == 1 else f"subnets {names} have"


def _services_in_isolated_subnets(
    view: View,
) -> Iterator[tuple[Resource, Resource, tuple[networks.VpcEndpoint, ...]]]:
    """Services on Fargate with a subnet without a default route, and the endpoints of its VPC."""
    for service in ecs.services(view):
        if not task_startup.is_certainly_on_fargate(service):
            continue
        for subnet, route in task_startup.subnet_routes(service):
            vpc = networks.vpc_of(subnet)
            if vpc is None or route != networks.NO_INTERNET_ROUTE:
                continue
            endpoints = networks.endpoints_of_vpc(vpc)
            if endpoints is not None and all(endpoint.service for endpoint in endpoints):
                yield service, subnet, endpoints


def _public_image(service: Resource) -> str | None:
    task = ecs.task_definition_of(service)
    for container in ecs.containers(task) if task else ():
        if task_startup.image_registry(container["Image"]) == "public":
            return container["Image"].text or "of a public registry"
    return None


def _describe_route_table(subnet: Resource) -> str:
    table = networks.route_table_of(subnet)
    return f"`{table.id}`" if table else f"a route table of `{subnet.id}`"


# VPC endpoints -------------------------------------------------------------------------------


@rule(
    "E9625",
    "A subnet without a default route lacks a VPC endpoint that its tasks need.",
    error_messages=(
        *_PULL_ERRORS,
        "ResourceInitializationError: failed to validate logger args",
        "unable to retrieve secret from asm: service call has been retried 5 time(s)",
    ),
    fix="Add the VPC endpoint: interface endpoints for ecr.api, ecr.dkr, logs, secretsmanager or "
    "ssm, and a gateway endpoint for s3 with the route tables of all subnets of the tasks.",
    sources=("aws/amazon-ecs-agent#2235", "aws-samples/keycloak-on-aws#222", ENDPOINTS_PAGE),
    failure_ids=(
        "net-private-subnet-without-nat",
        "net-endpoints-without-s3-gateway",
        "net-endpoints-without-logs",
        "net-endpoints-without-secretsmanager",
    ),
)
def missing_vpc_endpoint(view: View) -> Iterator[Problem]:
    """Without a default route, each AWS service that a task calls needs a VPC endpoint. Endpoints
    for ECR are not enough: ECR keeps the layers of images in S3."""
    for service, subnet, endpoints in _services_in_isolated_subnets(view):
        if not endpoints or _public_image(service):
            continue
        unreachable = _unreachable_services(service, subnet, endpoints)
        for required in unreachable:
            for gateway in [
                endpoint for endpoint in endpoints if endpoint.service == required.service
            ]:
                table = networks.route_table_of(subnet)
                yield problem(
                    gateway.resource["RouteTableIds"],
                    f"Subnet `{subnet.id}` has no default route, and its route table is not in "
                    f"gateway endpoint `{gateway.resource.id}`, so the tasks of service "
                    f"`{service.id}` cannot reach {required.service} for {required.description}",
                    f"Add `!Ref {table.id}` to RouteTableIds."
                    if table
                    else f"Add the route table of `{subnet.id}` to RouteTableIds.",
                )
        existing = {endpoint.service for endpoint in endpoints}
        missing = [required for required in unreachable if required.service not in existing]
        if missing:
            names = join_and(required.service for required in missing)
            needs = join_and(
                f"{required.service} for {required.description}" for required in missing
            )
            yield problem(
                _awsvpc_configuration(service)["Subnets"],
                f"The tasks of service `{service.id}` cannot reach {needs}: subnet `{subnet.id}` "
                f"has no default route, and its VPC has no such endpoint",
                f"Add an AWS::EC2::VPCEndpoint for {names}, or add a default route to a NAT "
                f"gateway.",
            )


@rule(
    "E9630",
    "A VPC endpoint has private DNS in a VPC without DNS support or DNS hostnames.",
    error_messages=(
        "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC "
        "attributes set to true",
    ),
    fix="Write `EnableDnsSupport: true` and `EnableDnsHostnames: true` in the VPC.",
    sources=("hashicorp/terraform-provider-aws#7589", "AWS docs: AWS::EC2::VPCEndpoint"),
    failure_ids=("net-endpoint-private-dns-without-vpc-dns",),
)
def private_dns_without_vpc_dns(view: View) -> Iterator[Problem]:
    """Private DNS of an endpoint requires EnableDnsSupport and EnableDnsHostnames of the VPC. The
    default of EnableDnsHostnames is false. EC2 refuses to create the endpoint."""
    for endpoint in view.resources_of_type(networks.VPC_ENDPOINT):
        vpc = networks.vpc_of(endpoint)
        if vpc is None or endpoint["PrivateDnsEnabled"].flag is not True:
            continue
        names = ("EnableDnsSupport", "EnableDnsHostnames")
        for name, is_enabled in zip(names, networks.dns_settings(vpc), strict=True):
            if is_enabled is False:
                by_default = " by default" if vpc[name].absent else ""
                yield problem(
                    vpc[name],
                    f"VPC endpoint `{endpoint.id}` has private DNS, which EC2 rejects because "
                    f"{name} of VPC `{vpc.id}` is false{by_default}",
                    f"Write `{name}: true`.",
                )


RULES = (
    public_subnet_without_public_ip,
    private_subnet_without_nat,
    missing_vpc_endpoint,
    private_dns_without_vpc_dns,
)
