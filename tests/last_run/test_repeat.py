"""What a repeated command prints, and when none is repeated."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from project import Project

from moorage.rules.modules import TABLES, modules_about

BUILD = ("build", "dev")
SMALL = "app: shop\nregion: eu-central-1\nstacks: {hello: {template: greeting}}\n"
FOUND = f"{SMALL}vars: {{unused: 1}}\n"
"""Params with a warning."""
OWNED = f"{SMALL}vars: {{owner: web}}\ntags: {{owner: '${{owner}}'}}\n"


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of findings after builds of the params of this module, which spares seconds."""
    project = Project(tmp_path_factory.mktemp("findings") / "shop")
    for params in (SMALL, FOUND, OWNED):
        project.write("params/dev.yaml", params)
        project.run(*BUILD)
    return project.home / ".cache"


@pytest.fixture
def project(tmp_path: Path, findings: Path) -> Project:
    project = Project(tmp_path / "shop")
    project.write("params/dev.yaml", SMALL)
    shutil.copytree(findings, project.home / ".cache")
    shutil.rmtree(project.records)
    return project


def print_twice(project: Project, *words: str) -> None:
    """A repeated command prints what it printed before, and what it prints without a cache."""
    first = project.run(*words)
    assert project.repeats(*words)
    second, third = project.run(*words), project.run(*words, "--no-cache")
    shown = [(ran.returncode, ran.stdout, ran.stderr) for ran in (first, second, third)]
    assert shown == [shown[0]] * 3


def test_a_build_prints_the_same(project: Project) -> None:
    project.write("params/dev.yaml", FOUND)
    print_twice(project, *BUILD)
    ran = project.run(*BUILD)
    assert b"warning" in ran.stderr
    assert b"next: " in ran.stdout
    assert ran.returncode == 0


def test_a_build_with_errors_prints_the_same(project: Project) -> None:
    project.write("params/dev.yaml", SMALL.replace("greeting", "greeting, size: 1"))
    print_twice(project, "build")
    ran = project.run("build")
    assert b"nothing written" in ran.stderr
    assert ran.returncode == 1


def test_check_says_whether_the_output_is_up_to_date(project: Project) -> None:
    project.run(*BUILD)
    print_twice(project, "check")
    assert project.run("check").returncode == 0
    project.write("out/dev/hello.yaml", "Resources: {}\n")
    assert not project.repeats("check")
    assert b"M1308" in project.run("check").stdout


def test_a_terminal_shows_the_same_table(project: Project) -> None:
    project.run(*BUILD)
    assert project.repeats(*BUILD)
    shown = [show_on_terminal(project, *options) for options in ((), ("--no-cache",))]
    assert shown[0] == shown[1]
    assert "─" in shown[0]


def show_on_terminal(project: Project, *options: str) -> str:
    """What a build prints to a terminal on stdout."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "build.py", *BUILD, *options],
        cwd=project.folder,
        env=project.environ(),
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    ):
        os.close(theirs)
        shown = b""
        while chunk := _read(ours):
            shown += chunk
    os.close(ours)
    return shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux reports EIO where the other side is closed
        return b""


def test_what_another_build_has_written_is_built_again(project: Project) -> None:
    """The record is about what a build has written, even if another one has replaced it."""
    project.write("params/dev.yaml", OWNED)
    assert project.run(*BUILD).returncode == 0
    assert project.run(*BUILD, "--set", "owner=api").returncode == 0
    assert not project.repeats(*BUILD)
    project.run(*BUILD)
    assert '"owner": "web"' in (project.folder / "out/dev/stacks.json").read_text()


def test_a_replaced_file_is_reported_once(project: Project) -> None:
    printed = project.run(*BUILD)
    project.write("out/dev/hello.yaml", "Resources: {}\n")
    assert b"M1313" in project.run(*BUILD).stderr
    assert project.repeats(*BUILD)  # what the first build has written is there again
    assert project.run(*BUILD).stderr == printed.stderr == b""


def test_the_folder_of_a_removed_environment_is_removed(project: Project) -> None:
    project.write("params/old.yaml", SMALL)
    project.run("build")
    (project.folder / "params/old.yaml").unlink()
    assert b"removed out/old" in project.run("build").stdout
    assert b"removed" not in project.run("build").stdout
    assert project.repeats("build")
    shutil.copytree(project.folder / "out/dev", project.folder / "out/old")
    assert not project.repeats("build")


def test_two_builds_at_once(project: Project) -> None:
    running = [
        subprocess.Popen(
            [sys.executable, "build.py", *BUILD],
            cwd=project.folder,
            env=project.environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    printed = [process.communicate(timeout=120) for process in running]
    assert printed[0] == printed[1]
    assert project.repeats(*BUILD)
    ran = project.run(*BUILD)
    assert (ran.stdout, ran.stderr) == printed[0]
    assert len([*project.records.iterdir()]) == 1


@pytest.mark.parametrize(
    "code",
    [
        "from datetime import date\nTITLE = f'{date.today()} '\n",
        "open('log.txt', 'w').close()\nTITLE = 'x'\n",
    ],
)
def test_code_that_depends_on_more_is_run_each_time(code: str, project: Project) -> None:
    project.write("words.py", code)
    assert project.run(*BUILD).returncode == 0
    assert not project.repeats(*BUILD)


def test_what_python_ignores_in_its_path_is_no_error(project: Project) -> None:
    path = "import sys\nfrom pathlib import Path\nsys.path.append(Path('more'))\n"
    project.write("words.py", f"{path}TITLE = 'x'\n")
    ran = project.run(*BUILD)
    assert ran.returncode == 0, ran.stderr.decode()


def test_stack_kinds_that_are_installed_may_depend_on_more(project: Project) -> None:
    package = project.folder.parent / "site-packages"
    shutil.move(project.folder / "kinds", package / "kinds")
    environ = project.environ(PYTHONPATH=os.pathsep.join([str(project.code), str(package)]))
    assert project.run(*BUILD, environ=environ).returncode == 0
    assert project.repeats(*BUILD, environ=environ)
    with (package / "kinds/greeting.py").open("a") as file:
        file.write("\nimport time\n")
    assert project.run(*BUILD, environ=environ).returncode == 0
    assert not project.repeats(*BUILD, environ=environ)


RULE = """
from cfnlint.rules import CloudFormationLintRule


