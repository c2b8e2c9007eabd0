"""Documents are right: their commands run, their params build, generated ones are current."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from command_line import main
from warm_process import run_warm

from moorage import cli
from moorage.findings.explain import topic_pages
from moorage.findings.report import text
from moorage.model import TemplateModule
from moorage.pipeline.build import Built
from moorage.pipeline.build import build as built_from
from moorage.rules.coverage import FOUND_BY_CFN_LINT, FOUND_BY_COMPARISON, TOO_NOISY, UNDECIDABLE
from moorage.rules.registry import RULES
from templates import TEMPLATES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
FROM_ROOT = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
DOCS = [*FROM_ROOT, *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


NEED_MORE = (
    "ci",
    *("init", "why", "logs"),
    *("diff", "deploy", "status", "rollback", "run", "exec", "destroy", "rehearse", "image"),
    "preview",
    "watch",
)
"""Commands that documents show as `moorage`, so that no test runs them from the documents: they
need an account or an empty folder, or do not end."""


def params_example() -> str:
    return next(block for block in blocks(README, "yaml") if block.startswith("# params/dev.yaml"))


def built(folder: Path, params: str, templates: Mapping[str, TemplateModule] = TEMPLATES) -> Built:
    (folder / "params").mkdir()
    (folder / "params" / "dev.yaml").write_text(params)
    return built_from(folder / "params", "dev", templates)


def commands(language: str = "sh") -> Iterator[tuple[str, str]]:
    for path in DOCS:
        for block in blocks(path.read_text(), language):
            for line in block.splitlines():
                command = line.split("  #")[0].split("   #")[0].strip()
                if command and not command.startswith("#"):
                    yield path.name, command


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project under git, which tests can change."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("moorage", "templates", "params", "out", "delivery"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "build.py", folder)
    author = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for words in (["init", "-q"], ["add", "."], [*author, "commit", "-qm", "initial"]):
        subprocess.run(["git", "-C", str(folder), *words], check=True)
    return folder


COMMANDS = sorted(
    {command for _, command in commands() if command.startswith(("python ", "cfn-lint "))}
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_in_the_documents_runs(command: str, checkout: Path) -> None:
    """Those of build.py do not start a new Python, as that of the next test does."""
    words = shlex.split(command.split(">")[0])
    environ = {**os.environ, "PYTHONPATH": str(checkout)}
    if words[:2] == ["python", "build.py"]:
        run = run_warm(words[2:], environ, cwd=checkout)
    else:
        run = run_program(words, environ, checkout)
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_build_prints_what_the_readme_shows(checkout: Path) -> None:
    run = subprocess.run(
        [sys.executable, "build.py", "dev"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=True,
    )
    shown = next(block for block in blocks(README, "text") if block.startswith("out/dev"))
    assert run.stdout == shown


def run_program(
    words: Sequence[str], environ: Mapping[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    """Runs a program of this Python in a folder."""
    return subprocess.run(
        [str(Path(sys.executable).with_name(words[0])), *words[1:]],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_other_command_exists() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for document, command in commands():
        first, second = [*shlex.split(command), ""][:2]
        known = {
            "python": True,
            "pip": True,
            "moorage": second in cli.COMMANDS,
            "cd": True,
            "make": second in targets,
            "bash": second.startswith("out/") and (ROOT / second).exists(),
            "cfn-lint": True,
            "aws": second in ("iam", "cloudformation"),
            "npx": second == "cdk",
            "serverless": second == "package",
            "copilot": second == "svc",
        }
        assert known.get(first), f"{document}: {command}"
    named = re.findall(r"`make ([a-z]+)`", README)
    assert named
    assert set(named) <= set(targets)


def subcommands(parser: ArgumentParser) -> Iterator[tuple[str, ArgumentParser]]:
    """The commands of a parser, also those of `image`, by name."""
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            for name, command in dict(action.choices).items():
                inner = list(subcommands(command))
                yield from ((f"{name} {word}", each) for word, each in inner)
                yield from [] if inner else [(name, command)]


def test_every_command_and_flag_is_in_the_readme() -> None:
    text = " ".join(blocks(README, "sh"))
    for name, command in subcommands(cli.build_parser()):
        program = "moorage" if name.split()[0] in NEED_MORE else "build.py"
        assert f"{program} {name}" in text, f"{name} is not in the README"
        for action in command._actions:
            for flag in action.option_strings:
                assert flag in ("-h", "--help") or flag in text, (
                    f"{name} {flag} is not in the README"
                )


def test_the_example_builds_the_stacks_in_the_readme(tmp_path: Path) -> None:
    example = params_example()
    assert len(example.splitlines()) <= 22
    result = built(tmp_path, example)
    assert result.findings == ()
    assert result.plan is not None
    named = re.findall(r"^\| `([a-z]+\.yaml)`", README, re.MULTILINE)
    assert sorted(stack.rendering.file for stack in result.plan.stacks) == sorted(named)


def test_mistakes_are_reported_as_in_the_readme(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = params_example().replace("memory: 1024", "memory: 9999").replace("image:", "imagee:")
    (tmp_path / "params").mkdir()
    (tmp_path / "params" / "dev.yaml").write_text(wrong)
    result = built_from(Path("params"), "dev", TEMPLATES)
    shown = next(block for block in blocks(README, "text") if "error" in block)
    assert text(result.findings).strip() == shown.strip()


def test_the_overrides_example_changes_the_service(tmp_path: Path) -> None:
    example = next(block for block in blocks(README, "yaml") if "overrides:" in block)
    body = "\n".join("    " + line for line in example.splitlines() if not line.startswith("#"))
    result = built(tmp_path, f"{params_example()}{body}\n")
    assert result.findings == ()
    assert result.plan is not None
    web = next(stack.rendering.body for stack in result.plan.stacks if stack.name == "web")
    service = web["Resources"]["Service"]["Properties"]
    assert "EnableECSManagedTags" not in service
    assert service["Tags"] == [{"Key": "on-call", "Value": "storefront"}]


def test_the_custom_stack_kind_builds(tmp_path: Path) -> None:
    (source,) = blocks(README, "python")
    source = source.replace("moorage.templates.", "templates.")  # as in a checkout
    path = tmp_path / "queue.py"
    path.write_text(source)
    spec = spec_from_file_location("templates.queue", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # where pydantic looks up the annotations
    spec.loader.exec_module(module)
    example = next(block for block in blocks(README, "yaml") if "template: queue" in block)
    result = built(tmp_path, example, {**TEMPLATES, "queue": module})
    assert result.findings == ()
    assert result.plan is not None
    (stack,) = result.plan.stacks
    queue = stack.rendering.body["Resources"]["Queue"]["Properties"]
    assert queue["VisibilityTimeout"] == 300


def test_every_example_of_a_params_file_builds(tmp_path: Path) -> None:
    """Those of docs/findings.md are tested with the codes, in tests/moorage/test_codes.py."""
    seen = 0
    for path in DOCS:
        for block in blocks(path.read_text(), "yaml") if path.name != "findings.md" else ():
            keys = set(re.findall(r"^(\w+):", block, re.MULTILINE))
            if {"app", "region", "stacks"} <= keys and "template: queue" not in block:
                folder = tmp_path / str(seen)
                folder.mkdir()
                assert built(folder, block).findings == (), f"{path.name}:\n{block}"
                seen += 1
    assert seen


@pytest.mark.parametrize(
    ("file", "arguments"),
    [
        ("params.schema.json", ["schema"]),
        ("params.md", ["schema", "--format", "markdown"]),
        ("rules.md", ["rules", "--format", "markdown"]),
        *(
            (f"rules/{page}.md", ["rules", "--topic", page, "--format", "markdown"])
            for page in topic_pages()
        ),
        ("findings.md", ["explain", "--format", "markdown", "findings"]),
        ("diagnoses.md", ["explain", "--format", "markdown", "diagnoses"]),
    ],
)
def test_the_generated_documents_are_current(
    file: str, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    assert capsys.readouterr().out == (ROOT / "docs" / file).read_text(), "run `make docs`"


def test_each_topic_of_rules_has_a_page() -> None:
    assert sorted(path.stem for path in (ROOT / "docs/rules").glob("*.md")) == sorted(topic_pages())


def test_linked_files_exist() -> None:
    for path in DOCS:
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", path.read_text()):
            if not target.startswith(("http:", "https:")):
                assert (path.parent / target).exists(), f"{path.name}: {target}"


@pytest.mark.parametrize("document", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_named_files_and_functions_exist(document: str) -> None:
    text = (ROOT / document).read_text()
    named = set(re.findall(r"`((?:moorage|templates|tests|docs)/[\w./]*)`", text))
    assert named
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
    for path, function in re.findall(r"`((?:moorage|templates)/[\w/]+\.py)`, `(\w+)`", text):
        assert f"def {function}(" in (ROOT / path).read_text(), f"{path}: {function}"


def test_the_readme_has_the_numbers_of_rules_and_failures() -> None:
    found = {failure for rule in RULES for failure in rule.failure_ids}
    others = (FOUND_BY_CFN_LINT, FOUND_BY_COMPARISON, TOO_NOISY, UNDECIDABLE)
    total = len(found) + sum(map(len, others))
    assert f"lists the {len(RULES)} rules" in README
    assert f"Of {total} known failures of deployments, they find {len(found)}" in README
