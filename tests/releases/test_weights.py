"""At every moment of an update and of a release, production traffic goes to groups with healthy
tasks: shown with the built templates, in a simulation of what AWS does with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from simulation import RULE, Cloud, FailedError, RefusedError, Template, order, resolve

from moorage.pipeline.build import build
from moorage.plan import TrafficPair
from moorage.update.compare import compare_templates
from templates import TEMPLATES

PARAMS = """
app: shop
region: eu-central-1
stacks:
  network: {{}}
  cluster: {{}}
  public: {{template: alb}}
  edge: {{template: nlb, cross_zone: true}}
  web:
    template: service
    containers:
      web: {{image: "ecr:web:{image}", ports: [8080, 9090]}}
    expose: [{expose}]
    release: {release}
"""
ALB = "{via: public, paths: [/*], port: 8080}"
NLB = "{via: edge, port: 8443/tcp, target_port: 8080}"
CANARY = "{strategy: canary, test: {headers: {X-Release: next}}}"


@cache
def stack(
    folder: Path, expose: str = ALB, image: str = "1", release: str = CANARY
) -> tuple[Template, tuple[TrafficPair, ...], str]:
    """The body, the pairs and the text of the service's template."""
    text = PARAMS.format(expose=expose, image=image, release=release)
    (folder / "dev.yaml").write_text(text)
    result = build(folder, "dev", TEMPLATES)
    assert result.plan is not None, result.findings
    (planned,) = (item for item in result.plan.stacks if item.name == "web")
    rendering = planned.rendering
    return rendering.body, rendering.deployment.pairs, rendering.text


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("params")


# How templates are deployed --------------------------------------------------------------------

Fault = Mapping[str, str]
NO_FAULT: Fault = {}


def live(cloud: Cloud, pair: TrafficPair) -> str:
    """What find_live_group of deploy.sh reads."""
    if pair.alternate not in cloud.physical:
        return "primary"
    if pair.forwarder not in cloud.physical:
        raise RefusedError(pair.forwarder)
    weights = cloud.weights[cloud.physical[pair.forwarder]]
    (group,) = [group for group, weight in weights.items() if weight]
    return {
        cloud.physical[pair.primary]: "primary",
        cloud.physical[pair.alternate]: "alternate",
    }[group]


def sync(cloud: Cloud, pairs: tuple[TrafficPair, ...]) -> Iterator[None]:
    """sync_weights of deploy.sh."""
    for pair in pairs:
        if pair.parameter in cloud.parameters:
            yield from cloud.update(cloud.template, {pair.parameter: live(cloud, pair)})


def changes_rule_and_service(cloud: Cloud, template: Template, values: Mapping[str, str]) -> bool:
    changed = set()
    parameters = {
        name: values.get(name, definition["Default"])
        for name, definition in template.get("Parameters", {}).items()
    }
    for name in order(template):
        wanted = resolve(
            template["Resources"][name].get("Properties", {}), template, parameters, cloud.physical
        )
        if cloud.properties.get(name) != wanted:
            changed.add(name)
    deploys = "TaskDefinition" in changed or "Service" in changed
    return deploys and any(name.endswith(("ListenerRule", "Listener")) for name in changed)


def with_deploy_script(
    cloud: Cloud, template: Template, pairs: tuple[TrafficPair, ...], fault: Fault
) -> Iterator[None]:
    """deploy_release of deploy.sh."""
    yield from sync(cloud, pairs)
    values = {pair.parameter: live(cloud, pair) for pair in pairs}
    first, second = fault, fault
    if fault.get("in") == "release":
        first = NO_FAULT
    if changes_rule_and_service(cloud, template, values):
        held = {"HeldTaskDefinition": cloud.properties["Service"]["TaskDefinition"]}
        try:
            yield from cloud.update(template, values | held, **_arguments(first))
        finally:
            yield from sync(cloud, pairs)
        values = {pair.parameter: live(cloud, pair) for pair in pairs}
    try:
        yield from cloud.update(template, values | {"HeldTaskDefinition": ""}, **_arguments(second))
    finally:
        yield from sync(cloud, pairs)


