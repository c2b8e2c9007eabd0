"""`moorage destroy` with what is in the way and what stays, against moto over HTTP."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cloud import MANIFEST, Cloud
from command_line import main
from terminal import Terminal

REGION = "eu-west-3"
PARAMS = f"""\
app: scuttle
region: {REGION}
stacks:
  ecr:
    repositories:
      api/web: {{}}
      api/tools: {{keep: false}}
    overrides:
      Resources:
        ApiToolsRepository:
          Properties: {{EmptyOnDelete: false}}
        ApiWebRepository: {{DeletionPolicy: Retain}}  # moto does not know RetainExceptOnCreate
"""
BUSY = (
    "build.py: these are not empty, and only empty ones can be deleted: ecr.ApiToolsRepository. "
    "Nothing was deleted. `--empty deleted` empties them\n"
)


@pytest.fixture(autouse=True)
def credentials(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the server, and no others."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in cloud.environ().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)


@pytest.fixture
def where(cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[list[str]]:
    """An environment with two repositories, which have images; the arguments that name it."""
    (tmp_path / "params").mkdir()
    (tmp_path / "params/dev.yaml").write_text(PARAMS)
    arguments = ["dev", "--params", str(tmp_path / "params")]
    assert main(["deploy", *arguments, "--yes"]) == 0
    ecr = cloud.client("ecr", REGION)
    for name in ("api/web", "api/tools"):
        ecr.put_image(repositoryName=name, imageManifest=MANIFEST, imageTag="1")
    capsys.readouterr()
    yield arguments
    main(["destroy", *arguments, "--yes", "--empty", "all"])
    for name in own_repositories(ecr):
        ecr.delete_repository(repositoryName=name, force=True)


def own_repositories(ecr: Any) -> list[str]:
    """The repositories of these tests: other tests use the same server."""
    names = [item["repositoryName"] for item in ecr.describe_repositories()["repositories"]]
    return [name for name in names if name.startswith("api/")]


def images(cloud: Cloud) -> dict[str, int]:
    """The number of images by repository."""
    ecr = cloud.client("ecr", REGION)
    names = own_repositories(ecr)
    return {name: len(ecr.list_images(repositoryName=name)["imageIds"]) for name in names}


def test_yes_alone_deletes_no_images(
    cloud: Cloud, where: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["destroy", *where, "--yes"]) == 2
    output = capsys.readouterr()
    assert output.err.endswith(BUSY)
    assert "  must be emptied: ApiToolsRepository  AWS::ECR::Repository  api/tools (1 image, " in (
        output.out
    )
    assert images(cloud) == {"api/web": 1, "api/tools": 1}
    assert main(["destroy", *where, "--yes", "--empty", "deleted"]) == 0
    assert "ecr: emptying ApiToolsRepository: 1 image" in capsys.readouterr().out
    assert images(cloud) == {"api/web": 1}, "what stays keeps its images"


def test_what_stays_is_emptied_too_if_the_command_says_so(cloud: Cloud, where: list[str]) -> None:
    assert main(["destroy", *where, "--yes", "--empty", "all"]) == 0
    assert images(cloud) == {"api/web": 0}


@pytest.mark.parametrize("agreed", [True, False])
def test_a_terminal_is_asked_about_each(cloud: Cloud, where: list[str], agreed: bool) -> None:
    answers = ["y", "y" if agreed else ""]
    with Terminal(["destroy", *where], cloud.environ()) as terminal:
        terminal.expect("type the name of the environment (dev): ")
        terminal.type("dev")
        terminal.expect(
            "Only empty ones can be deleted: ecr.ApiToolsRepository. Delete everything in them? "
            "[y/N] "
        )
        terminal.type(answers[0])
        terminal.expect("ecr.ApiWebRepository stays. Delete everything in it? [y/N] ")
        terminal.type(answers[1])
        assert terminal.wait() == 0, terminal.text
    assert images(cloud) == {"api/web": 0 if agreed else 1}


def test_without_consent_nothing_is_deleted(cloud: Cloud, where: list[str]) -> None:
    with Terminal(["destroy", *where, "--yes"], cloud.environ()) as terminal:
        terminal.expect("Delete everything in them? [y/N] ")
        terminal.type("n")
        assert terminal.wait() == 1
        assert terminal.text.endswith("build.py: nothing was deleted\n")
    assert images(cloud) == {"api/web": 1, "api/tools": 1}


def test_only_known_choices_can_be_emptied(
    where: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["destroy", *where, "--empty", "some"])
    assert "argument --empty: invalid choice: 'some'" in capsys.readouterr().err
