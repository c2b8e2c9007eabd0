"""Moorage: CloudFormation templates from short params files.

python build.py                 build every environment: params/*.yaml -> out/<env>/
python build.py check           the same without writing; fails when out/ is not current
python build.py check FILE      lint any CloudFormation template
python build.py explain CODE    what a finding means, and what to do about it
python build.py schema          JSON Schema of the params, for editors
python build.py init [DIR]      a new project with params, tests and CI

The command `moorage` does the same in every project.
"""

from __future__ import annotations

import argparse
import difflib
import gc
import os
import shlex
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from moorage import __version__

if TYPE_CHECKING:  # imported where it is used: cfn-lint alone takes half a second
    from moorage.findings.finding import Finding
    from moorage.model import Plan, PlannedStack, TemplateModule
    from moorage.pipeline.build import Built
    from moorage.pipeline.render import Format

CLEAN, FOUND, USAGE = 0, 1, 2
COMMANDS = ("build", "check", "explain", "schema", "init")

Step = Callable[[str, str], None]
"""Hears which step of which environment begins."""


class UsageError(Exception):
    """The command line, or a folder that it names, is not what it should be."""


def main(argv: Sequence[str], templates: str, program: str = "build.py") -> int:
    """Runs a command line; `templates` is the package whose `TEMPLATES` are the kinds of stacks,
    and `program` the command's name in messages.

    Returns the exit code: 0 clean, 1 findings of level error, 2 wrong usage.
    """
    named = bool(argv) and argv[0] in (*COMMANDS, "-h", "--help", "--version")
    arguments = _parser(program).parse_args(argv if named else ["build", *argv])
    arguments.templates = templates
    try:
        code: int = arguments.run(arguments)
    except UsageError as error:
        _tell(f"{program}: {error}")
        return USAGE
    except ModuleNotFoundError as error:
        package, _, inner = (error.name or "").partition(".")
        if inner or package in ("moorage", "templates", ""):
            raise
        _tell(f"{program}: this Python lacks `{package}`. Use make, or .venv/bin/python.")
        return USAGE
    except BrokenPipeError:
        raise
    except OSError as error:
        at = error.filename2 or error.filename
        _tell(f"{program}: `{at}` cannot be used: {error.strerror or error}.")
        return USAGE
    return code


def _parser(program: str = "build.py") -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Exit code: 0 clean, 1 findings of level error, 2 wrong usage.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"Moorage {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        what = run.__doc__ or ""
        made = commands.add_parser(name, help=what, description=what, allow_abbrev=False)
        made.set_defaults(run=run)
        return made

    building = command("build", _build)
    building.add_argument("names", nargs="*", metavar="ENV", help="environments; without one, all")
    checking = command("check", _check)
    checking.add_argument(
        "names",
        nargs="*",
        metavar="ENV|FILE",
        help="environments, or CloudFormation templates; without one, all environments",
    )
    checking.add_argument(
        "--against",
        metavar="REV|DIR|FILE",
        help="judge what an update does to a git revision, to a folder such as out/, or to a file",
    )
    for one in (building, checking):
        one.add_argument("--params", type=Path, default=Path("params"), metavar="DIR")
        one.add_argument("--out", type=Path, default=Path("out"), metavar="DIR")
    explaining = command("explain", _explain)
    explaining.add_argument("codes", nargs="*", metavar="CODE", help="without one, all in a list")
    explaining.add_argument("--format", choices=("text", "markdown"), default="text")
    describing = command("schema", _schema)
    building.add_argument("--format", choices=("yaml", "json"), default="yaml")
    checking.add_argument("--format", choices=("text", "json", "sarif"), default="text")
    describing.add_argument("--format", choices=("json", "markdown"), default="json")
    initializing = command("init", _init)
    initializing.add_argument("directory", nargs="?", type=Path, default=Path(), metavar="DIR")
    initializing.add_argument("--app", help="name of the application; without it, the directory's")
    initializing.add_argument("--region", default="eu-central-1", help="AWS region of all stacks")
    return parser


# Commands ------------------------------------------------------------------------------------


