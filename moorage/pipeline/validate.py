"""Document -> Environment, or Findings: all of them at once.

Two rounds. First the shape: pydantic judges each stack by its template's `Params`. What it refuses
is cut out and the rest is judged again, so that a typo in one place hides nothing in another. Then
the meaning: each template's `problems` sees the whole environment; a problem that rests on
something cut out in the first round is only an echo and is dropped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    ValidationError,
    WithJsonSchema,
    field_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from moorage.facts.arn_patterns import IAM_POLICY
from moorage.findings.finding import Finding, Path, Problem
from moorage.findings.wording import near, shown
from moorage.model import NAME, OWN_TAGS, Base, Environment, StackSpec, TemplateModule, wrong
from moorage.pipeline.load import Document

_NAME_HINT = "Use lower-case letters, digits and single hyphens, and begin with a letter."
_REGION = re.compile(r"^[a-z]{2}(-[a-z]+)+-\d$")
_ACCOUNT = r"^\d{12}$"
_AccountId = Annotated[
    str,
    WithJsonSchema({"type": "string", "pattern": _ACCOUNT, "takes": "twelve digits, in quotes"}),
]


# An account's own policy, or one of AWS's: IAM user guide, "IAM identifiers".
_POLICY = re.compile(IAM_POLICY)


def _tag_part(most: int) -> AfterValidator:
    """What CloudFormation and the services that its tags reach take for a tag's key or value.

    Lengths: CloudFormation API reference, Tag. Characters and the prefix: Amazon ECS API reference,
    Tag, which is the narrowest.
    """

    def checked(value: str) -> str:
        if not 1 <= len(value) <= most:
            hint = f"Write 1 to {most} characters."
            raise wrong("M1105", f"{shown(value)} is too {'long' if value else 'short'}", hint)
        odd = (one for one in value if unicodedata.category(one)[0] not in "LNZ")
        if bad := "".join(one for one in odd if one not in "_.:/=+-@"):
            hint = "Use letters, digits, spaces and _.:/=+-@."
            raise wrong("M1107", f"{shown(value)} cannot stand in a tag: AWS refuses `{bad}`", hint)
        if value.lower().startswith("aws:"):
            raise wrong("M1107", f"{shown(value)} begins like a tag of AWS's own", "Rename it.")
        return value

    return AfterValidator(checked)


def _tag_key(value: str) -> str:
    if "=" in value:
        hint = "Leave the `=` out: the AWS CLI takes tags as key=value."
        raise wrong("M1107", f"{shown(value)} cannot be the key of a tag", hint)
    if value.lower() in OWN_TAGS:
        message = f"Every stack has a tag {shown(value.lower())} already, from its own name"
        raise wrong("M1107", message, "Rename this one, or leave it out.")
    return value


def _tags(value: dict[str, str]) -> dict[str, str]:
    """Case must not be all that tells two keys apart: IAM user guide, "Tags for AWS Identity and
    Access Management resources"; a role with both is refused ("Duplicate tag keys found")."""
    first: dict[str, str] = {}
    for key in value:
        other = first.setdefault(key.lower(), key)
        if other != key:
            message = f"{shown(other)} and {shown(key)} are one key to IAM, which ignores case"
            raise wrong("M1107", message, "Keep one of them.")
    return value


_TagKey = Annotated[str, AfterValidator(_tag_key), _tag_part(128)]
_TagValue = Annotated[str, _tag_part(256)]


