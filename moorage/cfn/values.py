"""What a property of a template can turn out to be, besides the plain values of JSON.

A rule that meets one of these decides by what it says, and never by what it might be: that is how
rules stay silent about what only the deployment knows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from moorage.cfn.view import Resource


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()
"""The property is not there, or is AWS::NoValue."""


ZONE_PREFIX: Final = "zone of the region: "
"""How the token of `Fn::Select` from `Fn::GetAZs` begins: other numbers are other zones."""


@dataclass(frozen=True)
class Unknown:
    """Known to CloudFormation alone. The same token stands for the same value."""

    token: str
    default: Any = field(default=None, compare=False)
    """What it is by the parameters' defaults, where it hangs on them: a hint, not a fact."""
    excluded: frozenset[str] = field(default=frozenset(), compare=False)
    """Texts that it certainly is not."""


@dataclass(frozen=True)
class OneOf:
    """One of a parameter's allowed values, or what follows from them."""

    values: tuple[str, ...]
    token: str
    default: Any = field(default=None, compare=False)


@dataclass(frozen=True)
class Attr:
    """What a resource returns: `Ref`, or the attribute's name."""

    resource: Resource
    name: str


@dataclass(frozen=True)
class Text:
    """A text of which some parts are not known."""

    parts: tuple[str | Attr | Unknown | OneOf, ...]


def join_parts(parts: list[Any]) -> Any:
    """Parts put together: plain text where all are plain, the part itself where it is the only one.

    >>> joined(["a", "-", "b"]), joined(["", "x"])
    ('a-b', 'x')
    """
    flat: list[Any] = []
    for part in parts:
        for one in part.parts if isinstance(part, Text) else (part,):
            if isinstance(one, str) and flat and isinstance(flat[-1], str):
                flat[-1] += one
            elif one != "":
                flat.append(one)
    if not flat:
        return ""
    if len(flat) == 1:
        return flat[0]
    choices = [one for one in flat if isinstance(one, OneOf)]
    if len(choices) == 1 and all(isinstance(one, str | OneOf) for one in flat):
        only = choices[0]
        made = tuple(
            "".join(one if isinstance(one, str) else value for one in flat) for value in only.values
        )
        return OneOf(made, f"{[one if isinstance(one, str) else one.token for one in flat]}")
    return Text(tuple(flat))


def as_text(value: Any) -> str | None:
    """A scalar as CloudFormation passes it on, always as text; None for anything else.

    >>> plain(True), plain(80), plain("x"), plain([])
    ('true', '80', 'x', None)
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, str | int | float) else None


_IDS = {
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
"""The attribute that is what `Ref` gives. Source: AWS docs, the return values of each type."""
_FREE = ("Custom::", "AWS::CloudFormation::")
"""Types that return what they like, two of them the same if they like."""


def _same_attribute(one: Attr, other: Attr) -> bool | None:
    ids = is_ref_equivalent(one) and is_ref_equivalent(other)
    if one.resource is other.resource:
        return True if one.name == other.name or ids else None
    own = all(is_ref_equivalent(attr) or attr.name == "Arn" for attr in (one, other))
    return None if not own or any(_is_free(attr) for attr in (one, other)) else False


def is_ref_equivalent(attr: Attr) -> bool:
    """Whether what is returned is what `Ref` gives, and the resource is one of AWS: then it is
    the same by whichever attribute, and no other resource's."""
    return attr.name in ("Ref", _IDS.get(attr.resource.type)) and not _is_free(attr)


def _is_free(attr: Attr) -> bool:
    return attr.resource.type.startswith(_FREE)


def are_same(one: Any, other: Any) -> bool | None:
    """Whether two values are one and the same; None where only the deployment knows."""
    if isinstance(one, Attr) and isinstance(other, Attr):
        return _same_attribute(one, other)
    left, right = as_text(one), as_text(other)
    if left is not None and right is not None:
        return left == right
    if isinstance(one, OneOf) and right is not None:
        return None if right in one.values else False
    if isinstance(other, OneOf) and left is not None:
        return None if left in other.values else False
    if isinstance(one, Unknown | OneOf | Text) and one == other:
        return True
    if isinstance(one, Unknown) and isinstance(other, Unknown):
        return (
            False
            if one.token.startswith(ZONE_PREFIX) and other.token.startswith(ZONE_PREFIX)
            else None
        )
    for unknown, text in ((one, right), (other, left)):
        if isinstance(unknown, Unknown) and text in unknown.excluded:
            return False
        if isinstance(unknown, Text) and text is not None and not _may_be(unknown, text):
            return False
    return None


def _may_be(text: Text, literal: str) -> bool:
    """Whether a text may turn out to be that literal, by the parts of it that are known.

    >>> from moorage.cfn.values import Unknown as U
    >>> [_may_be(Text((U("AWS::StackName"), "-app")), one) for one in ("x-app", "app")]
    [True, False]
    """
    first, last = text.parts[0], text.parts[-1]
    said = [one for one in text.parts if isinstance(one, str)]
    if any("{{" in one for one in said):
        return True
    return (
        literal.startswith(first if isinstance(first, str) else "")
        and literal.endswith(last if isinstance(last, str) else "")
        and sum(map(len, said)) <= len(literal)
    )
