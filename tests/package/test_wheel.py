"""What the wheel contains, and how the command `moorage` runs from it."""

from __future__ import annotations

import re
import shlex
from email import message_from_string
from pathlib import Path
from zipfile import ZipFile

import pytest
from installation import ROOT, Environment
from packaging.metadata import Metadata
from packaging.requirements import Requirement

PARAMS = """\
app: shop
region: eu-central-1
stacks:
  cluster: {}
"""
CUSTOM = """\
from moorage.templates import TEMPLATES as BUILT_IN

TEMPLATES = {"custom": BUILT_IN["cluster"]}
"""


def test_the_wheel_contains_every_file_of_both_packages(wheel: Path) -> None:
    expected = {
        str(Path(name) / path.relative_to(ROOT / folder))
        for folder, name in (("moorage", "moorage"), ("templates", "moorage/templates"))
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == expected, "a package lacks its __init__.py, or setup.cfg its data"


def read_metadata(wheel: Path) -> str:
    with ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        return archive.read(name).decode()


def test_the_metadata_is_valid(wheel: Path) -> None:
    text = read_metadata(wheel)
    metadata = Metadata.from_email(text, validate=True)
    assert str(metadata.requires_python) == ">=3.11"
    assert metadata.license_expression == "MIT"
    required = {item.name for item in metadata.requires_dist or () if item.marker is None}
    assert "boto3" in required
    assert required.isdisjoint({"pytest", "mypy", "moto"}), "not for everyone"
    assert message_from_string(text)["Description-Content-Type"] == "text/markdown"


def test_the_readme_has_all_requirements_but_the_engine(wheel: Path) -> None:
    """The command for systems for which there is no wheel of the engine."""
    readme = (ROOT / "README.md").read_text()
    (command,) = re.findall(r"^pip install (.*)\npip install --no-deps moorage$", readme, re.M)
    metadata = Metadata.from_email(read_metadata(wheel), validate=True)
    required = [item for item in metadata.requires_dist or () if "extra" not in str(item.marker)]
    rest = [item for item in required if item.name != "cloudformation-validate"]
    assert len(rest) == len(required) - 1
    assert {*map(Requirement, shlex.split(command))} == {*rest}


@pytest.mark.parametrize("command", [["moorage"], ["python", "-m", "moorage"]])
def test_params_without_stack_kinds_are_built_with_the_built_in_ones(
    command: list[str], environment: Environment, tmp_path: Path
) -> None:
    (tmp_path / "params").mkdir()
    (tmp_path / "params/dev.yaml").write_text(PARAMS)
    built = environment.run(*command, cwd=tmp_path)
    assert (built.returncode, built.stderr) == (0, "")
    assert built.stdout.endswith("next: bash out/dev/deploy.sh\n")
    checked = environment.run(*command, "check", cwd=tmp_path)
    assert (checked.returncode, checked.stdout) == (0, "checked dev: no findings\n")


def test_commands_that_need_no_params_run_anywhere(
    environment: Environment, tmp_path: Path
) -> None:
    for command, text in (
        ("explain M1101", "M1101"),
        ("explain", "M1101"),
        ("schema", '"title": "Params of Moorage"'),
        ("schema --format markdown", "## `service`"),
        ("--help", "usage: moorage"),
    ):
        run = environment.run("moorage", *command.split(), cwd=tmp_path)
        assert (run.returncode, run.stderr) == (0, ""), command
        assert text in run.stdout, command
    assert list(tmp_path.iterdir()) == []


def test_the_stack_kinds_of_the_current_directory_are_used(
    environment: Environment, tmp_path: Path
) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/__init__.py").write_text(CUSTOM)
    run = environment.run("moorage", "schema", "--format", "markdown", cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    assert "## `custom`" in run.stdout
    assert "## `service`" not in run.stdout


@pytest.mark.parametrize("text", ["raise SystemExit('executed')\n", "TEMPLATES: dict\n", "(\n"])
def test_a_package_templates_without_stack_kinds_is_not_executed(
    text: str, environment: Environment, tmp_path: Path
) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/__init__.py").write_text(text)
    run = environment.run("moorage", "schema", "--format", "markdown", cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    assert "## `service`" in run.stdout
