"""Records and hosted zones of Route 53."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.tristate import all_of, any_of
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule

_ZONE, _RECORD = "AWS::Route53::HostedZone", "AWS::Route53::RecordSet"
_RECORD_GROUP = "AWS::Route53::RecordSetGroup"
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
    for record, node in _records(view):
        zone = record["HostedZoneId"].resource or zones.get(record["HostedZoneName"].text)
        if zone is None or zone.type != _ZONE:
            continue
        name, zone_name = _normalize(node["Name"].text), _normalize(zone["Name"].text)
        if name and zone_name and name != zone_name and not name.endswith(f".{zone_name}"):
            yield problem(
                node["Name"],
                f"Record `{record.id}` has the name `{name}`, which is not in the zone "
                f"`{zone_name}`",
                f"Write a name that ends with `.{zone_name}`.",
            )


@rule(
    "E9092",
    "A hosted zone has a CNAME record with its own name.",
    error_messages=("RRSet of type CNAME with DNS name ... is not permitted at apex in zone ...",),
    fix="Write an alias record of the type `A`, or another name such as `www`.",
    sources=("Amazon Route 53 developer guide: Supported DNS record types, CNAME",),
)
def cname_at_apex(view: View) -> Iterator[Problem]:
    """The name of a hosted zone has NS and SOA records, beside which no CNAME can exist. An alias
    record to a load balancer or a distribution can have this name."""
    for record, node in _records(view):
        zone = record["HostedZoneId"].resource
        name = _normalize(node["Name"].text)
        if zone is not None and zone.type == _ZONE:
            zone_name = _normalize(zone["Name"].text)
        else:
            zone_name = _normalize(record["HostedZoneName"].text)
        if node["Type"].text == "CNAME" and name and name == zone_name:
            yield problem(
                node["Type"],
                f"Record `{record.id}` is a `CNAME` with the name of its zone, `{name}`",
                "Write `Type: A` and `AliasTarget`, or another name.",
            )


def _records(view: View) -> Iterator[tuple[Resource, Node]]:
    """Each record, with the resource that has it and its zone."""
    for record in view.resources_of_type(_RECORD):
        yield record, record.props
    for group in view.resources_of_type(_RECORD_GROUP):
        for node in group["RecordSets"].items:
            yield group, node


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


RULES = (record_outside_zone, cname_at_apex, namespace_and_zone_of_same_name)
