"""A build repeats its outcome only if nothing has changed: each input of a build in turn."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from project import ROOT, Project

from moorage.last_run.record import find_key

BUILD = ("build", "dev")
SMALL = "app: shop\nregion: eu-central-1\nstacks: {hello: {template: greeting}}\n"


def build_copy(folder: Path, templates: str) -> Project:
    """A project that uses a copy of Moorage, after a build."""
    for name, copy in (("moorage", "moorage"), ("templates", templates)):
        shutil.copytree(ROOT / name, folder / copy)  # with bytecode
    (folder / "extra-1.0.dist-info").mkdir()
    project = Project(folder.parent / "shop", folder)
    ran = project.run(*BUILD)
    assert ran.returncode == 0, ran.stderr.decode()
    return project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project that uses a checkout. What a test changes must be undone."""
    built = build_copy(tmp_path_factory.mktemp("checkout") / "code", "templates")
    yield built
    assert built.repeats(*BUILD), "a change was not undone"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project that uses an installed Moorage."""
    built = build_copy(tmp_path_factory.mktemp("wheel") / "site-packages", "moorage/templates")
    yield built
    assert built.repeats(*BUILD), "a change was not undone"


FILES = (
    ("params/dev.yaml", "app: shop\n"),
    ("params/base.yaml", "vars: {}\n"),
    ("params/prod.yaml", "app: shop\n"),
    ("params/nginx/web.conf", "events {}\n"),
    ("params/nginx/web.conf", None),
    ("params/nginx/dev-api.conf", "server {}\n"),
    ("kinds/__init__.py", "TEMPLATES = {}\n"),
    ("kinds/greeting.py", "from troposphere import Template\n"),
    ("kinds/greeting.txt", "another topic"),
    ("kinds/greeting.txt", None),
    ("words.py", "TITLE = 'That is '\n"),
    ("loud", ""),
    ("yaml.py", ""),
    ("out/dev/web.yaml", "Resources: {}\n"),
    ("out/dev/web.yaml", None),
    ("out/dev/deploy.sh", None),
    ("out/dev/stacks.json", "{}"),
    ("out/dev/SHA256SUMS", ""),
    ("out/dev/more.yaml", ""),
    (".cfnlintrc", "ignore_checks: [E3001]\n"),
    (".cfnlintrc.yaml", "ignore_checks: [E3001]\n"),
    ("../home/.cfnlintrc", "ignore_checks: [E3001]\n"),
    ("../home/.cfnlintrc.yml", "ignore_checks: [E3001]\n"),
    ("../home/.cache/aws/cfn-lint/schemas/version.json", "{}"),
)


@pytest.mark.parametrize(("name", "text"), FILES)
def test_another_content_of_a_file_is_built(name: str, text: str | None, project: Project) -> None:
    with project.changed(name, text):
        assert not project.repeats(*BUILD)


@pytest.mark.parametrize("name", ["params/dev.yaml", "words.py", "out/dev/web.yaml"])
def test_a_content_of_the_same_size_and_time_is_built(name: str, project: Project) -> None:
    path = project.folder / name
    text, status = path.read_text(), path.stat()
    with project.changed(name, text.replace("T", "U").replace("s", "t")):
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert not project.repeats(*BUILD)


@pytest.mark.parametrize("name", ["params/dev.yaml", "kinds/greeting.txt", "out/dev/web.yaml"])
def test_another_time_of_a_file_is_not_built(name: str, project: Project) -> None:
    os.utime(project.folder / name, (1, 1))
    assert project.repeats(*BUILD)


def test_a_link_to_the_same_content_is_built(project: Project) -> None:
    """Where a link leads decides whether its file may be read."""
    path = project.folder / "params/nginx/web.conf"
    outside = shutil.copy(path, project.folder.parent)
    text = path.read_bytes()
    path.unlink()
    path.symlink_to(outside)
    assert not project.repeats(*BUILD)
    path.unlink()
    path.write_bytes(text)


def test_a_folder_that_became_a_link_is_built(project: Project) -> None:
    folder = project.folder / "params/nginx"
    moved = folder.rename(project.folder.parent / "nginx")
    folder.symlink_to(moved)
    assert not project.repeats(*BUILD)
    folder.unlink()
    moved.rename(folder)


def test_a_script_that_cannot_be_executed_is_built(project: Project) -> None:
    script = project.folder / "out/dev/deploy.sh"
    mode = script.stat().st_mode
    script.chmod(0o644)
    assert not project.repeats(*BUILD)
    script.chmod(mode)


def test_a_file_that_cannot_be_read_is_built(project: Project) -> None:
    path = project.folder / "params/dev.yaml"
    aside = path.rename(path.with_suffix(".aside"))
    path.mkdir()
    assert not project.repeats(*BUILD)
    path.rmdir()
    aside.rename(path)


def test_an_nginx_on_the_path_is_used(project: Project) -> None:
    program = project.programs / "nginx"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert not project.repeats(*BUILD)
    program.unlink()


VARIABLES = ("GREETING", "AWS_REGION", "NO_COLOR", "XDG_CACHE_HOME", "PYTHONHASHSEED", "LC_ALL")


@pytest.mark.parametrize("name", VARIABLES)
def test_another_environment_variable_is_built(name: str, project: Project) -> None:
    assert not project.repeats(*BUILD, environ=project.environ(**{name: "1"}))


@pytest.mark.parametrize("name", ["SHLVL", "OLDPWD", "COLUMNS", "_"])
def test_variables_that_shells_change_do_not_count(name: str, project: Project) -> None:
    assert project.repeats(*BUILD, environ=project.environ(**{name: "7"}))


OPTIONS: tuple[tuple[str, ...], ...] = (
    ("--set", "tag=2"),
    ("--image", "web=2.0.0"),
    ("--format", "json"),
    ("--params", "./params"),
    ("--out", "other"),
    ("--no-cache",),
)


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_another_option_is_built(options: tuple[str, ...], project: Project) -> None:
    if options == ("--no-cache",):
        text = project.run(*BUILD, *options, "--params", "nowhere").stderr
        assert b"nowhere" in text
        return
    assert not project.repeats(*BUILD, *options)


def test_another_command_environment_or_order_is_run(project: Project) -> None:
    assert not project.repeats("build")
    assert not project.repeats("check", "dev")
    assert not project.repeats("build", "dev", "dev")


def test_another_folder_is_built(project: Project) -> None:
    (project.folder / "sub").mkdir()
    words = (*BUILD, "--params", str(project.folder / "params"))
    assert not project.repeats(*words, cwd=project.folder / "sub")
    (project.folder / "sub").rmdir()


def test_another_python_is_used(project: Project) -> None:
    assert not project.repeats(*BUILD, python=(sys.executable, "-O"))
    assert not project.repeats(*BUILD, python=(sys.executable, "-X", "dev"))
    link = project.folder.parent / "python"
    link.symlink_to(sys.executable)
    environ = project.environ(PYTHONPATH=os.pathsep.join([str(project.code), *sys.path[1:]]))
    assert not project.repeats(*BUILD, python=(str(link),), environ=environ)
    link.unlink()


def test_another_day_is_built() -> None:
    """Rules of cfn-lint compare it with the end of support of a runtime of Lambda."""
    keys = [find_key(BUILD, "kinds", day) for day in ("2026-11-27", "2026-11-27", "2026-11-28")]
    assert keys[0] == keys[1] != keys[2]


def test_a_project_beside_the_cache_folder_is_observed(tmp_path: Path) -> None:
    """Also if the names of both begin alike."""
    project = Project(tmp_path / "moorage-shop")
    project.write("params/dev.yaml", SMALL)
    environ = project.environ(XDG_CACHE_HOME=str(tmp_path))
    project.run(*BUILD, environ=environ)
    assert project.repeats(*BUILD, environ=environ)
    project.write("params/dev.yaml", f"{SMALL}# changed\n")
    assert not project.repeats(*BUILD, environ=environ)


# Moorage and other packages, installed or not ------------------------------------------------


CODE = (
    "moorage/rules/listeners.py",
    "moorage/model.py",
    "moorage/pipeline/scripts/head.sh.in",
    "moorage/pipeline/yaml.py",
    "@templates@/topic.py",
    "@templates@/proxy/nginx_run.py",
    "ruamel.py",
)
"""Files of Moorage, and files that would be imported in place of a package."""


@pytest.mark.parametrize("name", CODE)
@pytest.mark.parametrize("copy", ["project", "installed"])
def test_another_code_of_moorage_is_run(
    name: str, copy: str, request: pytest.FixtureRequest
) -> None:
    project: Project = request.getfixturevalue(copy)
    file = project.code / name.replace("@templates@", project.built_in)
    text = file.read_text() if file.exists() else ""
    with project.changed(str(file), f"{text}\n"):
        assert not project.repeats(*BUILD)


def test_another_version_of_a_package_is_used(project: Project) -> None:
    package = project.code / "extra-1.0.dist-info"
    newer = package.rename(project.code / "extra-1.1.dist-info")
    assert not project.repeats(*BUILD)
    newer.rename(package)
