"""What a template expects to exist: images, parameters, secrets and certificates, hosted zones and
a service-linked role.

`deploy.sh` looks for the first four before anything is created. Only what is certainly in the
stack's own account and Region is listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from moorage.facts.regions import dns_suffix, partition
from moorage.facts.secret_references import ARN_FIELDS
from moorage.records import record

Kind = Literal[
    "image", "own-image", "parameter", "secret", "certificate", "zone", "role", "export", "value"
]
"""`export` is one of a stack that is not of the environment, `value` a parameter of Parameter Store
that CloudFormation reads."""

ECS_ROLE = "AWSServiceRoleForECS"
"""The service-linked role of ECS. ECS creates it with the first cluster of an account. A cluster
with capacity providers, or a capacity provider, can fail before IAM knows the role everywhere
(aws-cloudformation/cloudformation-coverage-roadmap#818; terraform-aws-modules/terraform-aws-ecs,
issue 26).
The roles of Elastic Load Balancing and Application Auto Scaling are created in time with the first
load balancer and the first scalable target (Elastic Load Balancing user guide and Application Auto
Scaling user guide, "Service-linked roles")."""

_UNKNOWN_ACCOUNT = "0" * 12
_VARIABLE = re.compile(r"\$\{(AWS::(?:AccountId|Region|Partition|URLSuffix))\}")
_IMAGE = re.compile(
    r"(?P<account>[0-9]{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+/"
    r"(?P<name>[a-z0-9][a-z0-9._/-]*?)(?::(?P<tag>\w[\w.-]*))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)
_ARN = re.compile(
    r"arn:[a-z-]+:(?P<service>[a-z]+):(?P<region>[a-z0-9-]*):(?P<account>[0-9]*):.*", re.ASCII
)
_PARAMETER = re.compile(r"[\w/.][\w/.-]*", re.ASCII)
_SECRET = re.compile(r"[\w/+=.@][\w/+=.@-]*", re.ASCII)
_CERTIFICATE = re.compile(r"certificate/[\w-]+", re.ASCII)
_ZONE = re.compile(r"(?:/hostedzone/)?(Z[A-Z0-9]{1,31})", re.ASCII)
_KEYS = {"Image", "ValueFrom", "CertificateArn"}
_LISTS = {"Secrets", "SecretOptions"}


@record
class Need:
    """Something that must exist before a resource of a stack can work."""

    kind: Kind
    name: str
    """As AWS names it: `kelp/web`, `/kelp/db_password`, `Z0123456789ABC`, or an ARN."""
    logical_id: str
    """The first resource of the stack that refers to it."""
    version: str = ""
    """Of an image: `imageTag=1.4.2` or `imageDigest=sha256:...`. Of a hosted zone: a record."""


def find_needs(body: Mapping[str, Any], region: str, account: str | None) -> tuple[Need, ...]:
    """What a template needs in its account and Region, each once.

    If the account is not known, ARNs and registries with an account ID are left out.
    """
    here = (region, account or _UNKNOWN_ACCOUNT)
    needs: dict[tuple[str, str, str], Need] = {}
    for logical_id, resource in body.get("Resources", {}).items():
        properties = resource.get("Properties", {}) if isinstance(resource, Mapping) else {}
        for need in _needs_of(logical_id, properties, here):
            needs.setdefault((need.kind, need.name, need.version), need)
    return tuple(needs.values())


def find_zones(body: Mapping[str, Any]) -> tuple[Need, ...]:
    """The hosted zones whose IDs a template has, each with the name of the first record in it."""
    needs: dict[str, Need] = {}
    for logical_id, properties in _resources_of(body, "AWS::Route53::RecordSet"):
        zone, name = properties.get("HostedZoneId"), properties.get("Name")
        match = _ZONE.fullmatch(zone) if isinstance(zone, str) else None
        if match is not None:
            record = name.rstrip(".") if isinstance(name, str) else ""
            needs.setdefault(match[1], Need("zone", match[1], logical_id, record))
    return tuple(needs.values())


def find_service_linked_role(body: Mapping[str, Any]) -> tuple[Need, ...]:
    """The role of ECS, if the creation of the template's resources can fail without it."""
    clusters = (
        logical_id
        for logical_id, properties in _resources_of(body, "AWS::ECS::Cluster")
        if properties.get("CapacityProviders")
    )
    providers = (item for item, _ in _resources_of(body, "AWS::ECS::CapacityProvider"))
    return tuple(Need("role", ECS_ROLE, item) for item in (*clusters, *providers))[:1]


