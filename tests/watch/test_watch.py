"""`moorage watch` builds what a changed file concerns, and prints what is new and what is gone."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command_line import main
from warm_process import run_warm
from watching import Watching, own_environment, save, watch

ROOT = Path(__file__).parents[2]
PARAMS = """\
app: shop
region: eu-central-1
stacks:
  cluster: {container_insights: enhanced}
"""
BROKEN = PARAMS.replace("enhanced", "enhancd")
GONE = "dev: params/dev.yaml is gone; out/dev stays as it is"
MISTAKE = "params/dev.yaml:4: error M1104 stacks.cluster.container_insights: "


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with params/dev.yaml."""
    (tmp_path / "params").mkdir()
    (tmp_path / "params/dev.yaml").write_text(PARAMS)
    return tmp_path


@pytest.fixture
def watching(home: Path) -> Iterator[Watching]:
    """The command, after its first build of dev."""
    with watch(home) as command:
        assert command.read_until("dev: ") == [
            "watching params; Ctrl-C ends",
            "dev: no findings, wrote cluster.yaml, deploy.sh, stacks.json",
        ]
        yield command


def cut(lines: list[str]) -> list[str]:
    """The lines without what a finding says."""
    return [re.sub(r"((?:error|warning) [A-Z]\d+ [\w.\[\]-]+: ).*", r"\1", line) for line in lines]


# What is printed and written ---------------------------------------------------------------------


def test_findings_come_and_go(home: Path, watching: Watching) -> None:
    before = (home / "out/dev/cluster.yaml").read_text()
    save(home / "params/dev.yaml", BROKEN)
    assert cut(watching.read_until("dev: ")) == [MISTAKE, "dev: 1 error, nothing written"]
    assert (home / "out/dev/cluster.yaml").read_text() == before
    save(home / "params/dev.yaml", BROKEN.replace("region", "# a comment\nregion"))
    assert watching.read_until("dev: ") == ["dev: 1 error, nothing written"], "it has only moved"
    save(home / "params/dev.yaml", PARAMS.replace("enhanced", "on"))
    assert cut(watching.read_until("dev: ")) == [
        f"gone: {MISTAKE.replace(':4:', ':5:')}",
        "dev: no findings, wrote cluster.yaml",
    ]
    assert (home / "out/dev/cluster.yaml").read_text() == before.replace("enhanced", "enabled")
    assert run_warm(["check"], own_environment(home), cwd=home).returncode == 0


def test_what_a_build_did_not_look_for_is_not_gone(home: Path, watching: Watching) -> None:
    """A finding about the template, which a build of wrong params does not make."""
    override = "overrides: {Resources: {Cluster: {Properties: {Nam: x}}}}"
    wrong = PARAMS.replace("{container", f"{{{override}, container")
    save(home / "params/dev.yaml", wrong)
    found, _ = watching.read_until("dev: ")
    assert "error F3002 stacks.cluster.overrides" in found, "AWS's engine answers before cfn-lint"
    save(home / "params/dev.yaml", wrong.replace("enhanced", "enhancd"))
    assert cut(watching.read_until("dev: ")) == [MISTAKE, "dev: 1 error, nothing written"]
    save(home / "params/dev.yaml", wrong.replace("enhanced}", "on}"))
    assert cut(watching.read_until("dev: ")) == [
        f"gone: {MISTAKE}",
        "dev: 1 error, nothing written",
    ]
    save(home / "params/dev.yaml", PARAMS)
    assert watching.read_until("dev: ") == [f"gone: {found}", "dev: no findings"]


def test_a_syntax_error_is_one_more_finding(home: Path, watching: Watching) -> None:
    save(home / "params/dev.yaml", PARAMS.replace("stacks:", "  stacks:"))
    error, counts = watching.read_until("dev: ")
    assert error.startswith("params/dev.yaml:3: error M1008: ")
    assert counts == "dev: 1 error, nothing written"
    save(home / "params/dev.yaml", "")
    assert watching.read_until("dev: ")[0] == f"gone: {error}"


