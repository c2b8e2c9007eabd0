"""Each input that findings depend on is a part of their key: if it changes, they are made again."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from lint_samples import QUEUE, REGION, Reader

from moorage.findings.finding import Finding
from moorage.lint.findings_cache import FindingsCache
from moorage.lint.installation import Installation, find_installation
from moorage.lint.linter import Linter
from moorage.lint.settings import find_settings
from moorage.pipeline.check import check_sources
from moorage.pipeline.sources import Construct, Source


@dataclass(frozen=True)
class Project:
    """A folder with settings, and an installation of which cfn-lint is a part."""

    folder: Path
    text: str = QUEUE
    region: str | None = REGION
    template: str = ""
    ignores: bool = True
    import_path: tuple[str, ...] = field(default=())
    day: str | None = None

    @property
    def installed(self) -> Path:
        return self.folder / "site-packages"

    @property
    def linter(self) -> Linter:
        folders = (self.installed / "cfnlint", self.folder / "schemas", self.installed / "moorage")
        path = (str(self.installed), *self.import_path)
        installation = Installation(folders, path)
        return Linter(FindingsCache(self.folder / "cache"), installation=installation, day=self.day)

    def is_linted(self) -> bool:
        """Whether the template is linted, and not found in the cache."""
        read = Reader()
        settings = replace(find_settings(self.template), ignores=self.ignores)
        self.linter.begin([self.text], self.region, settings, read).result()
        return bool(read.texts)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    for name in ("home", "work/stacks", "site-packages/cfnlint/data", "site-packages/moorage"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "site-packages/cfn_lint-1.0.dist-info").mkdir()
    (tmp_path / "site-packages/cfnlint/rule.py").write_text("a = 1\n")
    (tmp_path / "site-packages/cfnlint/data/schema.json").write_text("{}")
    (tmp_path / "site-packages/moorage/rule.py").write_text("a = 1\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "work")
    return Project(tmp_path)


def test_the_same_is_linted_once(project: Project) -> None:
    assert project.is_linted()
    assert not project.is_linted()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", QUEUE + "\n"),
        ("text", QUEUE.replace("many", "Many")),
        ("region", "eu-west-1"),
        ("region", None),
        ("ignores", False),
        ("import_path", ("more",)),
    ],
)
def test_other_arguments_are_linted(project: Project, name: str, value: object) -> None:
    more = project.folder / "more"
    (more / "yaml-7.dist-info").mkdir(parents=True)
    if name == "import_path":
        value = (str(more),)
    assert project.is_linted()
    other = replace(project, **{name: value})  # type: ignore[arg-type]
    assert other.is_linted()
    assert not other.is_linted()
    assert not project.is_linted()


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_without_a_region_the_variables_count_that_cfn_lint_reads(
    project: Project, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    unknown = replace(project, region=None)
    assert unknown.is_linted()
    assert project.is_linted()
    monkeypatch.setenv(name, "eu-west-1")
    assert unknown.is_linted()
    assert not project.is_linted()


def test_templates_with_a_lambda_function_are_linted_each_day(project: Project) -> None:
    """Several rules compare the day with the end of support of a runtime."""
    runtime = replace(project, text=f"{QUEUE}# with Runtime: python3.14\n")
    platform = replace(project, text=f"{QUEUE}# with RuntimePlatform: {{}}\n")
    for day, is_new in (("2026-11-27", True), ("2026-11-27", False), ("2026-11-28", True)):
        assert replace(runtime, day=day).is_linted() is is_new
    assert replace(platform, day="2026-11-27").is_linted()
    assert not replace(platform, day="2026-11-28").is_linted()


def write(path: str, text: str) -> Callable[[Project], object]:
    return lambda project: (project.folder / path).write_text(text)


@pytest.mark.parametrize(
    "change",
    [
        write("work/.cfnlintrc", "ignore_checks: [E3012]\n"),
        write("work/.cfnlintrc.yml", "ignore_checks: [E3012]\n"),
        write("home/.cfnlintrc", "ignore_checks: [E3012]\n"),
        write("home/.cfnlintrc.yaml", "regions: [us-east-1]\n"),
        write("site-packages/cfnlint/rule.py", "a = 2\n"),
        write("site-packages/cfnlint/data/schema.json", "[]"),
        write("site-packages/cfnlint/data/other.json", "{}"),
        write("site-packages/moorage/rule.py", "b = 1\n"),
        lambda project: (project.installed / "cfnlint/rule.py").unlink(),
        lambda project: (project.installed / "cfnlint/rule.py").rename(
            project.installed / "cfnlint/rules.py"
        ),
        lambda project: (project.installed / "cfn_lint-1.0.dist-info").rename(
            project.installed / "cfn_lint-1.1.dist-info"
        ),
        lambda project: (project.installed / "sympy-1.dist-info").mkdir(),
        lambda project: (
            (project.folder / "schemas").mkdir()
            or (project.folder / "schemas/version.json").write_text("{}")
        ),
    ],
)
def test_a_change_of_a_file_is_linted(
    project: Project, change: Callable[[Project], object]
) -> None:
    assert project.is_linted()
    change(project)
    assert project.is_linted()
    assert not project.is_linted()


def test_settings_above_the_template_are_linted(project: Project) -> None:
    (project.folder / "work/stacks/.cfnlintrc").write_text("ignore_checks: [E3012]\n")
    assert project.is_linted()
    assert replace(project, template="stacks/t.yaml").is_linted()


def test_compiled_code_does_not_count(project: Project) -> None:
    assert project.is_linted()
    (project.installed / "cfnlint/__pycache__").mkdir()
    (project.installed / "cfnlint/__pycache__/rule.cpython-311.pyc").write_text("")
    assert not project.is_linted()


def test_a_change_within_the_same_time_and_size_is_linted(project: Project) -> None:
    """The times of files are compared in place of their contents only a while after a change."""
    file = project.installed / "cfnlint/rule.py"
    times = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    assert project.is_linted()
    file.write_text("a = 2\n")
    os.utime(file, ns=times)
    assert project.is_linted()


def test_contents_are_not_read_again_a_while_after_the_last_change(project: Project) -> None:
    cache = FindingsCache(project.folder / "cache")
    folder = project.installed / "cfnlint"
    installation = Installation((folder,), ())
    before = installation.digest(cache)
    entries = list((project.folder / "cache").rglob("*.json"))
    assert len(entries) == 1
    later = time.time_ns() + 3_600_000_000_000
    os.utime(entries[0], ns=(later, later))
    content = entries[0].read_bytes()
    assert installation.digest(cache) == before
    assert entries[0].read_bytes() == content
    (folder / "rule.py").write_text("a = 2\n")
    assert installation.digest(cache) != before


def test_the_installation_is_that_of_this_process() -> None:
    installation = find_installation()
    assert installation is not None
    names = [folder.name for folder in installation.folders]
    assert names == ["cfnlint", "cloudformation_validate", "moorage", "schemas"]
    assert (installation.folders[0] / "rules").is_dir()
    assert (installation.folders[2] / "lint/linter.py").is_file()


@pytest.mark.parametrize(
    "settings",
    [
        "append_rules: [rules]\n",
        "custom_rules: rules.txt\n",
        "registry_schemas: [schemas]\n",
        "override_spec: spec.json\n",
        "a_key_of_a_later_version: a\n",
        "ignore_checks: [E1]\nignore_checks: !Sub a\n",
        "[]\n",
        "\udcff",
    ],
)
def test_settings_that_name_files_or_cannot_be_read_keep_nothing(
    project: Project, settings: str
) -> None:
    for file in ("home/.cfnlintrc", "work/.cfnlintrc"):
        path = project.folder / file
        path.write_bytes(settings.encode(errors="surrogateescape"))
        assert not find_settings().decide_alone
        assert project.linter.key("template", find_settings(), QUEUE) is None
        path.unlink()
    assert find_settings().decide_alone


@pytest.mark.parametrize("file", ["home/.cfnlintrc", "work/.cfnlintrc"])
def test_settings_that_are_too_large_keep_nothing(project: Project, file: str) -> None:
    (project.folder / file).write_text("# " + "a" * 1_000_000)
    assert not find_settings().decide_alone


def test_rules_of_moorage_in_the_settings_are_part_of_the_installation(project: Project) -> None:
    settings = project.folder / "work/.cfnlintrc"
    settings.write_text("append_rules: [moorage.rules]\nignore_checks: [W]\n")
    assert find_settings().decide_alone
    (project.folder / "work/moorage.rules").mkdir()  # then cfn-lint reads this folder
    assert not find_settings().decide_alone


CHANGED = """
from pathlib import Path
import sys
from lint_samples import QUEUE, Reader
from moorage.lint.findings_cache import FindingsCache
from moorage.lint.linter import Linter
from moorage.lint.settings import find_settings
folder = Path(sys.argv[1])
linter = Linter(FindingsCache(folder / "cache"))
linter.begin([QUEUE], None, find_settings(folder / "other/t.yaml"), Reader()).result()
linter.begin([QUEUE], None, find_settings(), Reader()).result()
print(len(list((folder / "cache").glob("*/*.json"))))
"""


def test_nothing_is_kept_after_settings_that_change_cfn_lint(project: Project) -> None:
    """They change its schemas in this process, for other settings, too."""
    other = project.folder / "other"
    other.mkdir()
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    kept = []
    for settings in ("ignore_checks: [W]\n", f"registry_schemas: [{other}]\n"):
        (other / ".cfnlintrc").write_text(settings)
        command = [sys.executable, "-c", CHANGED, str(project.folder)]
        ran = subprocess.run(command, env=environ, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        kept.append(int(ran.stdout))
        for file in (project.folder / "cache").glob("*/*.json"):
            file.unlink()
    assert kept[0] >= 2
    assert kept[1] == kept[0] - 2


def test_settings_that_change_while_they_are_read_are_refused(project: Project) -> None:
    (project.folder / "work/.cfnlintrc").write_text("ignore_checks: [E3013]\n")
    settings = find_settings()
    (project.folder / "work/.cfnlintrc").write_text("ignore_checks: [E3012]\n")
    findings = check_sources([Source("t.yaml", QUEUE)], settings)
    assert [finding.code for finding in findings] == ["M1001"]


# Environments --------------------------------------------------------------------------------

WEB = Source(
    *("web.yaml", QUEUE),
    region=REGION,
    account="111122223333",
    parameter_values={"Image": "a"},
    constructs={"Queue": Construct("App/Queue")},
)


@pytest.mark.parametrize(
    "change",
    [
        {"file": "b.yaml"},
        {"text": QUEUE + "\n"},
        {"name": "other"},
        {"region": "eu-west-1"},
        {"account": "111122223334"},
        {"parent": ("other.yaml", "Nested")},
        {"parameter_values": {"Image": "b"}},
        {"constructs": {"Queue": Construct("App/Queues")}},
        {"first_line": 2},
        {"prefix": ("Resources", "Set")},
    ],
)
def test_all_that_is_known_of_a_source_is_part_of_the_key(
    project: Project, change: dict[str, object]
) -> None:
    assert _is_known(project, [WEB]) is False
    assert _is_known(project, [WEB]) is True
    assert _is_known(project, [replace(WEB, **change)]) is False  # type: ignore[arg-type]
    assert _is_known(project, [WEB, replace(WEB, file="c.yaml")]) is False
    assert _is_known(project, [replace(WEB, file="c.yaml"), WEB]) is False
    assert _is_known(project, [WEB]) is True


def _is_known(project: Project, sources: list[Source]) -> bool:
    """Whether nothing is kept in addition when they are checked."""
    before = _kept(project)
    check_sources(sources, linter=project.linter)
    return _kept(project) == before


def _kept(project: Project) -> set[str]:
    return {path.name for path in (project.folder / "cache").rglob("*.json")}


def test_what_the_cache_has_of_an_environment_is_what_was_found(project: Project) -> None:
    found: list[list[Finding]] = [check_sources([WEB])]
    found += [check_sources([WEB], linter=project.linter) for _ in range(2)]
    assert found[0]
    assert found[0] == found[1] == found[2]