def _build(arguments: argparse.Namespace) -> int:
    """Build environments into out/, lint them, and say what to deploy."""
    known = _environments(arguments.params)
    envs = list(dict.fromkeys(arguments.names)) or known
    for name in envs:
        if name not in known:
            raise _unknown(name, "not an environment", known)
    _refuse_file(arguments.out)
    from moorage.pipeline.write import forgotten, remove, write

    results = []
    with _progress() as step:
        for env in envs:
            built = _built(env, arguments, arguments.format, step)
            results.append(built)
            if built.plan is not None:
                step(env, "write")
                write(built.plan, arguments.out / env)
    for built in results:
        _tell_built(built, arguments.out)
    for name in () if arguments.names else forgotten(arguments.out, known):
        folder = arguments.out / name
        rest = "" if remove(folder) else ", except files that no build wrote"
        print(f"removed {folder}{rest}: {arguments.params / name}.yaml is gone")
    return FOUND if any(built.plan is None for built in results) else CLEAN


def _check(arguments: argparse.Namespace) -> int:
    """Say what is wrong with environments, or with any template; write nothing."""
    known = _environments(arguments.params, needed=not arguments.names)
    _refuse_file(arguments.out)
    names = list(dict.fromkeys(arguments.names)) or known
    for name in names:
        if name not in known:
            _refuse_unless_template(name, known, arguments.params)
    from moorage.findings.report import FORMATS, counts

    findings: list[Finding] = []
    with _progress() as step:
        for name in names:
            judged = _checked(name, arguments, step) if name in known else _linted(name, arguments)
            findings += judged
    findings += [] if arguments.names else _forgotten(arguments.out, known)
    print(FORMATS[arguments.format](findings), end="")
    if arguments.format == "text":
        print(f"checked {', '.join(names)}: {counts(findings)}")
    return _code(findings)


def _explain(arguments: argparse.Namespace) -> int:
    """Tell what the code of a finding means."""
    from moorage.findings.explain import TITLES, listing, markdown, page
    from moorage.pipeline.check import lint_page

    if arguments.format == "markdown":
        print(markdown(), end="")
        return CLEAN
    codes = [code.upper() for code in arguments.codes]
    pages = {code: page(code) or lint_page(code) for code in codes}
    for code, known in pages.items():
        if known is None:
            raise UsageError(
                f"`{code}` is no code of Moorage's or cfn-lint's. {_like(code, TITLES)}"
            )
    print("\n".join(filter(None, pages.values())) if codes else listing(), end="")
    return CLEAN


def _schema(arguments: argparse.Namespace) -> int:
    """Print the JSON Schema of the params, or their reference as Markdown."""
    templates = _templates(arguments)
    if arguments.format == "markdown":
        from moorage.schema.reference import reference

        print(reference(templates), end="")
        return CLEAN
    from moorage.pipeline.render import as_json
    from moorage.schema.json_schema import schema

    print(as_json(schema(templates)), end="")
    return CLEAN


def _init(arguments: argparse.Namespace) -> int:
    """Create a project: params, stack kinds, tests, Makefile and CI; overwrite nothing."""
    from moorage.init import ProjectError, create_project

    directory = arguments.directory
    try:
        files = create_project(directory, arguments.app, arguments.region)
    except ProjectError as error:
        raise UsageError(str(error)) from error
    for path in files:
        print(path)
    enter = "" if directory.resolve() == Path.cwd() else f"cd {shlex.quote(str(directory))} && "
    print(f"next: {enter}make build")
    return CLEAN


# Environments and files ----------------------------------------------------------------------


def _templates(arguments: argparse.Namespace) -> Mapping[str, TemplateModule]:
    """The kinds of stacks; imported here, because troposphere and pydantic take a while."""
    found: Mapping[str, TemplateModule] = import_module(arguments.templates).TEMPLATES
    return found


def _built(env: str, arguments: argparse.Namespace, form: Format, step: Step) -> Built:
    from moorage.pipeline.build import build

    return build(arguments.params, env, _templates(arguments), form, lambda name: step(env, name))


