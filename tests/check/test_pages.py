"""docs/check: the commands of each page run, and print what the page shows."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest
from command_line import main

HERE = Path(__file__).parent
PAGES = HERE.parents[1] / "docs/check"
UPDATE_STACK = "cloudformation-template-update-stack.json"


def lay_out_cdk(home: Path) -> None:
    """The assembly of tests/cdk, without the route of a private subnet in one stack."""
    shutil.copytree(HERE.parent / "cdk/cdk.out", home / "cdk.out")
    file = home / "cdk.out/Outer.template.json"
    template = json.loads(file.read_text())
    del template["Resources"]["VpcPrivateSubnet2DefaultRoute060D2087"]
    file.write_text(json.dumps(template, indent=1))


def lay_out_serverless(home: Path) -> None:
    """What `osls package` makes of the serverless.yml of the page."""
    (home / ".serverless").mkdir()
    shutil.copy(HERE / "serverless" / UPDATE_STACK, home / ".serverless")


def lay_out_copilot(home: Path) -> None:
    (home / "infrastructure").mkdir()
    shutil.copy(HERE / "frontend-test.stack.yml", home / "infrastructure")


LAYOUTS = {
    "cdk": lay_out_cdk,
    "serverless": lay_out_serverless,
    "copilot": lay_out_copilot,
}


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """Language and text of each block."""
    yield from re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


def words(text: str) -> str:
    """A text whatever its line breaks are."""
    return " ".join(text.split())


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda page: page.stem)
def test_the_commands_of_a_page(
    page: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    LAYOUTS.get(page.stem, lambda _: None)(tmp_path)
    commands, shown = [], []
    for language, text in blocks(page):
        name = re.match(r"# (\S+)\n", text)
        if language == "yaml" and name and not name[1].startswith("."):
            (tmp_path / name[1]).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name[1]).write_text(text)
        elif language == "sh":
            commands += [line for line in text.splitlines() if line.startswith("moorage check")]
        elif language == "text":
            shown.append(words(text))
    assert commands
    printed = []
    with chdir(tmp_path):
        for command in commands:
            if "--against" not in command:
                code = main(shlex.split(command)[1:])
                assert code in (0, 1)
                printed.append(words(capsys.readouterr().out))
    assert all(text in printed for text in shown), printed
    assert bool(shown) is any("error" in text for text in printed if not text.startswith("{"))


def test_the_serverless_template_has_the_resources_of_the_page() -> None:
    page = (PAGES / "serverless.md").read_text()
    template = (HERE / "serverless" / UPDATE_STACK).read_text()
    for name in re.findall(r"^    (\w+):$", page, re.MULTILINE):
        assert f'"{name}": {{' in template


def test_every_page_is_in_the_site_and_in_the_readme() -> None:
    root = HERE.parents[1]
    for page in PAGES.glob("*.md"):
        for file in ("mkdocs.yml", "README.md"):
            assert f"check/{page.name}" in (root / file).read_text(), f"{page.name} in {file}"
