"""Who may import whom, who may print, and how tests replace things: read from the source itself."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

LAYERS = (
    "moorage.cache_folder",
    "moorage.last_run",
    "moorage.garbage",
    "moorage.late_modules",
    "moorage.records",
    "moorage.facts",
    "moorage.cfn",
    "moorage.rules",
    "moorage.estimate",
    "moorage.findings",
    "moorage.model",
    "moorage.plan",
    "moorage.references",
    "moorage.lint",
    "moorage.pipeline",
    "moorage.schema",
    "moorage.update",
    "moorage.deploy",
    "moorage.images",
    "moorage.init",
    "moorage.ci",
    "moorage.watch",
    "moorage.commands",
    "moorage.cli",
)
"""The modules of moorage/ from the bottom up. A module imports from those before it, and from its
own package. A new one takes its place here."""

LIBRARIES: dict[str, set[str]] = {
    "moorage.cache_folder": set(),
    "moorage.last_run": set(),
    "moorage.garbage": set(),
    "moorage.late_modules": set(),
    "moorage.records": set(),
    "moorage.facts": set(),
    "moorage.cfn": set(),
    "moorage.rules": {"cfnlint"},
    "moorage.estimate": {"cfnlint"},
    "moorage.findings": {"pydantic"},
    "moorage.model": {"pydantic", "pydantic_core", "troposphere"},
    "moorage.plan": set(),
    "moorage.references": {"pydantic", "troposphere"},
    "moorage.lint": {"cfnlint", "cloudformation_validate", "yaml"},
    "moorage.pipeline": {"pydantic", "pydantic_core", "ruamel", "yaml"},
    "moorage.schema": {"pydantic", "pydantic_core", "ruamel"},
    "moorage.update": {"cfnlint"},
    "moorage.deploy": {
        *("boto3", "botocore", "cfnlint", "moto", "rich", "werkzeug", "yaml"),
        *("types_boto3_acm", "types_boto3_cloudformation", "types_boto3_cloudwatch"),
        *("types_boto3_codedeploy", "types_boto3_ecr", "types_boto3_ecs", "types_boto3_elbv2"),
        *("types_boto3_logs", "types_boto3_secretsmanager", "types_boto3_ssm", "types_boto3_sts"),
    },
    "moorage.images": set(),
    "moorage.init": {"pydantic"},
    "moorage.ci": set(),
    "moorage.watch": {"watchfiles"},
    "moorage.commands": {"rich"},
    "moorage.cli": set(),
}
"""The libraries that each of them may use."""

PIPELINE = (
    *("limits", "merge", "override_lists", "yaml_lines", "yaml_indentation", "yaml_quotes"),
    *("yaml_syntax", "manifest"),
    *("yaml_file", "document", "template_places", "variables", "given_images"),
    *("list_entries", "merge_files"),
    *("interpolation", "named_file", "load"),
    *("paths", "params_models", "foreign_words", "forms", "advice", "unknown_keys"),
    *("stack_advice", "pydantic_errors", "shape", "account_id", "targets", "defaults"),
    *("header", "nulls", "stack_kinds"),
    *("secret_params", "validate", "compose", "suppressions", "render", "exports"),
    *("reference_problems", "link", "shares", "pushes"),
    *("sources", "cloud_assembly", "finding_places"),
    *(
        "check",
        "check_files",
        "service_role",
        "inspect",
        "target_checks",
        "deploy_script",
        "out_folder",
        "write",
        "build",
    ),
)
"""The steps of a build in their order: a step imports from those before it."""

TEMPLATE_LIBRARIES = {
    "awacs",
    "crossplane",
    "moorage.facts",
    "moorage.findings",
    "moorage.late_modules",
    "moorage.model",
    "moorage.plan",
    "moorage.records",
    "moorage.references",
    "pydantic",
    "pydantic_core",
    "templates",
    "troposphere",
}
"""What template modules may import, in addition to the standard library."""

TEMPLATE_LAYERS: tuple[tuple[str, ...], ...] = (
    ("common",),
    ("network",),
    ("bucket", "cache", "database", "table", "topic"),
    ("tasks.images", "tasks.mounts", "tasks.ports", "tasks.secrets", "tasks.variables"),
    ("tasks.build_params", "tasks.linux_parameters"),
    ("tasks.containers",),
    ("tasks.launch_types", "tasks.service_discovery"),
    ("ecr",),
    ("cluster",),
    ("builds",),
    ("alarms.settings",),
    ("notifications",),
    ("alarms",),
    ("widgets",),
    ("load_balancers",),
    ("tasks",),
    ("exposure",),
    ("proxy",),
    ("ecs_service",),
    ("dashboard",),
    ("codebuild", "one_off", "pipeline", "scheduled_task", "service", "worker"),
    ("deployment_role",),
    ("ci_role",),
)
"""The modules of templates/ from the bottom up; of two names that fit, the longer one counts. What
a cluster and its load balancers must know of containers is below them, tasks are above. A module
imports from the layers below, and from its own package. Imports for type checkers count as well."""

PAYLOAD = "templates/exposure/health_sidecar/program.py"
"""No part of a build, which only reads its text: it runs in a container, where it may print and
open sockets. It may import nothing that the container's image does not have."""


