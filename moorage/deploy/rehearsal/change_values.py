"""What a change set says of a resource: its properties before and after, as CloudFormation does.

moto names the resource and the action only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from cfnlint.schema import ResourceNotFoundError
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

_LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"
_REFERENCES = ("Ref", "Fn::GetAtt", "Fn::ImportValue")
Resolve = Callable[[str, Any], Any]
"""The value of an intrinsic function, by its name and its argument; None if it is not known."""


def list_changes(
    old: Mapping[str, Any], new: Mapping[str, Any], resolve: Resolve, region: str
) -> list[dict[str, Any]]:
    """The changes from the resources of one template to those of another, as `ResourceChange`s."""
    replaced = _find_replaced(old, new, region)

    def after(kind: str, argument: Any) -> Any:
        name = argument[0] if isinstance(argument, list) else str(argument).split(".")[0]
        return _LATER if name in replaced else resolve(kind, argument)

    return [
        *(_change("Add", name, body, {}) for name, body in new.items() if name not in old),
        *(
            change
            for name, body in new.items()
            if name in old
            for change in _modify(name, old[name], body, resolve, after, replaced)
        ),
        *(
            _change("Remove", name, body, _policy(body))
            for name, body in old.items()
            if name not in new
        ),
    ]


def _find_replaced(
    old: Mapping[str, Any], new: Mapping[str, Any], region: str
) -> dict[str, tuple[str, ...]]:
    """The replaced resources, with the properties that cause it."""
    return {
        name: names
        for name, body in new.items()
        if name in old
        and (
            names := tuple(
                key
                for key in _changed(old[name], body)
                if key in _create_only(body["Type"], region)
            )
        )
    }


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    before, after = old.get("Properties", {}), new.get("Properties", {})
    for key in dict.fromkeys([*after, *before]):
        if before.get(key) != after.get(key):
            yield key


@cache
def _create_only(kind: str, region: str) -> frozenset[str]:
    """The properties of a type whose change replaces a resource, by cfn-lint's schemas."""
    try:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, kind).schema
    except ResourceNotFoundError:
        return frozenset()
    pointers = schema.get("createOnlyProperties") or ()
    return frozenset(pointer.split("/")[2] for pointer in pointers)


def _modify(
    name: str,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    resolve: Resolve,
    after: Resolve,
    replaced: Mapping[str, tuple[str, ...]],
) -> Iterator[dict[str, Any]]:
    contexts = _resolved(_context(old), resolve), _resolved(_context(new), after)
    if contexts[0] == contexts[1]:
        return
    names = [key for key in contexts[1]["Properties"] if _differs(key, *contexts)]
    names += [key for key in contexts[0]["Properties"] if key not in contexts[1]["Properties"]]
    causes = replaced.get(name, ())
    details = [
        {
            "Target": {
                "Attribute": "Properties",
                "Name": key,
                "Path": f"/Properties/{key}",
                "RequiresRecreation": "Always" if key in causes else "Never",
            },
            **_cause(key, new, replaced),
        }
        for key in names
    ]
    yield _change(
        "Modify",
        name,
        new,
        {
            "Replacement": "True" if causes else "False",
            "Scope": ["Properties"],
            "Details": details,
            "BeforeContext": json.dumps(contexts[0]),
            "AfterContext": json.dumps(contexts[1]),
        },
    )


def _differs(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return bool(old["Properties"].get(key) != new["Properties"][key])


def _cause(key: str, new: Mapping[str, Any], replaced: Mapping[str, Any]) -> dict[str, str]:
    """Which replaced resource a property follows."""
    text = json.dumps(new.get("Properties", {}).get(key), default=str)
    for name in replaced:
        if f'"Ref": "{name}"' in text or f'"{name}"' in text or f"${{{name}" in text:
            return {"ChangeSource": "ResourceReference", "CausingEntity": name}
    return {"ChangeSource": "DirectModification"}


def _context(body: Mapping[str, Any]) -> dict[str, Any]:
    rest = ("DependsOn", "Type")
    kept = {key: value for key, value in body.items() if key not in rest}
    return {"Properties": {}, **kept}


def _policy(body: Mapping[str, Any]) -> dict[str, str]:
    return {"PolicyAction": body.get("DeletionPolicy", "Delete")}


def _change(
    action: str, name: str, body: Mapping[str, Any], more: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "Action": action,
        "LogicalResourceId": name,
        "ResourceType": body["Type"],
        **more,
    }


def _resolved(value: Any, resolve: Resolve) -> Any:
    """A value whose references are replaced by what they are, or by the mark for later."""
    if isinstance(value, list):
        return [_resolved(item, resolve) for item in value]
    if not isinstance(value, Mapping):
        return value
    if len(value) == 1:
        ((kind, argument),) = value.items()
        if kind == "Fn::Sub" and isinstance(argument, str):
            return _substituted(argument, resolve)
        if kind in _REFERENCES and isinstance(argument, str | list):
            known = resolve(kind, argument)
            return _LATER if known is None else known
    return {key: _resolved(item, resolve) for key, item in value.items()}


def _substituted(text: str, resolve: Resolve) -> str:
    """The value of `Fn::Sub`; later, if that of one of its variables is known later."""
    names = re.findall(r"\$\{([A-Za-z][\w.:]*)\}", text, re.ASCII)
    values = {name: resolve("Fn::GetAtt" if "." in name else "Ref", name) for name in names}
    if any(value in (None, _LATER) for value in values.values()):
        return _LATER
    return re.sub(r"\$\{([A-Za-z][\w.:]*)\}", lambda match: str(values[match[1]]), text)
