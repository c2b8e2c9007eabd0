"""What must exist before what."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs, lifecycle, networks
from moorage.cfn.nodes import Node
from moorage.cfn.values import Attr
from moorage.cfn.view import Resource, View
from moorage.rules.rule import Problem, problem, rule

_DEPENDS = "AWS docs: DependsOn attribute"


@rule(
    "E9301",
    "A service is created before its target group has a load balancer",
    error_messages=(
        "The target group with targetGroupArn arn:aws:elasticloadbalancing:... does not have an "
        "associated load balancer.",
    ),
    fix="Let the service depend on the listener, or on the listener rule, that forwards to its "
    "target group.",
    sources=("aws/aws-cdk#1160", "hashicorp/terraform#32908", "aws/copilot-cli#454"),
    failure_ids=("ord-service-before-listener", "ord-service-dependson-listener-not-rule"),
)
def service_before_listener(view: View) -> Iterator[Problem]:
    """A service refers to its target group only. A target group belongs to a load balancer from
    the moment that a listener or a rule forwards to it, and nothing makes CloudFormation wait for
    that: load balancers take minutes, target groups seconds, and so the service comes first. The
    listener alone is not enough where a rule does the forwarding."""
    for attachment in ecs.target_group_attachments(view):
        group = attachment.target_group.resource
        forwarders = ecs.find_forwarders(view, group) if group else ()
        if not forwarders or any(
            view.is_created_before(one, attachment.service) for one in forwarders
        ):
            continue
        if any(view.is_created_before(one, attachment.service) for one in _may_forward(view)):
            continue
        names = " or ".join(one.id for one in forwarders)
        yield problem(
            attachment.target_group,
            f"Nothing makes {attachment.service.id} wait for {names}, and ECS refuses a "
            f"target group that no listener uses yet",
            f"Write `DependsOn: {forwarders[0].id}`.",
        )


def _may_forward(view: View) -> Iterator[Resource]:
    """The listeners and rules that may forward to more than can be seen."""
    found = view.resources_of_type(ecs.LISTENER, ecs.LISTENER_RULE)
    return (one for one in found if not ecs.actions(one).fully_known)


@rule(
    "E9302",
    "No listener forwards to a service's target group",
    error_messages=(
        "The target group with targetGroupArn arn:aws:elasticloadbalancing:... does not have an "
        "associated load balancer.",
    ),
    fix="Forward to the target group in a listener's DefaultActions or in a listener rule, or take "
    "it out of the service.",
    sources=("aws/aws-cdk#34290", "umotif-public/terraform-aws-ecs-fargate#43"),
    failure_ids=("ord-target-group-without-listener",),
)
def target_group_without_listener(view: View) -> Iterator[Problem]:
    """A service names a target group that no listener and no rule forwards to, as happens when
    the listener becomes a redirect to HTTPS and the forwarding goes with it. Such a target group
    belongs to no load balancer, and ECS refuses the service."""
    if not ecs.are_all_forwards_known(view) or any(
        stack.template.is_generated for stack in view.stacks
    ):
        return
    for attachment in ecs.target_group_attachments(view):
        group = ecs.resource_of_type(attachment.target_group, ecs.TARGET_GROUP)
        if (
            group
            and not ecs.find_forwarders(view, group)
            and not networks.may_be_modified_elsewhere(group)
        ):
            yield problem(
                attachment.target_group,
                f"No listener and no rule forwards to {group.id}, and ECS refuses a target group "
                f"without a load balancer",
                f"Forward to {group.id} in a listener's DefaultActions or in a listener rule.",
            )


@rule(
    "W9303",
    "Something of the internet may be created before the internet gateway is attached",
    error_messages=(
        "VPC vpc-... has no internet gateway (Service: AmazonElasticLoadBalancingV2; Error Code: "
        "InvalidSubnet)",
        "route table rtb-... and network gateway igw-... belong to different networks",
    ),
    fix="Write `DependsOn` with the AWS::EC2::VPCGatewayAttachment.",
    sources=(
        _DEPENDS,
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
def before_gateway(view: View) -> Iterator[Problem]:
    """A route names the internet gateway, a load balancer its subnets, an Elastic IP nothing at
    all: none of them names the attachment that makes the gateway one of the VPC. Which comes first
    is a race, won once and lost the next time."""
    for route in view.resources_of_type(networks.ROUTE):
        gateway = ecs.resource_of_type(route["GatewayId"], networks.INTERNET_GATEWAY)
        if gateway and (late := _late(route, lifecycle.attachments_of_gateway(gateway))):
            yield problem(
                route["GatewayId"],
                f"{route.id} may be created before {late.id}, and EC2 refuses a route to a "
                f"gateway that is not attached to the VPC",
                f"Write `DependsOn: {late.id}`.",
            )
    for balancer in view.resources_of_type(ecs.LOAD_BALANCER):
        scheme = balancer["Scheme"]
        public = scheme.absent or scheme.text == "internet-facing"
        if not public or ecs.load_balancer_type(balancer) == "gateway":
            continue
        if late := _late(balancer, lifecycle.attachments_for_load_balancer(balancer)):
            yield problem(
                balancer,
                f"{balancer.id} may be created before {late.id}, and Elastic Load Balancing "
                f"refuses an internet-facing load balancer in a VPC without an internet gateway",
                f"Write `DependsOn: {late.id}`.",
            )
    for address in view.resources_of_type(f"{networks.EC2}EIP"):
        if address.stack.template.is_from_cdk:
            continue  # which orders the gateways by itself
        here = [one for one in lifecycle.gateway_attachments(view) if one.stack is address.stack]
        if late := _late(address, here):
            yield problem(
                address,
                f"{address.id} may be created before {late.id}, which Elastic IP addresses of a "
                f"VPC need",
                f"Write `DependsOn: {late.id}`.",
            )


def _late(resource: Resource, any_of: list[Resource]) -> Resource | None:
    """The first of these, if a resource waits for none of them."""
    missed = lifecycle.find_unordered_dependencies(resource, any_of)
    return missed[0] if missed and len(missed) == len(any_of) else None


@rule(
    "W9304",
    "A service may start tasks before what they need is there",
    error_messages=(
        "CannotPullContainerError: ... i/o timeout",
        "ResourceInitializationError: unable to pull secrets or registry auth: ... "
        "AccessDeniedException",
        'ResourceInitializationError: failed to invoke EFS utils commands ... Failed to resolve "'
        'fs-....efs.us-east-1.amazonaws.com"',
    ),
    fix="Add to the service's DependsOn what the message names.",
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
def service_before_needs(view: View) -> Iterator[Problem]:
    """Subnets do not name their routes, roles not the policies beside them, file systems not
    their mount targets, clusters not the associations with capacity providers. A service that
    names subnets, roles, file systems and its cluster only can come before those: the first tasks
    fail, or there is nowhere to run them, and a deployment circuit breaker may give up. On
    deletion they may go before the service has drained. Templates that the CDK wrote are left as
    they are."""
    for service in ecs.services(view):
        if service.stack.template.is_from_cdk:
            continue  # it orders things its own way, and nobody edits what it writes
        late = [
            (need.description, missed)
            for need in lifecycle.startup_dependencies(service)
            if (missed := lifecycle.find_unordered_dependencies(service, need.resources))
        ]
        if late:
            told = "; ".join(f"{', '.join(one.id for one in some)} ({what})" for what, some in late)
            names = ", ".join(dict.fromkeys(one.id for _, some in late for one in some))
            yield problem(
                service.body["DependsOn"],
                f"{service.id} may start tasks before what they need is there: {told}",
                f"Add to its DependsOn: {names}.",
            )


@rule(
    "E9305",
    "Logs of a load balancer are switched on before the bucket's policy is there",
    error_messages=(
        "Access Denied for bucket: ... Please check S3bucket permission (Service: "
        "AmazonElasticLoadBalancing; Error Code: InvalidConfigurationRequest)",
    ),
    fix="Let the load balancer depend on the AWS::S3::BucketPolicy.",
    sources=("aws/copilot-cli#4169", "aws/aws-cdk#5758", "widdix/aws-cf-templates#349"),
    failure_ids=("ord-access-logs-before-bucket-policy",),
)
def logs_before_bucket_policy(view: View) -> Iterator[Problem]:
    """The load balancer names the bucket and not its policy. Elastic Load Balancing writes a test
    object the moment that logs are switched on, and is refused while the policy is missing."""
    for balancer in view.resources_of_type(ecs.LOAD_BALANCER):
        given = ecs.attributes(balancer, "LoadBalancerAttributes")
        for kind in ("access_logs", "connection_logs", "health_check_logs"):
            enabled, bucket = given.get(f"{kind}.s3.enabled"), given.get(f"{kind}.s3.bucket")
            if enabled is None or bucket is None or enabled.flag is not True:
                continue
            late = lifecycle.find_unordered_dependencies(
                balancer, lifecycle.bucket_policies(bucket)
            )
            if late:
                yield problem(
                    bucket,
                    f"Nothing makes {balancer.id} wait for {late[0].id}, without which it may not "
                    f"write to the bucket",
                    f"Write `DependsOn: {late[0].id}`.",
                )


@rule(
    "E9306",
    "Scaling is registered before what it scales",
    error_messages=(
        "ObjectNotFoundException: No scalable target registered for service namespace: ecs, "
        "resource ID: service/<cluster>/<service>, scalable dimension: ecs:service:DesiredCount",
        "ECS service doesn't exist: service/<cluster>/<service>",
    ),
    fix="Name the service in a scalable target's ResourceId by `${Service.Name}`, and the scalable "
    "target in a policy by ScalingTargetId.",
    sources=(
        "cloudposse/terraform-aws-ecs-cloudwatch-autoscaling#36",
        "stroeer/terraform-aws-ecs-fargate#104",
    ),
    failure_ids=("ord-scaling-policy-before-target", "ord-scalable-target-before-service"),
)
def scaling_before_scaled(view: View) -> Iterator[Problem]:
    """A service's name written as text, or a scaling policy that spells out its target, is no
    reference, so CloudFormation creates both at once and Application Auto Scaling finds nothing
    under that name."""
    for target in view.resources_of_type(lifecycle.SCALABLE_TARGET):
        node = target["ResourceId"]
        service = (
            ecs.find_scaled_service(node) if target["ServiceNamespace"].text == "ecs" else None
        )
        if service and not view.is_created_before(service, target):
            yield problem(
                node,
                f"Nothing makes {target.id} wait for {service.id}, which it names as text, and "
                f"what does not exist yet can't be scaled",
                f"Write `${{{service.id}.Name}}` for its name, or `DependsOn: {service.id}`.",
            )
    for policy in view.resources_of_type(lifecycle.SCALING_POLICY):
        node = policy["ResourceId"]
        if policy["ScalingTargetId"].present or node.absent:
            continue
        late = _late(
            policy,
            [one for one in view.resources_of_type(lifecycle.SCALABLE_TARGET) if _is(policy, one)],
        )
        if late:
            yield problem(
                node,
                f"Nothing makes {policy.id} wait for {late.id}, and a policy for a target that is "
                f"not registered yet is refused",
                f"Write `ScalingTargetId: !Ref {late.id}` instead of ResourceId, "
                f"ScalableDimension and ServiceNamespace.",
            )


def _is(policy: Resource, target: Resource) -> bool:
    """Whether a policy spells out this scalable target."""
    names = ("ServiceNamespace", "ScalableDimension")
    if not all(policy[name].is_same_as(target[name]) for name in names):
        return False
    one, other = policy["ResourceId"], target["ResourceId"]
    service = ecs.find_scaled_service(one)
    return bool(one.is_same_as(other)) or (
        service is not None and service is ecs.find_scaled_service(other)
    )


@rule(
    "E9307",
    "A service waits for an image in a repository that its own stack creates",
    error_messages=("CannotPullContainerError: ... not found",),
    fix="Create the repository in a stack of its own and push the image before the service's "
    "stack, or start with DesiredCount 0.",
    sources=(
        "https://qiita.com/omizo5353/items/dbc535b15ee7ebc12fd4",
        "andresionek91/airflow-autoscaling-ecs#14",
    ),
    failure_ids=("ord-ecr-repository-in-same-stack",),
)
def repository_in_same_stack(view: View) -> Iterator[Problem]:
    """The repository is empty when the service starts its first task. The stack hangs at the
    service until somebody pushes an image by hand, or until it is rolled back hours later."""
    for service in ecs.services(view):
        task = ecs.task_definition_of(service)
        if (
            task is None
            or not lifecycle.starts_tasks(service)
            or lifecycle.depends_on_external_action(service)
        ):
            continue
        for container in ecs.containers(task):
            repository = _repository(container["Image"])
            known = lifecycle.is_decided_by_template(container["Image"])
            if known and repository and lifecycle.are_created_together(repository, service):
                yield problem(
                    container["Image"],
                    f"{repository.id} is created by this very stack and still empty when "
                    f"{service.id} starts its first task, so the stack hangs there",
                    "Create the repository in a stack of its own, or start with `DesiredCount: 0`.",
                )


def _repository(image: Node) -> Resource | None:
    named = [one.resource for one in image.parts if isinstance(one, Attr)]
    return next((one for one in named if one.type == lifecycle.REPOSITORY), None)


RULES = (
    service_before_listener,
    target_group_without_listener,
    before_gateway,
    service_before_needs,
    logs_before_bucket_policy,
    scaling_before_scaled,
    repository_in_same_stack,
)
