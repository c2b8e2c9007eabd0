"""Values of properties that are only partly known before the deployment.

Rules use what is known of such a value, and report nothing that depends on the unknown part.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import field
from typing import TYPE_CHECKING, Any, Final

from moorage.records import record

if TYPE_CHECKING:
    from moorage.cfn.stack import Resource


Path = tuple[str | int, ...]
"""The keys and indices from the top of a template to a value."""


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()
"""The property is absent, or is AWS::NoValue."""


ZONE_PREFIX: Final = "zone of the region: "
"""Prefix of the token of `Fn::Select` from `Fn::GetAZs`: different indices are different zones."""


@record
class Unknown:
    """A value that only the deployment knows. Equal tokens are the same value."""

    token: str
    default: Any = field(default=None, compare=False)
    """The value with the parameters' defaults, if it depends on parameters: a hint, not a fact."""
    excluded: frozenset[str] = field(default=frozenset(), compare=False)
    """Texts that it cannot be."""

    @property
    def is_pseudo_parameter(self) -> bool:
        """Whether it is a value such as `AWS::Region`, of any stack."""
        return re.search(r"(?:^|:)AWS::\w+$", self.token) is not None


@record
class OneOf:
    """One of a parameter's allowed values, or a value derived from them."""

    values: tuple[str, ...]
    token: str
    default: Any = field(default=None, compare=False)


@record
class Attr:
    """A return value of a resource: `Ref`, or an attribute by its name."""

    resource: Resource
    name: str


@record
class Text:
    """A text with some unknown parts."""

    parts: tuple[str | Attr | Unknown | OneOf, ...]


UNKNOWN: Final = (Unknown, OneOf, Text)
"""What is not known before the deployment."""
KNOWN_LATER: Final = (*UNKNOWN, Attr)
"""What is known only then, or is an attribute of a resource."""


def join_parts(parts: list[Any]) -> Any:
    """Concatenates parts: a plain text if all parts are texts; the part itself if it is the only
    one.

    >>> join_parts(["a", "-", "b"]), join_parts(["", "x"])
    ('a-b', 'x')
    """
    flat: list[Any] = []
    for part in parts:
        for piece in part.parts if isinstance(part, Text) else (part,):
            if isinstance(piece, str) and flat and isinstance(flat[-1], str):
                flat[-1] += piece
            elif piece != "":
                flat.append(piece)
    if not flat:
        return ""
    if len(flat) == 1:
        return flat[0]
    choices = [piece for piece in flat if isinstance(piece, OneOf)]
    if len(choices) == 1 and all(isinstance(piece, str | OneOf) for piece in flat):
        values = tuple(
            "".join(piece if isinstance(piece, str) else value for piece in flat)
            for value in choices[0].values
        )
        token = f"{[piece if isinstance(piece, str) else piece.token for piece in flat]}"
        return OneOf(values, token)
    return Text(tuple(flat))


_NUMBERS = (int, float)


def as_text(value: Any) -> str | None:
    """A scalar as the text that CloudFormation passes to AWS; None for anything else.

    >>> as_text(True), as_text(80), as_text("x"), as_text([])
    ('true', '80', 'x', None)
    """
    if isinstance(value, str):
        return str(value)
    if not isinstance(value, _NUMBERS):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


_REF_ATTRIBUTES = {
    "AWS::EC2::InternetGateway": "InternetGatewayId",
    "AWS::EC2::NatGateway": "NatGatewayId",
    "AWS::EC2::RouteTable": "RouteTableId",
    "AWS::EC2::SecurityGroup": "GroupId",
    "AWS::EC2::Subnet": "SubnetId",
    "AWS::EC2::VPC": "VpcId",
    "AWS::ECS::Service": "ServiceArn",
    "AWS::ECS::TaskDefinition": "TaskDefinitionArn",
    "AWS::EFS::AccessPoint": "AccessPointId",
    "AWS::EFS::FileSystem": "FileSystemId",
    "AWS::ElasticLoadBalancingV2::Listener": "ListenerArn",
    "AWS::ElasticLoadBalancingV2::ListenerRule": "RuleArn",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "LoadBalancerArn",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "TargetGroupArn",
}
"""The attribute that equals `Ref`. Source: AWS docs, the return values of each type."""
_ARBITRARY = ("Custom::", "AWS::CloudFormation::")
"""Types with arbitrary return values, which two resources may share."""


def _same_attribute(left: Attr, right: Attr) -> bool | None:
    both_refs = is_ref_equivalent(left) and is_ref_equivalent(right)
    if left.resource is right.resource:
        return True if left.name == right.name or both_refs else None
    unique = all(is_ref_equivalent(attr) or attr.name == "Arn" for attr in (left, right))
    return None if not unique or any(_is_arbitrary(attr) for attr in (left, right)) else False


def is_ref_equivalent(attr: Attr) -> bool:
    """Whether an attribute equals `Ref`, and its resource is of an AWS type: then the value is the
    same for both, and no other resource has it."""
    return attr.name in ("Ref", _REF_ATTRIBUTES.get(attr.resource.type)) and not _is_arbitrary(attr)


def _is_arbitrary(attr: Attr) -> bool:
    return attr.resource.type.startswith(_ARBITRARY)


def are_same(left: Any, right: Any) -> bool | None:
    """Whether two values are the same; None if only the deployment knows."""
    if isinstance(left, Attr) and isinstance(right, Attr):
        return _same_attribute(left, right)
    left_text, right_text = as_text(left), as_text(right)
    if left_text is not None and right_text is not None:
        return left_text == right_text
    if isinstance(left, OneOf) and right_text is not None:
        return None if right_text in left.values else False
    if isinstance(right, OneOf) and left_text is not None:
        return None if left_text in right.values else False
    if isinstance(left, UNKNOWN) and left == right:
        return True
    if isinstance(left, Unknown) and isinstance(right, Unknown):
        zones = [value.token.startswith(ZONE_PREFIX) for value in (left, right)]
        return False if all(zones) else None
    if _cannot_be(left, right_text) or _cannot_be(right, left_text):
        return False
    return None


def identity(value: Any) -> Hashable:
    """A key for indexes: equal for two values that certainly are the same."""
    if isinstance(value, Attr):
        return value.resource, "Ref" if is_ref_equivalent(value) else value.name
    if value is None or isinstance(value, UNKNOWN):
        return value
    text = as_text(value)
    return id(value) if text is None else text


def _cannot_be(value: Any, text: str | None) -> bool:
    """Whether a value certainly is another one than a text. IDs are never empty."""
    if text is None:
        return False
    if isinstance(value, Attr):
        return not text and is_ref_equivalent(value)
    if isinstance(value, Unknown):
        return text in value.excluded
    return isinstance(value, Text) and not _can_be(value, text)


def _can_be(text: Text, literal: str) -> bool:
    """Whether a text can equal that literal, judged by its known parts.

    >>> from moorage.cfn.values import Unknown as U
    >>> [_can_be(Text((U("AWS::StackName"), "-app")), text) for text in ("x-app", "app")]
    [True, False]
    """
    first, last = text.parts[0], text.parts[-1]
    known = [part for part in text.parts if isinstance(part, str)]
    if any("{{" in part for part in known):
        return True
    return (
        literal.startswith(first if isinstance(first, str) else "")
        and literal.endswith(last if isinstance(last, str) else "")
        and sum(map(len, known)) <= len(literal)
    )