def in_a_single_update(
    cloud: Cloud, template: Template, pairs: tuple[TrafficPair, ...], fault: Fault
) -> Iterator[None]:
    """The live group as a parameter, and nothing else."""
    values = {pair.parameter: live(cloud, pair) for pair in pairs}
    yield from cloud.update(template, values, **_arguments(fault))


def with_fixed_weights(
    cloud: Cloud, template: Template, pairs: tuple[TrafficPair, ...], fault: Fault
) -> Iterator[None]:
    """What other tools do: the template always has the primary group in production."""
    yield from cloud.update(template, {}, **_arguments(fault))


def _arguments(fault: Fault) -> dict[str, str]:
    return {key: value for key, value in fault.items() if key != "in"}


# What goes wrong -------------------------------------------------------------------------------


def faults(template: Template, *, after_service: bool) -> list[Fault]:
    """`after_service`: whether a resource fails that comes after the service, such as a scaling
    policy."""
    names = [name for name in order(template) if name != "Service" or after_service]
    after = [{"fail_after": name} for name in names]
    stages = [{"stage": stage} for stage in ("scale-up", "shift-10", "shift-100")]
    return [NO_FAULT, *after, *({**fault, "in": "release"} for fault in after), *stages]


def run(cloud: Cloud, steps: Iterator[None]) -> list[str]:
    """Every moment at which production traffic goes to a group without tasks."""
    problems = list(cloud.problems())
    while True:
        try:
            next(steps)
        except (StopIteration, FailedError):
            return [*problems, *cloud.problems()]
        except RefusedError as error:
            return [f"refused because of {error}"]
        problems += cloud.problems()


def started(folder: Path, releases: int, deploy: Any, **params: str) -> Cloud:
    """A stack after some releases: with each of them another group is in production."""
    cloud = Cloud()
    template, pairs, _ = stack(folder, **params)
    assert run(cloud, cloud.update(template, {})) == []
    for number in range(releases):
        template, pairs, _ = stack(folder, **{**params, "image": f"0.{number}"})
        assert run(cloud, deploy(cloud, template, pairs, NO_FAULT)) == []
    return cloud


def find_problems(
    folder: Path,
    deploy: Any,
    change: Mapping[str, str],
    before: Mapping[str, str] = NO_FAULT,
    *,
    after_service: bool = True,
) -> dict[str, list[str]]:
    """The problems of an update, by what is in production before and what fails."""
    template, pairs, _ = stack(folder, **{**before, **change})
    result = {}
    for releases in (0, 1):
        for fault in faults(template, after_service=after_service):
            cloud = started(folder, releases, deploy, **before)
            if problems := run(cloud, deploy(cloud, template, pairs, fault)):
                result[f"after {releases} releases, {dict(fault)}"] = problems
            elif deploy is with_deploy_script:
                stored = {pair.parameter: live(cloud, pair) for pair in pairs}
                assert {key: cloud.parameters.get(key) for key in stored} in (
                    stored,
                    dict.fromkeys(stored),
                )
    return result


LINEAR = CANARY.replace("canary", "linear")
ROLLING = "{alternate_target_groups: true}"
SAFE = {
    "nothing": {},
    "image": {"image": "2"},
    "conditions": {"expose": ALB.replace("/*", "/shop/*")},
    "conditions and image": {"expose": ALB.replace("/*", "/shop/*"), "image": "2"},
    "priority and image": {
        "expose": ALB.replace("port", "priority: 50, port"),
        "image": "2",
        "release": CANARY.replace("test: {", "test: {priority: 7, "),
    },
    "health check and image": {
        "expose": ALB.replace("port", "health_check: {path: /up}, port"),
        "image": "2",
    },
    "strategy": {"release": LINEAR},
    "strategy, conditions and image": {
        "release": LINEAR,
        "expose": ALB.replace("/*", "/shop/*"),
        "image": "2",
    },
    "back to rolling": {"release": ROLLING},
}
WITH_THE_SERVICE = {
    "no test traffic, conditions and image": {
        "release": "canary",
        "expose": ALB.replace("/*", "/shop/*"),
        "image": "2",
    },
}
"""Updates that change the rule and settings of the service that start a deployment themselves."""
REFUSED = {
    "port": {"expose": ALB.replace("8080", "9090")},
    "protocol, which replaces the groups": {"expose": ALB.replace("port", "protocol: HTTPS, port")},
}


