"""Rules that are switched off in `.cfnlintrc`, and ids there that have no effect."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

import pytest
from command_line import main
from sample_template import FORWARDS_NOWHERE

from moorage.lint.cfn_lint import describe
from moorage.lint.settings import LintSettings, find_settings

CapSys = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, with a home folder without settings."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    Path("t.yaml").write_text(FORWARDS_NOWHERE)
    return tmp_path


def findings(capsys: CapSys, *arguments: str) -> list[tuple[str, str, int]]:
    """Codes, files and lines."""
    main(["check", *arguments, "--format", "json"])
    report = json.loads(capsys.readouterr().out)
    return [(each["code"], each["file"], each["line"]) for each in report]


def test_a_rule_of_moorage_and_one_of_cfn_lint_are_switched_off(capsys: CapSys) -> None:
    assert findings(capsys, "t.yaml") == [("E9461", "t.yaml", 8)]
    Path("t.yaml").write_text(FORWARDS_NOWHERE.replace("Port: 80", "Port: eighty"))
    assert {code for code, _, _ in findings(capsys, "t.yaml")} == {"E3012", "E9461"}
    Path(".cfnlintrc").write_text("ignore_checks: [E9461, E3012]\n")
    assert findings(capsys, "t.yaml") == []


@pytest.mark.parametrize("name", [".cfnlintrc", ".cfnlintrc.yaml", ".cfnlintrc.yml"])
def test_settings_beside_a_template_or_above_it_count(capsys: CapSys, name: str) -> None:
    folder = Path("stacks/web")
    folder.mkdir(parents=True)
    (folder / "t.yaml").write_text(FORWARDS_NOWHERE)
    Path("stacks", name).write_text("ignore_checks: [E94]\n")
    assert findings(capsys, "stacks/web/t.yaml") == []
    assert findings(capsys, "t.yaml") == [("E9461", "t.yaml", 8)]
    (folder / name).write_text("ignore_checks: [W]\n")
    assert findings(capsys, "stacks/web/t.yaml") == [("E9461", "stacks/web/t.yaml", 8)]


def test_settings_of_the_current_folder_come_first(capsys: CapSys) -> None:
    Path("stacks").mkdir()
    Path("stacks/t.yaml").write_text(FORWARDS_NOWHERE)
    Path("stacks/.cfnlintrc").write_text("ignore_checks: [W]\n")
    Path(".cfnlintrc").write_text("ignore_checks: [E9461]\n")
    assert findings(capsys, "stacks/t.yaml") == []
    with chdir("stacks"):
        assert findings(capsys, "t.yaml") == [("E9461", "t.yaml", 8)]


def test_an_id_that_no_rule_has_is_a_finding(capsys: CapSys) -> None:
    Path(".cfnlintrc").write_text("ignore_checks:\n  - E9461\n  - E9460\n  - E99999\n")
    assert findings(capsys, "t.yaml", "t.yaml") == [
        ("M1025", ".cfnlintrc", 3),
        ("M1025", ".cfnlintrc", 4),
    ]
    assert main(["check", "t.yaml"]) == 0
    first, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith(".cfnlintrc:3: warning M1025 ignore_checks: ")
    owners = "cfn-lint, cloudformation-validate or Moorage"
    assert f"`E9460`, which no rule of {owners} has. Did you mean `E" in first


def test_an_id_that_finds_nothing_is_shown_on_request(capsys: CapSys) -> None:
    Path(".cfnlintrc").write_text("ignore_checks:\n  - E9461\n  - E9462\n  - E9460\n  - W3\n")
    unknown = ("M1025", ".cfnlintrc", 4)
    assert findings(capsys, "t.yaml") == [unknown]
    found = findings(capsys, "t.yaml", "--unused-ignores")
    assert found == [unknown, ("M1026", ".cfnlintrc", 3), ("M1026", ".cfnlintrc", 5)]
    Path("other.yaml").write_text(
        FORWARDS_NOWHERE.replace("forward", "redirect").replace("Listener:", "Other:")
    )
    found = findings(capsys, "t.yaml", "other.yaml", "--unused-ignores")
    assert found == [unknown, ("M1026", ".cfnlintrc", 5)]


def test_an_id_of_cfn_lint_that_only_switches_off_the_engine_has_an_effect(
    capsys: CapSys,
) -> None:
    Path("t.yaml").write_text("Resources: {}\n")
    Path(".cfnlintrc").write_text("ignore_checks: [E1001, F0002]\n")
    assert findings(capsys, "t.yaml", "--unused-ignores") == [("M1026", ".cfnlintrc", 1)]


def test_environments_are_judged_with_their_templates(capsys: CapSys) -> None:
    Path("params").mkdir()
    Path("params/dev.yaml").write_text(
        "app: shop\nregion: eu-central-1\nstacks:\n  cluster:\n"
        "    overrides: {Outputs: {Twice: {Value: !!str x}}, Parameters: {Free: {Type: String}}}\n"
    )
    Path(".cfnlintrc").write_text("ignore_checks: [W2001, E9461, E9]\n")
    assert main([]) == 0
    assert "M1025" not in capsys.readouterr().err
    assert findings(capsys, "--unused-ignores") == [
        ("M1026", ".cfnlintrc", 1),
        ("M1026", ".cfnlintrc", 1),
    ]
    Path(".cfnlintrc").write_text("ignore_checks: [E99999]\n")
    assert main([]) == 0
    assert capsys.readouterr().err.count(".cfnlintrc:1: warning M1025 ") == 1
    Path("params/dev.yaml").write_text("app: shop\n")
    Path(".cfnlintrc").write_text("ignore_checks: [W2001]\n")
    assert "M1026" not in {code for code, _, _ in findings(capsys, "--unused-ignores")}


@pytest.mark.parametrize("text", ["ignore: [W1]\n", "ignore_checks: [\n", "ignore_checks: 5\n"])
def test_settings_that_cfn_lint_refuses_are_an_error(capsys: CapSys, text: str) -> None:
    Path(".cfnlintrc").write_text(text)
    assert [finding[:2] for finding in findings(capsys, "t.yaml")] == [("M1001", ".cfnlintrc")]
    Path("params").mkdir()
    Path("params/dev.yaml").write_text("app: shop\nregion: eu-central-1\nstacks: {cluster: {}}\n")
    assert main([]) == 1
    assert ".cfnlintrc:1: error M1001" in capsys.readouterr().err


# The home folder ----------------------------------------------------------------------------------

NOBODY = 65534
"""A user who owns no file."""

UNREADABLE = "/proc/self/mem"
"""A file that even root cannot read from its beginning."""


def make_unreadable(home: Path) -> str:
    (home / ".cfnlintrc").unlink()
    (home / ".cfnlintrc").symlink_to(UNREADABLE)
    return str(home)


def close(home: Path) -> str:
    home.chmod(0)
    return str(home)


HOMES: dict[str, Callable[[Path], str]] = {
    "closed": close,
    "impossible": lambda home: str(home / ("a" * 300)),
    "unreadable": make_unreadable,
    "unknown": lambda home: "~",
    "relative": lambda home: home.name,
}
"""What to set HOME to, so that the folder or the file in it cannot be used."""


@pytest.fixture(params=HOMES)
def unusable_home(
    request: pytest.FixtureRequest, project: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """As in a container that runs as another user than its image is made for."""
    home = project / "home"
    home.mkdir()
    (home / ".cfnlintrc").write_text("ignore_checks: [E3012]\n")
    monkeypatch.setenv("HOME", HOMES[request.param](home))
    if request.param == "closed" and not os.geteuid():
        with act_as_nobody(project):
            yield
    else:
        yield
    home.chmod(0o700)


@contextmanager
def act_as_nobody(folder: Path) -> Iterator[None]:
    """Gives up the rights of root, who can use all folders, and keeps the way to this one."""
    folder.chmod(0o777)
    for parent in folder.parents:
        if parent.stat().st_mode & 0o011 != 0o011:
            parent.chmod(parent.stat().st_mode | 0o011)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.usefixtures("unusable_home")
@pytest.mark.parametrize(("own", "ignored"), [(None, []), ("ignore_checks: [E3030]\n", ["E3030"])])
def test_a_home_folder_that_cannot_be_used_has_no_settings(
    own: str | None, ignored: list[str]
) -> None:
    if own:
        Path(".cfnlintrc").write_text(own)
    settings = find_settings()
    assert settings.decide_alone
    assert settings.is_current
    assert [*describe(settings).ignored] == ignored


def test_the_line_of_an_id_is_found() -> None:
    text = "# E9461\nignore_checks: [W2001,\n  E94, E9461]\n"
    assert LintSettings(text=text).ignored == {"W2001": 2, "E94": 3, "E9461": 1}
    assert LintSettings(text="- a\n").ignored == {}
    assert LintSettings(text="ignore_checks: [1, W1]\n").ignored == {"W1": 1}


def test_a_folder_is_no_settings_file() -> None:
    os.mkdir(".cfnlintrc")
    assert find_settings().text is None