def _checked(env: str, arguments: argparse.Namespace, step: Step) -> list[Finding]:
    """What stands against an environment, and against its files under out/."""
    from moorage.pipeline.write import drift, form

    folder = arguments.out / env
    built = _built(env, arguments, form(folder), step)
    found = [*built.findings, *(drift(built.plan, folder) if built.plan else ())]
    if built.plan is not None and arguments.against is not None:
        step(env, "against")
        found += _update(built.plan, folder, arguments.against)
    return found


def _update(plan: Plan, folder: Path, source: str) -> list[Finding]:
    """What deploying an environment does to what another version of it has deployed."""
    from moorage.findings.finding import Finding, Place
    from moorage.pipeline.write import MANIFEST
    from moorage.update.compare import compare_templates
    from moorage.update.previous_version import NoSuchVersionError, load_previous_environment

    try:
        old = load_previous_environment(source, folder)
    except NoSuchVersionError as error:
        raise UsageError(f"--against: {error}") from error
    manifest = str(folder / MANIFEST)
    if old is None:
        return [_nothing_there(manifest, source, f"`{folder}` of this environment")]
    region = plan.environment.region
    if old.region != region:
        message = f"The environment was in {old.region}, where its stacks stay deployed, and cost"
        hint = "Delete them when nobody needs them any more. In the new region everything is new."
        return [Finding("M1407", "warning", Place(manifest, 1), (), message, hint)]
    new = {
        stack.stack_name: (str(folder / stack.rendering.file), stack.rendering.text)
        for stack in plan.stacks
    }
    return compare_templates(old.texts, new, region)


def _nothing_there(file: str, source: str, what: str) -> Finding:
    from moorage.findings.finding import Finding, Place

    message = f"`{source}` has no {what}, so there is nothing to compare with"
    hint = "Name a version that has it, unless all of it is new."
    return Finding("M1408", "info", Place(file, 1), (), message, hint)


def _linted(file: str, arguments: argparse.Namespace) -> list[Finding]:
    """What stands against any template."""
    from moorage.findings.finding import Finding, Place
    from moorage.pipeline.check import check_texts
    from moorage.update.compare import compare_templates
    from moorage.update.previous_version import NoSuchVersionError, load_previous_template

    try:
        text = Path(file).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        message, hint = "The file is not UTF-8 text", "Save it as UTF-8."
        return [Finding("M1001", "error", Place(file, 1), (), message, hint)]
    found = check_texts({file: text})
    if arguments.against is None:
        return found
    try:
        old = load_previous_template(arguments.against, Path(file))
    except NoSuchVersionError as error:
        raise UsageError(f"--against: {error}") from error
    if not old:
        return [*found, _nothing_there(file, arguments.against, f"`{Path(file).name}`")]
    return [*found, *compare_templates(old, {Path(file).name: (file, text)})]


def _forgotten(out: Path, known: Sequence[str]) -> list[Finding]:
    """Folders that a build would remove."""
    from moorage.findings.finding import Finding, Place
    from moorage.pipeline.write import MANIFEST, forgotten

    hint = "Run `python build.py`, which removes the folder, and commit that."
    message = "The folder is left over: its environment has no params any more"
    return [
        Finding("M1308", "error", Place(str(out / name / MANIFEST), 1), (), message, hint)
        for name in forgotten(out, known)
    ]


def _code(findings: Sequence[Finding]) -> int:
    return FOUND if any(finding.level == "error" for finding in findings) else CLEAN


# Wrong usage ---------------------------------------------------------------------------------


def _environments(params: Path, *, needed: bool = True) -> list[str]:
    """The environments that have params; none is wrong usage where they are needed."""
    from moorage.pipeline.load import environments

    if needed and not params.is_dir():
        raise UsageError(f"there is no folder `{params}`. Make it, or name another with --params.")
    for path in sorted(params.glob("*.yml")):
        raise UsageError(
            f"`{path}` would not be read. Rename it to `{path.with_suffix('.yaml').name}`."
        )
    known = environments(params)
    if needed and not known:
        raise UsageError(f"`{params}` holds no environment. Write one as `{params / 'dev.yaml'}`.")
    return known


