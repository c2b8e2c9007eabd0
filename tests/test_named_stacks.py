"""`build` and `check` with names of stacks."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from command_line import main

from moorage.commands.named_stacks import read_names
from moorage.findings.finding import Problem
from moorage.pipeline.build import build
from templates import TEMPLATES

IMAGE = "public.ecr.aws/docker/library/busybox"
PARAMS = f"""\
app: shop
region: eu-central-1
stacks:
  network: {{}}
  cluster: {{}}
  jobs:
    template: worker
    queue: {{}}
    containers: {{jobs: {{image: "{IMAGE}:1.37"}}}}
  web:
    template: worker
    containers: {{web: {{image: "{IMAGE}:1.36"}}}}
"""
NEW_IMAGE = PARAMS.replace("busybox:1.36", "busybox:1.36.1")
LATER = PARAMS.replace("  jobs:\n", "  jobs:\n    after: [web]\n")
IMPORTS = PARAMS.replace(
    ':1.36"', ':1.36", environment: {LOGS: {stack: jobs, output: LogGroupName}}'
)
"""An output that nothing else imports, so that the template of `jobs` gets an export."""
FILES_OF_ALL = {"SHA256SUMS", "deploy.sh", "stacks.json"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with params/dev.yaml, and out/dev as it builds."""
    folder = tmp_path_factory.mktemp("built")
    write_params(folder, PARAMS)
    with chdir(folder):
        assert main(["dev"]) == 0
    return folder


@pytest.fixture
def home(built: Path, tmp_path: Path) -> Iterator[Path]:
    """A working folder with params and what they build."""
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    with chdir(tmp_path):
        yield tmp_path


def write_params(home: Path, text: str, env: str = "dev") -> None:
    (home / "params").mkdir(exist_ok=True)
    (home / f"params/{env}.yaml").write_text(text)


def read(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def override(params: str, stack: str, patch: str) -> str:
    """The params with an override of a resource's properties in a stack."""
    lines = f"  {stack}:\n    overrides: {{Resources: {patch}}}\n"
    return params.replace(f"  {stack}:\n", lines)


# build ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "named", "changed"),
    [
        (PARAMS, ["web"], set()),
        (NEW_IMAGE, ["web"], {"web.yaml", "SHA256SUMS"}),
        (LATER, ["jobs"], FILES_OF_ALL),
        (IMPORTS, ["web", "jobs"], {"web.yaml", "jobs.yaml", "SHA256SUMS", "stacks.json"}),
    ],
)
def test_a_build_of_stacks_writes_what_a_build_of_all_writes(
    home: Path, params: str, named: list[str], changed: set[str]
) -> None:
    before = read(home / "out/dev")
    write_params(home, params)
    assert main(["build", "dev", *named]) == 0
    after = read(home / "out/dev")
    assert {name for name in after if after[name] != before[name]} == changed
    assert main(["build", "dev", "--out", "all"]) == 0
    assert after == read(home / "all/dev")


def test_a_build_of_stacks_prints_their_files_and_the_command_that_deploys_them(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["dev", "web", "--format", "yaml", "jobs", "web"]) == 0
    files = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in files[:2]] == ["out/dev/jobs.yaml", "out/dev/web.yaml"]
    assert files[2:] == ["next: bash out/dev/deploy.sh jobs web"]


