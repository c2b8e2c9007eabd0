"""Records and hosted zones of Route 53."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn.tristate import all_of, any_of
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule

_ZONE, _RECORD = "AWS::Route53::HostedZone", "AWS::Route53::RecordSet"
_NAMESPACE = "AWS::ServiceDiscovery::PrivateDnsNamespace"


@rule(
    "E9438",
    "The name of a record is not in its hosted zone.",
    error_messages=("RRSet with DNS name ... is not permitted in zone ...",),
    fix="Write a name that ends with the name of the zone, or the zone of the name.",
    sources=("Amazon Route 53 API reference: ChangeResourceRecordSets",),
    failure_ids=("r53-record-outside-the-zone",),
)
def record_outside_zone(view: View) -> Iterator[Problem]:
    """A hosted zone has only records of its own name and of names that end with it."""
    zones = {zone["Name"].text: zone for zone in view.resources_of_type(_ZONE)}
    for record in view.resources_of_type(_RECORD):
        zone = record["HostedZoneId"].resource or zones.get(record["HostedZoneName"].text)
        if zone is None or zone.type != _ZONE:
            continue
        name, zone_name = _normalize(record["Name"].text), _normalize(zone["Name"].text)
        if name and zone_name and name != zone_name and not name.endswith(f".{zone_name}"):
            yield problem(
                record["Name"],
                f"Record `{record.id}` has the name `{name}`, which is not in the zone "
                f"`{zone_name}`",
                f"Write a name that ends with `.{zone_name}`.",
            )


def _normalize(name: str | None) -> str:
    return (name or "").rstrip(".").lower()


@rule(
    "E9439",
    "A VPC has two private hosted zones with the same name.",
    error_messages=(
        "ConflictingDomainExists: ... The VPC ... has already been associated with the hosted zone "
        "... with the same domain name.",
    ),
    fix="Write another name, or use the hosted zone that Cloud Map creates for the namespace.",
    sources=("AWS Cloud Map API reference: CreatePrivateDnsNamespace",),
    failure_ids=("sd-namespace-and-zone-of-one-name",),
)
def namespace_and_zone_of_same_name(view: View) -> Iterator[Problem]:
    """A private DNS namespace of Cloud Map creates a private hosted zone with its name, and a VPC
    can have only one such zone."""
    for namespace in view.resources_of_type(_NAMESPACE):
        for zone in view.resources_of_type(_ZONE):
            same_vpc = any_of(
                vpc["VPCId"].is_same_as(namespace["Vpc"]) for vpc in zone["VPCs"].items
            )
            if all_of((zone["Name"].is_same_as(namespace["Name"]), same_vpc)):
                yield problem(
                    zone["Name"],
                    f"Hosted zone `{zone.id}` and namespace `{namespace.id}` have the same name in "
                    f"the same VPC",
                    "Write another name, or remove the hosted zone and use that of the namespace.",
                )


RULES = (record_outside_zone, namespace_and_zone_of_same_name)
