"""docs/security-hub.md says what the templates show.

`UPDATE=1 pytest tests/security_hub` writes the page. Then read the diff.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest
import yaml
from security_hub_controls import SECTIONS, Control, Template

from moorage.pipeline.build import build
from moorage.pipeline.suppressions import SUPPRESSIONS
from templates import TEMPLATES

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs/security-hub.md"
CONTROLS = [control for _, controls in SECTIONS for control in controls]


@cache
def templates_of(environment: str) -> tuple[Template, ...]:
    """The templates of tests/security_hub/params/<environment>.yaml."""
    result = build(HERE / "params", environment, TEMPLATES)
    assert result.plan, result.findings
    return tuple(Template(stack.rendering.body["Resources"]) for stack in result.plan.stacks)


def passes(control: Control, environment: str) -> bool:
    """Whether every resource that the control looks at passes. Where no setting is made, there may
    be none: then it is that of the strict environment."""
    results = [
        passed for template in templates_of(environment) for passed in control.look(template)
    ]
    if environment == "default" and not results:
        return passes(control, "strict")
    assert results, f"{control.id} looks at nothing"
    return all(results)


def met_by(control: Control) -> str:
    if passes(control, "default"):
        return "default"
    return "option" if passes(control, "strict") else "no"


def page() -> str:
    lines = [*(HERE / "head.md").read_text().splitlines(), ""]
    for title, controls in SECTIONS:
        lines += [
            f"## {title}",
            "",
            "| control | what it asks for | met by | how |",
            "|---|---|---|---|",
        ]
        lines += [
            f"| {control.id} | {control.title} | {met_by(control)} | {control.how} |"
            for control in controls
        ]
        lines.append("")
    lines += [*(HERE / "suppressions.md").read_text().splitlines(), ""]
    lines += ["| findings | resource | reason |", "|---|---|---|"]
    lines += [f"| {', '.join(each.ids)} | `{each.kind}` | {each.reason} |" for each in SUPPRESSIONS]
    return "\n".join([*lines, ""])


def test_the_page_says_what_the_templates_show() -> None:
    if os.environ.get("UPDATE"):
        PAGE.write_text(page())
    assert PAGE.read_text() == page(), "run this with UPDATE=1 and read the diff"


def test_no_option_makes_a_control_fail() -> None:
    worse = [
        control.id
        for control in CONTROLS
        if passes(control, "default") and not passes(control, "strict")
    ]
    assert worse == []


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.id)
def test_each_control_looks_at_a_resource(control: Control) -> None:
    passes(control, "strict")


def test_each_control_is_listed_once() -> None:
    assert len({control.id for control in CONTROLS}) == len(CONTROLS)


def test_the_strict_environment_has_what_the_default_one_has() -> None:
    both = [
        yaml.safe_load((HERE / f"params/{name}.yaml").read_text()) for name in ("default", "strict")
    ]
    assert both[0]["stacks"].keys() <= both[1]["stacks"].keys()
