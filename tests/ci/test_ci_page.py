"""The examples of docs/ci.md build, and its variables are those of the workflow."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest
from command_line import main

PAGE = Path("docs/ci.md").read_text()
EXAMPLES = re.findall(r"^```yaml\n# params/(\w+)\.yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(("env", "params"), EXAMPLES, ids=["github", "prod", "gitlab"])
def test_an_example_builds(
    env: str, params: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params").mkdir()
    Path(f"params/{env}.yaml").write_text(params)
    assert main(["build", env]) == 0
    template = Path(f"out/{env}/ci.yaml").read_text()
    for role in ("PushRole", "DeployRole", "PullRequestRole"):
        assert f"  {role}:\n" in template


def test_the_page_names_the_variables_of_the_workflow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params").mkdir()
    (env, params) = EXAMPLES[0]
    Path(f"params/{env}.yaml").write_text(params)
    assert main(["ci", "github"]) == 0
    printed = capsys.readouterr().out
    set_by_user = set(re.findall(r"gh variable set (\w+)", PAGE))
    used = set(re.findall(r"vars\.(\w+)", printed))
    assert used == set_by_user
    for job in ("check", "preview-dev", "push-dev", "deploy-dev"):
        assert f"\n  {job}:\n" in printed


def test_the_role_of_previews_is_an_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/previews.md names the params, the output and the variable."""
    page = Path("docs/previews.md").read_text()
    match = re.search(r"    # below stacks in params/dev\.yaml\n(.*?)    ```", page, re.DOTALL)
    assert match
    monkeypatch.chdir(tmp_path)
    Path("params").mkdir()
    stacks = textwrap.indent(textwrap.dedent(match[1]), "  ")
    header = 'app: shop\nregion: eu-central-1\naccount: "123456789012"\nstacks:\n  ecr:\n'
    Path("params/dev.yaml").write_text(f"{header}    repositories: {{shop/web: {{}}}}\n{stacks}")
    assert main(["build", "dev"]) == 0
    assert "  PreviewRoleArn:\n" in Path("out/dev/ci.yaml").read_text()
    assert "`PreviewRoleArn`" in page
    assert "`PREVIEW_DEPLOY_ROLE_ARN`" in page
