"""The environment that a command works on."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from moorage.commands.usage import CLEAN, FOUND

if TYPE_CHECKING:  # imported where it is used: cfn-lint alone takes half a second
    from moorage.findings.finding import Finding
    from moorage.model import TemplateModule
    from moorage.pipeline.build import Built
    from moorage.pipeline.render import Format


Step = Callable[[str, str], None]
"""Hears which step of which environment begins."""


def load_templates(arguments: argparse.Namespace) -> Mapping[str, TemplateModule]:
    """The kinds of stacks; imported here, because troposphere and pydantic take a while."""
    found: Mapping[str, TemplateModule] = import_module(arguments.templates).TEMPLATES
    return found


def build_environment(env: str, arguments: argparse.Namespace, form: Format, step: Step) -> Built:
    from moorage.pipeline.build import build

    return build(
        arguments.params, env, load_templates(arguments), form, lambda name: step(env, name)
    )


def exit_code(findings: Sequence[Finding]) -> int:
    return FOUND if any(finding.level == "error" for finding in findings) else CLEAN
