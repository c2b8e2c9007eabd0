"""`moorage ci`: what it prints, what it writes, and when it refuses to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import main
from ruamel.yaml import YAML

PARAMS = """\
app: shop
region: {region}
stacks:
  network: {{}}
  ci:
    template: ci_role
    repositories: [shop/web]
    github: {{repository: octo-org/shop, environment: live, branches: [trunk]}}
    audience: shop
"""
WORKFLOW = Path(".github/workflows/moorage.yml")
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params").mkdir()
    Path("params/dev.yaml").write_text(PARAMS.format(region="eu-central-1"))


def test_it_prints_what_it_would_write(capsys: Capture) -> None:
    assert main(["ci", "github"]) == 0
    printed = capsys.readouterr().out
    assert main(["ci", "github", "dev", "--write"]) == 0
    assert capsys.readouterr().out == f"{WORKFLOW}\n"
    assert WORKFLOW.read_text() == printed


def test_the_settings_are_those_of_the_roles(capsys: Capture) -> None:
    main(["ci", "github"])
    printed = capsys.readouterr().out
    for line in ("environment: live", "branches: [trunk]", "audience: shop"):
        assert line in printed
    main(["ci", "gitlab"])
    printed = capsys.readouterr().out
    assert '$CI_COMMIT_BRANCH == "main"' in printed
    assert "aud: sts.amazonaws.com" in printed


def test_a_file_that_nobody_has_edited_is_replaced(capsys: Capture) -> None:
    main(["ci", "gitlab", "--write"])
    first = Path(".gitlab-ci.yml").read_text()
    main(["ci", "gitlab", "--write"])
    assert capsys.readouterr().out.endswith(".gitlab-ci.yml is up to date\n")
    Path("params/dev.yaml").write_text(PARAMS.format(region="us-east-1"))
    assert main(["ci", "gitlab", "--write"]) == 0
    assert Path(".gitlab-ci.yml").read_text() == first.replace("eu-central-1", "us-east-1").replace(
        first.splitlines()[0], Path(".gitlab-ci.yml").read_text().splitlines()[0]
    )


@pytest.mark.parametrize("edit", ["edited", "foreign", "empty"])
def test_other_files_are_not_overwritten(edit: str, capsys: Capture) -> None:
    main(["ci", "github", "--write"])
    text = WORKFLOW.read_text()
    edited = {"edited": text.replace("ubuntu-latest", "arm"), "foreign": "on: push\n", "empty": ""}
    WORKFLOW.write_text(edited[edit])
    assert main(["ci", "github", "--write"]) == 1
    assert capsys.readouterr().err == (
        f"`{WORKFLOW}` has edits, or was not written by Moorage. Nothing was written. To compare: "
        f"moorage ci github dev | diff {WORKFLOW} -\n"
    )
    assert WORKFLOW.read_text() == edited[edit]


def test_several_environments_need_an_order(capsys: Capture) -> None:
    Path("params/beta.yaml").write_text(PARAMS.format(region="eu-central-1"))
    Path("params/prod.yaml").write_text(PARAMS.format(region="eu-central-1"))
    assert main(["ci", "github"]) == 2
    assert capsys.readouterr().err == (
        "build.py: name the environments in the order of their deployment, such as: "
        "moorage ci github beta dev prod\n"
    )
    assert main(["ci", "github", "beta", "prod"]) == 0
    printed = capsys.readouterr().out
    assert printed.index("deploy-beta:") < printed.index("deploy-prod:")
    assert "deploy-dev:" not in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["dve"], "`dve` is not an environment. Did you mean `dev`?"),
        (["dev", "dev"], "`dev` is named twice."),
        (["--install", "a\nb"], "--install takes one line with a command."),
    ],
)
def test_wrong_usage(arguments: list[str], message: str, capsys: Capture) -> None:
    assert main(["ci", "github", *arguments]) == 2
    assert capsys.readouterr().err == f"build.py: {message}\n"


def test_params_with_errors_give_no_file(capsys: Capture) -> None:
    Path("params/dev.yaml").write_text("app: shop\nregion: nowhere\nstacks: {network: {}}\n")
    assert main(["ci", "github", "--write"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("params/dev.yaml:2: error ")
    assert not WORKFLOW.exists()


def test_how_moorage_is_installed(capsys: Capture) -> None:
    main(["ci", "github"])
    assert "pip install --quiet moorage==" in capsys.readouterr().out
    Path("setup.cfg").write_text("")
    main(["ci", "github"])
    assert "          python -m pip install --quiet .\n" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["true", "make setup # all: of it", "'a' \"b\" && - c"])
@pytest.mark.parametrize("ci", ["github", "gitlab"])
def test_any_command_can_install_it(ci: str, command: str, capsys: Capture) -> None:
    assert main(["ci", ci, "--install", command]) == 0
    content: dict[str, Any] = YAML(typ="safe", pure=True).load(capsys.readouterr().out)
    if ci == "github":
        scripts = [step.get("run") for step in content["jobs"]["check"]["steps"]]
    else:
        scripts = content[".moorage"]["before_script"]
    assert f"{command}\n" in scripts


PREVIEW = """\
app: shop
region: eu-central-1
shares: {env: dev, stacks: [network]}
stacks: {cluster: {}}
"""


def test_previews_are_jobs_of_pull_requests_and_no_environment(capsys: Capture) -> None:
    Path("params/preview.yaml").write_text(PREVIEW)
    assert main(["ci", "github", "--previews", "--write"]) == 0
    workflow = WORKFLOW.read_text()
    assert workflow.startswith("# Written by `moorage ci github dev --previews` ")
    assert "\n  delete-preview:\n" in workflow
    assert "moorage check dev preview " in workflow
    jobs = YAML(typ="safe", pure=True).load(workflow)["jobs"]
    steps = jobs["deploy-preview"]["steps"]
    assert steps[3]["with"]["audience"] == "shop", "that of the environment whose stacks it shares"
    capsys.readouterr()
    assert main(["ci", "github", "dev"]) == 0
    assert "delete-preview" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("params", "arguments", "message"),
    [
        ("", ["--previews"], "there is no `params/preview.yaml`. See docs/previews.md"),
        (
            PREVIEW,
            ["dev", "preview"],
            "`preview` is deployed for each pull request: write --previews instead.",
        ),
        (
            PREVIEW.replace("shares:", "#"),
            ["--previews"],
            "`params/preview.yaml` has no `shares:`. See docs/previews.md",
        ),
    ],
)
def test_wrong_usage_of_previews(
    params: str, arguments: list[str], message: str, capsys: Capture
) -> None:
    if params:
        Path("params/preview.yaml").write_text(params)
    assert main(["ci", "github", *arguments]) == 2
    assert capsys.readouterr().err.endswith(f"build.py: {message}\n")


def test_previews_with_errors_give_no_file(capsys: Capture) -> None:
    Path("params/preview.yaml").write_text(PREVIEW.replace("env: dev", "env: dve"))
    assert main(["ci", "github", "--previews", "--write"]) == 1
    assert "error M4001" in capsys.readouterr().err
    assert not WORKFLOW.exists()
