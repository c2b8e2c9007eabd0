"""The command line: output, written files and exit codes."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from command_line import main

BUILD = Path(__file__).parents[1] / "build.py"
PARAMS = """\
app: shop
region: eu-central-1
stacks:
  cluster: {container_insights: enhanced}
"""
BROKEN = PARAMS.replace("enhanced", "enhancd")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A working folder with params/dev.yaml."""
    (tmp_path / "params").mkdir()
    (tmp_path / "params/dev.yaml").write_text(PARAMS)
    with chdir(tmp_path):
        yield tmp_path


def run(*argv: str, **more: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BUILD), *argv]
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# build ---------------------------------------------------------------------------------------


def test_a_build_writes_and_prints_the_next_command(home: Path) -> None:
    ran = run(cwd=home)
    size = (home / "out/dev/cluster.yaml").stat().st_size
    assert ran.stdout.splitlines() == [
        f"out/dev/cluster.yaml  2 resources  {size:,} bytes",
        "next: bash out/dev/deploy.sh",
    ]
    assert (ran.returncode, ran.stderr) == (0, "")
    assert sorted(tree(home / "out")) == [
        *("dev/SHA256SUMS", "dev/cluster.yaml", "dev/deploy.sh", "dev/stacks.json")
    ]
    assert os.access(home / "out/dev/deploy.sh", os.X_OK)


@pytest.mark.parametrize("argv", [["dev"], ["build"], ["build", "dev", "dev"], ["--out", "out"]])
def test_build_is_the_default_command(home: Path, argv: list[str]) -> None:
    assert main(argv) == 0
    assert (home / "out/dev/stacks.json").exists()


def test_folders_can_be_chosen(home: Path) -> None:
    (home / "params").rename(home / "elsewhere")
    assert main(["dev", "--params", "elsewhere", "--out", "made/here"]) == 0
    assert (home / "made/here/dev/cluster.yaml").exists()
    assert not (home / "out").exists()


def test_a_build_writes_json_on_request_and_yaml_again_after_it(home: Path) -> None:
    assert main(["--format", "json"]) == 0
    template = json.loads((home / "out/dev/cluster.json").read_text())
    assert template["Resources"]["Cluster"]["Type"] == "AWS::ECS::Cluster"
    assert main(["check"]) == 0, "a check compares in the form that was built"
    assert main([]) == 0
    assert sorted(tree(home / "out/dev")) == [
        *("SHA256SUMS", "cluster.yaml", "deploy.sh", "stacks.json")
    ]


def test_an_environment_with_an_error_keeps_its_old_files(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([]) == 0
    before = tree(home / "out/dev")
    (home / "params/dev.yaml").write_text(BROKEN)
    (home / "params/prod.yaml").write_text(PARAMS)
    capsys.readouterr()
    assert main([]) == 1
    assert tree(home / "out/dev") == before
    assert (home / "out/prod/cluster.yaml").exists()
    output = capsys.readouterr()
    assert "next: bash out/prod/deploy.sh" in output.out
    assert "out/dev" not in output.out
    finding, summary = output.err.splitlines()
    assert finding.startswith("params/dev.yaml:4: error M1104 stacks.cluster.container_insights: ")
    assert summary == "dev: 1 error, nothing written"


def test_files_that_are_up_to_date_are_not_written(home: Path) -> None:
    assert main([]) == 0
    times = {path: path.stat().st_mtime_ns for path in home.glob("out/dev/*")}
    assert main([]) == 0
    assert {path: path.stat().st_mtime_ns for path in home.glob("out/dev/*")} == times


def test_a_build_of_all_removes_environments_without_params(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("old", "kept"):
        shutil.copy("params/dev.yaml", f"params/{name}.yaml")
    assert main([]) == 0
    (home / "out/kept/notes.txt").write_text("mine")
    for name in ("old", "kept"):
        (home / f"params/{name}.yaml").unlink()
    capsys.readouterr()
    assert main(["dev"]) == 0
    assert (home / "out/old").exists(), "a build of one environment leaves others alone"
    assert main([]) == 0
    output = capsys.readouterr().out
    assert "removed out/old: params/old.yaml is gone" in output
    assert "removed out/kept, except notes.txt: params/kept.yaml is gone" in output
    assert not (home / "out/old").exists()
    assert sorted(tree(home / "out/kept")) == ["notes.txt"]


def test_a_terminal_gets_a_table(home: Path) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, str(BUILD), "dev"], cwd=home, stdout=theirs, stderr=subprocess.PIPE
    ) as process:
        os.close(theirs)
        output = b""
        try:
            while chunk := os.read(ours, 4096):
                output += chunk
        except OSError:  # Linux ends a terminal that no process writes to with EIO
            pass
        assert process.wait() == 0
    os.close(ours)
    text = output.decode()
    for word in ("stack", "resources", "bytes", "findings", "cluster", "no findings", "─"):
        assert word in text
    assert "next: bash out/dev/deploy.sh" in text


