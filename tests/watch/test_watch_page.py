"""docs/watch.md shows what the command prints, with arguments that it takes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from watching import save, watch

from moorage import cli

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/watch.md").read_text()


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def test_the_page_shows_what_is_printed(tmp_path: Path) -> None:
    examples = blocks((ROOT / "README.md").read_text(), "yaml")
    params = next(text for text in examples if text.startswith("# params/dev.yaml"))
    file = tmp_path / "params/dev.yaml"
    file.parent.mkdir()
    file.write_text(params)
    with watch(tmp_path) as command:
        lines = command.read_until("dev: ")
        for text in (
            params.replace("memory: 1024", "memory: 9999"),
            params.replace("memory: 1024", "memory: 2048"),
        ):
            save(file, text)
            lines += command.read_until("dev: ")
    (shown,) = blocks(PAGE, "text")
    assert lines == shown.splitlines()


def test_the_page_names_arguments_of_the_command() -> None:
    commands = blocks(PAGE, "sh")[0].splitlines()
    assert len(commands) > 1
    for command in commands:
        program, *words = shlex.split(command, comments=True)
        assert program == "moorage"
        assert cli.parse(cli.build_parser(), words).run.__name__ == "watch"


def test_the_help_offers_environments_only(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["watch", "--help"], "templates")
    shown = capsys.readouterr().out
    assert "[ENV ...]" in shown
    assert "ENV|STACK" not in shown
