"""An environment with more services costs each of them no more work, and leaves no memory behind.

Work is counted, not timed: the calls of each function, in builds of environments whose sizes are
equally far apart. The work of linear steps grows by the same amount each time.
"""

from __future__ import annotations

import cProfile
import gc
import json
import subprocess
import sys
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from moorage.cfn.template import Template
from moorage.cfn.view import View
from moorage.findings.finding import Finding
from moorage.garbage import free_cycles
from moorage.pipeline.build import build as build_environment
from moorage.pipeline.check import check_texts
from moorage.pipeline.compose import compose
from moorage.pipeline.exports import export_imported
from moorage.pipeline.link import link
from moorage.pipeline.load import load
from moorage.pipeline.render import render
from moorage.pipeline.validate import validate
from moorage.pipeline.write import files
from moorage.plan import Plan
from moorage.rules.runner import run_rules
from moorage.update.compare import compare_templates
from templates import TEMPLATES

ROOT = Path(__file__).parents[2]
SIZES = (8, 16, 24)
BALANCERS = 2
REGION = "eu-central-1"

Stacks = dict[str, dict[str, Any]]


# Environments ----------------------------------------------------------------------------------


def web(number: int) -> dict[str, Any]:
    """A service behind one of the Application Load Balancers."""
    name = f"web-{number}"
    route = {"via": f"public-{number % BALANCERS}", "hosts": [f"{name}.example.com"]}
    return {
        "template": "service",
        "containers": {
            "app": {"image": "ecr:app:1", "ports": [8080], "secrets": {"TOKEN": f"ssm:/{name}"}}
        },
        "expose": [{**route, "priority": number + 1}],
    }


def webs(count: int) -> Stacks:
    """Services with routes, and an alias of their load balancer for each."""
    balancers: Stacks = {
        f"public-{number}": {"template": "alb", "aliases": []} for number in range(2)
    }
    for number in range(count):
        alias = {"zone": "Z0123456789ABC", "name": f"web-{number}.example.com"}
        balancers[f"public-{number % BALANCERS}"]["aliases"].append(alias)
    return balancers | {f"web-{number}": web(number) for number in range(count)}


def pairs(count: int) -> Stacks:
    """Services, of which every second one reaches another by Service Connect or by DNS."""
    stacks: Stacks = {"cluster": {"namespace": True}}
    for number in range(count):
        stacks[f"web-{number}"] = {
            "template": "service",
            "containers": {"app": {"image": "ecr:app:1", "ports": [8080]}},
            "service_connect": {"services": [{"port": 8080}]},
            "discovery": True,
            "reaches": [f"web-{number - 1}"] if number % 2 else [],
        }
    return stacks


def listeners(count: int) -> Stacks:
    """Services behind Network Load Balancers, four behind each."""
    stacks: Stacks = {}
    for number in range(count):
        via = f"public-{number // 4}"
        stacks[via] = {"template": "nlb"}
        entry = {"via": via, "port": 4000 + number, "target_port": 8080, "clients": ["10.0.0.0/8"]}
        stacks[f"web-{number}"] = {
            "template": "service",
            "containers": {"app": {"image": "ecr:app:1", "ports": [8080]}},
            "expose": [entry],
        }
    return stacks


def workers(count: int) -> Stacks:
    """Workers, each with an image repository and a bucket of its own."""
    stacks: Stacks = {}
    for number in range(count):
        stacks[f"images-{number}"] = {"template": "ecr", "repositories": {f"app-{number}": {}}}
        stacks[f"bucket-{number}"] = {"template": "bucket"}
        stacks[f"work-{number}"] = {
            "template": "worker",
            "containers": {"app": {"image": f"ecr:app-{number}:1"}},
            "uses": {f"bucket-{number}": "read"},
        }
    return stacks


def releases(count: int) -> Stacks:
    """Services whose templates have parameters and conditions, for blue/green deployments."""
    stacks: Stacks = {"public": {"template": "alb", "certificate": []}}
    for number in range(count):
        route = {"via": "public", "hosts": [f"web-{number}.example.com"], "priority": number + 1}
        stacks[f"web-{number}"] = {
            "template": "service",
            "containers": {"app": {"image": "ecr:app:1", "ports": [8080]}},
            "expose": [route],
            "release": {"strategy": "blue_green"},
        }
    return stacks


