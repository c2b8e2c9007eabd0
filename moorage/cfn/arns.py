"""ARNs of which some parts are not known, and whether a pattern matches one.

An ARN in a template is a text of parts: `arn:${AWS::Partition}:sqs:${AWS::Region}:...`. Here it is
one text in which a character from a private range, a *hole*, stands for each part that only the
deployment knows; the same part is always the same hole. What a resource returns is spelled out as
far as its kind and its name tell, so that a secret's Ref can be held against a pattern of names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import product

from moorage.cfn.nodes import Node
from moorage.cfn.values import Attr, OneOf, Unknown
from moorage.cfn.view import Resource, View
from moorage.facts.ecr_repositories import REGISTRY_HOST_PART
from moorage.facts.secret_references import SUFFIX_LENGTH

Parts = Sequence[str | Attr | Unknown | OneOf]
Arns = tuple[str, ...]
"""All that an ARN can be: one text, or several where a part is one of some values."""

_MOST = 16
_EACH = 0x3000
_FIRST = 0xF0000
# What a hole may hold: anything, wildcards too; what a resource returns; one word between colons
# and slashes; the stack's name; a name or an id that no other resource has; one character.
_FREE, _VALUE, _WORD, _STACK, _OWNED, _ONE = (_FIRST + _EACH * kind for kind in range(6))
_LAST = _ONE + _EACH
_LONG = f"{chr(_FREE)}-{chr(_ONE - 1)}"

_WORDS = frozenset({"AWS::Region", "AWS::AccountId", "AWS::Partition", "AWS::URLSuffix"})
_OWN, _CHARACTER = " of its own", " character of its own"
_MARKS = ((_CHARACTER, _ONE), (_OWN, _OWNED))
_VARIABLE = re.compile(r"\$\{[^}]*\}")
PARTITION, REGION, ACCOUNT = (
    Unknown(f"AWS::{one}") for one in ("Partition", "Region", "AccountId")
)


# Spelling ------------------------------------------------------------------------------------


def expand_parts(view: View, parts: Parts) -> Arns:
    """A text of parts with its holes."""
    return _spelled(view, parts, ())


def expand_arns(node: Node) -> Arns:
    """What a property says, with its holes; nothing where it says nothing."""
    parts = node.parts
    return expand_parts(node.stack.view, parts) if parts else ()


def make_placeholder(view: View, name: str) -> str:
    """A hole for anything, of a name of its own."""
    return _hole(view, name, _FREE)


def make_character_placeholders(view: View, name: str, many: int) -> str:
    """As many holes for one character each."""
    return "".join(_hole(view, f"{name} {at}", _ONE) for at in range(many))


def make_arn(view: View, service: str, rest: str) -> str:
    """The ARN of something in the account and region of the stack."""
    (found,) = expand_parts(view, _arn(service, rest))
    return found


def starts_with_placeholder(text: str) -> bool:
    """Whether it begins with a hole for anything."""
    return _FREE <= ord(text[0]) < _WORD if text else False


def _spelled(view: View, parts: Parts, within: tuple[Attr, ...]) -> Arns:
    choices = [_choices(view, part, within) for part in parts]
    many = 1
    for at, choice in enumerate(choices):
        many *= len(choice)
        if many > _MOST:
            many //= len(choice)
            choices[at] = (_hole(view, repr(parts[at]), _FREE),)
    return tuple("".join(choice) for choice in product(*choices))


def _choices(view: View, part: str | Attr | Unknown | OneOf, within: tuple[Attr, ...]) -> Arns:
    if isinstance(part, str):
        # A policy's own variable, like ${aws:username}, is known to IAM alone.
        pieces = _VARIABLE.split(part)
        return (_hole(view, "policy variable", _FREE).join(pieces),)
    if isinstance(part, OneOf):
        return part.values
    if isinstance(part, Attr):
        parts = () if part in within or len(within) > 4 else resolve_return_value(part)
        if parts:
            return _spelled(view, parts, (*within, part))
        key = f"{part.resource.stack.name}.{part.resource.id}.{part.name}"
        kind = next((kind for mark, kind in _MARKS if part.name.endswith(mark)), _VALUE)
        return (_hole(view, key, kind),)
    kind = _WORD if part.token in _WORDS else _FREE
    return (_hole(view, part.token, _STACK if part.token.endswith(":AWS::StackName") else kind),)


def _hole(view: View, name: str, kind: int) -> str:
    known: dict[tuple[str, int], str] = view.cache.setdefault("holes", {})
    if (name, kind) not in known:
        known[name, kind] = chr(kind + len(known) % _EACH)
    return known[name, kind]


# What resources return -----------------------------------------------------------------------


def resolve_return_value(attr: Attr) -> Parts:
    """An attribute or a Ref spelled out, where its kind is known: else nothing."""
    resource, name = attr.resource, attr.name
    spell = _KINDS.get(resource.type)
    found = spell(resource, name) if spell else ()
    if found or name == "Ref":
        return found
    if name == "MasterUserSecret.SecretArn":
        return _arn("secretsmanager", "secret:", _own(resource, name))
    return ("arn:", Attr(resource, f"{name} after arn:")) if name.endswith("Arn") else ()


def _arn(service: str, *rest: str | Attr | Unknown | OneOf, region: bool = True) -> Parts:
    where: Parts = (":", REGION) if region else (":",)
    return ("arn:", PARTITION, f":{service}", *where, ":", ACCOUNT, ":", *rest)


def _own(resource: Resource, what: str) -> Attr:
    """A name or an id that is the resource's own, and spelled no further."""
    return Attr(resource, f"{what}{_OWN}")