def _resources_of(body: Mapping[str, Any], kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for logical_id, resource in body.get("Resources", {}).items():
        if isinstance(resource, Mapping) and resource.get("Type") == kind:
            properties = resource.get("Properties", {})
            yield logical_id, properties if isinstance(properties, Mapping) else {}


def _needs_of(logical_id: str, properties: Any, here: tuple[str, str]) -> Iterator[Need]:
    for path, text in _texts(properties):
        value = _substitute(text, *here)
        if "${" in value:
            continue
        if path[-1] == "Image" and (image := _IMAGE.fullmatch(value)):
            if image.group("region", "account") == here:
                yield Need("image", image["name"], logical_id, image_version(image))
        elif path[-1] == "ValueFrom" and _LISTS & {*path}:
            yield from _secret(value, logical_id, here, is_named=value != text)
        elif path[-1] == "CertificateArn" and _CERTIFICATE.fullmatch(_resource(value, "acm", here)):
            yield Need("certificate", value, logical_id)


def image_version(match: re.Match[str]) -> str:
    """The groups `tag` and `digest` of an image, in the form of Need.version."""
    digest, tag = match["digest"], match["tag"] or "latest"
    return f"imageDigest={digest}" if digest else f"imageTag={tag}"


def _secret(
    value: str, logical_id: str, here: tuple[str, str], *, is_named: bool
) -> Iterator[Need]:
    """The parameter or secret of a ValueFrom. Public parameters of AWS, below `/aws/`, are left
    out: DescribeParameters does not list them."""
    parameter = value
    if secret := _resource(value, "secretsmanager", here):
        # A literal ARN ends with six characters that are not part of the secret's name.
        arn = ":".join(value.split(":")[:ARN_FIELDS])
        name = secret.split(":")[1]
        if _SECRET.fullmatch(name):
            yield Need("secret", name if is_named else arn, logical_id)
        return
    if path := _resource(value, "ssm", here):
        name = path.removeprefix("parameter/")
        parameter = f"/{name}" if "/" in name else name
    if _PARAMETER.fullmatch(parameter) and not parameter.startswith(("/aws/", "aws/")):
        yield Need("parameter", parameter, logical_id)


def _resource(value: str, service: str, here: tuple[str, str]) -> str:
    """The resource of an ARN of a service in this Region and account; empty for anything else."""
    match = _ARN.fullmatch(value)
    if match is None or match["service"] != service or match.group("region", "account") != here:
        return ""
    return value.split(":", 5)[5]


def _texts(properties: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    """The texts of `_KEYS`, and those of `Fn::Sub` without its own variables, with the keys that
    lead to them."""
    todo: list[tuple[tuple[str, ...], Any]] = [((), properties)]
    while todo:
        path, value = todo.pop()
        if isinstance(value, dict) and len(value) == 1 and "Fn::Sub" in value:
            value = value["Fn::Sub"] if isinstance(value["Fn::Sub"], str) else None
        if isinstance(value, str):
            if path and path[-1] in _KEYS:
                yield path, value
        elif isinstance(value, dict):
            todo += [
                ((*path, str(key)), item)
                for key, item in reversed(value.items())
                if key in _KEYS or not isinstance(item, str)
            ]
        elif isinstance(value, list | tuple):
            todo += [(path, item) for item in reversed(value)]


def _substitute(text: str, region: str, account: str) -> str:
    values = {
        "AWS::AccountId": account,
        "AWS::Region": region,
        "AWS::Partition": partition(region),
        "AWS::URLSuffix": dns_suffix(region),
    }
    return _VARIABLE.sub(lambda match: values[match[1]], text)
