"""Resources that need others without depending on them, so that CloudFormation can create them
too early."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from itertools import chain

from moorage.cfn import ecs, fixed_values, lifecycle, networks
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.values import Attr, identity
from moorage.cfn.view import View
from moorage.rules.message_parts import join_and, join_or, quote
from moorage.rules.rule import Problem, problem, rule

_DEPENDS_ON_PAGE = "AWS docs: DependsOn attribute"


# Services ------------------------------------------------------------------------------------


@rule(
    "E9930",
    "A service does not depend on the listener that forwards to its target group.",
    error_messages=(
        "The target group with targetGroupArn arn:aws:elasticloadbalancing:... does not have an "
        "associated load balancer.",
    ),
    fix="Add the listener or the listener rule that forwards to the target group to DependsOn of "
    "the service.",
    sources=("aws/aws-cdk#1160", "hashicorp/terraform#32908", "aws/copilot-cli#454"),
    failure_ids=("ord-service-before-listener", "ord-service-dependson-listener-not-rule"),
)
def service_before_listener(view: View) -> Iterator[Problem]:
    """A target group belongs to a load balancer only when a listener or listener rule forwards to
    it, and ECS refuses to create the service before. The service refers to its target group but not
    to the listener, so CloudFormation does not wait for the listener; load balancers take minutes,
    target groups seconds. If a listener rule forwards, waiting for the listener is not enough."""
    for attachment in ecs.target_group_attachments(view):
        service, group = attachment.service, attachment.target_group.resource
        forwarders = ecs.find_forwarders(view, group) if group else ()
        if not group or not forwarders:
            continue
        may_forward = chain(forwarders, _forwarders_with_unknown_targets(view))
        if any(view.is_created_before(forwarder, service) for forwarder in may_forward):
            continue
        names = join_or(quote(forwarder.id for forwarder in forwarders))
        yield problem(
            attachment.target_group,
            f"Service `{service.id}` does not depend on {names}, and ECS rejects target group "
            f"`{group.id}` before a listener forwards to it",
            f"Add `{forwarders[0].id}` to DependsOn of `{service.id}`.",
        )


def _forwarders_with_unknown_targets(view: View) -> Iterator[Resource]:
    """The listeners and rules that may forward to other target groups than those in view."""
    forwarders = view.resources_of_type(ecs.LISTENER, ecs.LISTENER_RULE)
    return (forwarder for forwarder in forwarders if not ecs.actions(forwarder).fully_known)


@rule(
    "W9936",
    "A service does not depend on resources that its tasks need.",
    error_messages=(
        "CannotPullContainerError: ... i/o timeout",
        "ResourceInitializationError: unable to pull secrets or registry auth: ... "
        "AccessDeniedException",
        'ResourceInitializationError: failed to invoke EFS utils commands ... Failed to resolve "'
        'fs-....efs.us-east-1.amazonaws.com"',
    ),
    fix="Add the resources that the message names to DependsOn of the service.",
    sources=(
        "aws/aws-cdk#21495",
        "aws/aws-cdk#24880",
        "rileydakota/valheim-ecs-fargate-cdk#28",
        "AWS docs: AWS::IAM::Policy",
    ),
    failure_ids=(
        "ord-service-before-nat-route",
        "ord-service-before-role-policy",
        "ord-service-before-efs-mount-target",
        "svc-capacity-provider-not-on-cluster",
    ),
)
def service_before_requirements(view: View) -> Iterator[Problem]:
    """A service refers to its subnets, roles, file systems and cluster, but not to the routes,
    separate policies, mount targets and capacity provider associations that its tasks need too.
    CloudFormation can create those later: then the first tasks fail or find no capacity, and a
    deployment circuit breaker can stop the deployment. When the stack is deleted, they can be
    deleted before the service has stopped its tasks. Templates written by the CDK are not
    checked."""
    for service in ecs.services(view):
        if service.stack.template.is_from_cdk:
            continue  # the CDK orders resources itself, and its output is not edited by hand
        unordered = [
            (dependency.description, resources)
            for dependency in lifecycle.startup_dependencies(service)
            if (resources := lifecycle.find_unordered_dependencies(service, dependency.resources))
        ]
        if unordered:
            descriptions = join_and(description for description, _ in unordered)
            names = dict.fromkeys(
                resource.id for _, resources in unordered for resource in resources
            )
            yield problem(
                service.body["DependsOn"],
                f"Service `{service.id}` does not depend on resources that its tasks need: "
                f"{descriptions}",
                f"Add {join_and(quote(names))} to DependsOn of `{service.id}`.",
            )


@rule(
    "E9945",
    "A service needs an image from a repository that the same stack creates.",
    error_messages=("CannotPullContainerError: ... not found",),
    fix="Create the repository in another stack, and push the image before the service's stack is "
    "created. Or start with `DesiredCount: 0`.",
    sources=(
        "https://qiita.com/omizo5353/items/dbc535b15ee7ebc12fd4",
        "andresionek91/airflow-autoscaling-ecs#14",
    ),
    failure_ids=("ord-ecr-repository-in-same-stack",),
)
def repository_in_same_stack(view: View) -> Iterator[Problem]:
    """The repository is empty when the service starts its first task. The stack waits at the
    service until an image is pushed, or until it is rolled back hours later."""
    for service in ecs.services(view):
        task = ecs.task_definition_of(service)
        if (
            task is None
            or not lifecycle.starts_tasks(service)
            or lifecycle.depends_on_external_action(service)
        ):
            continue
        for container in ecs.containers(task):
            image = container["Image"]
            repository = _repository_of(image)
            if repository is None or not fixed_values.is_decided_by_template(image):
                continue
            if lifecycle.are_created_together(repository, service):
                yield problem(
                    image,
                    f"Repository `{repository.id}` is created by the same stack, so it has no "
                    f"image when service `{service.id}` starts its first task, and the stack "
                    f"waits for hours",
                    "Create the repository in another stack, or start with `DesiredCount: 0`.",
                )


def _repository_of(image: Node) -> Resource | None:
    resources = (part.resource for part in image.parts if isinstance(part, Attr))
    return next((resource for resource in resources if resource.type == lifecycle.REPOSITORY), None)


# Internet gateways ---------------------------------------------------------------------------


@rule(
    "W9933",
    "A resource does not depend on the attachment of the internet gateway that it needs.",
    error_messages=(
        "VPC vpc-... has no internet gateway (Service: AmazonElasticLoadBalancingV2; Error Code: "
        "InvalidSubnet)",
        "route table rtb-... and network gateway igw-... belong to different networks",
    ),
    fix="Add the AWS::EC2::VPCGatewayAttachment to DependsOn of the resource.",
    sources=(
        _DEPENDS_ON_PAGE,
        "aws-cloudformation/aws-cloudformation-templates#75",
        "buildkite/elastic-ci-stack-for-aws#336",
        "aws/aws-cdk#1129",
    ),
    failure_ids=(
        "ord-lb-before-internet-gateway",
        "ord-default-route-before-igw-attachment",
        "ord-eip-before-igw-attachment",
    ),
)
def created_before_gateway_attachment(view: View) -> Iterator[Problem]:
    """A route refers to the internet gateway, a load balancer to its subnets, and an Elastic IP
    address to neither. None of them refers to the attachment of the gateway to the VPC, so
    CloudFormation can create them before the attachment."""
    yield from _routes_before_attachment(view)
    yield from _load_balancers_before_attachment(view)
    yield from _addresses_before_attachment(view)


def _routes_before_attachment(view: View) -> Iterator[Problem]:
    for route in view.resources_of_type(networks.ROUTE):
        gateway = ecs.resource_of_type(route["GatewayId"], networks.INTERNET_GATEWAY)
        attachments = lifecycle.attachments_of_gateway(gateway) if gateway else []
        if gateway and (attachment := _find_unordered(route, attachments)):
            yield problem(
                route["GatewayId"],
                f"Route `{route.id}` does not depend on `{attachment.id}`, and EC2 rejects a route "
                f"to an internet gateway that is not attached to the VPC",
                f"Add `{attachment.id}` to DependsOn of `{route.id}`.",
            )


def _load_balancers_before_attachment(view: View) -> Iterator[Problem]:
    for load_balancer in view.resources_of_type(ecs.LOAD_BALANCER):
        scheme = load_balancer["Scheme"]
        is_public = scheme.absent or scheme.text == "internet-facing"
        if not is_public or ecs.load_balancer_type(load_balancer) == "gateway":
            continue
        attachments = lifecycle.attachments_for_load_balancer(load_balancer)
        if attachment := _find_unordered(load_balancer, attachments):
            yield problem(
                load_balancer,
                f"Load balancer `{load_balancer.id}` does not depend on `{attachment.id}`, and AWS "
                f"rejects an internet-facing load balancer in a VPC without an internet gateway",
                f"Add `{attachment.id}` to DependsOn of `{load_balancer.id}`.",
            )


def _addresses_before_attachment(view: View) -> Iterator[Problem]:
    for address in view.resources_of_type(f"{networks.EC2}EIP"):
        if address.stack.template.is_from_cdk:
            continue  # the CDK orders NAT gateways, which is enough
        attachments = [
            attachment
            for attachment in lifecycle.gateway_attachments(view)
            if attachment.stack is address.stack
        ]
        attachment = _find_unordered(address, attachments)
        if attachment and not _is_used_later(address, attachments):
            yield problem(
                address,
                f"Elastic IP address `{address.id}` does not depend on `{attachment.id}`, which it "
                f"needs in a VPC",
                f"Add `{attachment.id}` to DependsOn of `{address.id}`.",
            )


def _is_used_later(address: Resource, attachments: list[Resource]) -> bool:
    """Whether all that associate an address with the VPC wait for the gateway. An address alone is
    in no VPC."""
    stack = address.stack
    users = [
        resource
        for resource in stack.resources.values()
        if address.id in stack.direct_dependencies(resource.id)
    ]
    return bool(users) and not any(_find_unordered(user, attachments) for user in users)


def _find_unordered(resource: Resource, alternatives: list[Resource]) -> Resource | None:
    """The first of these resources, if another resource depends on none of them."""
    unordered = lifecycle.find_unordered_dependencies(resource, alternatives)
    return unordered[0] if unordered and len(unordered) == len(alternatives) else None


# Access logs ---------------------------------------------------------------------------------


@rule(
    "E9939",
    "A load balancer with logs does not depend on the policy of their bucket.",
    error_messages=(
        "Access Denied for bucket: ... Please check S3bucket permission (Service: "
        "AmazonElasticLoadBalancing; Error Code: InvalidConfigurationRequest)",
    ),
    fix="Add the AWS::S3::BucketPolicy to DependsOn of the load balancer.",
    sources=("aws/copilot-cli#4169", "aws/aws-cdk#5758", "widdix/aws-cf-templates#349"),
    failure_ids=("ord-access-logs-before-bucket-policy",),
)
def logs_before_bucket_policy(view: View) -> Iterator[Problem]:
    """A load balancer refers to the bucket of its logs but not to the bucket policy. Elastic Load
    Balancing writes a test file as soon as logs are enabled, which fails without the policy."""
    for load_balancer in view.resources_of_type(ecs.LOAD_BALANCER):
        attributes = ecs.attributes(load_balancer, "LoadBalancerAttributes")
        for logs in ("access_logs", "connection_logs", "health_check_logs"):
            enabled = attributes.get(f"{logs}.s3.enabled")
            bucket = attributes.get(f"{logs}.s3.bucket")
            if enabled is None or bucket is None or enabled.flag is not True:
                continue
            policies = lifecycle.find_unordered_dependencies(
                load_balancer, lifecycle.bucket_policies(bucket)
            )
            if policies:
                yield problem(
                    bucket,
                    f"Load balancer `{load_balancer.id}` does not depend on `{policies[0].id}`, "
                    f"without which it is not allowed to write to the bucket",
                    f"Add `{policies[0].id}` to DependsOn of `{load_balancer.id}`.",
                )


# Auto scaling --------------------------------------------------------------------------------


@rule(
    "E9942",
    "A scalable target does not depend on its service, or a scaling policy on its target.",
    error_messages=(
        "ObjectNotFoundException: No scalable target registered for service namespace: ecs, "
        "resource ID: service/<cluster>/<service>, scalable dimension: ecs:service:DesiredCount",
        "ECS service doesn't exist: service/<cluster>/<service>",
    ),
    fix="Write `${Service.Name}` for the service in ResourceId of the scalable target, and "
    "ScalingTargetId in the scaling policy.",
    sources=(
        "cloudposse/terraform-aws-ecs-cloudwatch-autoscaling#36",
        "stroeer/terraform-aws-ecs-fargate#104",
    ),
    failure_ids=("ord-scaling-policy-before-target", "ord-scalable-target-before-service"),
)
def scaling_before_scaled_resource(view: View) -> Iterator[Problem]:
    """The name of a service as text is not a reference, and neither is the ResourceId of a scaling
    policy. CloudFormation then creates both at the same time, and Application Auto Scaling does not
    find the resource."""
    for target in view.resources_of_type(ecs.SCALABLE_TARGET):
        resource_id = target["ResourceId"]
        is_ecs = target["ServiceNamespace"].text == "ecs"
        service = ecs.find_scaled_service(resource_id) if is_ecs else None
        if service and not view.is_created_before(service, target):
            yield problem(
                resource_id,
                f"Scalable target `{target.id}` contains the name of service `{service.id}` as "
                f"text, so CloudFormation does not wait for the service",
                f"Write `${{{service.id}.Name}}` for the name, or add `{service.id}` to DependsOn "
                f"of `{target.id}`.",
            )
    for policy in view.resources_of_type(ecs.SCALING_POLICY):
        resource_id = policy["ResourceId"]
        if policy["ScalingTargetId"].present or resource_id.absent:
            continue
        targets = [target for target in _similar(policy) if _is_for_target(policy, target)]
        if first := _find_unordered(policy, targets):
            yield problem(
                resource_id,
                f"Scaling policy `{policy.id}` does not refer to scalable target `{first.id}`, so "
                f"CloudFormation does not wait for the target",
                f"Write `ScalingTargetId: !Ref {first.id}` instead of ResourceId, "
                f"ScalableDimension and ServiceNamespace.",
            )


def _similar(policy: Resource) -> list[Resource]:
    """The scalable targets whose ResourceId may be that of a scaling policy."""
    view = policy.view
    targets = view.cached("targets by what they scale", lambda: _group_targets(view))
    return [target for key in _scaled_keys(policy) for target in targets.get(key, ())]


def _group_targets(view: View) -> dict[Hashable, list[Resource]]:
    targets: dict[Hashable, list[Resource]] = {}
    for target in view.resources_of_type(ecs.SCALABLE_TARGET):
        for key in _scaled_keys(target):
            targets.setdefault(key, []).append(target)
    return targets


def _scaled_keys(resource: Resource) -> Iterator[Hashable]:
    """What is the same for two resources that scale the same: the service, or else the value."""
    service = ecs.find_scaled_service(resource["ResourceId"])
    yield service or identity(resource["ResourceId"].value)


def _is_for_target(policy: Resource, target: Resource) -> bool:
    """Whether the properties of a scaling policy are those of a scalable target."""
    names = ("ServiceNamespace", "ScalableDimension")
    if not all(policy[name].is_same_as(target[name]) for name in names):
        return False
    if policy["ResourceId"].is_same_as(target["ResourceId"]):
        return True
    service = ecs.find_scaled_service(policy["ResourceId"])
    return service is not None and service is ecs.find_scaled_service(target["ResourceId"])


RULES = (
    service_before_listener,
    created_before_gateway_attachment,
    service_before_requirements,
    logs_before_bucket_policy,
    scaling_before_scaled_resource,
    repository_in_same_stack,
)
