"""Quotas of the account that the stacks of a deployment would exceed together.

CloudFormation's validation looks at each change set alone, and stacks whose change sets are created
later are not looked at before the others are deployed. Asked for are the quotas that a small
environment reaches, and only if something that counts for them will be created: two requests for
each, or more if there are many load balancers. NAT gateways have no entry of their own: each takes
an Elastic IP address, and the quotas are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from moorage.deploy.aws import Aws
from moorage.deploy.change_sets import Preview, Problem
from moorage.deploy.diagnosis.params_place import find_type_place
from moorage.deploy.target import DeployStack
from moorage.facts import quotas
from moorage.facts.quotas import Quota
from moorage.records import record

_LOAD_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
_AMAZON = "amazon"
"""The pool of Elastic IP addresses that are Amazon's; brought ones do not count."""


@record
class _Counted:
    quota: Quota
    type: str
    is_counted: Callable[[Mapping[str, Any]], bool]
    """Whether a resource of the type with these properties counts."""
    count_used: Callable[[Aws], int]


def _load_balancers(kind: str) -> Callable[[Aws], int]:
    def count(aws: Aws) -> int:
        pages = aws.elbv2.get_paginator("describe_load_balancers").paginate()
        return sum(item.get("Type") == kind for page in pages for item in page["LoadBalancers"])

    return count


def _count_vpcs(aws: Aws) -> int:
    pages = aws.other("ec2").get_paginator("describe_vpcs").paginate()
    return sum(len(page["Vpcs"]) for page in pages)


def _count_addresses(aws: Aws) -> int:
    addresses = aws.other("ec2").describe_addresses()["Addresses"]
    return sum(item.get("PublicIpv4Pool", _AMAZON) == _AMAZON for item in addresses)


_COUNTED = (
    _Counted(quotas.VPCS, "AWS::EC2::VPC", lambda properties: True, _count_vpcs),
    _Counted(
        quotas.ELASTIC_IPS,
        "AWS::EC2::EIP",
        lambda properties: "PublicIpv4Pool" not in properties,
        _count_addresses,
    ),
    _Counted(
        quotas.ALBS,
        _LOAD_BALANCER,
        lambda properties: properties.get("Type", "application") == "application",
        _load_balancers("application"),
    ),
    _Counted(
        quotas.NLBS,
        _LOAD_BALANCER,
        lambda properties: properties.get("Type") == "network",
        _load_balancers("network"),
    ),
)


def find_exceeded_quotas(aws: Aws, previews: Sequence[Preview]) -> dict[str, Problem]:
    """A problem for each quota that is exceeded, by the name of the stack with the first resource
    that is too much. What may not be looked at is not reported: the deployment finds it out."""
    problems: dict[str, Problem] = {}
    for counted in _COUNTED:
        created = [
            (preview.stack, logical_id)
            for preview in previews
            for logical_id, resource in _created_resources(preview)
            if resource.get("Type") == counted.type
            and counted.is_counted(resource.get("Properties", {}))
        ]
        if not created:
            continue
        try:
            quota = _read_quota(aws, counted.quota)
            used = counted.count_used(aws)
        except ClientError:
            continue
        if used + len(created) > quota:
            stack, logical_id = created[max(quota - used, 0)]
            text = _message(counted.quota, quota, used, len(created), aws.region)
            problems.setdefault(stack.name, _problem(stack, logical_id, counted.type, text))
    return problems


def _created_resources(preview: Preview) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The resources of the template that are created, also in place of others, which are deleted
    only afterwards."""
    resources: Mapping[str, Any] = preview.stack.body.get("Resources", {})
    if preview.kind == "later" or (preview.kind == "create" and not preview.changes):
        yield from resources.items()
    for change in preview.changes:
        if change.action == "Add" or change.replacement == "True":
            yield change.logical_id, resources.get(change.logical_id, {})


def _read_quota(aws: Aws, quota: Quota) -> int:
    answer = aws.other("service-quotas").get_service_quota(
        ServiceCode=quota.service, QuotaCode=quota.code
    )
    return int(answer["Quota"]["Value"])


def _message(quota: Quota, value: int, used: int, created: int, region: str) -> str:
    command = "aws service-quotas request-service-quota-increase"
    return (
        f"the quota `{quota.name}` is {value}: {used} exist, and this deployment creates "
        f"{created}. Request a higher one: {command} --region {region} --service-code "
        f"{quota.service} --quota-code {quota.code} --desired-value {used + created}"
    )


def _problem(stack: DeployStack, logical_id: str, kind: str, text: str) -> Problem:
    if stack.document is None:
        return Problem("error", text, logical_id)
    at = find_type_place(stack.document, stack.name, logical_id, kind)
    return Problem("error", text, logical_id, at=at)