def test_stacks_of_several_environments_are_built_together(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_params(home, PARAMS, "prod")
    assert main(["prod"]) == 0
    capsys.readouterr()
    assert main(["prod", "web", "dev", "jobs"]) == 0
    files = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert files == ["out/prod/web.yaml", "next:", "out/dev/jobs.yaml", "next:"]


def test_stacks_of_stack_sets_are_built_for_every_region(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    targets = "targets: {regions: [eu-central-1, eu-west-1], accounts: ['123456789012']}\n"
    write_params(home, PARAMS.replace("stacks:", f"{targets}stacks:"))
    assert main(["dev"]) == 0
    capsys.readouterr()
    assert main(["dev", "web"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == ["next: moorage deploy dev web"]


def test_only_named_stacks_are_inspected(home: Path) -> None:
    """The kind `service` tests the configuration of a proxy with nginx."""
    inspected = []

    def inspect(name: str, params: Any, body: Any) -> Iterator[Problem]:
        inspected.append(name)
        yield from ()

    kind: Any = SimpleNamespace(**{**vars(TEMPLATES["worker"]), "inspect": inspect})
    built = build(home / "params", "dev", {**TEMPLATES, "worker": kind}, named=["web"])
    assert [stack.name for stack in built.stacks] == inspected == ["web"]


@pytest.mark.parametrize(
    ("params", "output"),
    [
        (IMPORTS, "jobs.yaml. Build it, too: `python build.py build dev jobs web`."),
        (
            NEW_IMAGE.replace("busybox:1.37", "busybox:1.37.0") + "  cache: {template: bucket}\n",
            "cache.yaml, jobs.yaml. Build them, too: `python build.py build dev cache jobs web`.",
        ),
        (
            PARAMS + "".join(f"  {name}: {{template: bucket}}\n" for name in "abcd"),
            "a.yaml, b.yaml, c.yaml and 1 more. Build the whole environment: "
            "`python build.py build dev`.",
        ),
        (
            PARAMS.replace("  jobs:\n", "  later:\n"),
            "later.yaml, jobs.yaml. Build the whole environment: `python build.py build dev`.",
        ),
    ],
)
def test_nothing_is_written_if_other_templates_would_change(
    home: Path, capsys: pytest.CaptureFixture[str], params: str, output: str
) -> None:
    before = read(home / "out/dev")
    write_params(home, params)
    capsys.readouterr()
    assert main(["build", "dev", "web"]) == 1
    finding, summary = capsys.readouterr().err.splitlines()
    assert finding == (
        "out/dev/stacks.json:1: error M1316: Templates of other stacks are not what the params "
        f"build: {output}"
    )
    assert summary == "dev: 1 error, nothing written"
    assert read(home / "out/dev") == before


def test_the_first_build_of_an_environment_is_of_all_stacks(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", "dev", "web", "--out", "new"]) == 1
    assert "M1316" in capsys.readouterr().err
    assert not (home / "new").exists()


def test_an_edited_template_of_another_stack_is_not_replaced(home: Path) -> None:
    template = home / "out/dev/jobs.yaml"
    template.write_text(template.read_text().replace("busybox", "alpine"))
    before = read(home / "out/dev")
    assert main(["build", "dev", "web"]) == 1
    assert read(home / "out/dev") == before


def test_an_error_in_another_stack_stops_the_build(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_params(home, NEW_IMAGE.replace("queue: {}", "queue: {visibility: 1m}"))
    before = read(home / "out/dev")
    assert main(["build", "dev", "web"]) == 1
    assert "error M1101 stacks.jobs.queue.visibility" in capsys.readouterr().err
    assert read(home / "out/dev") == before


def test_a_stack_that_exists_already_has_no_template(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_params(home, PARAMS.replace("cluster: {}", "cluster: {existing: {name: main}}"))
    assert main(["dev"]) == 0
    capsys.readouterr()
    assert main(["dev", "cluster"]) == 2
    expected = "build.py: `cluster` of dev exists already, so no template is built for it.\n"
    assert capsys.readouterr().err == expected


def test_nothing_is_written_if_any_of_the_named_stacks_has_no_template(home: Path) -> None:
    write_params(home, PARAMS.replace("cluster: {}", "cluster: {existing: {name: main}}"), "prod")
    assert main(["prod"]) == 0
    before = read(home / "out/dev")
    write_params(home, NEW_IMAGE)
    assert main(["dev", "web", "prod", "cluster"]) == 2
    assert read(home / "out/dev") == before


def test_params_that_cannot_be_read_are_reported_before_unknown_names(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_params(home, "stacks: [\n")
    assert main(["build", "dev", "web"]) == 1
    assert "params/dev.yaml:" in capsys.readouterr().err


# Findings ------------------------------------------------------------------------------------


def findings(capsys: pytest.CaptureFixture[str], *argv: str) -> list[str]:
    """Level and code of what `check` reports."""
    capsys.readouterr()
    main(["check", *argv])
    lines = capsys.readouterr().out.splitlines()[:-1]
    return [" ".join(line.split(": ")[1].split()[:2]) for line in lines]


def test_warnings_are_about_the_named_stacks(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_params(home, PARAMS.replace("busybox:1.37", "busybox"))
    assert main(["dev"]) == 0
    assert findings(capsys, "dev") == ["warning M1219"]
    assert findings(capsys, "dev", "jobs") == ["warning M1219"]
    assert findings(capsys, "dev", "web") == []


def test_cfn_lint_sees_the_templates_of_the_named_stacks(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    patch = "{Service: {Properties: {DesiredCount: some}}}"
    write_params(home, override(PARAMS, "jobs", patch))
    assert "error E3012" in findings(capsys, "dev", "jobs")
    assert findings(capsys, "dev", "web") == []


def test_rules_see_all_stacks_and_report_errors_in_all(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A deployment that can neither stop an old task nor start a new one."""
    patch = "{Service: {Properties: {DeploymentConfiguration: {MaximumPercent: 100}}}}"
    write_params(home, override(PARAMS, "jobs", patch))
    assert findings(capsys, "dev", "web") == ["error E9252", "error E9290"]


# check ---------------------------------------------------------------------------------------


def test_check_compares_the_templates_of_the_named_stacks(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_params(home, IMPORTS)
    assert main(["check", "dev", "cluster"]) == 0
    assert capsys.readouterr().out.endswith("checked dev cluster: no findings\n")
    assert main(["check", "dev", "web"]) == 1
    finding, summary = capsys.readouterr().out.splitlines()
    assert finding.startswith("out/dev/web.yaml:")
    assert "Run `python build.py dev web` and commit what it writes." in finding
    assert summary == "checked dev web: 1 error"


def test_check_compares_files_of_all_stacks_when_their_templates_are_up_to_date(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_params(home, LATER)
    capsys.readouterr()
    assert main(["check", "dev", "web"]) == 1
    files = [line.split(":")[0] for line in capsys.readouterr().out.splitlines()[:-1]]
    assert files == ["out/dev/deploy.sh", "out/dev/stacks.json"]
    assert main(["dev", "web"]) == 0
    assert main(["check", "dev", "web"]) == 0


def test_check_reports_the_effects_of_an_update_of_the_named_stacks(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree("out", "before")
    write_params(home, PARAMS.replace("queue: {}", "queue: {fifo: true}"))
    assert main(["dev"]) == 0
    against = ["--against", "before/dev"]
    assert findings(capsys, "dev", "jobs", *against) != []
    assert findings(capsys, "dev", "web", *against) == []


# Names ---------------------------------------------------------------------------------------


@pytest.fixture
def params(tmp_path: Path) -> Iterator[Path]:
    """The params of two environments, and templates, in a working folder."""
    write_params(tmp_path, "stacks: {web: {}, api: {}}", "base")
    write_params(tmp_path, 'stacks: {jobs: {}, prod: {}, 1: {}, "\\e[1m": {}}')
    write_params(tmp_path, "stacks: {api: null}", "prod")
    write_params(tmp_path, "stacks: [", "broken")
    (tmp_path / "api").mkdir()
    (tmp_path / "topic.yaml").write_text("")
    with chdir(tmp_path):
        yield tmp_path / "params"


ENVIRONMENTS = ("broken", "dev", "prod")


@pytest.mark.parametrize(
    ("names", "read"),
    [
        ([], ["broken", "dev", "prod"]),
        (["dev"], ["dev"]),
        (["prod", "dev"], ["prod", "dev"]),
        (["dev", "jobs", "api", "jobs"], ["dev jobs api"]),
        (["prod", "web", "dev", "web"], ["prod web", "dev web"]),
        (["prod", "web", "prod"], ["prod"]),
        (["broken", "anything"], ["broken anything"]),
    ],
)
@pytest.mark.parametrize("files", [False, True])
def test_an_environment_is_followed_by_its_stacks(
    params: Path, names: list[str], read: list[str], *, files: bool
) -> None:
    assert list(map(str, read_names(names, ENVIRONMENTS, params, files=files))) == read


@pytest.mark.parametrize(
    ("names", "read"),
    [
        (["topic.yaml", "none.yaml"], ["topic.yaml", "none.yaml"]),
        (["dev", "api"], ["dev api"]),  # which is also a folder
        (["prod", "api"], ["prod", "api"]),  # no stack of prod
        (["dev", "topic.yaml", "web"], ["dev web", "topic.yaml"]),
        (["broken", "./web"], ["broken", "./web"]),
    ],
)
def test_check_takes_paths_among_the_names(params: Path, names: list[str], read: list[str]) -> None:
    assert list(map(str, read_names(names, ENVIRONMENTS, params, files=True))) == read


@pytest.mark.parametrize(
    ("argv", "output"),
    [
        ("build web", "`web` is a stack. Name its environment first, as in `dev web`."),
        ("check jobs", "`jobs` is a stack. Name its environment first, as in `dev jobs`."),
        (
            "build dev jbos",
            "`jbos` is neither a stack of dev nor an environment. Did you mean `jobs`?",
        ),
        (
            "dev prod web",
            "`prod` is an environment, and a stack of dev as well. Write a command for each "
            "environment; this stack can only be named as a part of all of dev.",
        ),
        (
            "build dev xyz",
            "`xyz` is neither a stack of dev nor an environment. Stacks: api, jobs, prod, web.",
        ),
        (
            "build prod api",
            "`api` is neither a stack of prod nor an environment. Stacks: web.",
        ),
        (
            "check prod wbe",
            "`wbe` is neither a stack of prod, an environment nor a file. Did you mean `web`?",
        ),
        (
            "build dev ./web",
            "`./web` is neither a stack of dev nor an environment. Did you mean `web`?",
        ),
        (
            "check dev a.yaml",
            "`a.yaml` is neither an environment nor a file. Environments: broken, dev, prod.",
        ),
    ],
)
def test_a_name_that_is_nothing_of_these_is_a_usage_error(
    params: Path, capsys: pytest.CaptureFixture[str], argv: str, output: str
) -> None:
    assert main(argv.split()) == 2
    assert capsys.readouterr().err == f"build.py: {output}\n"