def physical_name_parts(resource: Resource, key: str) -> Parts:
    """A name that is given, or the one that CloudFormation makes from the stack's and the logical
    ID ("AWS docs: Name type")."""
    given = resource[key]
    if given.present:
        return given.parts or (Unknown(f"{resource.stack.name}.{resource.id}.{key}"),)
    stack = resource.stack.resolve_ref("AWS::StackName")
    first = stack if isinstance(stack, str | Unknown) else ""
    return (first, "-", _own(resource, "name"))


def _secret(resource: Resource, name: str) -> Parts:
    if name not in ("Ref", "Id"):
        return ()
    given = resource["Name"]
    unknown = Unknown(f"{resource.stack.name}.{resource.id}.Name")
    said = (given.parts or (unknown,)) if given.present else (_own(resource, "name"),)
    suffix = tuple(Attr(resource, f"{at}.{_CHARACTER}") for at in range(SUFFIX_LENGTH))
    return _arn("secretsmanager", "secret:", *said, "-", *suffix)


def _attached_secret(resource: Resource, name: str) -> Parts:
    """A SecretTargetAttachment returns the ARN of the secret that it attaches."""
    return resource["SecretId"].parts if name in ("Ref", "Id") else ()


def _parameter(resource: Resource, name: str) -> Parts:
    given = resource["Name"]
    return given.parts if name == "Ref" and given.present else ()


def _role(resource: Resource, name: str) -> Parts:
    if name not in ("Ref", "Arn"):
        return ()
    own = physical_name_parts(resource, "RoleName")
    path = resource["Path"].parts or ("/",)
    return own if name == "Ref" else _arn("iam", "role", *path, *own, region=False)


def _log_group(resource: Resource, name: str) -> Parts:
    own = physical_name_parts(resource, "LogGroupName")
    if name == "Ref":
        return own
    return _arn("logs", "log-group:", *own, ":*") if name == "Arn" else ()


def _repository(resource: Resource, name: str) -> Parts:
    own = resource["RepositoryName"].parts or (_own(resource, "name"),)
    if name == "Ref":
        return own
    if name == "RepositoryUri":
        return (ACCOUNT, REGISTRY_HOST_PART, REGION, ".", Unknown("AWS::URLSuffix"), "/", *own)
    return _arn("ecr", "repository/", *own) if name == "Arn" else ()


def _key(resource: Resource, name: str) -> Parts:
    if name in ("Ref", "KeyId"):
        return (_own(resource, "id"),)
    return _arn("kms", "key/", _own(resource, "id")) if name == "Arn" else ()


def _file_system(resource: Resource, name: str) -> Parts:
    if name in ("Ref", "FileSystemId"):
        return (_own(resource, "id"),)
    return _arn("elasticfilesystem", "file-system/", _own(resource, "id")) if name == "Arn" else ()