class Header(Base):
    """What stands at the top of a params file."""

    app: str = Field(
        description="Name of the application: the first part of every stack's name.",
        json_schema_extra={"pattern": f"^{NAME.pattern}$"},
    )
    region: str = Field(
        description="AWS region of all stacks, such as `ap-northeast-1`.",
        json_schema_extra={"pattern": _REGION.pattern},
    )
    account: _AccountId | None = Field(
        None, description="AWS account id, in quotes. Needed only where `${account}` is used."
    )
    tags: Annotated[dict[_TagKey, _TagValue], AfterValidator(_tags)] = Field(
        {}, max_length=47, description="Tags for every resource, beside `app`, `env` and `stack`."
    )
    permissions_boundary: str | None = Field(
        None, description="ARN of an IAM policy that bounds every role in the templates."
    )
    stacks: Annotated[dict[str, dict[str, Any]], Field(min_length=1)] = Field(
        description="The stacks by name. `template:` says what kind; it defaults to the name."
    )

    @field_validator("app")
    @classmethod
    def _app(cls, value: str) -> str:
        if not NAME.fullmatch(value):
            raise wrong("M1107", f"{shown(value)} cannot begin the name of a stack", _NAME_HINT)
        return value

    @field_validator("region")
    @classmethod
    def _region(cls, value: str) -> str:
        if not _REGION.fullmatch(value):
            raise wrong(
                "M1107", f"{shown(value)} is not a region", "Write one like `eu-central-1`."
            )
        return value

    @field_validator("account")
    @classmethod
    def _account(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(_ACCOUNT, value):
            hint = 'Write its twelve digits in quotes: `account: "123456789012"`.'
            raise wrong("M1107", f"{shown(value)} is not an account id", hint)
        return value

    @field_validator("permissions_boundary")
    @classmethod
    def _boundary(cls, value: str | None) -> str | None:
        if value is not None and not _POLICY.fullmatch(value):
            hint = "Write one like `arn:aws:iam::123456789012:policy/name`."
            raise wrong("M1107", f"{shown(value)} is not the ARN of an IAM policy", hint)
        return value


@dataclass(frozen=True)
class _Shaped:
    """Params as far as they can be understood, and what had to be cut out of them."""

    params: Base | None
    findings: tuple[Finding, ...]
    data: Mapping[str, Any]
    gone: frozenset[Path] = frozenset()
    suspects: frozenset[Path] = frozenset()

    def written(self, path: Path) -> Path:
        """Where something in the params stands in the file: list items that were cut out count."""
        here = _written(path, self.data, self.gone)
        # A key that is not in the file has no place there, but its name says which one is meant.
        missing = path[len(here) :] if isinstance(_at(self.data, here), Mapping) else ()
        return (*here, *missing)

    def echoes(self, path: Path) -> bool:
        """Whether something at that path has been a finding already."""
        return any(_touch(path, other) for other in (*self.gone, *self.suspects))


def validate(
    document: Document, templates: Mapping[str, TemplateModule]
) -> tuple[Environment | None, list[Finding]]:
    """What the document means; None where a finding of level error stands against it."""
    shape = _shaped(Header, document.data, (), document, _broken_header(document))
    header = shape.params if isinstance(shape.params, Header) else _guessed(document.data)
    shaped = {
        name: _stack(name, entry, document, templates) for name, entry in header.stacks.items()
    }
    env = Environment(
        name=document.env,
        app=header.app,
        region=header.region,
        account=header.account,
        tags=header.tags,
        permissions_boundary=header.permissions_boundary,
        stacks={name: spec for name, (spec, _) in shaped.items() if spec is not None},
        broken=frozenset(
            _written_stacks(document) - {name for name, (spec, _) in shaped.items() if spec}
        ),
    )
    findings = [*shape.findings]
    for _, stack_shape in shaped.values():
        findings += stack_shape.findings
    for name, spec in env.stacks.items():
        findings += _meaning(spec, shaped[name][1], env, document, templates)
    complete = not any(finding.level == "error" for finding in findings)
    return (env if complete else None), sorted(findings, key=by_place)


def by_place(finding: Finding) -> tuple[str, int, str]:
    """What findings are sorted by: as one reads the files."""
    return finding.place.file, finding.place.line, finding.code


def _guessed(data: Mapping[str, Any]) -> Header:
    """A header to go on with when the real one is faulty, so that the stacks are judged as well.

    What is right in it is kept: a stack's problem may rest on the region, say. A wrong region is
    left empty, so that no such problem is an echo of it.
    """
    stacks = data.get("stacks")
    entries = stacks.items() if isinstance(stacks, dict) else ()
    texts = {key: data[key] for key in ("app", "region", "account") if _is_text(data.get(key))}
    region = texts.get("region", "")
    return Header.model_construct(
        app=texts.get("app", "app"),
        region=region if _REGION.fullmatch(region) else "",
        account=texts.get("account"),
        tags={},
        permissions_boundary=None,
        stacks={
            name: entry for name, entry in entries if _is_text(name) and isinstance(entry, dict)
        },
    )


def _broken_header(document: Document) -> set[Path]:
    """What could not be read at the top of the params, down to whole stacks."""
    return {path for path in document.broken if path[0] != "stacks" or len(path) < 3}


def _written_stacks(document: Document) -> set[str]:
    """The names of all stacks that somebody wrote, readable or not."""
    stacks = document.data.get("stacks")
    unread = {str(path[1]) for path in document.broken if path[0] == "stacks" and len(path) == 2}
    return {*(stacks if isinstance(stacks, dict) else ()), *unread}


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _stack(
    name: str, entry: dict[str, Any], document: Document, templates: Mapping[str, TemplateModule]
) -> tuple[StackSpec | None, _Shaped]:
    path: Path = ("stacks", name)
    faults = []

    def fault(code: str, at: Path, message: str, hint: str) -> None:
        faults.append(Finding(code, "error", document.place(at), at, message, hint))

    if not NAME.fullmatch(name):
        fault("M1107", path, f"{shown(name)} cannot be part of a stack's name", _NAME_HINT)
    for key in _misspelt("template", entry, ()):
        fault("M1101", (*path, key), f"{shown(key)} is unknown here", "Did you mean `template`?")
        return None, _Shaped(None, tuple(faults), entry)
    kind = entry.get("template", name)
    if not isinstance(kind, str) or kind not in templates:
        at: Path = (*path, "template") if "template" in entry else path
        if at not in document.broken:
            fault(*_no_template(at, kind, templates))
        return None, _Shaped(None, tuple(faults), entry)
    for key in _misspelt("overrides", entry, templates[kind].Params.model_fields):
        fault("M1101", (*path, key), f"{shown(key)} is unknown here", "Did you mean `overrides`?")
        entry = {other: value for other, value in entry.items() if other != key}
    overrides = entry.get("overrides", {})
    if not isinstance(overrides, dict):
        hint = "Write `Resources:` below it, as in the template, with what changes."
        fault("M1103", (*path, "overrides"), "`overrides` takes a map", hint)
    own = {key: value for key, value in entry.items() if key not in ("template", "overrides")}
    gone = {one[2:] for one in document.broken if one[:2] == path and len(one) > 2}
    shape = _shaped(templates[kind].Params, own, path, document, gone)
    shape = replace(shape, findings=(*faults, *shape.findings))
    if shape.params is None or not isinstance(overrides, dict):
        return None, shape
    return StackSpec(name, kind, shape.params, overrides), shape


def _misspelt(word: str, entry: Mapping[str, Any], known: Iterable[str]) -> list[str]:
    """The keys that were probably meant to be a word which is not there."""
    odd = [] if word in entry else [key for key in entry if key not in known]
    return [key for key in odd if near(str(key), [word])]


def _no_template(
    at: Path, kind: Any, templates: Mapping[str, TemplateModule]
) -> tuple[str, Path, str, str]:
    """Code, path, message and hint where no template has that name."""
    every = f"one of {', '.join(sorted(templates))}"
    if not isinstance(kind, str):
        return "M1103", at, f"{shown(kind)} stands where a name belongs", f"Write {every}."
    meant = near(kind, templates)
    if at[-1] == "template":
        hint = f"Did you mean `{meant}`?" if meant else f"Write {every}."
    else:
        hint = f"Name it `{meant}`, or add" if meant else "Add"
        hint += f" `template: {meant}`." if meant else f" `template:` with {every}."
    return "M1106", at, f"There is no template {shown(kind)}", hint


# Meaning -------------------------------------------------------------------------------------


def _meaning(
    spec: StackSpec,
    shape: _Shaped,
    env: Environment,
    document: Document,
    templates: Mapping[str, TemplateModule],
) -> Iterator[Finding]:
    problems = getattr(templates[spec.template], "problems", None)
    found: Iterator[Problem] = problems(spec.name, spec.params, env) if problems else iter(())
    for problem in found:
        if not any(shape.echoes(shape.written(path)) for path in (problem.path, *problem.because)):
            path = ("stacks", spec.name, *shape.written(problem.path))
            place = problem.place or document.place(path)
            yield Finding(problem.code, problem.level, place, path, problem.message, problem.hint)


def _touch(one: Path, other: Path) -> bool:
    """Whether one path lies on the other."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


# Shape ---------------------------------------------------------------------------------------


def _shaped(
    model: type[Any], data: Mapping[str, Any], root: Path, document: Document, broken: Set[Path]
) -> _Shaped:
    """`data` as a `model`; what is refused is cut out or respelt, and the rest is judged again.

    What was `broken` when it was read is cut out from the beginning.
    """
    findings: list[Finding] = []
    gone: set[Path] = set(broken)
    suspects: set[Path] = set()
    while True:
        try:
            params = model.model_validate(_pruned(data, (), gone), context={"read": document.read})
            return _Shaped(params, tuple(findings), data, frozenset(gone), frozenset(suspects))
        except ValidationError as error:
            errors = error.errors(include_url=False)
            faults = _chosen([_Fault.of(one, model, data, gone) for one in errors])
        meant = {fault.path: fault.near for fault in faults if fault.near}
        guessed = {(*path[:-1], near) for path, near in meant.items()}
        suspects |= guessed
        known = suspects | gone
        seen: set[Path] = set()
        for fault in faults:
            if fault.path not in seen and not any(_touch(fault.path, one) for one in known):
                place = document.place((*root, *fault.path))
                path = (*root, *fault.path)
                findings.append(
                    Finding(fault.code, "error", place, path, fault.message, fault.hint)
                )
            seen.add(fault.path)
        before = len(gone)
        missed = {fault.path for fault in faults if fault.code == "M1102"} & guessed
        gone |= {fault.cut for fault in faults if not fault.near and fault.path not in missed}
        data = _renamed(data, (), meant)
        if () in gone or (len(gone) == before and not meant):
            return _Shaped(None, tuple(findings), data, frozenset(gone), frozenset(suspects))


def _renamed(value: Any, path: Path, meant: Mapping[Path, str]) -> Any:
    """A copy in which misspelt keys have the names that were meant, so that the rest is judged."""
    if isinstance(value, dict):
        return {
            meant.get((*path, key), key): _renamed(item, (*path, key), meant)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_renamed(item, (*path, at), meant) for at, item in enumerate(value)]
    return value


def _pruned(value: Any, path: Path, gone: set[Path]) -> Any:
    """A copy without the paths that are gone."""
    if isinstance(value, dict):
        here = {key: (*path, key) for key in value}
        return {key: _pruned(value[key], at, gone) for key, at in here.items() if at not in gone}
    if isinstance(value, list):
        items = [((*path, index), item) for index, item in enumerate(value)]
        return [_pruned(item, at, gone) for at, item in items if at not in gone]
    return value


def _written(path: Path, data: Any, gone: Set[Path]) -> Path:
    """A path in the pruned data as a path in the file.

    Steps that are in neither (pydantic also names the members of a union) are left out.
    """
    result: Path = ()
    for step in path:
        if isinstance(data, Mapping) and step in data:
            data = data[step]
        elif isinstance(data, list) and isinstance(step, int):
            kept = [index for index in range(len(data)) if (*result, index) not in gone]
            if step >= len(kept):
                continue
            step = kept[step]
            data = data[step]
        else:
            continue
        result = (*result, step)
    return result


def _at(data: Any, path: Path) -> Any:
    """The value at a path that is there."""
    for step in path:
        data = data[step]
    return data


@dataclass(frozen=True)
class _Fault:
    """One refusal of pydantic's in our words."""

    path: Path
    cut: Path
    code: str
    message: str
    hint: str
    near: str = ""
    """The key that was probably meant, where an unknown one was written."""

    @classmethod
    def of(
        cls, detail: ErrorDetails, model: type[Any], data: Mapping[str, Any], gone: Set[Path]
    ) -> _Fault:
        kind = detail["type"]
        loc = detail["loc"][:-1] if kind == "missing" else detail["loc"]
        path = _written(loc, data, gone)
        context: Mapping[str, Any] = detail.get("ctx", {})
        if kind == "moorage":
            return cls(path, path, context["code"], context["message"], context["hint"])
        if kind == "extra_forbidden":
            return cls._unknown(path, _fields(model, path[:-1]), _at(data, path[:-1]))
        if kind == "missing":
            key = str(detail["loc"][-1])
            field = _fields(model, path).get(key)
            hint = (field.description if field else None) or ""
            return cls((*path, key), path, "M1102", f"`{key}` is missing", hint)
        code, message, advice = _in_words(kind, detail, context)
        described = "" if code == "M1104" else _description(model, path) or ""
        return cls(path, path, code, message, f"{advice} {described}".strip())

    @classmethod
    def _unknown(cls, path: Path, fields: Mapping[str, Any], beside: Mapping[str, Any]) -> _Fault:
        key = str(path[-1])
        free = [name for name in fields if name not in beside]
        meant = near(key, free)
        hint = f"Did you mean `{meant}`?" if meant else f"Known here: {', '.join(sorted(fields))}."
        return cls(path, path, "M1101", f"{shown(key)} is unknown here", hint, meant)


def _chosen(faults: list[_Fault]) -> list[_Fault]:
    """Without the type faults of a union's other members, where one was meant and has its own."""
    around = {fault.path[:end] for fault in faults for end in range(len(fault.path))}
    return [fault for fault in faults if fault.code != "M1103" or fault.path not in around]


_WANTED = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "dict": "a map",
    "model": "a map",
}