@pytest.mark.parametrize("change", SAFE.values(), ids=SAFE)
def test_no_update_sends_traffic_to_an_empty_group(folder: Path, change: dict[str, str]) -> None:
    assert not _errors(folder, change)
    assert find_problems(folder, with_deploy_script, change) == {}


@pytest.mark.parametrize("change", WITH_THE_SERVICE.values(), ids=WITH_THE_SERVICE)
def test_updates_of_rule_and_service_are_safe_unless_a_later_resource_fails(
    folder: Path, change: dict[str, str]
) -> None:
    assert find_problems(folder, with_deploy_script, change, after_service=False) == {}
    assert _errors(folder, change)
    # The risk that is left: docs/decisions/0025-releases.md.
    later = find_problems(folder, with_deploy_script, change)
    assert later
    assert all("'fail_after': 'Service'" in case for case in later)


@pytest.mark.parametrize("strategy", [CANARY, LINEAR, "blue_green"])
def test_a_rolling_service_starts_to_shift(folder: Path, strategy: str) -> None:
    for before in (ROLLING, "rolling"):
        change = {"release": strategy, "image": "2"}
        assert (
            find_problems(
                folder, with_deploy_script, change, {"release": before}, after_service=False
            )
            == {}
        )


def test_several_load_balancers(folder: Path) -> None:
    both = {"expose": f"{ALB}, {NLB}", "release": "canary"}
    changed = {
        "expose": f"{ALB}, {NLB}".replace("target_port", "tcp_idle_timeout: 60s, target_port")
    }
    assert find_problems(folder, with_deploy_script, {**changed, "image": "2"}, both) == {}


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED)
def test_an_update_that_cannot_be_safe_is_reported(folder: Path, change: dict[str, str]) -> None:
    assert _errors(folder, change)
    assert find_problems(folder, with_deploy_script, change)


def test_another_rule_does_not_take_over_a_pair(folder: Path) -> None:
    change = {"expose": ALB.replace("port", "name: other, port")}
    problems = find_problems(folder, with_deploy_script, change)
    assert set(map(tuple, problems.values())) == {("refused because of PublicOtherListenerRule",)}


def _errors(folder: Path, change: Mapping[str, str]) -> list[str]:
    """What `check --against` reports as an error."""
    old, new = stack(folder)[2], stack(folder, **change)[2]
    findings = compare_templates({"web": ("web.yaml", old)}, {"web": ("web.yaml", new)})
    return [finding.message for finding in findings if finding.level == "error"]


# Other layouts do harm, and the simulation shows it ----------------------------------------------


def test_fixed_weights_send_traffic_to_an_empty_group(folder: Path) -> None:
    problems = find_problems(folder, with_fixed_weights, SAFE["conditions"])
    assert any("{}" in case for case in problems)  # even if nothing fails


def test_a_parameter_without_two_updates_does_harm_if_the_update_fails(folder: Path) -> None:
    problems = find_problems(folder, in_a_single_update, SAFE["conditions and image"])
    assert problems
    assert not any("{}" in case for case in problems)  # but not if nothing fails


def test_the_rule_has_weights_from_a_parameter(folder: Path) -> None:
    body, (pair,), _ = stack(folder)
    rule = body["Resources"][pair.forwarder]
    assert rule["Type"] == RULE
    for value, expected in (("primary", [100, 0]), ("alternate", [0, 100])):
        action = resolve(rule["Properties"], body, {pair.parameter: value}, {})["Actions"][0]
        groups = action["ForwardConfig"]["TargetGroups"]
        assert [group["Weight"] for group in groups] == expected