_KINDS: dict[str, Callable[[Resource, str], Parts]] = {
    "AWS::SecretsManager::Secret": _secret,
    "AWS::SecretsManager::SecretTargetAttachment": _attached_secret,
    "AWS::SSM::Parameter": _parameter,
    "AWS::IAM::Role": _role,
    "AWS::Logs::LogGroup": _log_group,
    "AWS::ECR::Repository": _repository,
    "AWS::KMS::Key": _key,
    "AWS::EFS::FileSystem": _file_system,
}


# Matching ------------------------------------------------------------------------------------


def matches(patterns: Arns, texts: Arns, *, aws_managed: bool = False) -> bool | None:
    """Whether a pattern, in which `*` and `?` stand for anything, matches a text; None where that
    hangs on what is in the holes. `aws_managed`: the pattern is AWS's own, and nobody calls a
    stack so that its name fits."""
    pairs = list(product(patterns, texts))
    if not pairs:
        return None
    if all(_surely(pattern, text) for pattern, text in pairs):
        return True
    return None if any(_possibly(pattern, text, aws_managed) for pattern, text in pairs) else False


@lru_cache(maxsize=4096)
def _surely(pattern: str, text: str) -> bool:
    """Whether it matches whatever is in the holes."""
    if "?" in pattern:
        said = {"*": ".*", "?": f"[^{_LONG}]"}
        expression = "".join(said.get(one) or re.escape(one) for one in pattern)
        return re.fullmatch(expression, text, re.DOTALL) is not None
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == text
    at, end = len(first), len(text) - len(rest[-1])
    if at > end or not text.startswith(first) or not text.endswith(rest[-1]):
        return False
    for piece in rest[:-1]:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


# What one character can be, in a pattern or in a text: a literal, or any of a kind.
_Unit = tuple[str, bool]
_ANY, _WORDLY, _STACKLY, _ITS = "any", "word", "stack", "own"


def _units(text: str, wild: bool) -> list[_Unit]:
    """Each character, or kind of character, and whether it may stand there any number of times."""
    units: list[_Unit] = []
    for one in text:
        code = ord(one)
        if wild and one in "*?":
            units.append((_ANY, one == "*"))
        elif not _FIRST <= code < _LAST:
            units.append((one, False))
        elif code >= _ONE:
            units.append((_WORDLY, False))
        elif code < _VALUE:
            units.append((_ANY, True))
        else:
            kind = _ANY if code < _WORD else _WORDLY if code < _STACK else _STACKLY
            kind = f"{_ITS} {one}" if code >= _OWNED else kind
            units += [(kind, False), (kind, True)]
    return units


def _overlap(one: str, other: str, aws_managed: bool) -> bool:
    """Whether one character can be both."""
    if one == other or _ANY in (one, other):
        return True
    if one.startswith(_ITS) and other.startswith(_ITS):
        return False
    for kind, literal in ((one, other), (other, one)):
        if kind in (_WORDLY, _STACKLY) or kind.startswith(_ITS):
            if len(literal) > 1:
                return True
            return literal not in ":/*" and not (aws_managed and kind == _STACKLY)
    return False


@lru_cache(maxsize=4096)
def _possibly(pattern: str, text: str, aws_managed: bool) -> bool:
    """Whether it matches with something in the holes: whether both, read as patterns, have a text
    in common."""
    ours, theirs = _units(pattern, True), _units(text, False)
    seen: set[tuple[int, int]] = set()
    todo = [(0, 0)]
    while todo:
        state = todo.pop()
        if state in seen:
            continue
        seen.add(state)
        i, j = state
        if i == len(ours) and j == len(theirs):
            return True
        ours_repeats = i < len(ours) and ours[i][1]
        theirs_repeats = j < len(theirs) and theirs[j][1]
        if ours_repeats:
            todo.append((i + 1, j))
        if theirs_repeats:
            todo.append((i, j + 1))
        both = i < len(ours) and j < len(theirs)
        if both and _overlap(ours[i][0], theirs[j][0], aws_managed):
            todo.append((i if ours_repeats else i + 1, j if theirs_repeats else j + 1))
    return False
