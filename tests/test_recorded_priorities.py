"""The numbers of listener rules that out/<env>/stacks.json keeps from one build to the next."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import chdir
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from command_line import main

from moorage.cli import build_parser
from moorage.commands.deployment import build_target
from moorage.pipeline.build import build
from moorage.pipeline.manifest import find_priorities
from templates import TEMPLATES
from templates.exposure.alb.priorities import compute_priority, find_range
from templates.exposure.alb.routes import Route

TITLE = "PublicApp80ListenerRule"
LISTENER = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/public/0a/0b"
SHARED = f"""\
app: shop
region: eu-central-1
stacks:
  network:
    existing:
      vpc: vpc-0123456789abcdef0
      private_subnets: [subnet-0aaaaaaaaaaaaaaa0, subnet-0bbbbbbbbbbbbbbb0]
  cluster: {{existing: {{name: platform}}}}
  public:
    template: alb
    existing: {{listener: "{LISTENER}", security_group: sg-0123456789abcdef0}}
"""


def service(name: str, more: str = "", path: str = "") -> str:
    """The params of a service with the route /<name>/*, or another path."""
    return f"""\
  {name}:
    template: service
    containers: {{app: {{image: "ecr:shop/app:1", ports: [80]}}}}
    expose: [{{via: public, paths: [{path or f"/{name}/*"}]{more}}}]
"""


@cache
def computed(name: str) -> int:
    route = Route.model_validate({"via": "public", "paths": [f"/{name}/*"]})
    return compute_priority(route, f"{name}.{TITLE}")


def _find_clash() -> tuple[str, str]:
    """Two services with the same computed number."""
    names = [f"s{number}" for number in range(100, 1000)]
    pairs = combinations(names, 2)
    return next(pair for pair in pairs if computed(pair[0]) == computed(pair[1]))


EARLIER, LATER = _find_clash()


@pytest.fixture
def params(tmp_path: Path) -> Iterator[Path]:
    """params/dev.yaml in the working folder."""
    (tmp_path / "params").mkdir()
    with chdir(tmp_path):
        yield tmp_path / "params/dev.yaml"


def numbers(out: Path = Path("out/dev")) -> dict[str, int]:
    """The recorded numbers, which are those of the templates."""
    recorded = {
        stack["name"]: stack["priorities"][TITLE]
        for stack in json.loads((out / "stacks.json").read_text())["stacks"]
    }
    for name, number in recorded.items():
        assert f"Priority: {number}\n" in (out / f"{name}.yaml").read_text()
    return recorded


def test_a_service_that_is_added_or_removed_changes_no_other_template(params: Path) -> None:
    params.write_text(SHARED + service(LATER))
    assert main(["dev"]) == 0
    template = Path(f"out/dev/{LATER}.yaml")
    before = template.read_bytes()
    params.write_text(SHARED + service(LATER) + service(EARLIER))
    assert main(["dev"]) == 0
    assert template.read_bytes() == before
    both = numbers()
    assert both[LATER] == computed(LATER) != both[EARLIER]
    assert main(["check"]) == 0
    params.write_text(SHARED + service(EARLIER))
    assert main(["dev"]) == 0
    assert numbers() == {EARLIER: both[EARLIER]}


def test_a_rebuild_writes_the_same(params: Path) -> None:
    params.write_text(SHARED + service(LATER) + service(EARLIER))
    assert main(["dev"]) == 0
    first = {path.name: path.read_bytes() for path in Path("out/dev").iterdir()}
    assert numbers()[LATER] != numbers()[EARLIER]
    assert main(["dev"]) == 0
    assert {path.name: path.read_bytes() for path in Path("out/dev").iterdir()} == first
    assert main(["dev", "--out", "elsewhere"]) == 0
    assert {path.name: path.read_bytes() for path in Path("elsewhere/dev").iterdir()} == first


@pytest.mark.parametrize("words", [["deploy", "dev"], ["rehearse", "dev"]])
def test_commands_that_deploy_use_the_numbers_of_the_last_build(
    params: Path, words: list[str]
) -> None:
    for services in (service(LATER), service(LATER) + service(EARLIER)):
        params.write_text(SHARED + services)
        assert main(["dev", "--out", "built"]) == 0
    arguments = build_parser().parse_args([*words, "--out", "built"])
    arguments.templates = "templates"
    target = build_target(arguments)
    deployed = {
        stack.name: stack.body["Resources"][TITLE]["Properties"]["Priority"]
        for stack in target.stacks
    }
    assert deployed == numbers(Path("built/dev"))
    assert deployed[LATER] == computed(LATER)


def test_rules_for_test_traffic_keep_their_numbers(params: Path) -> None:
    release = "    release: {strategy: blue_green, test: {headers: {X-Release: next}}}\n"
    params.write_text(SHARED + service("web") + release)
    first = build(params.parent, "dev", TEMPLATES)
    assert first.plan is not None
    assert first.findings == ()
    (stack,) = first.plan.stacks
    rules = {
        title: resource["Properties"]["Priority"]
        for title, resource in stack.rendering.body["Resources"].items()
        if title.endswith("ListenerRule")
    }
    assert len(rules) == 2
    assert {title: each.number for title, each in stack.deployment.priorities.items()} == rules


@pytest.mark.parametrize(
    "priorities",
    [
        7,
        ["PublicApp80ListenerRule"],
        {TITLE: "49000"},
        {TITLE: True},
        {TITLE: 48_900.0},
        {TITLE: 0},
        {TITLE: 50_001},
        {TITLE: 10**400},
        {TITLE: None},
        {TITLE: {}},
        {TITLE: {"number": 48_000, "range_start": "48000"}},
        {TITLE: {"number": [48_000]}},
        {"": 48_000, "x" * 10_000: 48_000},
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_no_build_records_is_ignored(params: Path, priorities: Any) -> None:
    folder = params.parent.parent / "out/dev"
    folder.mkdir(parents=True)
    stacks = [None, 7, {"priorities": {TITLE: 7}}, {"name": ["web"], "priorities": {TITLE: 7}}]
    stacks.append({"name": "web", "priorities": priorities})
    manifest = {"environment": "dev", "stacks": stacks}
    (folder / "stacks.json").write_text(json.dumps(manifest))
    params.write_text(SHARED + service("web"))
    built = build(params.parent, "dev", TEMPLATES, out=folder.parent)
    assert built.findings == ()
    assert built.plan is not None
    (stack,) = built.plan.stacks
    assert stack.deployment.priorities[TITLE].number == computed("web")


@pytest.mark.parametrize("text", ["", "[", "\0", "[]", '{"stacks": 1}', "[" * 100_000, "\udcff"])
def test_a_damaged_file_records_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "stacks.json").write_bytes(text.encode(errors="surrogateescape"))
    assert find_priorities(tmp_path).recorded == {}


def test_only_a_file_is_read(tmp_path: Path) -> None:
    assert find_priorities(tmp_path / "missing").recorded == {}
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/stacks.json").mkdir()
    assert find_priorities(tmp_path / "dev").recorded == {}
    stack = {"name": "web", "priorities": {TITLE: 7}}
    (tmp_path / "stacks.json").write_text(json.dumps({"environment": "x", "stacks": [stack]}))
    assert find_priorities(tmp_path).recorded.keys() == {("web", TITLE)}
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked/stacks.json").symlink_to(tmp_path / "stacks.json")
    assert find_priorities(tmp_path / "linked").recorded == {}


def test_environments_on_one_listener_do_not_read_each_other(params: Path) -> None:
    """Each build sees its own environment only: what it writes does not depend on the order in
    which environments are built."""
    params.write_text(SHARED + service(LATER))
    params.with_name("prod.yaml").write_text(SHARED + service(LATER))
    assert main(["dev"]) == 0
    assert main(["prod"]) == 0
    assert numbers(Path("out/prod")) == numbers() == {LATER: computed(LATER)}


def test_a_preview_uses_no_number_of_the_environment_that_it_shares(params: Path) -> None:
    route = Route.model_validate({"via": "public", "paths": ["/preview/*"]})
    number = compute_priority(route, f"web.{TITLE}")
    params.with_name("base.yaml").write_text(SHARED)
    other = service("other", f", priority: {number}", path="/other")
    params.write_text(f"stacks:\n{other}")
    own = service("web", path='"/${env}/*"')
    params.with_name("preview.yaml").write_text(
        f"shares: {{env: dev, stacks: [public]}}\nstacks:\n{own}"
    )
    built = build(params.parent, "preview", TEMPLATES, out=Path("out"))
    assert built.findings == ()
    assert built.plan is not None
    (stack,) = built.plan.stacks
    assert stack.deployment.priorities[TITLE].number in {*find_range(route)} - {number}