class Rule(CloudFormationLintRule):
    id = "E9999"

    def match(self, cfn):
        return []
"""


def test_rules_of_the_user_may_depend_on_more(project: Project) -> None:
    project.write(".cfnlintrc", "append_rules: [checks]\n")
    project.write("checks/rule.py", RULE)
    assert project.run(*BUILD).returncode == 0
    assert project.repeats(*BUILD)
    project.write("checks/rule.py", f"import time\n{RULE}")
    assert project.run(*BUILD).returncode == 0
    assert not project.repeats(*BUILD)


def test_a_script_that_does_more_is_run_each_time(project: Project) -> None:
    text = (project.folder / "build.py").read_text()
    project.write("build.py", f"import sys\nsys.argv += open('words.txt').read().split()\n{text}")
    project.write("words.txt", "dev")
    assert project.run("build").returncode == 0
    assert not project.repeats("build")


def test_a_build_without_standard_streams_builds(project: Project) -> None:
    command = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "build.py", *BUILD]
    ran = subprocess.run(command, cwd=project.folder, env=project.environ(), check=False)
    assert ran.returncode == 0
    assert (project.folder / "out/dev/hello.yaml").exists()


# Caches that cannot be used ------------------------------------------------------------------


def test_a_damaged_record_is_not_used(project: Project) -> None:
    printed = project.run(*BUILD)
    [record] = project.records.iterdir()
    project.run("check", "dev")
    [other] = {*project.records.iterdir()} - {record}
    content = record.read_bytes()
    changed = content.replace(b"hello", b"hallo")
    for damaged in (content[:-10], changed, b"", b"\n", other.read_bytes()):
        record.write_bytes(damaged)
        assert not project.repeats(*BUILD)
    record.unlink()
    record.mkdir()
    ran = project.run(*BUILD)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, printed.stdout, printed.stderr)


@pytest.mark.parametrize("trouble", ["no writing", "a file", "a link", "writable for others"])
def test_a_cache_folder_that_cannot_be_used_is_no_error(trouble: str, project: Project) -> None:
    caches = project.home / "caches"
    if trouble == "a file":
        caches.write_text("")
    elif trouble == "a link":
        (project.home / "elsewhere").mkdir()
        caches.mkdir()
        (caches / "moorage").symlink_to(project.home / "elsewhere")
    elif trouble == "writable for others":
        (caches / "moorage").mkdir(parents=True)
        (caches / "moorage").chmod(0o777)
    else:
        caches = Path("/proc")  # even root cannot write there
    ran = project.run(*BUILD, environ=project.environ(XDG_CACHE_HOME=str(caches)))
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert b"next: " in ran.stdout
    assert not project.repeats(*BUILD, environ=project.environ(XDG_CACHE_HOME=str(caches)))


# Start-up ------------------------------------------------------------------------------------

SLOW = {"boto3", "cfnlint", "pydantic", "rich", "ruamel", "troposphere", "yaml"}


def modules_of(project: Project, *words: str) -> set[str]:
    """The modules that a command imports."""
    return {*project.run(*words, script="listing.py").stderr.decode().split()}


def test_a_repeated_build_imports_nothing_slow(project: Project) -> None:
    project.run(*BUILD)
    imported = modules_of(project, *BUILD)
    assert "moorage" in imported
    assert imported & (SLOW | {"kinds", "templates"}) == set()


def test_a_build_of_known_templates_loads_neither_cfn_lint_nor_rules(project: Project) -> None:
    project.run(*BUILD)
    shutil.rmtree(project.folder / "out")
    imported = modules_of(project, *BUILD)
    assert "troposphere" in imported
    assert imported & {"cfnlint", "moorage.rules.runner"} == set()


def test_a_build_imports_the_rules_about_its_resources(project: Project) -> None:
    imported = modules_of(project, *BUILD, "--no-cache")
    about = {f"moorage.rules.{module}" for module in modules_about({"AWS::SNS::Topic"})}
    tables = {f"moorage.rules.{table}" for table in TABLES}
    assert about <= imported
    assert about & tables == imported & tables
    assert imported.isdisjoint({"moorage.rules.registry", "moorage.rules.state_machines"})


def test_the_version_and_the_page_of_a_code_need_neither_cfn_lint_nor_aws(project: Project) -> None:
    assert "moorage" in modules_of(project, "explain", "M1205")
    assert modules_of(project, "explain", "M1205") & {"boto3", "cfnlint", "troposphere"} == set()