def _in_words(kind: str, detail: ErrorDetails, context: Mapping[str, Any]) -> tuple[str, str, str]:
    """Code, message and advice of pydantic's built-in errors."""
    given = shown(detail["input"])
    wanted = _WANTED.get(kind.removesuffix("_type").removesuffix("_parsing"))
    if wanted and (kind.endswith(("_type", "_parsing"))):
        advice = _advice(wanted, detail["input"])
        return "M1103", f"{given} stands where {wanted} belongs", advice
    if kind == "literal_error":
        possible = context["expected"].replace("'", "`")
        meant = near(str(detail["input"]), re.findall("`(.*?)`", possible))
        hint = f"Did you mean `{meant}`? Possible: " if meant else "Use "
        return "M1104", f"{given} is not possible", f"{hint}{possible}."
    limits = {"ge": "at least", "le": "at most", "gt": "more than", "lt": "less than"}
    for key, words in limits.items():
        if key in context:
            return "M1105", f"{given} must be {words} {context[key]}", ""
    unit = "character" if kind.startswith("string") else "entr"
    if (least := context.get("min_length")) is not None:
        return "M1105", f"At least {_count(least, unit)} must stand here", ""
    if (most := context.get("max_length")) is not None:
        return "M1105", f"At most {_count(most, unit)} can stand here", ""
    if pattern := context.get("pattern"):
        return "M1107", f"{given} is not well-formed", f"It must match `{pattern}`."
    return "M1107", f"{given} is not well-formed: {detail['msg']}", ""


