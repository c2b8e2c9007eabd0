"""Interruptions of `moorage deploy`: a process on a terminal, and a fake AWS over HTTP.

After each of them, the same command ends well.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import main
from fake_aws import FakeAws, RefusalError, Step
from fake_server import ServedAws, serve
from terminal import ROOT, Terminal

PARAMS = """
app: shop
region: eu-central-1
stacks:
  first: {{template: cluster, container_insights: {insights}}}
  second: {{template: cluster, exec_logs: false}}
"""
NAMES = ["shop-dev-first", "shop-dev-second"]
QUESTION = " in the account 111122223333, eu-central-1? [y/N] "
FOREVER = [Step(0, "", "UPDATE_IN_PROGRESS", "User Initiated"), Step(900, "", "UPDATE_COMPLETE")]


@pytest.fixture
def served() -> Iterator[ServedAws]:
    with serve(FakeAws()) as served:
        yield served


@pytest.fixture
def where(tmp_path: Path) -> list[str]:
    """The arguments that name the environment."""
    return write(tmp_path, "on")


def write(folder: Path, insights: str) -> list[str]:
    params = folder / "params"
    params.mkdir(exist_ok=True)
    (params / "dev.yaml").write_text(PARAMS.format(insights=insights))
    return ["dev", "--params", str(params)]


@pytest.fixture
def update(
    served: ServedAws, tmp_path: Path, where: list[str], monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """The arguments of a deployment that updates `first`, which does not end by itself."""
    deploy_well(served, where, monkeypatch)
    served.tick = 0
    served.aws.scripts["shop-dev-first"] = [FOREVER]
    return write(tmp_path, "enhanced")


def deploy_well(
    served: ServedAws, where: list[str], monkeypatch: pytest.MonkeyPatch, *, code: int = 0
) -> None:
    """Deploys once more, in this process, with nothing that holds it up."""
    served.release()
    served.finish()
    served.aws.change_set_seconds = 0
    with monkeypatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in served.environ().items():
            if name.startswith("AWS_"):
                patch.setenv(name, value)
        assert main(["deploy", *where, "--yes"]) == code
    assert statuses(served) <= {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
    assert [*served.aws.stacks] == NAMES
    assert served.aws.change_sets == {}


def statuses(served: ServedAws) -> set[str]:
    return {stack.status for stack in served.aws.stacks.values()}


def shown_after(terminal: Terminal, text: str) -> str:
    """What was shown after a text, without the frames of the live view."""
    rest = terminal.text.rpartition(text)[2]
    return rest.removeprefix("^C").lstrip("\n")


# Before anything is executed -------------------------------------------------------------------


def test_while_building(
    served: ServedAws, tmp_path: Path, where: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    many = "".join(f"  more{number}: {{template: cluster}}\n" for number in range(400))
    with (tmp_path / "params/dev.yaml").open("a") as params:
        params.write(many)
    with Terminal(["deploy", *where], served.environ()) as terminal:
        terminal.expect("dev: ")
        terminal.interrupt()
        assert terminal.wait() == 130
        assert terminal.text.endswith("interrupted; nothing was deployed\n")
    assert served.aws.log == []
    deploy_well(served, write(tmp_path, "on"), monkeypatch)


@pytest.fixture
def creating(served: ServedAws, where: list[str]) -> Iterator[Terminal]:
    """A deployment that waits for its change sets."""
    served.aws.change_set_seconds = 50
    with Terminal(["deploy", *where], served.environ()) as terminal:
        terminal.wait_until(lambda: served.aws.count()["DescribeChangeSet"] > 2, "change sets")
        yield terminal


def test_while_change_sets_are_created(
    served: ServedAws, where: list[str], creating: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    creating.interrupt()
    creating.expect("interrupted; nothing was deployed\n")
    creating.wait_until(lambda: "DeleteChangeSet" in served.aws.log, "deletion")
    served.tick = 20
    assert creating.wait() == 130
    assert shown_after(creating, "nothing was deployed\n") == ""
    assert (served.aws.change_sets, served.aws.stacks) == ({}, {})
    deploy_well(served, where, monkeypatch)


def test_a_second_interruption_leaves_change_sets_and_says_so(
    served: ServedAws, where: list[str], creating: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    creating.interrupt()
    creating.wait_until(lambda: "DeleteChangeSet" in served.aws.log, "deletion")
    creating.interrupt()
    assert creating.wait() == 130
    assert shown_after(creating, "interrupted; nothing was deployed\n") == (
        "not deleted: the change sets of first, second. They change nothing, and the next update "
        "of the stack deletes them\n"
    )
    assert len(served.aws.change_sets) == 2
    deploy_well(served, where, monkeypatch)


def test_at_the_question(
    served: ServedAws, where: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Terminal(["deploy", *where], served.environ()) as terminal:
        terminal.expect(f"Create 2 stacks{QUESTION}")
        terminal.interrupt()
        assert terminal.wait() == 130
        assert shown_after(terminal, QUESTION) == "interrupted; nothing was deployed\n"
    assert (served.aws.change_sets, served.aws.stacks) == ({}, {})
    deploy_well(served, where, monkeypatch)


def test_sigterm_at_the_question(
    served: ServedAws, where: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Terminal(["deploy", *where], served.environ()) as terminal:
        terminal.expect(QUESTION)
        terminal.terminate()
        assert terminal.wait() == 143
        assert shown_after(terminal, QUESTION) == "interrupted; nothing was deployed\n"
    assert (served.aws.change_sets, served.aws.stacks) == ({}, {})
    deploy_well(served, where, monkeypatch)


def test_kill_at_the_question(
    served: ServedAws, where: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Terminal(["deploy", *where], served.environ()) as terminal:
        terminal.expect(QUESTION)
        terminal.process.kill()
    assert len(served.aws.change_sets) == 2, "a process that is killed cannot delete them"
    deploy_well(served, where, monkeypatch)


# While CloudFormation updates ------------------------------------------------------------------


@pytest.fixture
def updating(served: ServedAws, update: list[str]) -> Iterator[Terminal]:
    """A deployment whose update of `first` is under way."""
    with Terminal(["deploy", *update, "--yes"], served.environ()) as terminal:
        wait_for_update(served, terminal)
        yield terminal


def wait_for_update(served: ServedAws, terminal: Terminal) -> None:
    def reading_events() -> bool:
        log = [*served.aws.log]
        return "DescribeStackEvents" in log[log.index("ExecuteChangeSet") :]

    terminal.wait_until(lambda: "ExecuteChangeSet" in served.aws.log, "the update")
    terminal.wait_until(reading_events, "its events")


CANCEL = "Cancel the update of first? CloudFormation rolls it back. [y/N] "
GOES_ON = "interrupted; CloudFormation goes on with first\n"
CONTINUES = "the same command waits for them and continues\n"


@pytest.fixture(autouse=True)
def from_here(served: ServedAws, request: pytest.FixtureRequest) -> None:
    """Forgets the requests of the deployment before the update."""
    if "update" in request.fixturenames:
        request.getfixturevalue("update")
        served.aws.log.clear()


@pytest.mark.parametrize("answer", ["n", None])
def test_an_update_is_left_under_way(
    answer: str | None,
    served: ServedAws,
    update: list[str],
    updating: Terminal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """None: Ctrl-C once more."""
    updating.interrupt()
    updating.expect(f"{GOES_ON}{CANCEL}")
    if answer is None:
        updating.interrupt()
    else:
        updating.type(answer)
    assert updating.wait() == 130
    assert updating.text.endswith(f"\n{CONTINUES}")
    assert "CancelUpdateStack" not in served.aws.log
    assert served.aws.stacks["shop-dev-first"].status == "UPDATE_IN_PROGRESS"
    deploy_well(served, update, monkeypatch)
    assert "enhanced" in served.aws.stacks["shop-dev-first"].template


def test_an_update_is_cancelled(
    served: ServedAws, update: list[str], updating: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    updating.interrupt()
    updating.expect(f"{GOES_ON}{CANCEL}")
    updating.type("y")
    assert updating.wait() == 130
    assert updating.text.endswith(f"\nthe updates are being rolled back\n{CONTINUES}")
    assert served.aws.count()["CancelUpdateStack"] == 1
    served.finish()
    served.aws.DescribeStacks()
    assert "enhanced" not in served.aws.stacks["shop-dev-first"].template
    deploy_well(served, update, monkeypatch)
    assert "enhanced" in served.aws.stacks["shop-dev-first"].template


def test_an_update_that_ends_before_the_answer_cannot_be_cancelled(
    served: ServedAws, update: list[str], updating: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "CancelUpdateStack cannot be called from current stack status"
    served.aws.refusals["CancelUpdateStack"] = [RefusalError("ValidationError", text)]
    updating.interrupt()
    updating.expect(CANCEL)
    updating.type("y")
    assert updating.wait() == 130
    assert updating.text.endswith(f"\nCancelUpdateStack: {text}\n{CONTINUES}")
    deploy_well(served, update, monkeypatch)


def test_sigterm_leaves_the_update_and_asks_nothing(
    served: ServedAws, update: list[str], updating: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    updating.terminate()
    assert updating.wait() == 143
    assert updating.text.endswith(f"{GOES_ON}{CONTINUES}")
    assert served.aws.change_sets == {}
    deploy_well(served, update, monkeypatch)


def test_sigterm_without_a_terminal_deletes_change_sets_that_were_not_executed(
    served: ServedAws, where: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in CI. One stack at a time: the change set of the second is not executed yet."""
    steps = [Step(0, "", "CREATE_IN_PROGRESS"), Step(900, "", "CREATE_COMPLETE")]
    served.aws.scripts["shop-dev-first"] = [steps]
    command = [sys.executable, "build.py", "deploy", *where, "--yes", "--parallel", "1"]
    with subprocess.Popen(
        command, cwd=ROOT, env=served.environ(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        while "ExecuteChangeSet" not in served.aws.log:
            time.sleep(0.02)
        process.terminate()
        shown = process.stdout.read().decode()
    assert process.returncode == 143
    assert shown.endswith(f"first: creating\n{GOES_ON}{CONTINUES}")
    assert [*served.aws.stacks] == ["shop-dev-first"]
    assert served.aws.change_sets == {}
    deploy_well(served, where, monkeypatch)


@pytest.mark.parametrize("ended", ["killed", "running"])
def test_another_deployment_waits_for_the_update(
    ended: str, served: ServedAws, update: list[str], updating: Terminal
) -> None:
    """The first one is killed, or goes on at the same time."""
    if ended == "killed":
        updating.process.kill()
    with Terminal(["deploy", *update, "--yes"], served.environ()) as second:
        second.expect(
            "dev: shop-dev-first is UPDATE_IN_PROGRESS. Another operation is under way.\n"
        )
        second.expect("UPDATE_IN_PROGRESS: waiting for its end")
        served.finish()
        assert second.wait() == 0, second.text
        assert second.text.endswith("Nothing to change: first, second\n")
    if ended == "running":
        assert updating.wait() == 0, updating.text
    assert statuses(served) == {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
    assert served.aws.change_sets == {}


def test_a_wait_for_another_deployment_can_be_interrupted(
    served: ServedAws, update: list[str], updating: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    updating.process.kill()
    with Terminal(["deploy", *update], served.environ()) as second:
        second.expect("UPDATE_IN_PROGRESS: waiting for its end")
        second.interrupt()
        assert second.wait() == 130
        assert second.text.endswith(
            "CloudFormation goes on with first\ninterrupted; nothing was deployed\n"
        )
    deploy_well(served, update, monkeypatch)
