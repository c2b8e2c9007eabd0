"""Whether tasks reach the AWS services that they need: public addresses, routes and VPC endpoints."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs, networks, reachability, task_startup
from moorage.cfn.nodes import Node
from moorage.cfn.view import Resource, View
from moorage.rules.rule import Problem, problem, rule

_PULL = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource "
    "retrieval failed: ... i/o timeout",
    "CannotPullContainerError: ... net/http: request canceled while waiting for connection "
    "(Client.Timeout exceeded while awaiting headers)",
)


def _tasks_network(service: Resource) -> Node:
    return service.props.at("NetworkConfiguration", "AwsvpcConfiguration")


@rule(
    "E9600",
    "Fargate tasks in a public subnet have no public address",
    error_messages=_PULL,
    fix="Write `AssignPublicIp: ENABLED`, or run the tasks in subnets with a NAT gateway.",
    sources=("aws/amazon-ecs-agent#1128", "aws/amazon-ecs-agent#1266"),
    failure_ids=("net-public-subnet-without-public-ip",),
)
def public_without_address(view: View) -> Iterator[Problem]:
    """An internet gateway sends nothing for an interface without a public address, and
    `AssignPublicIp` is DISABLED where it is left out. The task cannot pull its image, and its
    service never becomes stable."""
    for service in ecs.services(view):
        given = _tasks_network(service)["AssignPublicIp"]
        if not (
            given.absent or given.text == "DISABLED"
        ) or not task_startup.is_certainly_on_fargate(service):
            continue
        public = [
            one
            for one, way in task_startup.subnet_routes(service)
            if way == networks.VIA_INTERNET_GATEWAY
        ]
        stuck = [one for one in public if _lacking(service, one)]
        if stuck:
            yield problem(
                given,
                f"The tasks of {service.id} get no public address in {stuck[0].id}, whose way "
                "out is an internet gateway, so they cannot pull images, read secrets or write "
                "logs",
                "Write `AssignPublicIp: ENABLED`.",
            )


def _lacking(service: Resource, subnet: Resource) -> list[task_startup.RequiredService]:
    """What tasks in a subnet without another way out certainly cannot reach by endpoints."""
    vpc = networks.vpc_of(subnet)
    found = networks.endpoints_of_vpc(vpc) if vpc else None
    if found is None or any(one.service is None for one in found):
        return []
    lacking = [one for one in _needs(service, found) if _endpoint(one, found, subnet) is False]
    if not lacking and not found:
        return [task_startup.RequiredService("", "the image")]
    return lacking


def _needs(
    service: Resource, found: tuple[networks.VpcEndpoint, ...]
) -> tuple[task_startup.RequiredService, ...]:
    """What tasks need; where images come from is told by the endpoints as well."""
    needs = task_startup.required_services(service)
    if any(one.service == "s3" for one in needs):
        return needs
    if any(one.service == "ecr.dkr" for one in found):
        return (*needs, task_startup.RequiredService("s3", "the image's layers"))
    return needs


def _endpoint(
    need: task_startup.RequiredService, found: tuple[networks.VpcEndpoint, ...], subnet: Resource
) -> bool | None:
    return reachability.any_of(
        networks.serves_subnet(one, subnet) if one.is_gateway else True
        for one in found
        if one.service in (need.service, f"{need.service}-fips")
    )


_DOCS = "AWS docs: Amazon ECS interface VPC endpoints (AWS PrivateLink)"


@rule(
    "E9605",
    "Fargate tasks in a private subnet have no way out",
    error_messages=_PULL,
    fix="Give the subnet's route table a default route to a NAT gateway, or the VPC endpoints for "
    "all that the tasks call: ECR, S3, CloudWatch Logs, and what their secrets come from.",
    sources=("aws/amazon-ecs-agent#1246", "karanpratapsingh/preview-environments#9", _DOCS),
    failure_ids=("net-private-subnet-without-nat",),
)
def private_without_way_out(view: View) -> Iterator[Problem]:
    """Image, secrets and logs pass the task's own network interface. Without a default route
    and without endpoints nothing of AWS is reached, and no task ever starts."""
    for service, subnet, found in _isolated(view):
        public = _public_image(service)
        if not found or public:
            why = (
                f"pull {public}, which no endpoint leads to"
                if found
                else "pull images, read secrets or write logs"
            )
            yield problem(
                _tasks_network(service)["Subnets"],
                f"The tasks of {service.id} cannot {why}: {subnet.id} has no default route"
                + ("" if found else ", and its VPC no endpoints"),
                f"Write an AWS::EC2::Route of {_table(subnet)} with `DestinationCidrBlock: "
                "0.0.0.0/0` and a NatGatewayId"
                + (", or keep the image in ECR." if found else ", or the endpoints."),
            )


def _isolated(
    view: View,
) -> Iterator[tuple[Resource, Resource, tuple[networks.VpcEndpoint, ...]]]:
    """Services on Fargate with a subnet from which nothing leads out, and its VPC's endpoints."""
    for service in ecs.services(view):
        if not task_startup.is_certainly_on_fargate(service):
            continue
        for subnet, way in task_startup.subnet_routes(service):
            vpc = networks.vpc_of(subnet)
            found = (
                networks.endpoints_of_vpc(vpc)
                if vpc and way == networks.NO_INTERNET_ROUTE
                else None
            )
            if found is not None and all(one.service for one in found):
                yield service, subnet, found


