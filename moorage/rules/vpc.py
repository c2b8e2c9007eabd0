"""Where traffic goes: subnets, routes, endpoints and availability zones."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from moorage.cfn import ecs, networks, reachability, task_startup
from moorage.cfn.nodes import Node
from moorage.cfn.view import Resource, View
from moorage.rules.rule import Problem, problem, rule

HTTPS = (443, 443)

_PULL = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource "
    "retrieval failed: ... i/o timeout",
    "CannotPullContainerError: ... net/http: request canceled while waiting for connection "
    "(Client.Timeout exceeded while awaiting headers)",
)
_DOCS = "AWS docs: Amazon ECS interface VPC endpoints (AWS PrivateLink)"


def _tasks_network(service: Resource) -> Node:
    return service.props.at("NetworkConfiguration", "AwsvpcConfiguration")


@rule(
    "E9347",
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


@rule(
    "E9348",
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
    "E9349",
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
    "E9350",
    "The security groups of an endpoint do not admit the tasks",
    error_messages=("ResourceInitializationError ... dial tcp 10.0.x.x:443: i/o timeout",),
    fix="Admit the tasks' security group, or their subnets, on TCP 443 in a security group of "
    "the endpoint. An endpoint without SecurityGroupIds is in the VPC's default group, which "
    "admits its own members only.",
    sources=(
        "aws-samples/generative-ai-sagemaker-cdk-demo#4",
        "aws-samples/aws-fargate-pipeline-lambda-autoscaling#3",
        _DOCS,
    ),
    failure_ids=("net-endpoint-security-group-closed",),
)
def endpoint_closed(view: View) -> Iterator[Problem]:
    """An interface endpoint with private DNS takes over the service's name for the whole VPC.
    Where its security group does not let the tasks in on 443, they cannot reach the service at
    all, not even through a NAT gateway."""
    for service in ecs.services(view):
        if not task_startup.is_certainly_on_fargate(service):
            continue
        tasks = reachability.task_peer(service)
        found = (networks.endpoints_of_vpc(tasks.vpc) if tasks.vpc else None) or ()
        ways = {way for _, way in task_startup.subnet_routes(service)}
        needed = {one.service for one in task_startup.required_services(service)}
        for one in found:
            used = one.resource["PrivateDnsEnabled"].flag or ways == {networks.NO_INTERNET_ROUTE}
            if one.is_gateway is not False or one.service not in needed or not used:
                continue
            party = reachability.vpc_endpoint_peer(one.resource)
            groups = reachability.visible_security_groups(party)
            if groups and reachability.allows_ingress(party, "tcp", HTTPS, tasks) is False:
                yield _closed(service, one, groups[0])


def _closed(service: Resource, endpoint: networks.VpcEndpoint, group: Resource) -> Problem:
    own = endpoint.resource["SecurityGroupIds"]
    inline = group["SecurityGroupIngress"]
    is_default = group.type != networks.SECURITY_GROUP
    name = f"{group.id}'s default security group" if is_default else group.id
    return problem(
        own if is_default else inline,
        f"{name}, of {endpoint.resource.id}, does not admit the tasks of {service.id} on TCP 443, "
        f"so they cannot reach {endpoint.service}",
        "Write SecurityGroupIds with a group that admits the tasks on tcp 443."
        if is_default
        else f"Write an ingress rule of {name} for tcp 443 from the tasks' security group.",
    )


@rule(
    "E9351",
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


@rule(
    "E9352",
    "Two subnets of a load balancer are in one availability zone",
    error_messages=(
        "A load balancer cannot be attached to multiple subnets in the same Availability Zone",
        "At least two subnets in two different Availability Zones must be specified",
    ),
    fix="Give the load balancer one subnet of each availability zone.",
    sources=(
        "aws-samples/aws-scalable-big-blue-button-example#51",
        "docker-archive/compose-cli#921",
    ),
    failure_ids=("lb-subnets-same-az",),
)
def subnets_in_one_zone(view: View) -> Iterator[Problem]:
    """A load balancer takes one subnet of a zone, and an Application Load Balancer needs two
    zones. Elastic Load Balancing refuses it."""
    for balancer in view.resources_of_type(ecs.LOAD_BALANCER):
        for one, other in combinations(_subnets(balancer), 2):
            if networks.are_in_same_zone(one, other):
                yield problem(
                    networks.subnet_property(balancer),
                    f"{one.id} and {other.id} of {balancer.id} are in the same availability "
                    "zone, and Elastic Load Balancing refuses the second",
                    f"Give {other.id} another AvailabilityZone, or take one of them out.",
                )


def _subnets(balancer: Resource) -> tuple[Resource, ...]:
    """The subnets in view of a load balancer, whether or not these are all."""
    mapped = [one["SubnetId"].resource for one in balancer["SubnetMappings"].items]
    known = [one for one in mapped if one is not None and one.type == networks.SUBNET]
    return tuple(dict.fromkeys((*networks.find_subnets(balancer["Subnets"]), *known)))


@rule(
    "E9353",
    "Tasks run in an availability zone that the load balancer is not enabled for",
    error_messages=(
        "(service ...) (port ...) is unhealthy in (target-group ...) due to (reason Target is in "
        "an Availability Zone that is not enabled for the load balancer)",
    ),
    fix="Give the load balancer a subnet in each zone that the service's subnets are in.",
    sources=(
        "https://www.repost.aws/ja/knowledge-center/fargate-nlb-health-checks",
        "AWS docs: Troubleshooting service load balancers (Amazon ECS)",
    ),
    failure_ids=("lb-az-of-tasks-not-enabled",),
)
def zone_not_enabled(view: View) -> Iterator[Problem]:
    """A load balancer sends only to the zones that it has subnets in. Tasks elsewhere are
    unhealthy from the start, and ECS replaces them without end."""
    for attachment in ecs.target_group_attachments(view):
        group, service = attachment.target_group.resource, attachment.service
        for balancer in ecs.load_balancers_of_target_group(view, group) if group else ():
            enabled = networks.subnets_of_load_balancer(balancer)
            for subnet in networks.find_subnets(_tasks_network(service)["Subnets"]):
                if enabled and all(
                    networks.are_in_same_zone(subnet, one) is False for one in enabled
                ):
                    yield problem(
                        networks.subnet_property(balancer),
                        f"{balancer.id} has no subnet in the availability zone of {subnet.id}, "
                        f"where {service.id} runs tasks too: these are never healthy",
                        f"Give {balancer.id} a subnet in that zone, or take {subnet.id} out of "
                        f"{service.id}.",
                    )


@rule(
    "E9354",
    "An internet-facing load balancer is in a subnet without a route to an internet gateway",
    error_messages=("Connections to the load balancer's DNS name time out",),
    fix="Give the load balancer subnets whose route table leads 0.0.0.0/0 to the internet "
    "gateway, or write `Scheme: internal`.",
    sources=("AWS docs: AWS::ElasticLoadBalancingV2::LoadBalancer (Subnets)",),
    failure_ids=("lb-internet-facing-in-private-subnets",),
)
def public_in_private_subnets(view: View) -> Iterator[Problem]:
    """The stack is created and the name resolves to public addresses, but packets of clients do
    not arrive or their answers go nowhere: the nodes of an internet-facing load balancer need a
    route to the internet gateway. The scheme is internet-facing where it is left out."""
    for balancer in view.resources_of_type(ecs.LOAD_BALANCER):
        scheme = balancer["Scheme"]
        public = scheme.absent or scheme.text == "internet-facing"
        without_v4 = balancer["IpAddressType"].text == "dualstack-without-public-ipv4"
        if (
            not public
            or without_v4
            or ecs.load_balancer_type(balancer) not in ("application", "network")
        ):
            continue
        for subnet in _subnets(balancer):
            way = networks.default_route(subnet)
            if way in (networks.NO_INTERNET_ROUTE, networks.VIA_NAT):
                leads = "to a NAT" if way == networks.VIA_NAT else "nowhere"
                yield problem(
                    networks.subnet_property(balancer),
                    f"{balancer.id} is internet-facing, but the default route of {subnet.id} "
                    f"leads {leads}, so clients cannot connect",
                    "Name subnets with a default route to an internet gateway, or write "
                    "`Scheme: internal`.",
                )


RULES = (
    public_without_address,
    private_without_way_out,
    endpoint_missing,
    endpoint_closed,
    private_dns_without_dns,
    subnets_in_one_zone,
    zone_not_enabled,
    public_in_private_subnets,
)
