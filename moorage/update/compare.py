"""Two versions of templates, as texts -> findings about the update from one to the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cfnlint.decode.decode import decode_str
from cfnlint.helpers import REGIONS
from cfnlint.schema import ResourceNotFoundError
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from moorage.cfn.changes import Comparison
from moorage.cfn.nodes import nearest_existing_path
from moorage.cfn.scenarios import default_view
from moorage.cfn.template import Template
from moorage.findings.finding import Finding, Place
from moorage.lint.cfn_lint import LineFinder
from moorage.update import Effect, find_effects
from moorage.update.previous_version import TemplateTexts


def compare_templates(
    old: TemplateTexts, new: TemplateTexts, region: str | None = None
) -> list[Finding]:
    """Returns findings about an update, located in the new templates; about deleted resources, in
    the old ones. Texts that are not templates are skipped, because other checks report them."""
    change = make_comparison(old, new, region)
    finders: dict[tuple[str, bool], LineFinder] = {}
    findings = []
    for effect in find_effects(change):
        stack = effect.node.stack
        key = stack.name, stack.view is change.new
        file = (new if key[1] else old)[stack.name][0]
        finder = finders.setdefault(key, LineFinder(file, stack.template.body))
        findings.append(_locate(effect, file, finder))
    return sorted(
        findings,
        key=lambda finding: (
            finding.place.file,
            finding.place.line,
            finding.code,
            finding.message,
        ),
    )


def make_comparison(
    old: TemplateTexts, new: TemplateTexts, region: str | None = None
) -> Comparison:
    """Two versions of templates, given as file and text by name."""
    before, after = _templates(old, region), _templates(new, region)
    return Comparison(
        default_view(list(before.values())),
        default_view(list(after.values())),
        lambda kind: _schema(kind, region),
    )


def _templates(texts: TemplateTexts, region: str | None) -> dict[str, Template]:
    decoded = {name: decode_str(text) for name, (_, text) in texts.items()}
    return {
        name: Template(name, body, region)
        for name, (body, errors) in decoded.items()
        if not errors and isinstance(body, Mapping)
    }


def _schema(kind: str, region: str | None) -> Mapping[str, Any]:
    where = region if region in REGIONS else "us-east-1"
    try:
        schema: Mapping[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema(where, kind).schema
    except ResourceNotFoundError:
        return {}
    return schema


def _locate(effect: Effect, file: str, finder: LineFinder) -> Finding:
    path = nearest_existing_path(effect.node.stack.template.body, effect.node.path)
    place = Place(file, finder.find(path))
    return Finding(effect.code, effect.level, place, path, effect.message, effect.hint)
