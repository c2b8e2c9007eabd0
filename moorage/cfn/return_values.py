"""What `Ref` and `Fn::GetAtt` return for a resource, as texts of known and unknown parts.

Source: AWS docs, the return values of each type.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from moorage.cfn.stack import Resource
from moorage.cfn.values import Attr, OneOf, Unknown
from moorage.facts.ecr_repositories import REGISTRY_HOST_PART
from moorage.facts.secret_references import SUFFIX_LENGTH

Parts = Sequence[str | Attr | Unknown | OneOf]

PARTITION, REGION, ACCOUNT = (
    Unknown(f"AWS::{name}") for name in ("Partition", "Region", "AccountId")
)
UNIQUE, CHARACTER = " (unique)", " (character)"
"""Suffixes of attributes that stand for a part of a return value: a name or an ID that no other
resource has, and a single character."""


def resolve_return_value(attr: Attr) -> Parts:
    """The parts of a return value; empty if nothing is known of it."""
    resource, name = attr.resource, attr.name
    resolve = _RESOLVERS.get(resource.type)
    parts = resolve(resource, name) if resolve else ()
    if parts or name == "Ref":
        return parts
    if name == "MasterUserSecret.SecretArn":
        return arn_parts("secretsmanager", "secret:", _unique(resource, name))
    return ("arn:", Attr(resource, f"{name} after arn:")) if name.endswith("Arn") else ()


def arn_parts(service: str, *rest: str | Attr | Unknown | OneOf, region: bool = True) -> Parts:
    """The ARN of something in the account of the stack, and in its region unless `region` is
    false."""
    region_parts: Parts = (":", REGION) if region else (":",)
    return ("arn:", PARTITION, f":{service}", *region_parts, ":", ACCOUNT, ":", *rest)


def _unique(resource: Resource, name: str) -> Attr:
    """A name or an ID that no other resource has, as a part that is not resolved further."""
    return Attr(resource, f"{name}{UNIQUE}")


def _physical_name_parts(resource: Resource, key: str) -> Parts:
    """The name in a property, or else the name that CloudFormation generates from the name of the
    stack and the logical ID. Source: CloudFormation user guide, "Name type"."""
    name = resource[key]
    if name.present:
        return name.parts or (Unknown(f"{resource.stack.name}.{resource.id}.{key}"),)
    stack_name = resource.stack.resolve_ref("AWS::StackName")
    prefix = stack_name if isinstance(stack_name, str | Unknown) else ""
    return (prefix, "-", _unique(resource, "name"))


def _resolve_secret(resource: Resource, attribute: str) -> Parts:
    if attribute not in ("Ref", "Id"):
        return ()
    name = resource["Name"]
    unknown = Unknown(f"{resource.stack.name}.{resource.id}.Name")
    name_parts = (name.parts or (unknown,)) if name.present else (_unique(resource, "name"),)
    suffix = tuple(Attr(resource, f"{index}.{CHARACTER}") for index in range(SUFFIX_LENGTH))
    return arn_parts("secretsmanager", "secret:", *name_parts, "-", *suffix)


def _resolve_attachment(resource: Resource, attribute: str) -> Parts:
    """A SecretTargetAttachment returns the ARN of the secret that it attaches."""
    return resource["SecretId"].parts if attribute in ("Ref", "Id") else ()


def _resolve_parameter(resource: Resource, attribute: str) -> Parts:
    name = resource["Name"]
    return name.parts if attribute == "Ref" and name.present else ()


def _resolve_role(resource: Resource, attribute: str) -> Parts:
    if attribute not in ("Ref", "Arn"):
        return ()
    name = _physical_name_parts(resource, "RoleName")
    path = resource["Path"].parts or ("/",)
    return name if attribute == "Ref" else arn_parts("iam", "role", *path, *name, region=False)


def _resolve_log_group(resource: Resource, attribute: str) -> Parts:
    name = _physical_name_parts(resource, "LogGroupName")
    if attribute == "Ref":
        return name
    return arn_parts("logs", "log-group:", *name, ":*") if attribute == "Arn" else ()


def _resolve_repository(resource: Resource, attribute: str) -> Parts:
    name = resource["RepositoryName"].parts or (_unique(resource, "name"),)
    if attribute == "Ref":
        return name
    if attribute == "RepositoryUri":
        return (ACCOUNT, REGISTRY_HOST_PART, REGION, ".", Unknown("AWS::URLSuffix"), "/", *name)
    return arn_parts("ecr", "repository/", *name) if attribute == "Arn" else ()


def _resolve_key(resource: Resource, attribute: str) -> Parts:
    if attribute in ("Ref", "KeyId"):
        return (_unique(resource, "id"),)
    return arn_parts("kms", "key/", _unique(resource, "id")) if attribute == "Arn" else ()


def _resolve_file_system(resource: Resource, attribute: str) -> Parts:
    file_system_id = _unique(resource, "id")
    if attribute in ("Ref", "FileSystemId"):
        return (file_system_id,)
    is_arn = attribute == "Arn"
    return arn_parts("elasticfilesystem", "file-system/", file_system_id) if is_arn else ()


_RESOLVERS: dict[str, Callable[[Resource, str], Parts]] = {
    "AWS::SecretsManager::Secret": _resolve_secret,
    "AWS::SecretsManager::SecretTargetAttachment": _resolve_attachment,
    "AWS::SSM::Parameter": _resolve_parameter,
    "AWS::IAM::Role": _resolve_role,
    "AWS::Logs::LogGroup": _resolve_log_group,
    "AWS::ECR::Repository": _resolve_repository,
    "AWS::KMS::Key": _resolve_key,
    "AWS::EFS::FileSystem": _resolve_file_system,
}
