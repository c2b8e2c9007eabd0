"""Exports of stacks: their names, and exports for the outputs that other stacks import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from moorage.model import Environment
from moorage.pipeline.document import Document
from moorage.pipeline.render import Format, write_text
from moorage.plan import Rendering


def find_exports(rendering: Rendering, env: Environment) -> dict[str, str]:
    """The names of a stack's exports by output, as far as they are known."""
    names = {
        output: _export_name(value, rendering, env)
        for output, value in rendering.body.get("Outputs", {}).items()
    }
    return {output: name for output, name in names.items() if name is not None}


def find_literal_exports(body: Mapping[str, Any]) -> dict[str, str]:
    """The names of a template's exports by output, as far as they are literal."""
    names = {
        output: value.get("Export", {}).get("Name")
        for output, value in body.get("Outputs", {}).items()
    }
    return {output: name for output, name in names.items() if isinstance(name, str)}


def _export_name(output: Mapping[str, Any], rendering: Rendering, env: Environment) -> str | None:
    name = output.get("Export", {}).get("Name")
    if isinstance(name, Mapping) and isinstance(name.get("Fn::Sub"), str):
        text: str = name["Fn::Sub"].replace("${AWS::StackName}", env.stack_name(rendering.stack))
        return None if "${" in text else text
    return name if isinstance(name, str) else None


def export_imported(
    renderings: tuple[Rendering, ...],
    env: Environment,
    document: Document,
    form: Format,
    shared: tuple[Rendering, ...] = (),
) -> tuple[Rendering, ...]:
    """The stacks with an export for each output that another stack imports. `shared` has the stacks
    of another environment, which are not changed.

    An output that already has an export under another name keeps it, and is imported under that
    name.
    """
    wanted = frozenset[str]().union(*(rendering.imports for rendering in renderings))
    exported = {name for each in renderings for name in find_exports(each, env).values()}
    not_exported = wanted - exported
    names: dict[str, str] = {}
    missing: dict[str, list[str]] = {}
    for rendering in (*renderings, *(each for each in shared if each.stack in env.shared)):
        exports = find_exports(rendering, env)
        for output, value in rendering.body.get("Outputs", {}).items():
            name = env.export_name(rendering.stack, output)
            if name not in not_exported:
                continue
            if "Export" not in value:
                missing.setdefault(rendering.stack, []).append(output)
            elif output in exports:
                names[name] = exports[output]
    return tuple(
        _with_exports(rendering, missing.get(rendering.stack, []), names, env, document, form)
        for rendering in renderings
    )


def _with_exports(
    rendering: Rendering,
    outputs: list[str],
    names: Mapping[str, str],
    env: Environment,
    document: Document,
    form: Format,
) -> Rendering:
    """A stack with exports for these outputs, and with other names of imports."""
    body = rendering.body
    if not outputs and names.keys().isdisjoint(rendering.imports):
        return rendering
    if outputs:
        exports = {
            output: {"Export": {"Name": env.export_name(rendering.stack, output)}}
            for output in outputs
        }
        body = dict(body) | {
            "Outputs": {
                output: dict(value) | exports.get(output, {})
                for output, value in body["Outputs"].items()
            }
        }
    body = _rename_imports(body, names)
    return replace(rendering, body=body, text=write_text(body, rendering.stack, document, form))


def _rename_imports(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {
            key: names.get(item, item)
            if key == "Fn::ImportValue" and isinstance(item, str)
            else _rename_imports(item, names)
            for key, item in value.items()
        }
    return [_rename_imports(item, names) for item in value] if isinstance(value, list) else value
