"""`build.py check`: findings about environments or templates, without writing."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from moorage.commands.arguments import add_cache_option, add_directories
from moorage.commands.environments import Step, build_environment, exit_code
from moorage.commands.given_values import add_given_values, read_given_values
from moorage.commands.linting import open_linter
from moorage.commands.named_stacks import Named, read_names
from moorage.commands.repeat import Run, repeat_or_run
from moorage.commands.terminal import print_line, show_progress
from moorage.commands.usage import (
    UsageError,
    find_environments,
    refuse_file,
    refuse_unless_template,
)

if TYPE_CHECKING:  # imported in functions: cfn-lint alone takes half a second
    from moorage.findings.finding import Finding
    from moorage.lint.linter import Linter
    from moorage.lint.settings import LintSettings
    from moorage.plan import Plan


def add_arguments(checking: argparse.ArgumentParser) -> None:
    """Adds the arguments of `check`."""
    checking.add_argument(
        "names",
        nargs="*",
        metavar="ENV|STACK|FILE",
        help="environments, each followed by names of its stacks if only these are to be checked, "
        "or CloudFormation templates; default: all environments",
    )
    checking.set_defaults(list_of_names="names")
    checking.add_argument(
        "--against",
        metavar="REV|DIR|FILE",
        help="report the effects of an update from a git revision, a folder like out/, or a file",
    )
    add_given_values(checking)
    add_directories(checking)
    help_text = "report ids that .cfnlintrc switches off, and that find nothing"
    checking.add_argument("--unused-ignores", action="store_true", help=help_text)
    help_text = "also write the findings into a file, as SARIF 2.1.0"
    checking.add_argument("--sarif", type=Path, metavar="FILE", help=help_text)
    checking.add_argument("--format", choices=("text", "json", "sarif"), default="text")
    add_cache_option(checking)


def check(arguments: argparse.Namespace) -> int:
    """Print the findings about environments, or about any templates, and write nothing."""
    outcome = repeat_or_run(arguments, _check)
    print(outcome["report"], end="")
    if arguments.format == "text":
        print_line(outcome["summary"])
    code: int = outcome["code"]
    return code


def _check(arguments: argparse.Namespace) -> Run:
    known = find_environments(arguments.params, needed=not arguments.names)
    refuse_file(arguments.out)
    names = read_names(arguments.names, known, arguments.params, files=True)
    for each in names:
        if each.name not in known and not _is_assembly(each.name):
            refuse_unless_template(each.name, known, arguments.params)
    from moorage.findings.report import FORMATS, counts
    from moorage.lint.aws_engine import known_ids
    from moorage.lint.settings import find_settings, find_unknown, find_unused

    findings: list[Finding] = []
    codes: dict[LintSettings, set[str]] = {}
    with open_linter(arguments) as linter, show_progress() as step:
        for each in names:
            name, plan = each.name, None
            settings = find_settings("" if name in known else name)
            if name in known:
                more, plan = _check_environment(each, arguments, step, linter)
            else:
                more = _check_file(name, arguments, settings, linter)
            findings += more
            codes.setdefault(settings, set())
            if arguments.unused_ignores:
                codes[settings] |= _find_all_codes(name, plan, arguments, settings, linter)
        for settings, found in codes.items():
            ids = known_ids(settings, linter) if settings.ignored else ()
            findings += find_unknown(settings, ids)
            findings += find_unused(settings, ids, found) if arguments.unused_ignores else ()
    findings += [] if arguments.names else _report_orphans(arguments.out, known)
    if arguments.sarif is not None:
        arguments.sarif.write_text(FORMATS["sarif"](findings), encoding="utf-8")
    report = FORMATS[arguments.format](findings)
    summary = f"checked {', '.join(map(str, names))}: {counts(findings)}"
    outcome = {"report": report, "summary": summary, "code": exit_code(findings)}
    return Run(outcome, is_final=arguments.sarif is None)


def _check_environment(
    env: Named, arguments: argparse.Namespace, step: Step, linter: Linter
) -> tuple[list[Finding], Plan | None]:
    """The findings about an environment or its named stacks, and about their files under out/; its
    plan, if it has one.

    Without values of its own the environment is built with those of the last build.
    """
    from moorage.pipeline.write import find_drift, find_format, find_given, find_other_values

    folder = arguments.out / env.name
    given = read_given_values(arguments)
    differing = find_other_values(given, folder) if given.options() else []
    values = given if given.options() else find_given(folder)
    built = build_environment(
        env.name, arguments, find_format(folder), step, values, linter, named=env.stacks
    )
    findings = [*differing, *built.findings]
    if built.plan is not None and not differing:  # with other values all files differ
        findings += find_drift(built.plan, folder, env.stacks)
    if built.plan is not None and arguments.against is not None:
        step(env.name, "against")
        others = {
            str(folder / stack.rendering.file)
            for stack in built.plan.stacks
            if stack not in built.stacks
        }
        effects = _compare(built.plan, folder, arguments.against)
        findings += [each for each in effects if each.place.file not in others]
    return findings, built.plan


def _find_all_codes(
    name: str,
    plan: Plan | None,
    arguments: argparse.Namespace,
    settings: LintSettings,
    linter: Linter,
) -> set[str]:
    """The codes that are found about an environment or a template if none is switched off. Of an
    environment without a plan nothing is known, so every id counts as found."""
    from moorage.pipeline.check import check_texts

    everything = replace(settings, ignores=False)
    if plan is not None:
        texts = {stack.rendering.file: stack.rendering.text for stack in plan.stacks}
        findings = check_texts(texts, plan.environment.region, everything, linter)
    elif Path(name).is_file() or _is_assembly(name):
        findings = _check_file(name, arguments, everything, linter)
    else:
        return {*settings.ignored}
    return {id_ for finding in findings for id_ in _ids_of(finding.code)}


def _ids_of(code: str) -> tuple[str, ...]:
    """The ids by which settings switch off a finding."""
    from moorage.lint.engine_rules import ids_of

    return ids_of(code) if code.startswith("F") else (code,)


def _compare(plan: Plan, folder: Path, source: str) -> list[Finding]:
    """The effects of an update from another version of an environment to this one."""
    from moorage.findings.finding import Finding, Place
    from moorage.pipeline.manifest import MANIFEST
    from moorage.update.compare import compare_templates
    from moorage.update.previous_version import NoSuchVersionError, load_previous_environment

    try:
        old = load_previous_environment(source, folder)
    except NoSuchVersionError as error:
        raise UsageError(f"--against: {error}") from error
    manifest = str(folder / MANIFEST)
    if old is None:
        return [_nothing_to_compare(manifest, source, f"`{folder}` of this environment")]
    region = plan.environment.region
    if old.region != region:
        message = (
            f"The environment was in {old.region}; its stacks there stay deployed and cost money"
        )
        hint = f"Delete them when they are no longer needed. In {region} all stacks are created."
        return [Finding("M1407", "warning", Place(manifest, 1), (), message, hint)]
    new = {
        stack.stack_name: (str(folder / stack.rendering.file), stack.rendering.text)
        for stack in plan.stacks
    }
    return compare_templates(old.texts, new, region)


def _nothing_to_compare(file: str, source: str, what: str) -> Finding:
    from moorage.findings.finding import Finding, Place

    message = f"`{source}` has no {what}, so there is nothing to compare with"
    hint = "Name a version that has it. If everything is new, there is nothing to do."
    return Finding("M1408", "info", Place(file, 1), (), message, hint)


def _is_assembly(name: str) -> bool:
    """Whether a name is the path of a cloud assembly of the CDK: its folder, or its manifest."""
    path = Path(name)
    manifest = path / "manifest.json" if path.is_dir() else path
    return manifest.name == "manifest.json" and manifest.is_file()


def _check_file(
    file: str, arguments: argparse.Namespace, settings: LintSettings, linter: Linter
) -> list[Finding]:
    """The findings about a template with its nested stacks, or about a cloud assembly."""
    from moorage.pipeline.check_files import check_assembly, check_template_file

    if _is_assembly(file):
        if arguments.against is not None:
            raise UsageError(f"--against compares templates: name one of those in `{file}`")
        return check_assembly(Path(file), settings, linter)
    source, findings = check_template_file(file, settings, linter)
    if arguments.against is None or source is None:
        return findings
    from moorage.update.compare import compare_templates
    from moorage.update.previous_version import NoSuchVersionError, load_previous_template

    try:
        old = load_previous_template(arguments.against, Path(file))
    except NoSuchVersionError as error:
        raise UsageError(f"--against: {error}") from error
    if not old:
        return [*findings, _nothing_to_compare(file, arguments.against, f"`{Path(file).name}`")]
    return [*findings, *compare_templates(old, {Path(file).name: (file, source.text)})]


def _report_orphans(out: Path, known: Sequence[str]) -> list[Finding]:
    """A finding for each folder that a build would remove."""
    from moorage.findings.finding import Finding, Place
    from moorage.pipeline.manifest import MANIFEST
    from moorage.pipeline.write import find_orphans

    hint = "Run `python build.py`, delete the files that it keeps there, and commit the deletion."
    message = "The environment of this folder has no params any more"
    return [
        Finding("M1308", "error", Place(str(out / name / MANIFEST), 1), (), message, hint)
        for name in find_orphans(out, known)
    ]
