"""`moorage watch`: builds environments again whenever a file changes."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from moorage.commands.build import add_options, find_unknown_ids
from moorage.commands.environments import build_with, load_templates, prepare_linter
from moorage.commands.internal_errors import find_place, report_internal_error
from moorage.commands.linting import open_linter
from moorage.commands.terminal import print_line, print_text
from moorage.commands.usage import UsageError, find_environments, refuse_file, unknown_name

if TYPE_CHECKING:  # imported in functions: cfn-lint alone takes half a second
    from moorage.findings.finding import Finding
    from moorage.lint.linter import Linter
    from moorage.pipeline.build import Built
    from moorage.watch.changes import Changes
    from moorage.watch.shown_findings import Difference, ShownFindings

_RETURNS = 0.5
"""Seconds within which a file that is replaced is there again."""
_MAX_NAMES = 3


def add_arguments(watching: argparse.ArgumentParser) -> None:
    """Adds the arguments of `watch`: whole environments, and the options of `build`."""
    watching.add_argument("names", nargs="*", metavar="ENV", help="environments; default: all")
    add_options(watching)


def watch(arguments: argparse.Namespace) -> NoReturn:
    """Build environments whenever a file changes, and print which findings are new or gone."""
    try:
        _watch(arguments)
    except _CodeChangedError:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def _watch(arguments: argparse.Namespace) -> NoReturn:
    known = find_environments(arguments.params)
    for name in arguments.names:
        if name not in known:
            raise unknown_name(name, "not an environment", known)
    refuse_file(arguments.out)
    from moorage.lint.engine_client import close_engine
    from moorage.watch.changes import Changes
    from moorage.watch.concerns import find_code_folders

    with Changes([arguments.params, *find_code_folders(arguments.templates)]) as changes:
        is_loaded = _load(arguments)
        code = find_code_folders(arguments.templates)
        changes.follow([arguments.params, *code])
        folders = [str(arguments.params), *(os.path.relpath(folder) for folder in code)]
        _say(f"watching {', '.join(folders)}; Ctrl-C ends")
        with open_linter(arguments, remembers=True) as linter:
            try:
                _Watcher(arguments, changes, code, linter).run(builds=is_loaded)
            finally:
                close_engine()


def _load(arguments: argparse.Namespace) -> bool:
    """Imports the stack kinds. False if that fails, which a change of the code can correct."""
    try:
        load_templates(arguments)
    except Exception as error:
        place = find_place(error)
        if isinstance(error, SyntaxError) and error.filename:
            place = f"{os.path.relpath(error.filename)}:{error.lineno}"
        _say(f"{place}: {type(error).__name__}: {error}; nothing is built before this is corrected")
        return False
    return True


def _say(text: str) -> None:
    print_line(text)
    sys.stdout.flush()


class _CodeChangedError(Exception):
    """The code of this process has changed, so another process has to go on."""


class _SupersededError(Exception):
    """A file that a build concerns has changed since the build began."""


@dataclass
class _Environment:
    """What is kept of the builds of an environment."""

    shown: ShownFindings
    reads: set[str] = field(default_factory=set)
    step: int = 0
    """How often the current build has shown what it has found so far."""
    is_checked: bool = False
    """Whether the current build checks the templates, so that it finds all there is to find."""


class _Watcher:
    """Builds what is waiting, and then waits for changes."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        changes: Changes,
        code: Collection[Path],
        linter: Linter,
    ) -> None:
        from moorage.watch.shown_findings import ShownFindings

        self._arguments, self._changes, self._code = arguments, changes, code
        self._linter = linter
        self._environments: dict[str, _Environment] = {}
        self._waiting: dict[str, None] = {}
        self._settings = ShownFindings()
        self._said = ""
        self._is_frozen = False

    def run(self, *, builds: bool) -> NoReturn:
        """Builds until an exception, such as Ctrl-C. Without `builds`, it only waits for other
        code. Raises _CodeChangedError."""
        while not builds:
            self._refuse_other_code(self._changes.wait())
        self._find_environments()
        while True:
            while self._waiting:
                env = next(iter(self._waiting))
                del self._waiting[env]
                self._build(env)
            self._tidy_up()
            self._note(self._changes.wait())

    # Changes ---------------------------------------------------------------------------------

    def _note(self, changed: set[str]) -> None:
        """Lets all environments wait for a build that the changed files concern."""
        from moorage.watch.concerns import find_concerned

        if not changed:
            return
        if any(not self._path(env).exists() for env in self._environments):
            changed = changed | self._changes.wait(_RETURNS)
        self._refuse_other_code(changed)
        self._find_environments()
        reads = {name: environment.reads for name, environment in self._environments.items()}
        self._waiting |= dict.fromkeys(find_concerned(changed, self._arguments.params, reads))

    def _path(self, env: str) -> Path:
        path: Path = self._arguments.params / f"{env}.yaml"
        return path

    def _find_environments(self) -> None:
        """Adds environments that have appeared, and drops those without params."""
        from moorage.watch.shown_findings import ShownFindings

        try:
            known = find_environments(self._arguments.params, needed=False)
            self._said = ""
        except (UsageError, OSError) as error:
            if self._said != (said := str(error)):
                _say(said)
            self._said = said
            return
        for env in [env for env in self._environments if env not in known]:
            self._show_gone(self._environments.pop(env).shown.clear())
            self._waiting.pop(env, None)
            folder = self._arguments.out / env
            kept = f"; {folder} stays as it is" if folder.exists() else ""
            _say(f"{env}: {self._path(env)} is gone{kept}")
        for env in known:
            is_meant = env in self._arguments.names or not self._arguments.names
            if is_meant and env not in self._environments:
                self._environments[env] = _Environment(ShownFindings())
                self._waiting[env] = None

    def _refuse_other_code(self, changed: Collection[str]) -> None:
        """Raises _CodeChangedError if code has changed, unless it has a syntax error."""
        from moorage.watch.concerns import find_code

        files = find_code(changed, self._code)
        if not files or not all(_is_readable(Path(file)) for file in files):
            return
        _say(f"{_join([os.path.relpath(file) for file in files])} changed: starting again")
        raise _CodeChangedError

    # Builds ----------------------------------------------------------------------------------

    def _build(self, env: str) -> None:
        """Builds one environment, shows what is different, and writes its files."""
        from moorage.watch.reads import record_reads

        arguments, environment = self._arguments, self._environments[env]
        environment.step, environment.is_checked = 0, False
        try:
            with (
                prepare_linter(self._linter, env, arguments, arguments.format),
                record_reads() as reads,
            ):
                built = build_with(
                    self._linter,
                    env,
                    arguments,
                    arguments.format,
                    lambda _, step: self._begin_step(env, step),
                    show=lambda findings: self._show(environment, findings),
                )
            environment.reads = reads
            last = None if environment.is_checked else environment.step
            self._show_difference(environment.shown.update(last, built.findings))
            _say(f"{env}: {self._write(built)}")
        except _SupersededError:
            environment.reads |= reads
        except (BrokenPipeError, _CodeChangedError):
            raise
        except FileNotFoundError as error:  # an editor may be replacing the file
            self._note(self._changes.wait(_RETURNS))
            if env not in self._waiting:
                _say(f"{env}: {error}")
        except (UsageError, OSError) as error:
            _say(f"{env}: {error}")
        except Exception as error:
            report_internal_error(error, env)

    def _show(self, environment: _Environment, findings: Sequence[Finding]) -> None:
        self._show_difference(environment.shown.update(environment.step, findings))
        environment.step += 1

    def _begin_step(self, env: str, step: str) -> None:
        """Raises _SupersededError if the environment that is being built has changed."""
        self._environments[env].is_checked |= step == "check"
        self._note(self._changes.take())
        if env in self._waiting or env not in self._environments:
            raise _SupersededError

    def _write(self, built: Built) -> str:
        """Writes the files of an environment; returns its counts, and what was written."""
        from moorage.findings.report import counts, text
        from moorage.pipeline.write import find_drift, list_names, write

        if built.plan is None:
            return f"{counts(built.findings)}, nothing written"
        folder = self._arguments.out / built.env
        names = [Path(finding.place.file).name for finding in find_drift(built.plan, folder)]
        print_text(text(write(built.plan, folder)))
        current = list_names(built.plan)
        written = _join([name for name in names if name in current])
        removed = _join([name for name in names if name not in current])
        parts = [written and f"wrote {written}", removed and f"removed {removed}"]
        return ", ".join([counts(built.findings), *filter(None, parts)])

    def _tidy_up(self) -> None:
        """What is done when nothing is left to build."""
        self._show_difference(self._settings.update(0, find_unknown_ids(self._linter)))
        gc.collect()
        if not self._is_frozen:
            gc.freeze()  # what is here now stays: code, rules and schemas
            self._is_frozen = True

    # Output ----------------------------------------------------------------------------------

    def _show_difference(self, difference: Difference) -> None:
        from moorage.findings.report import text

        self._show_gone(difference.gone)
        print_text(text(difference.came))
        sys.stdout.flush()

    def _show_gone(self, findings: Sequence[Finding]) -> None:
        from moorage.findings.report import text

        for line in text(findings).splitlines():
            _say(f"gone: {line}")


def _join(names: Sequence[str]) -> str:
    """A few names, and how many more there are."""
    rest = len(names) - _MAX_NAMES
    return ", ".join(names[:_MAX_NAMES]) + (f" and {rest} more" if rest > 0 else "")


def _is_readable(file: Path) -> bool:
    """Whether code can be compiled; says why if not. A file that was deleted counts as readable."""
    try:
        compile(file.read_bytes(), file, "exec", dont_inherit=True)
    except FileNotFoundError:
        return True
    except (OSError, SyntaxError, ValueError) as error:
        line = error.lineno if isinstance(error, SyntaxError) else 1
        _say(f"{os.path.relpath(file)}:{line}: {error}; the code as it was stays in use")
        return False
    return True
