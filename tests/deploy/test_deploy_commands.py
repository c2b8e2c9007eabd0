"""The commands as a user runs them, against moto over HTTP: what they print and return."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cloud import Cloud, read_all_stacks
from command_line import main
from warm_process import WarmCommand

ROOT = Path(__file__).parents[2]
PARAMS = """
app: {app}
region: eu-central-1
stacks:
  first: {{template: cluster, container_insights: {insights}}}
  second: {{template: cluster, exec_logs: false}}
"""


@pytest.fixture(autouse=True)
def credentials(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the server, and no others."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in cloud.environ().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)


def project(folder: Path, app: str, insights: str = "on", more: str = "") -> list[str]:
    """Writes params, and returns the arguments that name them."""
    params = folder / "params"
    params.mkdir(exist_ok=True)
    (params / "dev.yaml").write_text(PARAMS.format(app=app, insights=insights) + more)
    return ["dev", "--params", str(params)]


def names(cloud: Cloud, app: str) -> list[str]:
    stacks = read_all_stacks(cloud.client("cloudformation", "eu-central-1"))
    return sorted(s["StackName"] for s in stacks if s["StackName"].startswith(app))


def run_on_terminal(cloud: Cloud, argv: list[str], answer: str) -> tuple[int, str]:
    """Runs a command on a terminal and answers its first question; returns what it showed."""
    parent, child = pty.openpty()
    environ = {**cloud.environ(), "TERM": "xterm", "COLUMNS": "120"}
    process = WarmCommand(argv, environ, (child, child, child))
    os.close(child)
    shown, asked = b"", False
    while True:
        try:
            shown += os.read(parent, 4096)
        except OSError:  # the terminal is closed
            break
        if not asked and re.search(rb"\[y/N\] $|\): $", shown):
            asked = True
            os.write(parent, f"{answer}\n".encode())
    os.close(parent)
    return process.wait(), shown.decode()


# The cycle -------------------------------------------------------------------------------------


def test_an_environment_is_deployed_updated_and_deleted(
    cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = project(tmp_path, "calmer")
    assert main(["deploy", *where, "--yes"]) == 0
    shown = capsys.readouterr().out
    assert "first (calmer-dev-first) will be created\n  + ExecLogGroup" in shown
    assert re.search(r"^00:0\d first: created in 00:0\d$", shown, re.MULTILINE)
    assert main(["deploy", *where]) == 0, "without changes there is nothing to agree to"
    assert capsys.readouterr().out == "Nothing to change: first, second\n"
    assert main(["status", *where]) == 0
    assert "first (calmer-dev-first)  CREATE_COMPLETE" in capsys.readouterr().out

    where = project(tmp_path, "calmer", insights="enhanced")
    assert main(["diff", *where]) == 0
    assert capsys.readouterr().out == (
        "first (calmer-dev-first) will be updated\n"
        "  ~ Cluster  AWS::ECS::Cluster\n"
        "      ClusterSettings.containerInsights.Value: enabled -> enhanced\n"
        "\n"
        "Nothing to change: second\n"
    )
    assert main(["deploy", *where, "--yes", "--parallel", "1", "first"]) == 0
    assert "second" not in capsys.readouterr().out
    assert main(["destroy", *where, "--yes"]) == 0
    shown = capsys.readouterr().out
    assert shown.index("second: deleting") < shown.index("first: deleting")
    assert names(cloud, "calmer") == []
    assert main(["destroy", *where, "--yes"]) == 0
    assert capsys.readouterr().out == "Nothing to delete\n"
    assert main(["status", *where]) == 1, "what is not deployed is not healthy"


def test_new_stacks_are_created_in_express_mode_if_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = project(tmp_path, "hurried")
    assert main(["deploy", *where, "--yes", "--express", "first"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("first (hurried-dev-first) will be created, in express mode\n")
    assert "CloudFormation has not waited for it. `moorage status dev` shows" in shown
    assert main(["deploy", *where, "--yes", "--express", "first"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "Nothing to change: first\n"
    assert captured.err == (
        "dev: --express changes nothing: it is for new stacks that no other needs\n"
    )


def test_diff_leaves_nothing_behind(
    cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diff", *project(tmp_path, "lookonly")]) == 0
    assert "will be created" in capsys.readouterr().out
    assert names(cloud, "lookonly") == []


def test_output_for_machines_has_an_object_on_each_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = project(tmp_path, "machine")
    for command in ("deploy", "destroy"):
        assert main([command, *where, "--yes", "--format", "json"]) == 0
        events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert {"ended"} < {event["event"] for event in events}
        results = {event.get("result") for event in events if event["event"] == "ended"}
        assert results == {"succeeded"}
    assert main(["status", *where, "--format", "json"]) == 1
    assert [item["state"] for item in json.loads(capsys.readouterr().out)] == [None, None]


def test_a_failed_creation_is_explained_and_the_next_deployment_ends_well(
    cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = "  network: {}\n  public:\n    template: alb\n    certificate: []\n"
    subnets = "[subnet-0123456789abcdef0, subnet-0123456789abcdef1]"
    broken = (
        f"    overrides: {{Resources: {{LoadBalancer: {{Properties: {{Subnets: {subnets}}}}}}}}}\n"
    )
    where = project(tmp_path, "tryagain", more=more + broken)
    assert main(["deploy", *where, "--yes"]) == 1
    error = capsys.readouterr().err
    assert re.search(r"^public: LoadBalancer \(AWS::\S+::LoadBalancer\): .*not exist", error, re.M)
    assert "\npublic (tryagain-dev-public): ROLLBACK_COMPLETE\n\n1. " in error
    assert re.search(r"params/dev\.yaml:\d+ stacks\.public", error)
    where = project(tmp_path, "tryagain", more=more)
    assert main(["deploy", *where]) == 2, "not without consent"
    assert (
        "tryagain-dev-public is ROLLBACK_COMPLETE. Its creation failed" in capsys.readouterr().err
    )
    assert main(["deploy", *where, "--yes"]) == 0
    shown = capsys.readouterr().out
    assert shown.index("public: deleted in") < shown.index("public: created in")
    assert "public  DnsName  tryagain-dev-public" in shown


# Consent ---------------------------------------------------------------------------------------


def test_without_terminal_and_yes_nothing_is_changed(
    cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = project(tmp_path, "asking")
    assert main(["deploy", *where]) == 2
    assert capsys.readouterr().err == (
        "build.py: there is no terminal to ask on, so nothing was changed. Agree with --yes\n"
    )
    assert names(cloud, "asking") == []
    assert main(["deploy", *where, "--yes"]) == 0
    assert main(["destroy", *where]) == 2
    assert names(cloud, "asking") == ["asking-dev-first", "asking-dev-second"]


def test_on_a_terminal_the_user_is_asked(cloud: Cloud, tmp_path: Path) -> None:
    where = project(tmp_path, "typing")
    code, shown = run_on_terminal(cloud, ["deploy", *where], "n")
    assert "Create 2 stacks in the account 123456789012, eu-central-1? [y/N]" in shown
    assert (code, "dev: nothing was deployed" in shown) == (1, True)
    assert names(cloud, "typing") == []
    code, shown = run_on_terminal(cloud, ["deploy", *where], "y")
    assert (code, names(cloud, "typing")) == (0, ["typing-dev-first", "typing-dev-second"])
    assert "created in" in shown, "in the live view"
    code, shown = run_on_terminal(cloud, ["destroy", *where], "y")
    assert (code, "dev: nothing was deleted" in shown) == (1, True)
    code, _ = run_on_terminal(cloud, ["destroy", *where], "dev")
    assert (code, names(cloud, "typing")) == (0, [])


def test_what_is_missing_is_found_before_anything_is_created(
    cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arn = "arn:aws:acm:eu-central-1:123456789012:certificate/0123abcd-0123-0123-0123-0123456789ab"
    where = project(tmp_path, "lacking", more="  network: {}\n  public:\n    template: alb\n")
    params = tmp_path / "params/dev.yaml"
    params.write_text(f"{params.read_text()}    certificate: {arn}\n")
    assert main(["deploy", *where, "--yes"]) == 1
    shown = capsys.readouterr().out
    assert (
        "public (lacking-dev-public) cannot be deployed\n"
        f"  error {params}:10 stacks.public.certificate HttpsListener: there is no certificate "
        f"{arn}. Request it: aws acm request-certificate --region eu-central-1 "
        "--validation-method DNS --domain-name NAME\n"
    ) in shown
    assert names(cloud, "lacking") == []


# Guards ----------------------------------------------------------------------------------------


def test_another_account_is_refused(
    cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = project(tmp_path, "elsewhere", more='account: "999999999999"\n')
    commands = [[name, *where] for name in ("diff", "deploy", "status", "destroy", "why")]
    for command in (
        *commands,
        ["why", "dev", "first", *where[1:]],
        ["logs", "dev", "first", *where[1:]],
    ):
        assert main(command) == 2, command
        assert capsys.readouterr().err.endswith(
            "these credentials are for the account 123456789012, and dev belongs to 999999999999. "
            "Choose a profile for 999999999999 with --profile\n"
        )
    assert names(cloud, "elsewhere") == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["live"], "`live` is not an environment. Environments: dev."),
        (["dev", "third"], "`third` is not a stack of dev. Stacks: first, second."),
        (["dev", "secnd"], "`secnd` is not a stack of dev. Did you mean `second`?"),
        (["dev", "--profile", "nobody"], "The config profile (nobody) could not be found."),
    ],
)
def test_wrong_names_are_wrong_usage(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, *rest = project(tmp_path, "named")
    assert main(["deploy", *arguments, *rest, "--yes"]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "exec", "rollback"])
def test_commands_for_one_stack_need_one_of_its_kind(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    env, *rest = project(tmp_path, "single")
    assert main([command, env, "third", *rest]) == 2
    assert "`third` is not a stack of dev. Stacks: first, second." in capsys.readouterr().err
    assert main([command, env, "first", *rest]) == (2 if command == "run" else 1)
    message = capsys.readouterr().err
    assert "`first` is not of the kind `one_off`" in message or "not deployed yet" in message


@pytest.mark.parametrize("command", ["run", "rollback"])
def test_commands_for_one_stack_take_no_second_one(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    env, *rest = project(tmp_path, "single")
    with pytest.raises(SystemExit, match="2"):
        main([command, env, "first", "second", *rest])
    assert "error: unrecognized arguments: second\n" in capsys.readouterr().err


def test_no_credentials_are_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert main(["deploy", *project(tmp_path, "nobody")]) == 2
    assert "There are no valid AWS credentials" in capsys.readouterr().err


def test_findings_of_the_build_come_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = project(tmp_path, "wrong", insights="onn")
    assert main(["deploy", *where, "--yes"]) == 1
    error = capsys.readouterr().err
    assert "dev.yaml:5: error M" in error
    assert error.endswith("build.py: dev: 1 error\n")


def test_builds_and_checks_do_not_load_boto3(tmp_path: Path) -> None:
    where = project(tmp_path, "quick")
    program = f"""
import sys
from moorage.cli import main
out = ["--out", {str(tmp_path / "out")!r}]
assert main(["build", *{where!r}, *out], "templates") == 0
assert main(["check", *{where!r}, *out], "templates") == 0
loaded = {{"boto3", "botocore", "moorage.deploy"}} & set(sys.modules)
assert not loaded, loaded
"""
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
