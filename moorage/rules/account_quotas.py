"""Quotas of an account and region: how many resources of a kind it can have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from moorage.cfn import ecs, networks
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.facts import quotas
from moorage.facts.quotas import Quota
from moorage.rules.quotas import advise_request, name_owner
from moorage.rules.rule import Problem, problem, rule

_BY_TYPE: tuple[tuple[str, Quota], ...] = (
    ("AWS::IAM::Role", quotas.ROLES),
    ("AWS::IAM::InstanceProfile", quotas.INSTANCE_PROFILES),
    (networks.VPC, quotas.VPCS),
    (networks.SECURITY_GROUP, quotas.SECURITY_GROUPS),
    ("AWS::EC2::EIP", quotas.ELASTIC_IPS),
    (ecs.TARGET_GROUP, quotas.TARGET_GROUPS),
)
"""Quotas of an account and region for all resources of a type."""


@rule(
    "W9992",
    "The templates need a higher quota of the account.",
    error_messages=("AddressLimitExceeded", "VpcLimitExceeded", "LimitExceeded"),
    fix="Request a higher quota before the deployment, or use another account or region for some "
    "of the stacks.",
    sources=(
        "AWS docs: Amazon VPC quotas",
        "AWS docs: Error codes for the Amazon EC2 API",
        "AWS docs: Quotas for your Application Load Balancers",
        "AWS docs: Quotas for your Network Load Balancers",
        "AWS docs: IAM and AWS STS quotas",
        "AWS docs: Understand CloudFormation quotas",
        "AWS docs: Quotas for Application Auto Scaling",
    ),
)
def account_needs_higher_quota(view: View) -> Iterator[Problem]:
    """An account has a quota of each kind of resource, which AWS raises on request: 5 Elastic IP
    addresses and 5 VPCs in a region, 1,000 IAM roles, 50 load balancers of a type, 2,000 stacks.
    The templates of an environment are counted together; what else the account has is not
    known."""
    for quota, where, resources in _counts_of_account(view):
        if len(resources) > quota.value:
            yield problem(
                resources[quota.value],
                f"The templates have {len(resources):,} resources {where}that count for the quota "
                f"`{quota.name}`, which is {quota.value:,}",
                f"{advise_request([(quota, len(resources))])}, plus what the account has already.",
            )
    if len(view.stacks) > quotas.STACKS.value:
        node = view.stacks[quotas.STACKS.value].node({}, ())
        yield problem(
            node,
            f"There are {len(view.stacks):,} templates, and the quota `{quotas.STACKS.name}` is "
            f"{quotas.STACKS.value:,}",
            f"{advise_request([(quotas.STACKS, len(view.stacks))])}.",
        )


def _counts_of_account(view: View) -> Iterator[tuple[Quota, str, list[Resource]]]:
    for resource_type, quota in _BY_TYPE:
        yield quota, "", list(view.resources_of_type(resource_type))
    kinds = {"application": quotas.ALBS, "network": quotas.NLBS}
    for kind, quota in kinds.items():
        balancers = view.resources_of_type(ecs.LOAD_BALANCER)
        yield quota, "", [item for item in balancers if ecs.load_balancer_type(item) == kind]
    targets = view.resources_of_type(ecs.SCALABLE_TARGET)
    is_ecs = [target for target in targets if target["ServiceNamespace"].text == "ecs"]
    yield quotas.ECS_SCALABLE_TARGETS, "", is_ecs
    for service_quota, groups in (
        (quotas.SERVICES_PER_CLUSTER, _group_by_value(ecs.services(view), "Cluster")),
        (quotas.SUBNETS_PER_VPC, _group_by_value(view.resources_of_type(networks.SUBNET), "VpcId")),
        (quotas.INTERFACE_ENDPOINTS_PER_VPC, _group_by_value(_interface_endpoints(view), "VpcId")),
        (quotas.NAT_GATEWAYS_PER_ZONE, _nat_gateways_by_zone(view)),
    ):
        for name, resources in groups.items():
            yield service_quota, f"with {name} ", resources


def _group_by_value(resources: Iterable[Resource], key: str) -> dict[str, list[Resource]]:
    """Resources by the value of a property, in words."""
    groups: dict[Any, list[Resource]] = {}
    for resource in resources:
        node = resource[key]
        owner = node.resource or node.text
        if owner is not None:
            groups.setdefault(owner, []).append(resource)
    return {f"the {key} {name_owner(owner)}": group for owner, group in groups.items()}


def _interface_endpoints(view: View) -> Iterator[Resource]:
    for endpoint in view.resources_of_type(networks.VPC_ENDPOINT):
        if endpoint["VpcEndpointType"].text == "Interface":
            yield endpoint


def _nat_gateways_by_zone(view: View) -> dict[str, list[Resource]]:
    groups: dict[str, list[Resource]] = {}
    for gateway in view.resources_of_type(networks.NAT_GATEWAY):
        subnet = gateway["SubnetId"].resource
        if subnet is not None and subnet["AvailabilityZone"].present:
            groups.setdefault(str(subnet["AvailabilityZone"].value), []).append(gateway)
    return {"the same Availability Zone": max(groups.values(), key=len)} if groups else {}


@rule(
    "W9993",
    "A role needs a higher quota for managed policies.",
    error_messages=("Cannot exceed quota for PoliciesPerRole: 10",),
    fix="Request a higher quota before the deployment, or write inline policies.",
    sources=("AWS docs: IAM and AWS STS quotas", "aws/eks-hybrid#741"),
)
def role_needs_higher_quota(view: View) -> Iterator[Problem]:
    """IAM attaches 10 managed policies to a role unless the quota of the account is raised, to 20
    at most."""
    for role in view.resources_of_type("AWS::IAM::Role"):
        policies = role["ManagedPolicyArns"]
        number = sum(not policy.optional for policy in policies.items)
        if number > quotas.MANAGED_POLICIES_PER_ROLE:
            yield problem(
                policies,
                f"Role `{role.id}` has {number} managed policies, and the quota is "
                f"{quotas.MANAGED_POLICIES_PER_ROLE}",
                f"Request at least {number} for the quota `Managed policies per role` before the "
                f"deployment, or write inline policies.",
            )


RULES = (account_needs_higher_quota, role_needs_higher_quota)