def users(count: int) -> Stacks:
    """Services that are let into the same cache and mount file systems of their own."""
    stacks: Stacks = {"sessions": {"template": "cache"}}
    for number in range(count):
        mounted = {"image": "ecr:app:1", "mounts": {"files": "/files"}}
        stacks[f"member-{number:02}"] = {
            "template": "service",
            "containers": {"app": mounted},
            "volumes": {"files": {"efs": True}},
            "uses": {"sessions": "connect"},
        }
    return stacks


def one_of_many(count: int) -> Stacks:
    """A worker with many secrets, whose queue subscribes to many topics."""
    secrets = {f"SECRET_{number}": f"secretsmanager:shop-{number}" for number in range(count)}
    topics: Stacks = {f"topic-{number}": {"template": "topic"} for number in range(count)}
    worker = {
        "template": "worker",
        "containers": {"app": {"image": "ecr:app:1", "secrets": secrets}},
        "queue": {"topics": {name: {} for name in topics}},
    }
    return {**topics, "worker": worker}


def chain(count: int) -> Stacks:
    """Jobs, each of which imports from the one before."""
    stacks: Stacks = {}
    for number in range(count):
        before = {"stack": f"job-{number - 1}", "output": "LogGroupName"}
        environment = {"BEFORE": before} if number else {}
        stacks[f"job-{number}"] = {
            "template": "one_off",
            "containers": {"app": {"image": "ecr:app:1", "environment": environment}},
        }
    return stacks


ENVIRONMENTS = (webs, pairs, listeners, workers, releases, users, one_of_many, chain)


def build(folder: Path, stacks: Stacks) -> None:
    """All steps of a build, without cfn-lint and without writing."""
    made = plan(folder, stacks)
    bodies = {stack.rendering.file: stack.rendering.body for stack in made.stacks}
    run_rules([Template(file, body, REGION) for file, body in bodies.items()])
    files(made)


def plan(folder: Path, stacks: Stacks) -> Plan:
    """The plan of an environment with a network, a cluster and these stacks."""
    given = {"network": {}, "cluster": {}, **stacks}
    params = {"app": "a", "region": REGION, "stacks": given}
    (folder / "dev.yaml").write_text(json.dumps(params, indent=1))
    document, findings = load(folder, "dev")
    assert document is not None, findings
    environment, findings = validate(document, TEMPLATES)
    assert environment is not None, findings
    rendered = [render(stack, document, "json")[0] for stack in compose(environment, TEMPLATES)]
    renderings = tuple(rendering for rendering in rendered if rendering is not None)
    renderings = export_imported(renderings, environment, document, "json")
    made, findings = link(renderings, environment, document)
    assert made is not None, findings
    return made


# Work --------------------------------------------------------------------------------------------


def count_calls(run: Callable[[], object]) -> Counter[str]:
    """How often each function is called."""
    profile = cProfile.Profile()
    profile.runcall(run)
    calls: Counter[str] = Counter()
    for entry in profile.getstats():
        code = entry.code
        name = code if isinstance(code, str) else f"{code.co_qualname} in {code.co_filename}"
        calls[name] += entry.callcount
    return calls


def find_growing(run: Callable[[int], object]) -> dict[str, tuple[int, int]]:
    """The functions whose calls grow more from the second size to the third than before.

    Where another test has filled a cache, such as that of `re`, the second size can need fewer
    calls than the first.
    """
    run(SIZES[-1])  # fills the caches of this process
    few, more, most = (count_calls(lambda size=size: run(size)) for size in SIZES)  # type: ignore[misc]
    growth = {name: (more[name] - few[name], most[name] - more[name]) for name in most}
    return {
        name: (first, second)
        for name, (first, second) in growth.items()
        if second > 1.2 * max(first, 0) + 20
    }


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_each_service_costs_the_same(environment: Callable[[int], Stacks], tmp_path: Path) -> None:
    assert find_growing(lambda size: build(tmp_path, environment(size))) == {}


