"""`--set` and `--image` on the command line, and what out/ says of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest
from command_line import main

from moorage.model import GivenValues
from moorage.pipeline.write import find_other_values

PARAMS = """\
app: shop
region: eu-central-1
vars:
  version: 1.4.2
  memory: 512
stacks:
  network: {}
  cluster: {}
  api:
    template: worker
    memory: ${memory}
    containers:
      api: {image: "ecr:shop/api:${version}"}
"""
HEADER = "# Built by Moorage from params/dev.yaml"


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    """out/dev in a working folder that has params."""
    (tmp_path / "params").mkdir()
    (tmp_path / "params/dev.yaml").write_text(PARAMS)
    with chdir(tmp_path):
        yield tmp_path / "out/dev"


def test_a_build_says_which_values_were_set(out: Path) -> None:
    assert main(["dev", "--set", "memory=1024", "--set", "version=1", "--set", "version=2.0"]) == 0
    template = (out / "api.yaml").read_text()
    assert template.startswith(f"{HEADER} with --set memory=1024 --set version=2.0: change")
    assert "/shop/api:2.0\n" in template
    assert "Memory: '1024'" in template
    assert (out / "network.yaml").read_text().startswith(f"{HEADER}: change")
    manifest = json.loads((out / "stacks.json").read_text())
    assert manifest["set"] == {"memory": "1024", "version": "2.0"}
    assert "images" not in manifest


def test_a_build_without_values_says_nothing_of_them(out: Path) -> None:
    assert main(["dev"]) == 0
    assert {"set", "images"}.isdisjoint(json.loads((out / "stacks.json").read_text()))
    assert (out / "api.yaml").read_text().startswith(f"{HEADER}: change")


def test_check_takes_the_values_of_the_last_build(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dev", "--image", "api=3", "--set", "memory=1024"]) == 0
    capsys.readouterr()
    assert main(["check", "dev"]) == 0
    assert main(["check", "dev", "--image", "api=3", "--set", "memory=1024"]) == 0
    assert capsys.readouterr().out == "checked dev: no findings\n" * 2
    assert main(["check", "dev", "--image", "api=4"]) == 1
    assert capsys.readouterr().out == (
        "out/dev/stacks.json:1: error M1315: The folder was built with other values: "
        "--set memory=1024 --image api=3. Give the same values, or build the folder with these and "
        "commit it.\nchecked dev: 1 error\n"
    )


def test_a_manifest_with_other_values_is_one_finding(out: Path) -> None:
    assert main(["dev", "--image", "api=3"]) == 0
    (finding,) = find_other_values(GivenValues(images={"api": "4"}), out)
    assert (finding.code, finding.place.file) == ("M1315", str(out / "stacks.json"))
    assert find_other_values(GivenValues(images={"api": "3"}), out) == []
    assert find_other_values(GivenValues(images={"api": "4"}), out / "missing") == []


def test_check_compares_with_the_values_of_the_last_build(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dev", "--image", "api=3"]) == 0
    template = out / "api.yaml"
    template.write_text(template.read_text().replace("api:3", "api:4"))
    capsys.readouterr()
    assert main(["check", "dev"]) == 1
    assert "out/dev/api.yaml:" in capsys.readouterr().out


def test_values_that_are_no_texts_are_not_taken_from_the_manifest(out: Path) -> None:
    assert main(["dev"]) == 0
    manifest = out / "stacks.json"
    content = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(content | {"set": {"version": [1]}, "images": 3}))
    assert main(["check", "dev"]) == 1
    assert main(["dev"]) == 0
    assert main(["check", "dev"]) == 0


@pytest.mark.parametrize(
    "values",
    [
        {"set": {"version": "4\u2028Resources: {}"}},
        {"set": {"version\n": "4"}},
        {"set": {"version": "4" * 3000}},
        {"images": {"api": "4\x1b[2J"}},
    ],
)
def test_values_that_no_build_writes_are_not_taken_from_the_manifest(
    out: Path, values: dict[str, dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dev"]) == 0
    manifest = out / "stacks.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | values))
    capsys.readouterr()
    assert main(["check", "dev"]) == 1
    found = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in found] == ["out/dev/stacks.json", "checked dev"]
    assert "M1308" in found[0]


def test_secrets_of_the_manifest_are_hidden(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dev"]) == 0
    manifest = out / "stacks.json"
    secret = {"set": {"db_password": "hunter22x"}}
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | secret))
    assert main(["check", "dev", "--set", "version=4"]) == 1
    text = capsys.readouterr().out
    assert "--set db_password=***" in text
    assert "hunter22x" not in text


@pytest.mark.parametrize("command", ["build", "check"])
def test_secrets_do_not_come_from_the_command_line(
    out: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    params = Path("params/dev.yaml")
    params.write_text(PARAMS + "  mail: {template: worker, desired_count: '${db_password}'}\n")
    assert main([command, "dev", "--set", "db_password=hunter22x"]) == 1
    captured = capsys.readouterr()
    text = captured.out + captured.err
    assert "error M1208 vars.db_password: `db_password` looks like a secret" in text
    assert "refer to it in `secrets:`" in text
    assert "hunter22x" not in text
    assert not out.exists()


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--set", "version", "write a name and a value, such as web_version=1.4.2"),
        ("--set", "=1", "write a name and a value"),
        ("--set", "a.b=1", "write a name and a value"),
        ("--set", "a=\x1b", "the value of a has a control character"),
        ("--set", "a=1\n2", "the value of a has a control character or a line break"),
        ("--set", "a=1\r2", "the value of a has a control character or a line break"),
        ("--set", "a=1\u2028Resources:", "the value of a has a control character or a line break"),
        ("--set", "a=" + "1" * 2049, "the value of a has more than 2,048 characters"),
        ("--image", "api", "write a stack and a tag, such as web=1.4.2"),
        ("--image", "api=", "write a stack and a tag"),
        ("--image", "api/a/b=1", "write a stack and a tag"),
        ("--image", "api=a b", "write a stack and a tag"),
        ("--image", "a\x1b=1", "write a stack and a tag"),
    ],
)
def test_options_that_cannot_be_read(
    out: Path, capsys: pytest.CaptureFixture[str], option: str, value: str, message: str
) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["dev", option, value])
    assert raised.value.code == 2
    assert f"argument {option}: {message}" in capsys.readouterr().err
    assert not out.exists()


def test_an_estimate_takes_values(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", "dev", "--set", "nope=1"]) == 1
    assert "M1015" in capsys.readouterr().out
