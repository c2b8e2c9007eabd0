"""Templates that are linted in processes have the findings that they have in one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from lint_samples import QUEUE, ROOT, lint, sample

from moorage.findings.finding import Finding
from moorage.lint.findings_cache import FindingsCache
from moorage.lint.linter import Linter
from moorage.lint.settings import LintSettings, SettingsError, find_settings
from moorage.lint.stored_findings import as_json
from moorage.lint.workers import Workers, usable_cores
from moorage.pipeline.check import check_texts


@pytest.fixture(scope="module")
def expected() -> list[tuple[Finding, ...]]:
    return lint(Linter(), sample())


@pytest.mark.parametrize(("count", "forks"), [(3, True), (2, False)])
def test_processes_find_the_same_in_the_same_order(
    expected: list[tuple[Finding, ...]], count: int, forks: bool, tmp_path: Path
) -> None:
    assert sum(map(len, expected)) > 30
    with Workers(count, forks) as workers:
        linter = Linter(FindingsCache(tmp_path), workers)
        assert lint(linter, sample()) == expected
        assert workers.are_started
        assert lint(Linter(None, workers), sample()) == expected, "idle processes go on"
    assert not workers.are_started
    assert lint(Linter(FindingsCache(tmp_path)), sample()) == expected, "from the cache"


def test_an_environment_has_the_same_findings(expected: list[tuple[Finding, ...]]) -> None:
    texts = {f"{number}.yaml": text for number, text in enumerate(sample())}
    with Workers(2) as workers:
        found = check_texts(texts, linter=Linter(None, workers))
    line = next(finding.place.line for finding in found if finding.code == "E9461")
    assert line == 8
    assert json.dumps(as_json(found)) == json.dumps(as_json(check_texts(texts)))


def test_what_ended_processes_leave_is_linted_here(expected: list[tuple[Finding, ...]]) -> None:
    with Workers(2) as workers:
        workers.start()
        for process in workers._processes:
            os.killpg(process.pid, signal.SIGKILL)
        assert lint(Linter(None, workers), sample()) == expected


def test_settings_are_refused_as_in_this_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".cfnlintrc").write_text("ignore_checks: E1\n")
    settings = find_settings()
    assert refusal(Linter(), settings) == refusal(Linter(), settings)
    with Workers(2) as workers:
        assert refusal(Linter(None, workers), settings) == refusal(Linter(), settings)


def refusal(linter: Linter, settings: LintSettings) -> list[str]:
    with pytest.raises(SettingsError) as linting:
        lint(linter, sample(), settings)
    with pytest.raises(SettingsError) as describing:
        linter.describe(settings)
    return [str(linting.value), str(describing.value)]


def test_settings_mean_the_same_in_all_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    Path(".cfnlintrc").write_text("ignore_checks: [E3012]\ntemplates: [none/*.yaml]\n")
    settings = find_settings()
    with Workers(2) as workers:
        workers.start()
        elsewhere = Linter(FindingsCache(tmp_path / "cache"), workers)
        assert elsewhere.describe(settings) == Linter().describe(settings)
        assert elsewhere.describe(settings) == Linter().describe(settings), "from the cache"
        assert elsewhere.describe(settings).ignored == ("E3012",)
        assert elsewhere.regions == Linter().regions
        assert lint(elsewhere, [QUEUE], settings) == lint(Linter(), [QUEUE], settings) == [()]


def test_cores_are_those_that_may_be_used() -> None:
    code = "import os; os.sched_setaffinity(0, {next(iter(os.sched_getaffinity(0)))})\n"
    code += "from moorage.lint.workers import usable_cores; print(usable_cores())"
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    assert shown.stdout == b"1\n"
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


# Commands --------------------------------------------------------------------------------------

STACKS = 14
WATCHING = """
import json, os, sys
seen = {"programs": 0, "shared memory": 0}
def watch(event, arguments):
    if event == "subprocess.Popen":
        seen["programs"] += 1
    elif arguments and isinstance(arguments[0], str) and arguments[0].startswith("/dev/shm"):
        seen["shared memory"] += 1
sys.addaudithook(watch)
if sys.argv[1] == "one core":
    os.sched_setaffinity(0, {next(iter(os.sched_getaffinity(0)))})
from moorage.cli import main
code = main(sys.argv[2:], "templates")
seen["modules"] = [name for name in ("cfnlint", "moorage.rules.runner", "moorage.rules.registry",
                                    "multiprocessing")
                   if name in sys.modules]