def _count(number: int, unit: str) -> str:
    endings = {"entr": ("y", "ies"), "character": ("", "s")}
    return f"{number} {unit}{endings[unit][number != 1]}"


def _advice(wanted: str, value: Any) -> str:
    """How to write what was probably meant, where the value tells."""
    if wanted == "text" and isinstance(value, bool | int | float):
        return f'Put it in quotes: "{str(value).lower()}".'
    if wanted == "a whole number" and isinstance(value, str) and re.fullmatch(r"\d+", value):
        return f"Write it without quotes: {int(value)}."
    if wanted == "true or false" and isinstance(value, str):
        switches = {"true": ("true", "yes", "on", "y"), "false": ("false", "no", "off", "n")}
        return "".join(
            f"Write `{word}`, without quotes."
            for word, others in switches.items()
            if value.lower() in others
        )
    if wanted == "a list" and not isinstance(value, dict | list):
        return "Write a list, such as `[one, another]`."
    return ""


def _models_at(model: type[Any], path: Path) -> list[type[BaseModel]]:
    """The models that may stand at a path."""
    annotations: list[Any] = [model]
    for step in path:
        annotations = [inner for one in annotations for inner in _inside(one, step)]
    return [found for one in annotations for found in _members(one) if _is_model(found)]


def _inside(annotation: Any, step: str | int) -> Iterator[Any]:
    """The types of what a value of that type may hold under a key or an index."""
    for member in _members(annotation):
        arguments = get_args(member)
        if _is_model(member):
            if step in member.model_fields:
                yield member.model_fields[str(step)].annotation
        elif arguments:
            yield arguments[-1]


def _members(annotation: Any) -> Iterator[Any]:
    """A union's members, out of their wrapping; any other type itself."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _members(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for one in get_args(annotation):
            yield from _members(one)
    else:
        yield annotation


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _fields(model: type[Any], path: Path) -> dict[str, FieldInfo]:
    return {
        key: field for one in _models_at(model, path) for key, field in one.model_fields.items()
    }


def _description(model: type[Any], path: Path) -> str | None:
    """What the params reference says of the nearest named thing around a path."""
    for end in range(len(path), 0, -1):
        field = _fields(model, path[: end - 1]).get(str(path[end - 1]))
        if field is not None and field.description:
            return field.description
    return None
