"""Roles that ECS itself assumes, to shift traffic, run hooks, and manage volumes and instances."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.arns import Arns, expand_parts
from moorage.cfn.nodes import Node
from moorage.cfn.permissions import ANY_RESOURCE, allows, find_role
from moorage.cfn.stack import Resource
from moorage.cfn.trust_policies import trusted_services, trusts
from moorage.cfn.values import Attr
from moorage.cfn.view import View
from moorage.records import entity
from moorage.rules.capacity_providers import PROVIDER
from moorage.rules.deployment_hooks import lifecycle_hooks
from moorage.rules.message_parts import join_and
from moorage.rules.rule import Problem, problem, rule

_FUNCTION = "AWS::Lambda::Function"


@entity
class _Use:
    """What ECS uses a role for."""

    role: Resource
    purpose: str
    consequence: str
    permissions: tuple[tuple[str, Arns | None], ...] = ()
    """Actions that the role must allow, each with the ARN; None for an unknown one."""
    policy: str = ""
    """The AWS managed policy that allows them."""


def _find_uses(view: View) -> Iterator[_Use]:
    for service in ecs.services(view):
        yield from _find_uses_for_traffic(service)
        for configuration in service["VolumeConfigurations"].items:
            node = configuration["ManagedEBSVolume"]["RoleArn"]
            yield from _find_use(node, f"the role for EBS volumes of service `{service.id}`")
        for entry in service["VpcLatticeConfigurations"].items:
            yield from _find_use(
                entry["RoleArn"], f"the role for VPC Lattice of service `{service.id}`"
            )
        for entry in service["ServiceConnectConfiguration"]["Services"].items:
            node = entry["Tls"]["RoleArn"]
            yield from _find_use(
                node, f"the role for Service Connect TLS of service `{service.id}`"
            )
    for provider in view.resources_of_type(PROVIDER):
        node = provider["ManagedInstancesProvider"]["InfrastructureRoleArn"]
        yield from _find_use(
            node,
            f"the infrastructure role of capacity provider `{provider.id}`",
            "ECS starts no instances",
        )
    for service, hook in lifecycle_hooks(view):
        function = ecs.resource_of_type(hook["HookTargetArn"], _FUNCTION)
        arn = expand_parts(view, (Attr(function, "Arn"),)) if function is not None else None
        yield from _find_use(
            hook["RoleArn"],
            f"the role of a lifecycle hook of service `{service.id}`",
            "every deployment fails at the hook and is rolled back",
            (("lambda:InvokeFunction", arn),),
        )


def _find_uses_for_traffic(service: Resource) -> Iterator[_Use]:
    for entry in service["LoadBalancers"].items:
        advanced = entry["AdvancedConfiguration"]
        route = advanced["ProductionListenerRule"].resource
        changes = {ecs.LISTENER_RULE: "ModifyRule", ecs.LISTENER: "ModifyListener"}
        action = changes.get(route.type) if route is not None else None
        # Which rules and groups a policy names is not compared: it must allow the action at all.
        permissions: list[tuple[str, Arns | None]] = [
            ("elasticloadbalancing:RegisterTargets", None),
            ("elasticloadbalancing:DeregisterTargets", None),
            ("elasticloadbalancing:DescribeTargetHealth", ANY_RESOURCE),
        ]
        if action:
            permissions.insert(0, (f"elasticloadbalancing:{action}", None))
        yield from _find_use(
            advanced["RoleArn"],
            f"the role for the load balancer of service `{service.id}`",
            "its deployments fail",
            tuple(permissions),
            "AmazonECSInfrastructureRolePolicyForLoadBalancers",
        )


def _find_use(
    node: Node,
    purpose: str,
    consequence: str = "ECS starts no tasks",
    permissions: tuple[tuple[str, Arns | None], ...] = (),
    policy: str = "",
) -> Iterator[_Use]:
    role = find_role(node)
    if role is not None:
        yield _Use(role, purpose, consequence, permissions, policy)


@rule(
    "E9297",
    "A role that ECS must assume does not trust ecs.amazonaws.com.",
    error_messages=(
        "ECS was unable to manage the ELB resources due to missing permissions on ECS "
        "Infrastructure Role '...'",
        "One or more lifecycle hook(s) failed. ECS was unable to assume role ...",
    ),
    fix="Write the principal ecs.amazonaws.com in the trust policy of the role.",
    sources=(
        "AWS docs: Amazon ECS infrastructure IAM role for load balancers",
        "AWS docs: Permissions required for Lambda functions in Amazon ECS blue/green deployments",
        "AWS docs: Amazon ECS infrastructure IAM role",
    ),
    failure_ids=("svc-hook-role-trusts-lambda", "bg-role-trusts-tasks"),
)
def role_does_not_trust_ecs(view: View) -> Iterator[Problem]:
    """ECS itself, ecs.amazonaws.com, assumes the role that changes listener rules, the role that
    invokes a lifecycle hook's function, and the roles for EBS volumes, VPC Lattice, Service Connect
    TLS and managed instances. The principal ecs-tasks.amazonaws.com assumes the roles of tasks, and
    lambda.amazonaws.com the function's own role."""
    reported: set[Resource] = set()
    for use in _find_uses(view):
        if use.role in reported or trusts(use.role, "ecs") is not False:
            continue
        reported.add(use.role)
        trusted = trusted_services(use.role)
        but_trusted = f" but {join_and(trusted)}" if trusted else ""
        yield problem(
            use.role["AssumeRolePolicyDocument"],
            f"Role `{use.role.id}`, {use.purpose}, does not trust ecs.amazonaws.com{but_trusted}, "
            f"so {use.consequence}",
            "Write `Service: ecs.amazonaws.com`.",
        )


@rule(
    "E9298",
    "The role for traffic shifting or of a lifecycle hook lacks permissions.",
    error_messages=(
        "... is not authorized to perform: elasticloadbalancing:ModifyListener",
        "failed to register targets ...",
        "failed to describe target health ... elasticloadbalancing:DescribeTargetHealth",
        "ECS was unable to invoke hook target ... lambda:InvokeFunction",
    ),
    fix="Attach AmazonECSInfrastructureRolePolicyForLoadBalancers to the role that shifts traffic, "
    "and allow lambda:InvokeFunction on the function to the role of a hook.",
    sources=(
        "AWS docs: Amazon ECS infrastructure IAM role for load balancers",
        "AWS docs: Permissions required for Lambda functions in Amazon ECS blue/green deployments",
        "AWS docs: Troubleshooting Amazon ECS blue/green deployments",
    ),
    failure_ids=("bg-role-without-permission",),
)
def role_lacks_permissions(view: View) -> Iterator[Problem]:
    """With its role for load balancers, ECS registers tasks, reads their health and changes the
    weights of the listener rule or listener. With the role of a hook it invokes the function. The
    service is created without an error, and its deployments fail."""
    reported: set[tuple[Resource, tuple[str, ...]]] = set()
    for use in _find_uses(view):
        missing = tuple(
            action for action, arn in use.permissions if allows(use.role, action, arn) is False
        )
        if not missing or (use.role, missing) in reported:
            continue
        reported.add((use.role, missing))
        policy = f"`arn:${{AWS::Partition}}:iam::aws:policy/{use.policy}`"
        yield problem(
            use.role,
            f"Role `{use.role.id}`, {use.purpose}, does not allow {join_and(missing)}, so "
            f"{use.consequence}",
            f"Write {policy} in ManagedPolicyArns."
            if use.policy
            else f"Allow {join_and(missing)} on the function.",
        )


RULES = (role_does_not_trust_ecs, role_lacks_permissions)