def test_a_closed_pipe_is_not_an_error(home: Path) -> None:
    with subprocess.Popen(
        [sys.executable, str(BUILD), "schema"],
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 141


# check ---------------------------------------------------------------------------------------


def test_check_writes_nothing(home: Path) -> None:
    before = tree(home)
    assert main(["check"]) == 1, "out/ does not exist"
    assert tree(home) == before
    assert main([]) == 0
    before = tree(home)
    assert main(["check"]) == 0
    assert tree(home) == before


def test_check_reports_files_that_are_not_up_to_date(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy("params/dev.yaml", "params/old.yaml")
    assert main([]) == 0
    (home / "params/old.yaml").unlink()
    template = home / "out/dev/cluster.yaml"
    template.write_text(template.read_text().replace("enhanced", "disabled"))
    line = template.read_text().split("disabled")[0].count("\n") + 1
    (home / "out/dev/web.yaml").write_text("# Built by Moorage from params/dev.yaml\n")
    with (home / "out/dev/SHA256SUMS").open("a") as sums:
        digest = sha256((home / "out/dev/web.yaml").read_bytes()).hexdigest()
        sums.write(f"{digest}  web.yaml\n")
    (home / "out/dev/mine.yaml").write_text("mine: 1\n")
    (home / "out/dev/deploy.sh").unlink()
    capsys.readouterr()
    assert main(["check"]) == 1
    *findings, summary = capsys.readouterr().out.splitlines()
    assert [finding.split(". ")[0] for finding in findings] == [
        f"out/dev/cluster.yaml:{line}: error M1308: The file differs from what the params build",
        "out/dev/deploy.sh:1: error M1308: The file is missing",
        "out/dev/web.yaml:1: error M1308: The params no longer build this file",
        "out/old/stacks.json:1: error M1308: The environment of this folder has no params any more",
    ]
    assert summary == "checked dev: 4 errors"
    assert main([]) == 0
    assert main(["check"]) == 0
    assert (home / "out/dev/mine.yaml").exists(), "files that no build wrote are kept"


def test_check_takes_any_template(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "good.yaml").write_text("Resources: {Topic: {Type: AWS::SNS::Topic}}\n")
    (home / "bad.yaml").write_text("Resources:\n  Topic: {Type: AWS::SNS::Topik}\n")
    (home / "odd.yaml").write_text("Metadata:\nResources: {Topic: {Type: AWS::SNS::Topic}}\n")
    (home / "latin.yaml").write_bytes(b"Description: caf\xe9\n")
    shutil.rmtree(home / "params")
    assert main(["check", "good.yaml"]) == 0
    assert capsys.readouterr().out == "checked good.yaml: no findings\n"
    assert main(["check", "good.yaml", "bad.yaml", "odd.yaml", "latin.yaml"]) == 1
    starts = [line.split(": ")[:2] for line in capsys.readouterr().out.splitlines()[:-1]]
    assert starts == [
        ["bad.yaml:2", "error E3006 Resources.Topic.Type"],
        ["odd.yaml:1", "error E0002"],
        ["latin.yaml:1", "error M1001"],
    ]


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_check_has_formats_for_programs(
    home: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    assert main(["check", "dev", "--format", form]) == 1
    output = json.loads(capsys.readouterr().out)
    codes = {
        "json": lambda: [finding["code"] for finding in output],
        "sarif": lambda: [result["ruleId"] for result in output["runs"][0]["results"]],
    }
    assert codes[form]() == ["M1308"] * 3


def test_stacks_of_an_environment_are_checked_together(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The security group of the load balancer is in one stack, and its egress rule in another."""
    (home / "params/dev.yaml").write_text(
        f"""{PARAMS}
  network: {{}}
  public: {{template: nlb, scheme: internal}}
  web:
    template: service
    desired_count: 2
    containers: {{web: {{image: "nginx:1.27", ports: [8080]}}}}
    expose: [{{via: public, port: 8080/tcp, clients: [10.0.0.0/8]}}]
    overrides:
      Resources: {{PublicTcp8080Egress: {{Properties: {{FromPort: 81, ToPort: 81}}}}}}
"""
    )
    assert main(["check", "dev"]) == 1
    output = capsys.readouterr().out
    assert "error E9696 stacks." in output
    assert "does not allow traffic on tcp 8080" in output


# explain -------------------------------------------------------------------------------------


def test_explain_prints_pages_of_findings_and_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "e9930", "M1203", "E3012", "f3012"]) == 0
    output = capsys.readouterr().out
    assert output.startswith("E9930  ")
    assert "does not have an associated load balancer" in " ".join(output.split())
    assert "\nM1203  " in output
    assert "\nE3012  " in output
    assert "\nF3012  Property type mismatch (cloudformation-validate)\n" in output


def test_a_rule_of_the_engine_leads_to_the_same_mistakes_elsewhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["explain", "F3002", "W2508"]) == 0
    page = """\
F3002  Additional properties are not allowed (cloudformation-validate)

A rule of AWS's engine. Category: Schema. CloudFormation refuses what it finds.

The same in cfn-lint: E3002
The same in params: M1101; """
    output = capsys.readouterr().out
    assert output.startswith(page)
    assert output.endswith("A rule of AWS's engine. Category: Security.\n")


def test_the_page_of_a_rule_of_the_engine_needs_the_engine(tmp_path: Path) -> None:
    (tmp_path / "cloudformation_validate.py").write_text("raise ImportError('no such library')")
    explained = run("explain", "F3002", env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert explained.returncode == 2
    assert explained.stderr == (
        "build.py: `F3002` is a rule of AWS's engine, cloudformation-validate, which is not "
        "installed here or cannot run. For cfn-lint's about the same, write "
        "`python build.py explain E3002`.\n"
    )


def test_explain_lists_codes_and_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain"]) == 0
    codes = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert {"M1001", "E9930", "W9933"} <= set(codes)
    assert len(codes) == len(set(codes))


def test_an_unknown_code_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", ""]) == 2
    assert main(["explain", "W98405"]) == 2
    assert "Did you mean `W9840`?" in capsys.readouterr().err
    assert main(["explain", "F1029"]) == 2
    assert "Did you mean `E1029`?" in capsys.readouterr().err, "the rule of cfn-lint"


# schema, help --------------------------------------------------------------------------------


def test_schema_is_json_schema_of_the_params(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert "stacks" in json.loads(capsys.readouterr().out)["properties"]


def test_schema_as_markdown_is_the_reference(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--format", "markdown"]) == 0
    assert "container_insights" in capsys.readouterr().out


def test_help_names_every_command() -> None:
    ran = run("--help")
    assert ran.returncode == 0
    for command in ("build", "check", "explain", "schema"):
        assert f"\n    {command} " in ran.stdout


@pytest.mark.parametrize("argv", [["--help"], ["schema"], ["nowhere"]])
def test_commands_without_lint_do_not_load_cfn_lint(home: Path, argv: list[str]) -> None:
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", str(BUILD), *argv],
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "cfnlint" not in ran.stderr


# Wrong usage ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "output"),
    [
        (["dve"], "`dve` is not an environment. Did you mean `dev`?"),
        (["chek"], "`chek` is not an environment. Did you mean `check`?"),
        (["params/dev.yaml"], "`params/dev.yaml` is not an environment. Did you mean `dev`?"),
        (["--out", "x", "check"], "write the command first: python build.py check ..."),
        (["x"], "`x` is not an environment. Environments: dev."),
        (["check", "dve"], "`dve` is neither an environment nor a file. Did you mean `dev`?"),
        (["check", "out"], "`out` is a folder. Name its templates: out/*.yaml"),
        (
            ["check", "params/dev.yaml"],
            "`params/dev.yaml` is a params file, not a template. Did you mean `dev`?",
        ),
        (
            ["--params", "none"],
            "there is no folder `none` here. For a new project, run `moorage init DIR --app shop "
            "--region eu-central-1`, with your names. For an existing project, change to its "
            "folder, or name the folder of its params with --params.",
        ),
        (
            ["--params", "out"],
            "`out` has no environments. Create one, such as `out/dev.yaml`. For a new project, run "
            "`moorage init DIR --app shop --region eu-central-1`, with your names.",
        ),
        (
            ["--params", "old"],
            "only .yaml files are read. Rename `old/dev.yml` to `dev.yaml`.",
        ),
        (["--out", "file"], "`file` is a file. Name a folder with --out."),
        (["--out", "blocked"], "`blocked/dev` cannot be used: Not a directory."),
        (["check", "--out", "file"], "`file` is a file. Name a folder with --out."),
    ],
)
def test_a_usage_error_is_one_line(
    home: Path, capsys: pytest.CaptureFixture[str], argv: list[str], output: str
) -> None:
    for folder in ("out", "old", "blocked"):
        (home / folder).mkdir()
    (home / "old/dev.yml").write_text(PARAMS)
    (home / "file").write_text("")
    (home / "blocked/dev").write_text("")
    assert main(argv) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", f"build.py: {output}\n")


def test_a_file_that_cannot_be_written_is_reported_in_one_line(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "out/dev/cluster.yaml").mkdir(parents=True)
    assert main([]) == 2
    expected = "build.py: `out/dev/cluster.yaml` cannot be used: Is a directory.\n"
    assert capsys.readouterr().err == expected


def test_missing_packages_are_reported_in_one_line(home: Path) -> None:
    """-S leaves out site-packages, as in a Python that is not the one of .venv."""
    ran = subprocess.run(
        [sys.executable, "-S", str(BUILD)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    assert ran.stderr.startswith("build.py: this Python lacks `")
    assert len(ran.stderr.splitlines()) == 1


@pytest.mark.parametrize("argv", [["--frmat", "json"], ["--format", "xml"], ["check", "-x"]])
def test_unknown_options_are_usage_errors(home: Path, argv: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(argv)
    assert end.value.code == 2
