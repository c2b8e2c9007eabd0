"""Nonsensical arguments: every command prints a message that is safe for a terminal."""

from __future__ import annotations

import os
import unicodedata
from contextlib import chdir
from pathlib import Path

import pytest
from command_line import main

from moorage.cli import MAX_LENGTH, build_parser

COMMANDS = (
    "{}",
    "build {}",
    "build dev {}",
    "build --params {}",
    "build --out {}",
    "build --no-cache {}",
    "build --format {}",
    "build dev --set {}",
    "build dev --set a={}",
    "build dev --image {}",
    "build dev --image cluster={}",
    "check {}",
    "check {}.yaml",
    "check --against {}",
    "check dev --against {}",
    "check --params {}",
    "check --out {}",
    "check --format {}",
    "check --unused-ignores {}",
    "check --sarif {}",
    "estimate {}",
    "estimate dev {}",
    "estimate --template {}",
    "estimate dev --params {}",
    "estimate dev --out {}",
    "estimate dev --start {}s",
    "estimate dev --pull {}",
    "estimate dev --stop {}",
    "estimate dev --metrics {}",
    "estimate dev --tasks {}",
    "estimate dev --format {}",
    "explain {}",
    "explain M1208 {}",
    "rules {}",
    "rules --topic {}",
    "rules --level {}",
    "rules --type {}",
    "rules --text {}",
    "rules --format {}",
    "rules --topics {}",
    "explain --format {}",
    "explain --format markdown {}",
    "schema --format {}",
    "schema {}",
    "init {}",
    "init shop --app {}",
    "init shop --region {}",
    "diff {}",
    "diff dev {}",
    "diff dev --profile {}",
    "diff dev --endpoint-url {}",
    "diff dev --params {}",
    "diff dev --format {}",
    "diff dev --deployed-images --profile {}",
    "deploy dev --no-role --profile {}",
    "deploy dev {} --yes --no-wait",
    "deploy dev {} --yes --express",
    "deploy dev --parallel {}",
    "status {}",
    "destroy dev {} --yes --unprotect --task-definitions",
    "destroy dev --yes --empty {}",
    "rehearse {}",
    "ci github {} --previews",
    "ci github dev --install {}",
    "ci gitlab {} --write",
    "preview up {} --yes",
    "preview down {} --yes",
    "image push {}",
    "image push dev --tag {}",
    "run dev {}",
    "exec dev web {}",
    "exec dev web --command {}",
    "rollback dev {} --yes",
    "why {}",
    "why dev --profile {}",
    "why dev --endpoint-url {}",
    "logs dev {}",
    "logs dev cluster {} --follow",
    "logs dev cluster --since {}",
    "logs dev cluster --filter {}",
    "--{}",
    "explain --{}",
)
VALUES = {
    "control characters": "a\x1b[2J\x07\x7f\x9b\u202eb\r",
    "a lone surrogate": "a\udcffb",
    "null": "a\0b",
    "lines": "a\nb\n",
    "nothing": "",
    "a dash": "-",
    "too long": "a" * 100_000,
    "a long path": "a/" * 2000,
    "a large number": "9" * 4000,
    "digits of another script": "\u0661\u0660s",
}


@pytest.fixture(autouse=True)
def without_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No command reaches AWS."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


def test_every_option_is_tried() -> None:
    tried = {word for command in COMMANDS for word in command.split() if word.startswith("--")}
    parsers = build_parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]
    for name, parser in dict(parsers).items():  # type: ignore[arg-type]
        options = {option for action in parser._actions for option in action.option_strings}
        assert {option for option in options if option.startswith("--")} <= {*tried, "--help"}, name


@pytest.mark.parametrize("command", COMMANDS)
def test_any_argument_is_handled(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params = "app: shop\nregion: eu-central-1\nstacks: {cluster: {}}\n"
    for name, value in VALUES.items():
        folder = tmp_path / name
        (folder / "params").mkdir(parents=True)
        (folder / "params/dev.yaml").write_text(params)
        with chdir(folder):
            code = _code([word.replace("{}", value) for word in command.split()])
        output = "".join(capsys.readouterr())
        assert code in (0, 1, 2), (name, output)
        assert "Traceback" not in output
        categories = {unicodedata.category(letter) for letter in output if letter not in "\n\t"}
        assert categories.isdisjoint({"Cc", "Cf", "Cs"}), (name, output)
        if code == 2:
            assert len(output) < 3 * MAX_LENGTH, name


def _code(argv: list[str]) -> int:
    try:
        return main(argv)
    except SystemExit as exit_:
        return int(exit_.code or 0)