def sources(*folders: str) -> list[str]:
    return sorted(
        str(path.relative_to(ROOT)) for name in folders for path in (ROOT / name).rglob("*.py")
    )


def built_by(*folders: str) -> list[str]:
    return [file for file in sources(*folders) if file != PAYLOAD]


@dataclass(frozen=True)
class Source:
    """What is read from the syntax tree of a file, which is large."""

    imports: tuple[str, ...]
    calls: tuple[str, ...]
    """The functions that are called, as they are written."""
    texts: tuple[str, ...]
    attributes: frozenset[str]


@cache
def read(file: str) -> Source:
    nodes = list(ast.walk(tree(file)))
    constants = [node.value for node in nodes if isinstance(node, ast.Constant)]
    return Source(
        tuple(_imports(file, nodes)),
        tuple(ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)),
        tuple(value for value in constants if isinstance(value, str)),
        frozenset(node.attr for node in nodes if isinstance(node, ast.Attribute)),
    )


def tree(file: str) -> ast.Module:
    return ast.parse((ROOT / file).read_text(), file)


def imports(file: str) -> Sequence[str]:
    return read(file).imports


def _imports(file: str, nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The modules that a file imports, wherever in it; `from moorage import x` is `moorage.x`.

    A file of templates/ is in two places: there, and in the wheel as `moorage.templates`. So it
    imports its neighbours by relative names, which hold in both.
    """
    package = file.split("/")[:-1]
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                assert package[0] == "templates", f"{file}:{node.lineno}: write the whole name"
                parents = package[: len(package) - node.level + 1]
                assert parents, f"{file}:{node.lineno}: leaves templates/"
                module = ".".join([*parents, *filter(None, [module])])
            elif package[:1] == ["templates"]:
                assert module.split(".")[0] != "templates", f"{file}:{node.lineno}: write it from ."
            yield from (_module_of(module, alias.name) for alias in node.names)


def _module_of(package: str, name: str) -> str:
    """What `from package import name` imports: the module `package.name`, or one of its names."""
    path = ROOT / package.replace(".", "/") / name
    return f"{package}.{name}" if path.is_dir() or path.with_suffix(".py").exists() else package


def foreign(file: str) -> Iterator[str]:
    """The imports that are not of the standard library."""
    for name in imports(file):
        if name.split(".")[0] not in sys.stdlib_module_names:
            yield name


def allowed(name: str, names: set[str]) -> bool:
    """Whether a module, or a package around it, is among the names."""
    parts = name.split(".")
    return any(".".join(parts[:end]) in names for end in range(1, len(parts) + 1))


def find_imports(files: Iterable[str], is_wrong: Callable[[str], bool]) -> list[str]:
    """The files with imports that are wrong, and these."""
    return [f"{file}: {name}" for file in files for name in foreign(file) if is_wrong(name)]


def owner(file: str) -> str:
    """The layer that a file of moorage/ is in."""
    return ".".join(file.removesuffix(".py").split("/")[:2])


MODULES = [file for file in sources("moorage") if file.count("/") > 1 or "__" not in file]


def test_every_module_belongs_to_a_layer() -> None:
    assert {owner(file) for file in MODULES} == set(LAYERS) == LIBRARIES.keys()


@pytest.mark.parametrize("layer", LAYERS)
def test_a_module_imports_from_layers_below_it(layer: str) -> None:
    below = LAYERS[: LAYERS.index(layer) + 1]
    names = {*below, "moorage.__version__", "moorage"} | LIBRARIES[layer]
    files = [file for file in MODULES if owner(file) == layer]
    assert find_imports(files, lambda name: not allowed(name, names)) == []


@pytest.mark.parametrize("step", PIPELINE)
def test_a_step_of_the_pipeline_imports_from_steps_before_it(step: str) -> None:
    later = {f"moorage.pipeline.{name}" for name in PIPELINE[PIPELINE.index(step) + 1 :]}
    file = f"moorage/pipeline/{step}.py"
    assert [name for name in foreign(file) if allowed(name, later)] == []


def test_rules_import_cfn_lint_in_one_module_and_of_moorage_only_what_templates_need() -> None:
    for file in sources("moorage/rules"):
        names = {"moorage.cfn", "moorage.facts", "moorage.records", "moorage.rules"}
        names |= {"cfnlint"} if file.endswith("/plugin.py") else set()
        assert [name for name in foreign(file) if not allowed(name, names)] == [], file


def test_only_stacks_make_nodes() -> None:
    """They choose the class: a `Node` does not evaluate a function at its top."""
    makers = [file for file in sources("moorage") if "Node" in read(file).calls]
    assert makers == ["moorage/cfn/stack.py"]


def test_templates_import_the_model_and_each_other() -> None:
    files = sources("templates")
    assert find_imports(files, lambda name: not allowed(name, TEMPLATE_LIBRARIES)) == []


def template_layer(module: str) -> tuple[int, str]:
    """The layer of a module of templates/, and its name in TEMPLATE_LAYERS."""
    name = module.removeprefix("templates.")
    fitting = [
        (index, prefix)
        for index, prefixes in enumerate(TEMPLATE_LAYERS)
        for prefix in prefixes
        if allowed(name, {prefix})
    ]
    return max(fitting, key=lambda layer: len(layer[1]))


def template_imports(file: str) -> set[str]:
    """The modules of templates/ that a file imports."""
    return {name for name in imports(file) if name.startswith("templates.")}


TEMPLATE_FILES = [file for file in sources("templates") if file != "templates/__init__.py"]


def test_a_template_module_imports_from_layers_below_it() -> None:
    for file in TEMPLATE_FILES:
        layer, package = template_layer(_module(file).removesuffix(".__init__"))
        for name in template_imports(file):
            below, other = template_layer(name)
            assert below < layer or other == package, f"{file}: {name}"


def test_no_two_template_modules_import_each_other() -> None:
    graph = {
        _module(file).removesuffix(".__init__"): template_imports(file) for file in TEMPLATE_FILES
    }
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_crossplane_reads_no_files() -> None:
    """Only its table of directives is used; its parser opens files, and what they include."""
    user = "templates/proxy/nginx_directives.py"
    for file in sources("moorage", "templates"):
        assert file == user or not any(allowed(name, {"crossplane"}) for name in imports(file))
    nodes = [node for node in ast.walk(tree(user)) if isinstance(node, ast.Attribute)]
    used = [node.attr for node in nodes if ast.unparse(node.value) == "analyzer"]
    assert used
    assert all(name.isupper() for name in used), "constants and tables only"


def test_the_health_sidecar_program_needs_no_package_and_is_not_imported() -> None:
    assert list(foreign(PAYLOAD)) == []
    files = sources("moorage", "templates")
    importing = [file for file in files if _module(PAYLOAD) in imports(file)]
    assert importing == []


def _module(file: str) -> str:
    return file.removesuffix(".py").replace("/", ".")


def find_calls(files: Iterable[str], *names: str) -> list[str]:
    """The files that call functions with these names, and the names."""
    return [f"{file}: {call}" for file in files for call in read(file).calls if call in names]


def test_only_the_command_line_prints() -> None:
    printing = ("moorage/cli.py", "moorage/commands/")
    files = [file for file in built_by("moorage", "templates") if not file.startswith(printing)]
    spoken = ("print", "input", "sys.stdout.write", "sys.stderr.write", "sys.exit")
    assert find_calls(files, *spoken) == []


def test_only_rehearsals_use_moto() -> None:
    names = {"moto", "werkzeug", "moorage.deploy.rehearsal"}
    files = [
        file
        for file in MODULES
        if owner(file) == "moorage.deploy" and not file.startswith("moorage/deploy/rehearsal/")
    ]
    assert find_imports(files, lambda name: allowed(name, names)) == []


DEPLOYING = ("moorage/deploy/",)
"""They call AWS, wait and make names that no other deployment has. No build imports them."""

LOCAL_SOCKETS = {f"moorage/lint/{name}.py": {"socket"} for name in ("channel", "worker", "workers")}
"""Pairs of sockets between the processes of one build."""
DAY = {"moorage/cache_folder.py": {"time"}}
"""The day is a part of the keys of results that are kept, since cfn-lint looks at it."""


def test_a_build_uses_no_clock_no_random_values_and_no_network() -> None:
    outside = {"boto3", "botocore", "datetime", "random", "requests", "secrets", "socket", "time"}
    outside |= {"urllib.request", "uuid"}
    files = [file for file in built_by("moorage", "templates") if not file.startswith(DEPLOYING)]
    used = [
        f"{file}: {name}"
        for file in files
        for name in imports(file)
        if allowed(name, outside - LOCAL_SOCKETS.get(file, set()) - DAY.get(file, set()))
    ]
    assert used == []


def test_digits_are_those_of_ascii() -> None:
    r"""In a regular expression for text, `\d` fits digits of all scripts, which AWS refuses."""
    files = built_by("moorage", "templates")
    assert [file for file in files if any(r"\d" in text for text in read(file).texts)] == []
    assert [file for file in files if "isnumeric" in read(file).attributes] == []


STARTS_PROGRAMS = {
    "moorage/commands/exec.py": "the Session Manager plugin, for a shell in a container",
    "moorage/commands/watch.py": "itself, after its code has changed",
    "moorage/images/commit.py": "git, to name the commit that images are built from",
    "moorage/images/programs.py": "docker and others, to build images and push them",
    "moorage/lint/engine_client.py": "Python, for AWS's engine, which templates can make run away",
    "moorage/init/__init__.py": "Python, to get the schema of a new project's own stack kinds",
    "moorage/lint/workers.py": "Python, to lint templates on several cores",
    "moorage/update/previous_version.py": "git, to read a commit that a user names",
    "templates/proxy/limited_program.py": "becomes nginx, after it has given up rights",
    "templates/proxy/nginx_run.py": "nginx, to test the configuration of a proxy",
}


def test_programs_are_started_in_few_places() -> None:
    starters = {"subprocess", "multiprocessing", "pty", "os.system", "os.popen"}
    starting = [
        file
        for file in built_by("moorage", "templates")
        if any(allowed(name, starters) for name in imports(file))
        or any(
            call in starters or call.startswith(("os.exec", "os.spawn"))
            for call in read(file).calls
        )
    ]
    assert [file for file in starting if file not in STARTS_PROGRAMS] == []


def test_tests_do_not_patch_modules() -> None:
    """Values and fakes are passed in; the environment and the working folder may be changed."""
    files, mocks = sources("tests", "bench"), {"unittest.mock", "mock"}
    assert [file for file in files if any(allowed(name, mocks) for name in imports(file))] == []
    assert find_calls(files, "monkeypatch.setattr", "monkeypatch.setitem") == []
