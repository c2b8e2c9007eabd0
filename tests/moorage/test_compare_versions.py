"""`check --against`: where the earlier version of the templates comes from."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from command_line import main

from moorage.update.previous_version import (
    NoSuchVersionError,
    load_previous_environment,
    load_previous_template,
)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with params and out/ of an environment, committed."""
    (tmp_path / "params").mkdir()
    (tmp_path / "params" / "dev.yaml").write_text(
        "app: shop\nregion: eu-central-1\nstacks:\n"
        "  network: {}\n  edge: {template: nlb, scheme: internal}\n"
    )
    assert built(tmp_path) == 0
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        subprocess.run(["git", "-C", str(tmp_path), *identity, *words], check=True)
    return tmp_path


def arguments(folder: Path) -> list[str]:
    return ["--params", str(folder / "params"), "--out", str(folder / "out")]


def built(folder: Path) -> int:
    return main(["build", *arguments(folder)])


def test_check_compares_with_a_revision_or_a_folder(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = repository / "before"
    (repository / "out").rename(before)
    params = repository / "params" / "dev.yaml"
    params.write_text(params.read_text().replace("internal", "internet-facing"))
    assert built(repository) == 0
    for source in ("HEAD", str(before), str(before / "dev")):
        capsys.readouterr()
        assert main(["check", "dev", *arguments(repository), "--against", source]) == 0
        output = capsys.readouterr().out
        assert "M1401 Resources.LoadBalancer.Properties.Scheme: LoadBalancer" in output
        assert "DNS name and addresses change" in output
    capsys.readouterr()
    file = str(repository / "out" / "dev" / "edge.yaml")
    main(["check", file, "--against", "HEAD"])
    assert "M1401" in capsys.readouterr().out


def test_a_new_environment_has_no_previous_version(repository: Path) -> None:
    assert load_previous_environment("HEAD", repository / "out" / "prod") is None
    assert (
        load_previous_environment(str(repository / "out" / "dev"), repository / "out" / "prod")
        is None
    )
    assert load_previous_template("HEAD", repository / "new.yaml") == {}
    old = load_previous_environment("HEAD", repository / "out" / "dev")
    assert old is not None
    assert list(old.texts) == ["shop-dev-network", "shop-dev-edge"]


def test_another_region_or_application_is_another_environment(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params = repository / "params" / "dev.yaml"
    text = params.read_text()
    for old, new, message in (
        ("region: eu-central-1", "region: eu-west-1", "The environment was in eu-central-1"),
        ("app: shop", "app: store", "`shop-dev-edge` is no longer built"),
    ):
        params.write_text(text.replace(old, new))
        assert built(repository) == 0
        capsys.readouterr()
        assert main(["check", "dev", *arguments(repository), "--against", "HEAD"]) == 0
        output = capsys.readouterr().out
        assert message in output
        assert "M1401" not in output


def test_templates_without_a_previous_version_are_reported(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fresh = repository / "fresh.yaml"
    fresh.write_text("Resources: {A: {Type: AWS::SNS::Topic}}")
    for command in (
        ["check", str(fresh), "--against", "HEAD"],
        ["check", "dev", *arguments(repository), "--against", str(repository / "params")],
    ):
        assert main(command) == 0
        assert "M1408" in capsys.readouterr().out
    old = repository / "old.yaml"
    old.write_text("Resources: {B: {Type: AWS::S3::Bucket}}")
    main(["check", str(fresh), "--against", str(old)])
    assert "M1405" in capsys.readouterr().out


@pytest.mark.parametrize("source", ["nope", "--help", "HEAD:params", ""])
def test_an_unknown_revision_is_a_usage_error(
    source: str, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(NoSuchVersionError):
        load_previous_environment(source or "no such folder", repository / "out" / "dev")
    command = ["check", "dev", *arguments(repository), f"--against={source or 'none'}"]
    assert main(command) == 2
    assert "neither a folder nor a git revision" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../secret.yaml", "/etc/hostname", "", ".."])
def test_a_manifest_names_files_of_its_own_folder(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "out" / "dev"
    folder.mkdir(parents=True)
    stacks = [{"stack_name": "shop-dev-web", "template": name}]
    manifest = {"environment": "dev", "region": "eu-central-1", "stacks": stacks}
    (folder / "stacks.json").write_text(json.dumps(manifest))
    with pytest.raises(NoSuchVersionError, match="was not written by a build"):
        load_previous_environment(str(tmp_path / "out"), folder)
