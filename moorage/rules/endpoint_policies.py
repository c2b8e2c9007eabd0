"""Policies of VPC endpoints over which tasks pull their images."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn.nodes import Node
from moorage.cfn.permissions import Statement, parse_document
from moorage.cfn.values import Attr
from moorage.cfn.view import Resource, View
from moorage.rules.rule import Problem, problem, rule

_ENDPOINT = "AWS::EC2::VPCEndpoint"
_ACTION = "s3:GetObject"
_LAYERS = "starport-layer-bucket"
"""The end of the name of the bucket in which ECR keeps the layers of images, in each region. Amazon
ECR user guide, "Create the Amazon S3 gateway endpoint"."""


@rule(
    "E9756",
    "The policy of an S3 endpoint does not allow the layers of images.",
    error_messages=("CannotPullContainerError",),
    fix="Allow s3:GetObject on `arn:aws:s3:::prod-<region>-starport-layer-bucket/*`.",
    sources=("Amazon ECR user guide: Create the Amazon S3 gateway endpoint",),
)
def layers_not_allowed(view: View) -> Iterator[Problem]:
    """In a VPC with endpoints of ECR, tasks read the layers of their image from S3 over the gateway
    endpoint. If its policy only allows other buckets, no task can pull its image, so none
    starts."""
    for endpoint in view.resources_of_type(_ENDPOINT):
        policy = endpoint["PolicyDocument"]
        if not _is_gateway_of_s3(endpoint) or policy.absent or not _has_ecr(view, endpoint):
            continue
        policies = parse_document(policy)
        if policies.complete and not any(map(_may_allow_layers, policies.statements)):
            yield problem(
                policy,
                f"The policy of endpoint `{endpoint.id}` does not allow `{_ACTION}` on the bucket "
                f"in which ECR keeps the layers of images",
                f"Allow `{_ACTION}` on `!Sub arn:${{AWS::Partition}}:s3:::prod-${{AWS::Region}}-"
                f"{_LAYERS}/*`.",
            )


def _is_gateway_of_s3(endpoint: Resource) -> bool:
    kind = endpoint["VpcEndpointType"]
    return (kind.absent or kind.text == "Gateway") and _service_ends_with(endpoint, ".s3")


def _has_ecr(view: View, endpoint: Resource) -> bool:
    """Whether the VPC of an endpoint has an endpoint from which images are pulled."""
    return any(
        _service_ends_with(other, ".ecr.dkr") and other["VpcId"].is_same_as(endpoint["VpcId"])
        for other in view.resources_of_type(_ENDPOINT)
    )


def _service_ends_with(endpoint: Resource, end: str) -> bool:
    parts = endpoint["ServiceName"].parts
    return bool(parts) and isinstance(parts[-1], str) and parts[-1].endswith(end)


def _may_allow_layers(statement: Statement) -> bool:
    if statement.allows is False or statement.covers_action(_ACTION) is False:
        return False
    resources = statement.node["Resource"]
    return resources.absent or any(map(_may_be_layers, resources.as_list or (resources,)))


def _may_be_layers(resource: Node) -> bool:
    """Whether a resource may be the bucket of the layers: it is none of the stack's own buckets,
    and its name has a wildcard or an unknown part, or is the name of that bucket."""
    parts = resource.parts
    if any(isinstance(part, Attr) and part.resource.type == "AWS::S3::Bucket" for part in parts):
        return False
    text = "".join(part if isinstance(part, str) else "*" for part in parts) or "*"
    bucket = text.rpartition(":::")[2].partition("/")[0]
    return _LAYERS in bucket or "*" in bucket or "?" in bucket


RULES = (layers_not_allowed,)