# Mistakes ----------------------------------------------------------------------------------------


def misspelled(count: int) -> Stacks:
    """Containers with a misspelled key and a value of another type."""
    container = {"image": "ecr:app:1", "comand": ["a"], "memory": []}
    return {
        "web": {"template": "service", "containers": {f"c{n}": container for n in range(count)}}
    }


def vain_overrides(count: int) -> Stacks:
    """Overrides of variables that a container has, and of some that it has not."""
    variables = {f"VARIABLE_{number}": {"Value": "b"} for number in range(count)}
    entries = {**variables, **{f"X{number}": None for number in range(count)}}
    container = {"image": "ecr:app:1", "environment": dict.fromkeys(variables, "a")}
    properties = {"ContainerDefinitions": {"app": {"Environment": entries}}}
    overrides = {"Resources": {"TaskDefinition": {"Properties": properties}}}
    return {
        "web": {"template": "service", "containers": {"app": container}, "overrides": overrides}
    }


def secrets_in_messages(count: int) -> Stacks:
    """Services with a mistake, of which each has something to hide."""
    return {
        f"web-{number}": {
            "template": "service",
            "containers": {"app": {"image": "ecr:app:1", "imagee": f"--token=hunter-{number}"}},
            "secrets": {"TOKEN": f"hunter-{number}"},
        }
        for number in range(count)
    }


OWN_FILES = tuple(
    str(path)
    for folder in ("moorage", "templates")
    for path in (Path(__file__).parents[2] / folder).rglob("*.py")
    if path.name != "wording.py"  # while names are few, each unknown one is compared with all
)


@pytest.mark.parametrize("mistakes", [misspelled, vain_overrides, secrets_in_messages])
def test_each_mistake_costs_the_same(mistakes: Callable[[int], Stacks], tmp_path: Path) -> None:
    def build_wrong(size: int) -> None:
        given = {"network": {}, "cluster": {}, **mistakes(size)}
        params = {"app": "a", "region": REGION, "stacks": given}
        (tmp_path / "dev.yaml").write_text(json.dumps(params, indent=1))
        assert len(build_environment(tmp_path, "dev", TEMPLATES).findings) >= size

    own = {
        name: calls for name, calls in find_growing(build_wrong).items() if name.endswith(OWN_FILES)
    }
    assert own == {}


def test_the_rules_run_a_few_times_for_many_overrides(tmp_path: Path) -> None:
    """To find which of them causes a finding, they run without half of the overrides."""
    container = {"image": "ecr:app:1", "ports": [8080]}
    ports = {"app": {"PortMappings": [{"ContainerPort": 9090}]}}
    task = {"TaskDefinition": {"Properties": {"ContainerDefinitions": ports}}}
    stacks: Stacks = {"public": {"template": "alb", "certificate": []}}
    for number in range(4):
        stacks[f"web-{number}"] = {
            "template": "service",
            "containers": {"app": container},
            "expose": [{"via": "public", "hosts": [f"web-{number}.example.com"]}],
            "overrides": {"Resources": task},
        }
    params = {"app": "a", "region": REGION, "stacks": {"network": {}, "cluster": {}, **stacks}}
    (tmp_path / "dev.yaml").write_text(json.dumps(params, indent=1))
    found: list[Finding] = []
    calls = count_calls(
        lambda: found.extend(build_environment(tmp_path, "dev", TEMPLATES).findings)
    )
    causes = [finding.path for finding in found if finding.code == "E9220"]
    root = ("overrides", "Resources", "TaskDefinition")
    assert causes == [("stacks", f"web-{number}", *root) for number in range(4)]
    runs = sum(count for name, count in calls.items() if name.startswith("run_rules in"))
    # With and without all; halves of four stacks and overrides; without each that they point to.
    assert runs == 2 + 2 * (2 + 2) + 2 * 4


# Memory ------------------------------------------------------------------------------------------