def test_files_that_no_build_wrote_are_reported(home: Path, watching: Watching) -> None:
    save(home / "out/dev/cluster.yaml", "mine")
    save(home / "params/dev.yaml", PARAMS.replace("enhanced", "on"))
    changed, counts = watching.read_until("dev: ")
    assert changed.startswith("out/dev/cluster.yaml:1: warning M1313: ")
    assert counts == "dev: no findings, wrote cluster.yaml"


def test_the_settings_of_cfn_lint_count(home: Path, watching: Watching) -> None:
    save(home / ".cfnlintrc", "ignore_checks: [X1234]\n")
    unknown = watching.read_until(".cfnlintrc:1: warning M1025 ")[-1]
    (home / ".cfnlintrc").unlink()
    assert watching.read_until("gone: ")[-1] == f"gone: {unknown}"


def test_the_arguments_are_those_of_a_build(home: Path) -> None:
    save(home / "params/dev.yaml", PARAMS.replace("enhanced", "'${insights}'"))
    options = ["--set", "insights=on", "--format", "json", "--out", "made"]
    with watch(home, "dev", *options) as command:
        assert command.read_until("dev: ")[-1] == (
            "dev: no findings, wrote cluster.json, deploy.sh, stacks.json"
        )
    assert (home / "made/dev/cluster.json").exists()


@pytest.mark.parametrize("argv", [["--params", "none"], ["prod"], ["--out", "params/dev.yaml"]])
def test_wrong_arguments_end_it_at_once(
    home: Path, monkeypatch: pytest.MonkeyPatch, argv: list[str]
) -> None:
    monkeypatch.chdir(home)
    assert main(["watch", *argv]) == 2


# Which environments ------------------------------------------------------------------------------


def test_what_a_file_concerns_is_built(home: Path) -> None:
    web = """\
app: shop
region: eu-central-1
stacks:
  network: {}
  cluster: {}
  web:
    template: service
    containers: {web: {image: "ecr:shop/web:1.4.2", ports: [8080]}}
    proxy: {config: nginx/web.conf, user: "101:101"}
"""
    (home / "params/nginx").mkdir()
    save(home / "params/nginx/web.conf", "server { listen 8000; }\n")
    save(home / "params/prod.yaml", web)
    with watch(home) as command:
        command.read_until("prod: ")
        save(home / "params/nginx/other.conf", "")
        save(home / "params/nginx/web.conf", "server { listen 8001; }\n")
        command.read_until("prod: ")
        save(home / "params/dev.yaml", PARAMS.replace("enhanced", "on"))
        command.read_until("dev: no findings, wrote cluster.yaml")
        (home / "params/nginx").rename(home / "params/elsewhere")
        missing = command.read_until("params/prod.yaml:")[-1]
        assert "nginx/web.conf` cannot be read" in missing
        (home / "params/elsewhere").rename(home / "params/nginx")
        assert missing in command.read_until("gone: ")[-1]
        command.read_until("prod: ")
        save(home / "params/base.yaml", "tags: {team: shop}\n")
        built = command.read_until("dev: ") + command.read_until("prod: ")
        assert {line.split(": ")[0] for line in built} >= {"dev", "prod"}


def test_an_edit_of_one_environment_does_not_build_the_others(
    home: Path, watching: Watching
) -> None:
    save(home / "params/prod.yaml", PARAMS)
    watching.read_until("prod: ")
    save(home / "params/dev.yaml", PARAMS + "# edited\n")
    assert watching.read_until("dev: ") == ["dev: no findings"]
    save(home / "params/last.yaml", PARAMS)
    assert cut(watching.read_until("last: ")) == [
        "last: no findings, wrote cluster.yaml, deploy.sh, stacks.json"
    ]


