"""Two versions of templates, as texts -> Findings on what an update from one to the other does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cfnlint.decode.decode import decode_str
from cfnlint.helpers import REGIONS
from cfnlint.schema import ResourceNotFoundError
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from cfnlint.template import Template as LintTemplate

from moorage.cfn.changes import Comparison
from moorage.cfn.nodes import nearest_existing_path
from moorage.cfn.scenarios import default_view
from moorage.cfn.template import Template
from moorage.findings.finding import Finding, Place
from moorage.update import Effect, find_effects
from moorage.update.previous_version import TemplateTexts


def compare_templates(
    old: TemplateTexts, new: TemplateTexts, region: str | None = None
) -> list[Finding]:
    """What an update does, told at the new templates, and for what goes at the old ones. Texts
    that are no templates are passed over: other checks tell of them."""
    before, after = _templates(old, region), _templates(new, region)
    change = Comparison(
        default_view(list(before.values())),
        default_view(list(after.values())),
        lambda kind: _schema(kind, region),
    )
    found = [
        _told(one, *(new if one.node.stack.view is change.new else old)[one.node.stack.name])
        for one in find_effects(change)
    ]
    return sorted(found, key=lambda one: (one.place.file, one.place.line, one.code, one.message))


def _templates(texts: TemplateTexts, region: str | None) -> dict[str, Template]:
    decoded = {name: decode_str(text) for name, (_, text) in texts.items()}
    return {
        name: Template(name, body, region)
        for name, (body, wrong) in decoded.items()
        if not wrong and isinstance(body, Mapping)
    }


def _schema(kind: str, region: str | None) -> Mapping[str, Any]:
    where = region if region in REGIONS else "us-east-1"
    try:
        schema: Mapping[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema(where, kind).schema
    except ResourceNotFoundError:
        return {}
    return schema


def _told(effect: Effect, file: str, text: str) -> Finding:
    body: Any = effect.node.stack.template.body
    path = nearest_existing_path(body, effect.node.path)
    line = LintTemplate(file, body).get_location_yaml(body, list(path)) if path else None
    place = Place(file, line[0] + 1 if line else 1)
    return Finding(effect.code, effect.level, place, path, effect.message, effect.hint)