@pytest.fixture
def no_collection() -> Iterator[None]:
    """Without garbage collection, as commands run."""
    gc.disable()
    yield
    gc.unfreeze()
    gc.enable()


@pytest.mark.usefixtures("no_collection")
def test_a_closed_view_leaves_nothing_behind() -> None:
    group = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"Tags": [{"Key": "a"}]}}
    view = View([Template("a", {"Resources": {"A": group, "B": group}})], {})
    (first, _) = view.resources_of_type("AWS::EC2::SecurityGroup")
    assert first["Tags"].items[0]["Key"].text == "a"
    assert first["VpcId"]["Missing"].absent
    assert not view.dependents(first)
    freed = weakref.ref(first.stack), weakref.ref(view)
    view.close()
    del first, _, view
    assert [reference() for reference in freed] == [None, None]


@pytest.mark.usefixtures("no_collection")
def test_circles_are_freed_without_garbage_collection() -> None:
    with free_cycles():
        circle = Circle()
        circle.me = circle
        freed = weakref.ref(circle)
        del circle
    assert freed() is None


class Circle:
    """An object that can refer to itself."""

    me: Circle


def test_a_problem_of_many_templates_is_found_once_in_each() -> None:
    body = json.loads(services(1))
    (problem, *others) = run_rules([Template("t", body)])
    found = run_rules([Template(f"t{number}", body) for number in range(300)])
    names = [f"t{number}" for number in range(300)]
    assert [each.template for each in found if each.rule == problem.rule] == names
    assert len(found) == 300 * (1 + len(others))


ARENAS_AFTER_RULES = """
import gc, json, os, sys
from tempfile import TemporaryFile
from moorage.cfn.template import Template
from moorage.garbage import free_cycles
from moorage.rules.runner import run_rules

def count_arenas():
    with TemporaryFile("w+") as file:
        os.dup2(file.fileno(), 2)
        sys._debugmallocstats()
        file.seek(0)
        (line,) = (line for line in file if "arenas allocated current" in line)
        return int(line.split("=")[1].replace(",", ""))

gc.disable()
bodies, before = json.load(sys.stdin), count_arenas()
with free_cycles():
    run_rules([Template(name, body, "eu-central-1") for name, body in bodies.items()])
print(count_arenas() - before)
"""


def test_the_rules_give_back_the_memory_of_many_templates(tmp_path: Path) -> None:
    """Python has memory in arenas of a mebibyte. The rules take some 40 for so many services; each
    would stay if it had a value that lasts."""
    stacks = plan(tmp_path, workers(250)).stacks
    ran = subprocess.run(
        [sys.executable, "-c", ARENAS_AFTER_RULES],
        input=json.dumps({stack.name: stack.rendering.body for stack in stacks}),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(ran.stdout) < 25


# Lines -------------------------------------------------------------------------------------------


def services(count: int, **properties: Any) -> str:
    """A template with so many services, each with a mistake that Moorage's rules find."""
    body = {"Type": "AWS::ECS::Service", "Properties": {"LaunchType": "FARGATE", **properties}}
    resources = {f"Service{number}": body for number in range(count)}
    return json.dumps({"Resources": resources}, indent=1)


def count_views(run: Callable[[], list[Finding]]) -> tuple[int, int]:
    """The number of findings, and how often cfn-lint's view of a template is made for their lines:
    it takes as long as many rules."""
    found: list[Finding] = []
    calls = count_calls(lambda: found.extend(run()))
    views = sum(count for name, count in calls.items() if name.startswith("LineFinder._view "))
    return sum(finding.code >= "E9" for finding in found), views


def test_the_view_for_lines_is_made_once() -> None:
    found, views = count_views(lambda: check_texts({"a.json": services(6)}, REGION))
    assert found >= 6
    assert views == 1


def test_a_comparison_makes_one_view_of_a_version() -> None:
    old = {"a": ("old.json", services(4, ServiceName="a"))}
    new = {"a": ("new.json", services(4, ServiceName="b"))}
    found, views = count_views(lambda: compare_templates(old, new, REGION))
    assert found >= 4
    assert views == 1
