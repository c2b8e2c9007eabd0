"""What commands that build environments share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from moorage.commands.given_values import read_given_values
from moorage.commands.linting import open_linter, read_inputs
from moorage.commands.usage import CLEAN, FOUND, UsageError

if TYPE_CHECKING:  # imported in functions: cfn-lint alone takes half a second
    from moorage.findings.finding import Finding
    from moorage.lint.linter import Linter
    from moorage.model import GivenValues, TemplateModule
    from moorage.pipeline.build import Built
    from moorage.pipeline.check import Show
    from moorage.pipeline.render import Format


Step = Callable[[str, str], None]
"""Called with an environment and the name of the step that begins."""


def load_templates(arguments: argparse.Namespace) -> Mapping[str, TemplateModule]:
    """Imports the stack kinds. This is done late, since importing troposphere and pydantic is
    slow."""
    kinds: Mapping[str, TemplateModule] = import_module(arguments.templates).TEMPLATES
    return kinds


def split_preview(env: str, params: Path) -> tuple[str, str]:
    """The environment that has the params of another one, and the name of the preview: `preview`
    and `x` for `preview-x`; an empty name if it is not a preview."""
    from moorage.model import NAME, PREVIEW

    begins = f"{PREVIEW}-"
    is_name = env.startswith(begins) and NAME.fullmatch(env)
    if is_name and not (params / f"{env}.yaml").exists():
        return PREVIEW, env.removeprefix(begins)
    return env, ""


def build_environment(
    env: str,
    arguments: argparse.Namespace,
    form: Format,
    step: Step,
    given: GivenValues | None = None,
    linter: Linter | None = None,
    show: Show | None = None,
    named: Collection[str] = (),
) -> Built:
    """Builds an environment without writing. `given` are values in place of those of the command
    line, and `named` the stacks that were named. Without a linter, one is opened. `show` is called
    with the findings so far. Raises UsageError if a named stack has no template."""
    if linter is None:
        with open_linter(arguments) as linter:
            return build_environment(env, arguments, form, step, given, linter, show, named)
    with prepare_linter(linter, env, arguments, form, given, named):
        built = build_with(linter, env, arguments, form, step, given, show, named)
    planned = {stack.name for stack in built.stacks}
    for stack in named:
        if built.plan is not None and stack not in planned:
            raise UsageError(f"`{stack}` of {env} exists already, so no template is built for it.")
    return built


def prepare_linter(
    linter: Linter,
    env: str,
    arguments: argparse.Namespace,
    form: Format,
    given: GivenValues | None = None,
    named: Collection[str] = (),
) -> AbstractContextManager[None]:
    """Around a build of an environment: prepares to lint its templates. It reads the params of all
    environments."""
    return linter.prepare(env, form, repr(given), read_inputs(arguments), [*named])


def build_with(
    linter: Linter,
    env: str,
    arguments: argparse.Namespace,
    form: Format,
    step: Step,
    given: GivenValues | None = None,
    show: Show | None = None,
    named: Collection[str] = (),
) -> Built:
    """The same as `build_environment` with a linter that is prepared. It opens no file that does
    not belong to the environment."""
    from moorage.pipeline.build import build

    templates = load_templates(arguments)
    values = read_given_values(arguments) if given is None else given
    file, name = split_preview(env, arguments.params)
    values = replace(values, preview=name)
    return build(
        arguments.params,
        file,
        templates,
        form,
        lambda name: step(env, name),
        values,
        out=arguments.out,
        linter=linter,
        show=show,
        named=named,
    )


def exit_code(findings: Sequence[Finding]) -> int:
    """FOUND if a finding is an error."""
    return FOUND if any(finding.level == "error" for finding in findings) else CLEAN
