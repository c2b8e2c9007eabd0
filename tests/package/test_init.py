"""`moorage init`, and the project that it creates."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from installation import ROOT, Environment
from jsonschema import Draft7Validator
from ruamel.yaml import YAML

from moorage import __version__

FILES = [
    ".github/workflows/ci.yaml",
    ".gitignore",
    ".pre-commit-config.yaml",
    "Makefile",
    "README.md",
    "build.py",
    "params.schema.json",
    "params/base.yaml",
    "params/dev.yaml",
    "params/prod.yaml",
    "pyproject.toml",
    "setup.cfg",
    "templates/__init__.py",
    "templates/stream.py",
    "tests/test_build.py",
    "tests/test_stream.py",
]


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def created(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("created")
    run = environment.run("moorage", "init", "Web_Shop", "--region", "ap-northeast-1", cwd=folder)
    assert (run.returncode, run.stderr) == (0, "")
    *listed, following = run.stdout.splitlines()
    assert listed == [f"Web_Shop/{name}" for name in FILES]
    assert following == "next: cd Web_Shop && make build"
    return folder / "Web_Shop"


@dataclass(frozen=True)
class Checked:
    """A project in which the commands of its Makefile have run."""

    folder: Path
    runs: dict[str, subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def checked(
    created: Path, environment: Environment, tmp_path_factory: pytest.TempPathFactory
) -> Checked:
    folder = tmp_path_factory.mktemp("checked") / "project"
    shutil.copytree(created, folder)
    targets = ("test", "build", "lint")
    return Checked(folder, {name: environment.make(name, cwd=folder) for name in targets})


@pytest.fixture
def checked_project(checked: Checked, tmp_path: Path) -> Path:
    """A copy of a project that is built, with the cache of mypy."""
    shutil.copytree(checked.folder, tmp_path / "project")
    return tmp_path / "project"


@pytest.fixture
def project(created: Path, tmp_path: Path) -> Path:
    """A copy of a new project. Times are copied too, so that make sees the same as in the first."""
    shutil.copytree(created, tmp_path / "project")
    return tmp_path / "project"


def test_a_new_project_has_the_layout_of_this_repository(created: Path) -> None:
    assert files(created) == FILES
    base = (created / "params/base.yaml").read_text()
    assert "\napp: web-shop\nregion: ap-northeast-1\n" in base
    for path in sorted(created.glob("params/*.yaml")):
        assert path.read_text().startswith("# yaml-language-server: $schema=../params.schema.json")
    left = [name for name in files(created) if re.search(r"@\w+@", (created / name).read_text())]
    assert left == []


def test_an_editor_accepts_the_params(created: Path) -> None:
    schema = json.loads((created / "params.schema.json").read_text())
    for path in sorted(created.glob("params/*.yaml")):
        params = YAML(typ="safe", pure=True).load(path)
        assert [error.message for error in Draft7Validator(schema).iter_errors(params)] == []


def test_build_test_and_lint_pass_in_a_new_project(created: Path, checked: Checked) -> None:
    for target, run in checked.runs.items():
        assert run.returncode == 0, f"make {target}: {run.stdout}{run.stderr}"
        assert run.stderr == ""
        if target == "lint":
            assert "Success: no issues found in 5 source files" in run.stdout
            assert "checked dev, prod: no findings" in run.stdout
    ignored = set((created / ".gitignore").read_text().splitlines())
    added = [name.split("/") for name in set(files(checked.folder)) - set(files(created))]
    to_commit = {parts[0] for parts in added if not {f"{part}/" for part in parts} & ignored}
    assert to_commit == {"out"}


def test_outdated_output_fails_the_tests(checked_project: Path, environment: Environment) -> None:
    project = checked_project
    params = project / "params/dev.yaml"
    params.write_text(params.read_text().replace("14d", "30d"))
    run = environment.make("test", cwd=project)
    assert run.returncode == 2
    assert "1 failed" in run.stdout
    assert "run `make build`" in run.stdout


def test_the_stack_kind_in_the_readme_works(
    checked_project: Path, environment: Environment
) -> None:
    project = checked_project
    readme = (ROOT / "README.md").read_text()
    (source,) = re.findall(r"^```python\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)
    (entry,) = re.findall(r"^  jobs: \{template: queue, .*\}$", readme, re.MULTILINE)
    (project / "templates/queue.py").write_text(source)
    kinds = project / "templates/__init__.py"
    text = kinds.read_text().replace("import stream", "import queue, stream")
    kinds.write_text(
        text.replace('    "stream": stream,\n', '    "queue": queue,\n    "stream": stream,\n')
    )
    with (project / "params/base.yaml").open("a") as file:
        file.write(f"\n{entry}\n")
    later = (project / "params.schema.json").stat().st_mtime_ns + 1_000_000_000
    os.utime(kinds, ns=(later, later))  # a coarse clock could give it the schema's time
    for target in ("build", "lint", "test"):
        run = environment.make(target, cwd=project)
        assert run.returncode == 0, f"make {target}: {run.stdout}{run.stderr}"
    assert "AWS::SQS::Queue" in (project / "out/prod/jobs.yaml").read_text()
    assert '"queue"' in (project / "params.schema.json").read_text()


def test_an_upgrade_is_one_changed_version(project: Path, environment: Environment) -> None:
    pinned = {name for name in FILES if __version__ in (project / name).read_text()}
    assert pinned == {"setup.cfg"}
    text = (project / "setup.cfg").read_text()
    assert text.count(__version__) == 1
    (project / ".venv").mkdir()
    (project / ".venv/.ready").touch()
    assert "pip install" not in environment.run("make", "-n", "build", cwd=project).stdout
    (project / "setup.cfg").write_text(text.replace(f"== {__version__}", "== 99.0.0"))
    later = (project / ".venv/.ready").stat().st_mtime_ns + 1_000_000_000
    os.utime(project / "setup.cfg", ns=(later, later))
    commands = environment.run("make", "-n", "build", cwd=project).stdout
    assert re.search(r"pip install .*\n(.*\n)*.*build\.py schema.*\n.*build\.py$", commands)


def test_the_pinned_version_installs_nothing_else(project: Path, environment: Environment) -> None:
    """setuptools reads the project's setup.cfg, which has no packages, without complaint."""
    script = "from setuptools import setup; import sys; sys.argv = ['', '-q', 'egg_info']; setup()"
    run = environment.run("python", "-c", script, cwd=project)
    assert (run.returncode, run.stderr) == (0, "")
    requires = (project / "web_shop_infrastructure.egg-info/requires.txt").read_text()
    assert requires.startswith(f"moorage=={__version__}\n\n[test]\n")
    assert (project / "web_shop_infrastructure.egg-info/top_level.txt").read_text().strip() == ""


def test_nothing_is_overwritten(environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("mine\n")
    run = environment.run("moorage", "init", cwd=tmp_path)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == (
        "moorage: `Makefile` exists already. Nothing was written; name an empty directory.\n"
    )
    assert files(tmp_path) == ["Makefile"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["new", "--app", "A B"], "--app: `A B`"),
        (["new", "--region", "moon"], "--region: `moon` is not a region"),
        (["Makefile"], "`Makefile` is a file. Name a directory."),
    ],
)
def test_wrong_arguments_write_nothing(
    arguments: list[str], message: str, environment: Environment, tmp_path: Path
) -> None:
    (tmp_path / "Makefile").write_text("mine\n")
    run = environment.run("moorage", "init", *arguments, cwd=tmp_path)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith(f"moorage: {message}")
    assert files(tmp_path) == ["Makefile"]