def _public_image(service: Resource) -> str | None:
    task = ecs.task_definition_of(service)
    for container in ecs.containers(task) if task else ():
        if task_startup.image_registry(container["Image"]) == "public":
            return container["Image"].text or "a public image"
    return None


def _table(subnet: Resource) -> str:
    table = networks.route_table_of(subnet)
    return table.id if table else f"a route table of {subnet.id}"


@rule(
    "E9625",
    "The endpoints of an isolated subnet lack one that the tasks need",
    error_messages=(
        *_PULL,
        "ResourceInitializationError: failed to validate logger args",
        "unable to retrieve secret from asm: service call has been retried 5 time(s)",
    ),
    fix="Add the endpoint: interfaces for ecr.api, ecr.dkr, logs, secretsmanager or ssm, and the "
    "gateway for s3 with the route tables of all the tasks' subnets.",
    sources=("aws/amazon-ecs-agent#2235", "aws-samples/keycloak-on-aws#222", _DOCS),
    failure_ids=(
        "net-private-subnet-without-nat",
        "net-endpoints-without-s3-gateway",
        "net-endpoints-without-logs",
        "net-endpoints-without-secretsmanager",
    ),
)
def endpoint_missing(view: View) -> Iterator[Problem]:
    """Where nothing leads to the internet, each service of AWS that a task calls needs an
    endpoint. ECR alone is not enough: it answers with the addresses of layers in S3."""
    for service, subnet, found in _isolated(view):
        if not found or _public_image(service):
            continue
        lacking = [one for one in _needs(service, found) if _endpoint(one, found, subnet) is False]
        for need in lacking:
            for gateway in [one for one in found if one.service == need.service]:
                yield problem(
                    gateway.resource["RouteTableIds"],
                    f"{gateway.resource.id} does not serve {subnet.id}, which has no default "
                    f"route, so the tasks of {service.id} cannot reach {need.service} for "
                    f"{need.description}",
                    f"Write `!Ref {_table(subnet)}` in RouteTableIds.",
                )
        missing = [one for one in lacking if all(one.service != of.service for of in found)]
        if missing:
            names = " and ".join(one.service for one in missing)
            yield problem(
                _tasks_network(service)["Subnets"],
                f"The tasks of {service.id} need {missing[0].service} for "
                f"{missing[0].description}, but {subnet.id} has no default route, "
                f"and its VPC no endpoint for {names}",
                f"Write an AWS::EC2::VPCEndpoint for {names}, or give the subnet a NAT gateway.",
            )


@rule(
    "E9630",
    "Private DNS of an endpoint in a VPC without DNS hostnames",
    error_messages=(
        "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC "
        "attributes set to true",
    ),
    fix="Write `EnableDnsSupport: true` and `EnableDnsHostnames: true` in the VPC.",
    sources=("hashicorp/terraform-provider-aws#7589", "AWS docs: AWS::EC2::VPCEndpoint"),
    failure_ids=("net-endpoint-private-dns-without-vpc-dns",),
)
def private_dns_without_dns(view: View) -> Iterator[Problem]:
    """EnableDnsHostnames is false where it is left out, and EC2 refuses to create an endpoint
    with private DNS in such a VPC."""
    for endpoint in view.resources_of_type(networks.VPC_ENDPOINT):
        vpc = networks.vpc_of(endpoint)
        if vpc is None or endpoint["PrivateDnsEnabled"].flag is not True:
            continue
        settings = zip(
            ("EnableDnsSupport", "EnableDnsHostnames"), networks.dns_settings(vpc), strict=True
        )
        for name, truth in settings:
            if truth is False:
                yield problem(
                    vpc[name],
                    f"{endpoint.id} has private DNS, which EC2 refuses in {vpc.id}: {name} is "
                    "false" + (" where it is left out" if vpc[name].absent else ""),
                    f"Write `{name}: true`.",
                )


RULES = (
    public_without_address,
    private_without_way_out,
    endpoint_missing,
    private_dns_without_dns,
)