def _unknown(name: str, what: str, known: Sequence[str]) -> UsageError:
    if name in COMMANDS:
        return UsageError(f"`{name}` comes first: python build.py {name} ...")
    meant = Path(name).stem
    near = [meant] if meant in known else difflib.get_close_matches(name, [*known, *COMMANDS], n=1)
    hint = f"Did you mean `{near[0]}`?" if near else f"Environments: {', '.join(known) or 'none'}."
    return UsageError(f"`{name}` is {what}. {hint}")


def _like(code: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(code, known, n=1)
    return f"Did you mean `{near[0]}`?" if near else "`python build.py explain` lists them."


def _refuse_unless_template(name: str, known: Sequence[str], params: Path) -> None:
    path = Path(name)
    if path.is_dir():
        raise UsageError(f"`{name}` is a folder. Name its templates: {path / '*.yaml'}")
    if not path.exists():
        raise _unknown(name, "neither an environment nor a file", known)
    if path.stem in known and path.resolve().parent == params.resolve():
        raise UsageError(f"`{name}` holds params, not a template. Did you mean `{path.stem}`?")


def _refuse_file(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise UsageError(f"`{out}` is a file. Name a folder with --out.")


# What is shown -------------------------------------------------------------------------------


def _tell(words: str) -> None:
    print(words, file=sys.stderr)


def _tell_built(built: Built, out: Path) -> None:
    """Findings to stderr, what was made to stdout."""
    from moorage.findings.report import counts, text
    from moorage.pipeline.write import SCRIPT

    sys.stdout.flush()
    print(text(built.findings), end="", file=sys.stderr, flush=True)
    if built.plan is None:
        _tell(f"{built.env}: {counts(built.findings)}, nothing written")
        return
    folder = out / built.env
    if sys.stdout.isatty():
        _show_table(built, folder)
    else:
        for stack in built.plan.stacks:
            resources, size = _size(stack)
            noun = "resource" if resources == 1 else "resources"
            print(f"{folder / stack.rendering.file}  {resources} {noun}  {size:,} bytes")
    if built.plan.stacks:
        print(f"next: bash {shlex.quote(str(folder / SCRIPT))}")
    else:
        print(f"{folder}  nothing to deploy: all of it exists")


def _show_table(built: Built, folder: Path) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from moorage.findings.report import counts

    assert built.plan is not None
    table = Table(title=Text(str(folder)), title_justify="left")
    table.add_column("stack")
    table.add_column("resources", justify="right")
    table.add_column("bytes", justify="right")
    table.add_column("findings")
    for stack in built.plan.stacks:
        resources, size = _size(stack)
        said = counts(_of(stack, built, folder))
        table.add_row(Text(stack.name), f"{resources}", f"{size:,}", said)
    Console().print(table)


def _size(stack: PlannedStack) -> tuple[int, int]:
    """Resources and bytes of a stack's template."""
    return len(stack.rendering.body.get("Resources", {})), len(stack.rendering.text.encode())


def _of(stack: PlannedStack, built: Built, folder: Path) -> Iterator[Finding]:
    """The findings of one stack: about its params, or about its template."""
    file = str(folder / stack.rendering.file)
    for finding in built.findings:
        if finding.path[:2] == ("stacks", stack.name) or finding.place.file == file:
            yield finding


@contextmanager
def _progress() -> Iterator[Step]:
    """What goes on, on a terminal, once it has taken a second; gone without a trace at the end."""
    if not sys.stderr.isatty():
        yield lambda env, step: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = progress.add_task("")
    timer = threading.Timer(1.0, progress.start)
    timer.start()
    try:
        yield lambda env, step: progress.update(task, description=f"{env}: {step}")
    finally:
        timer.cancel()
        timer.join()
        progress.stop()


def run(templates: str, program: str = "build.py") -> NoReturn:
    """Runs this process's command line and ends the process with its exit code."""
    # cfn-lint's rules and schemas are a great many objects that live to the end, and a build is
    # over in seconds: looking through them again and again saves some memory, and takes a fifth of
    # the time.
    gc.disable()
    try:
        code = main(sys.argv[1:], templates, program)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read our output, such as `head`, has had enough
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141
    except KeyboardInterrupt:
        code = 130
    sys.stderr.flush()
    os._exit(code)  # nothing is left to be put away, and taking all objects apart takes a while