print(json.dumps(seen))
sys.exit(code)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    stacks = "".join(
        f"  queue-{number}: {{template: table, partition_key: id}}\n" for number in range(STACKS)
    )
    (tmp_path / "params").mkdir()
    text = f"app: shop\nregion: eu-central-1\nstacks:\n{stacks}"
    (tmp_path / "params/dev.yaml").write_text(text)
    return tmp_path


def run(project: Path, cores: str, *arguments: str) -> tuple[dict[str, object], str]:
    """What a build did, and what it wrote and showed."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(project / "cache")}
    command = [sys.executable, "-c", WATCHING, cores, "build", "dev", *arguments]
    ran = subprocess.run(command, cwd=project, env=environ, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    *shown, seen = ran.stdout.splitlines()
    files = {path.name: path.read_text() for path in sorted((project / "out/dev").iterdir())}
    return json.loads(seen), json.dumps([shown, ran.stderr, files])


def kept(project: Path) -> int:
    return len(list((project / "cache/moorage/lint").rglob("*.json")))


def remove_out(project: Path) -> None:
    for file in (project / "out/dev").iterdir():
        file.unlink()


def test_a_build_is_the_same_on_one_core_and_on_many(project: Path) -> None:
    alone, alone_output = run(project, "one core", "--no-cache")
    engine = 1
    assert alone == {"programs": engine, "shared memory": 0, "modules": ["cfnlint", RULES]}
    many, output = run(project, "all cores", "--no-cache")
    assert output == alone_output
    if usable_cores() > 1:
        assert many == {"programs": 1 + engine, "shared memory": 0, "modules": [RULES]}


RULES = "moorage.rules.runner"
"""Runs the rules about types that the templates have; the registry imports all rules."""


EDITED = "queue-3: {template: table, partition_key: key"


def test_only_what_is_new_is_linted(project: Path) -> None:
    _, first = run(project, "all cores")
    before = kept(project)
    assert before >= STACKS
    remove_out(project)
    seen, output = run(project, "all cores")
    assert seen == {"programs": 0, "shared memory": 0, "modules": []}
    assert (output, kept(project)) == (first, before)
    params = project / "params/dev.yaml"
    edited = params.read_text().replace("queue-3: {template: table, partition_key: id", EDITED)
    params.write_text(edited)
    seen, _ = run(project, "one core")
    assert seen["modules"] == ["cfnlint", RULES]
    assert kept(project) == before + 4, "the template twice, the environment, and its params"


STARTING = """
import sys
def watch(event, arguments):
    if event == "subprocess.Popen":
        print([name for name in ("pydantic", "troposphere", "templates") if name in sys.modules])
sys.addaudithook(watch)
from moorage.cli import main
sys.exit(main(sys.argv[1:], "templates"))
"""


@pytest.mark.skipif(usable_cores() == 1, reason="a machine with one core lints in one process")
def test_a_process_starts_before_this_one_imports_what_makes_templates(project: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(project / "cache")}
    command = [sys.executable, "-c", STARTING, "build", "dev"]
    ran = subprocess.run(command, cwd=project, env=environ, capture_output=True, text=True)
    assert ran.stdout.startswith("[]\n"), ran.stdout + ran.stderr


# Interruptions ---------------------------------------------------------------------------------


@pytest.fixture
def building(project: Path) -> Iterator[subprocess.Popen[bytes]]:
    if usable_cores() == 1:
        pytest.skip("a machine with one core lints in one process")
    command = [sys.executable, str(ROOT / "build.py"), "build", "dev", "--no-cache"]
    process = subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)],
)
@pytest.mark.parametrize("children", [1, 2])
def test_an_interruption_leaves_no_process(
    building: subprocess.Popen[bytes], number: signal.Signals, code: int, children: int
) -> None:
    """While the first process loads cfn-lint, and when it has forked the second one."""
    started = wait_for(lambda: len(descendants(building.pid)) >= children, building)
    pids = descendants(building.pid)
    assert started
    building.send_signal(number)
    building.communicate(timeout=60)
    assert building.returncode == code
    assert wait_for(lambda: not any(map(is_running, pids)))


def wait_for(happened: object, process: subprocess.Popen[bytes] | None = None) -> bool:
    end = time.monotonic() + 60
    while time.monotonic() < end and (process is None or process.poll() is None):
        if happened():  # type: ignore[operator]
            return True
        time.sleep(0.005)
    return False


def descendants(pid: int) -> set[int]:
    """The processes that a process has started, and those that they have."""
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, task.read_text().split()):
                found |= {child} | descendants(child)
    return found


def is_running(pid: int) -> bool:
    """Whether a process is there, and has not just ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
