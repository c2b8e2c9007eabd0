"""A project with a stack kind of its own, whose commands run in processes of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARAMS = ROOT / "tests/golden/proxy-config/params"

_BUILD = """\
from moorage.cli import run

if __name__ == "__main__":
    run("kinds")
"""
_PROBE = """\
from moorage.cli import run
from moorage.commands import build, check


def work(arguments):
    raise SystemExit(99)


build._build = check._check = work
run("kinds")
"""
"""Ends with another exit code where a command would do its work, so that a test need not wait."""
_LISTING = """\
import os
import sys

end = os._exit


def list_modules(code):
    print(*sorted(sys.modules), file=sys.stderr)
    end(code)


os._exit = list_modules

from moorage.cli import run

run("kinds")
"""
"""Prints the modules that a command has imported."""

_KINDS = """\
from @templates@ import TEMPLATES as BUILT_IN

from . import greeting

TEMPLATES = {**BUILT_IN, "greeting": greeting}
"""
_GREETING = """\
from pathlib import Path

from pydantic import BaseModel
from troposphere import Template, sns

import words

HERE = Path(__file__).parent


class Params(BaseModel, extra="forbid"):
    pass


def compose(name, params, env):
    template = Template(words.TITLE + (HERE / "greeting.txt").read_text())
    template.set_version()
    if (HERE.parent / "loud").exists():
        template.set_metadata({"Loud": sorted(path.name for path in HERE.glob("*.txt"))})
    template.add_resource(sns.Topic("Topic", KmsMasterKeyId="alias/aws/sns"))
    return template
"""


class Project:
    """A folder with params, and what its commands print."""

    def __init__(self, folder: Path, code: Path = ROOT) -> None:
        """`code` is the folder of Moorage's packages: a checkout, or as they are installed."""
        self.folder, self.code = folder, code
        self.home = folder.parent / "home"
        self.programs = folder.parent / "programs"
        for each in (self.home, self.programs, folder / "kinds"):
            each.mkdir(parents=True)
        shutil.copytree(PARAMS, folder / "params")
        with (folder / "params/dev.yaml").open("a") as file:
            file.write("  hello: {template: greeting}\n")
        self.built_in = "templates" if (code / "templates").exists() else "moorage/templates"
        package = self.built_in.replace("/", ".")
        self.write("kinds/__init__.py", _KINDS.replace("@templates@", package))
        self.write("kinds/greeting.py", _GREETING)
        self.write("kinds/greeting.txt", "a topic")
        self.write("words.py", "TITLE = 'This is '\n")
        self.write("build.py", _BUILD)
        self.write("probe.py", _PROBE)
        self.write("listing.py", _LISTING)

    def write(self, name: str, text: str) -> Path:
        """Writes a file of the project."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    @property
    def records(self) -> Path:
        return self.home / ".cache/moorage/runs"

    def environ(self, **more: str) -> dict[str, str]:
        path = f"{self.programs}{os.pathsep}/usr/bin{os.pathsep}/bin"
        return {"HOME": str(self.home), "PATH": path, "PYTHONPATH": str(self.code), **more}

    @contextmanager
    def changed(self, name: str, text: str | None) -> Iterator[None]:
        """Inside, a file of the project has another text, or is missing."""
        path = self.folder / name
        aside = self.folder.parent / "before"
        missing = [parent for parent in path.parents if not parent.exists()]
        if path.exists():
            shutil.copy2(path, aside)
            path.unlink()
        if text is not None:
            self.write(name, text)
        yield
        path.unlink(missing_ok=True)
        for parent in missing:
            parent.rmdir()
        if aside.exists():
            shutil.move(aside, path)

    def run(
        self,
        *words: str,
        script: str = "build.py",
        environ: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        python: tuple[str, ...] = (sys.executable,),
    ) -> subprocess.CompletedProcess[bytes]:
        """Runs a command of the project."""
        return subprocess.run(
            [*python, str(self.folder / script), *words],
            cwd=cwd or self.folder,
            env=dict(environ or self.environ()),
            capture_output=True,
            check=False,
            timeout=120,
        )

    def repeats(self, *words: str, **more: object) -> bool:
        """Whether a command prints what it printed the last time, without working."""
        ran = self.run(*words, script="probe.py", **more)  # type: ignore[arg-type]
        assert ran.returncode in (0, 1, 99), ran.stderr.decode()
        return ran.returncode != 99