def test_environments_appear_and_go(home: Path, watching: Watching) -> None:
    save(home / "params/prod.yaml", PARAMS)
    assert watching.read_until("prod: ") == [
        "prod: no findings, wrote cluster.yaml, deploy.sh, stacks.json"
    ]
    save(home / "params/prod.yaml", BROKEN)
    watching.read_until("prod: ")
    (home / "params/prod.yaml").unlink()
    mistake, gone = watching.read_until("prod: ")
    assert mistake.startswith("gone: params/prod.yaml:4: error M1104 ")
    assert gone == "prod: params/prod.yaml is gone; out/prod stays as it is"


def test_what_was_built_from_params_that_are_gone_for_a_while_is_kept(
    home: Path, watching: Watching
) -> None:
    """As during a checkout of another branch."""
    save(home / "params/prod.yaml", PARAMS)
    watching.read_until("prod: ")
    (home / "params/prod.yaml").unlink()
    assert watching.read_until("prod: ") == [
        "prod: params/prod.yaml is gone; out/prod stays as it is"
    ]
    save(home / "params/dev.yaml", PARAMS + "# edited\n")
    assert watching.read_until("dev: ") == ["dev: no findings"]
    save(home / "params/prod.yaml", PARAMS)
    assert watching.read_until("prod: ") == ["prod: no findings"], "nothing had to be written"


def test_only_named_environments_are_built(home: Path) -> None:
    with watch(home, "dev") as command:
        command.read_until("dev: ")
        save(home / "params/prod.yaml", PARAMS)
        (home / "params/dev.yaml").rename(home / "kept.yaml")
        assert command.read_until("dev: ") == [GONE]
        (home / "kept.yaml").rename(home / "params/dev.yaml")
        assert command.read_until("dev: ") == ["dev: no findings"]
    assert not (home / "out/prod").exists()


def test_the_folder_of_the_params_goes_and_returns(home: Path, watching: Watching) -> None:
    (home / "params").rename(home / "elsewhere")
    assert watching.read_until("dev: ") == [GONE]
    (home / "elsewhere").rename(home / "params")
    assert watching.read_until("dev: ") == ["dev: no findings"]
    save(home / "params/dev.yaml", PARAMS.replace("enhanced", "on"))
    assert watching.read_until("dev: ") == ["dev: no findings, wrote cluster.yaml"]


def test_a_file_with_the_wrong_suffix_is_named(home: Path, watching: Watching) -> None:
    save(home / "params/prod.yml", PARAMS)
    assert watching.read_until("only .yaml")[-1] == (
        "only .yaml files are read. Rename `params/prod.yml` to `prod.yaml`."
    )
    (home / "params/prod.yml").rename(home / "params/prod.yaml")
    assert watching.read_until("prod: ")


# How editors save --------------------------------------------------------------------------------


def replace_by_renaming(file: Path, text: str) -> None:
    new = file.with_name(f".{file.name}.swp")
    new.write_text(text)
    new.rename(file)


def keep_a_copy(file: Path, text: str) -> None:
    file.rename(file.with_name(f"{file.name}~"))
    file.write_text(text)


def write_in_parts(file: Path, text: str) -> None:
    with file.open("w") as opened:
        for character in text:
            opened.write(character)
            opened.flush()
            os.fsync(opened.fileno())


def write_often(file: Path, text: str) -> None:
    for _ in range(100):
        file.write_text(BROKEN)
        file.write_text(text)


@pytest.mark.parametrize(
    "save",
    [replace_by_renaming, keep_a_copy, write_in_parts, write_often],
    ids=lambda save: save.__name__,
)
def test_the_last_state_is_built(
    home: Path, watching: Watching, save: Callable[[Path, str], None]
) -> None:
    save(home / "params/dev.yaml", PARAMS.replace("enhanced", "on"))
    lines = watching.read_until("dev: no findings, wrote cluster.yaml")
    assert len(lines) < 60, "what is written many times is not built many times"
    assert not any("is gone" in line or "removed" in line for line in lines)
    came = {line for line in lines if line.startswith("params/")}
    gone = {line.removeprefix("gone: ") for line in lines if line.startswith("gone: ")}
    assert came == gone
    (home / "params/dev.yaml").write_text(PARAMS)
    assert watching.read_until("dev: ") == ["dev: no findings, wrote cluster.yaml"]


