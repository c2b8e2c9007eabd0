"""The deletion protection of resources: whether a template turns it on, and how to turn it off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from moorage.deploy.aws import Aws

_ATTRIBUTE = "deletion_protection.enabled"
_PROPERTIES = ("DeletionProtection", "DeletionProtectionEnabled")


def is_protected(body: Mapping[str, Any]) -> bool:
    """Whether a resource of a template has its deletion protection on, of the types for which it
    can be turned off here."""
    properties = body.get("Properties", {})
    attributes = properties.get("LoadBalancerAttributes", ())
    values = [properties.get(name) for name in _PROPERTIES]
    values += [
        item.get("Value")
        for item in attributes
        if isinstance(item, Mapping) and item.get("Key") == _ATTRIBUTE
    ]
    return body.get("Type") in _TURN_OFF and any(str(value).lower() == "true" for value in values)


def turn_protection_off(aws: Aws, kind: str, physical_id: str) -> None:
    """Turns the deletion protection of a resource of that type off."""
    _TURN_OFF[kind](aws, physical_id)


def _of_load_balancer(aws: Aws, arn: str) -> None:
    attributes = [{"Key": _ATTRIBUTE, "Value": "false"}]
    aws.elbv2.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=attributes)  # type: ignore[arg-type]


def _of_table(aws: Aws, name: str) -> None:
    aws.other("dynamodb").update_table(TableName=name, DeletionProtectionEnabled=False)


def _of_instance(aws: Aws, identifier: str) -> None:
    aws.other("rds").modify_db_instance(
        DBInstanceIdentifier=identifier, DeletionProtection=False, ApplyImmediately=True
    )


def _of_cluster(aws: Aws, identifier: str) -> None:
    aws.other("rds").modify_db_cluster(
        DBClusterIdentifier=identifier, DeletionProtection=False, ApplyImmediately=True
    )


_TURN_OFF: Mapping[str, Callable[[Aws, str], None]] = {
    "AWS::DynamoDB::Table": _of_table,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": _of_load_balancer,
    "AWS::RDS::DBCluster": _of_cluster,
    "AWS::RDS::DBInstance": _of_instance,
}
"""By the type of the resource."""