# What goes wrong ---------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_written_is_reported(home: Path, watching: Watching) -> None:
    (home / "out").rename(home / "old")
    save(home / "out", "")
    save(home / "params/dev.yaml", PARAMS.replace("enhanced", "on"))
    assert "out" in watching.read_until("dev: ")[-1]
    (home / "out").unlink()
    save(home / "params/dev.yaml", PARAMS)
    assert watching.read_until("dev: ")[-1].startswith("dev: no findings, wrote cluster.yaml")


KIND = """\
from troposphere import Template, sqs
from moorage.model import Base

class Params(Base):
    seconds: int = 30

class queue:
    Params = Params
    @staticmethod
    def compose(name, params, env):
        template = Template()
        template.add_resource(sqs.Queue("Queue", VisibilityTimeout=params.seconds))
        return template

TEMPLATES = {"queue": queue}
"""


def test_changed_code_is_used(tmp_path: Path) -> None:
    """In a process of its own, which replaces itself."""
    (tmp_path / "params").mkdir()
    (tmp_path / "templates").mkdir()
    code = tmp_path / "templates/__init__.py"
    save(code, KIND)
    params = "app: shop\nregion: eu-central-1\nstacks: {queue: {}}\n"
    (tmp_path / "params/dev.yaml").write_text(params)
    process = subprocess.Popen(
        [sys.executable, "-m", "moorage", "watch"],
        cwd=tmp_path,
        env={**own_environment(tmp_path), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    with Watching(process, os.dup(process.stdout.fileno())) as command:
        process.stdout.close()
        assert command.read_until("dev: ")[0] == "watching params, templates; Ctrl-C ends"
        save(code, KIND.replace("30", "30 +"))
        unreadable = command.read_until("templates/__init__.py:5: ")[-1]
        assert unreadable.endswith("; the code as it was stays in use")
        save(tmp_path / "params/dev.yaml", params.replace("{}", "{seconds: 60}"))
        assert command.read_until("dev: ")[-1] == "dev: no findings, wrote queue.yaml"
        save(code, KIND.replace("VisibilityTimeout=", "DelaySeconds=1/0 + "))
        error = command.read_until("dev: internal error")
        assert error[0] == "templates/__init__.py changed: starting again"
        assert error[-1].startswith(
            "dev: internal error: ZeroDivisionError at templates/__init__.py:12, "
        )
        save(code, KIND.replace("class queue", "nothing\n\nclass queue"))
        error = command.read_until("templates/__init__.py:7: NameError: ")
        save(code, KIND.replace("VisibilityTimeout", "DelaySeconds"))
        assert command.read_until("dev: ")[-1] == "dev: no findings, wrote queue.yaml"
        assert "DelaySeconds: 60" in (tmp_path / "out/dev/queue.yaml").read_text()
        assert command.end() == 130


# Its end -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_without_a_word(watching: Watching, number: int, code: int) -> None:
    assert watching.end(number) == code
    assert watching.read_rest() == []
    with pytest.raises(ProcessLookupError):  # no process of its group is left
        os.killpg(watching.process.pid, 0)


def test_a_signal_ends_a_build(home: Path) -> None:
    with watch(home) as command:
        command.read_until("watching ")
        assert command.end() == 130
        with pytest.raises(ProcessLookupError):
            os.killpg(command.process.pid, 0)


def test_it_ends_when_nobody_reads(home: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "build.py"), "watch"],
        cwd=home,
        env=own_environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b"watching")
        process.stdout.close()
        assert process.wait(120) == 141
        assert process.stderr.read() == b""
