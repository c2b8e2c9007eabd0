"""Resolved services: one value per stack, from which problems and resources are derived."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.model import Environment, StackSpec
from templates import TEMPLATES, service, worker
from templates.tasks.task_container import Origin

WEB = {"image": "ecr:shop/web:1", "ports": [3000]}
DNS = {
    "via": "edge",
    "port": "53/udp",
    "container": "dns",
    "health_check": {"sidecar": {"probe": "dns"}},
}


def environment(**stacks: dict[str, Any]) -> Environment:
    """An environment with these stacks, and with a network and a cluster unless they are given."""
    all_stacks = {"network": {}, "cluster": {}, **stacks}
    specs = {}
    for name, data in all_stacks.items():
        kind = data.get("template", name)
        params = {key: value for key, value in data.items() if key != "template"}
        specs[name] = StackSpec(name, kind, TEMPLATES[kind].Params.model_validate(params))
    return Environment("dev", "shop", "eu-central-1", None, {}, None, specs)


def resolve(env: Environment) -> service.Service:
    params = env.params_of("web", service.Params)
    assert params is not None
    return env.resolve(service.resolve_service, "web", params)


def test_a_stack_is_resolved_once() -> None:
    calls: list[str] = []

    def build(name: str, params: worker.Params, env: Environment) -> object:
        calls.append(name)
        return object()

    env = environment(web={"template": "worker", "containers": {"web": WEB}})
    params = env.params_of("web", worker.Params)
    assert params is not None
    assert env.resolve(build, "web", params) is env.resolve(build, "web", params)
    assert calls == ["web"]
    changed = params.model_copy(update={"cpu": 1024})
    assert env.resolve(build, "web", changed) is not env.resolve(build, "web", params)
    assert env == environment(web={"template": "worker", "containers": {"web": WEB}})


def test_every_container_has_the_path_of_the_key_that_adds_it() -> None:
    env = environment(
        public={"template": "alb", "certificate": []},
        edge={"template": "nlb"},
        web={
            "template": "service",
            "containers": {"web": WEB, "dns": {"image": "ecr:shop/dns:1", "ports": ["53/udp"]}},
            "proxy": {"routes": [{"path": "/", "to": "web"}]},
            "expose": [{"via": "public", "paths": ["/*"]}, DNS],
            "sidecars": {"otel": {}},
        },
    )
    value = resolve(env)
    places = {name: item.origin.path for name, item in value.task.containers.items()}
    assert places == {
        "web": ("containers", "web"),
        "dns": ("containers", "dns"),
        "proxy": ("proxy",),
        "health-53": ("expose", 1, "health_check", "sidecar"),
        "otel-collector": ("sidecars", "otel"),
    }
    assert [(target.container, target.port.number) for target in value.exposure.targets] == [
        ("proxy", 8080)
    ]
    (target,) = value.exposure.nlb_targets
    assert (target.container, target.number, target.health_port) == ("dns", 53, 8080)


@pytest.mark.parametrize(
    ("below", "path"),
    [
        (("user",), ("proxy", "user")),
        (("ports", 0), ("proxy", "port")),
        (("environment", "A"), ("proxy",)),
        ((), ("proxy",)),
    ],
)
def test_a_problem_of_an_added_container_is_at_a_key_that_can_be_written(
    below: tuple[str | int, ...], path: tuple[str | int, ...]
) -> None:
    origin = Origin(("proxy",), frozenset({"user", "port"}), {"ports": "port"})
    assert origin.locate(below) == path


def test_wrong_values_of_the_params_are_left_out() -> None:
    env = environment(
        public={"template": "alb", "certificate": []},
        edge={"template": "nlb"},
        web={
            "template": "service",
            "network": "missing",
            "cluster": "missing",
            "containers": {"web": WEB},
            "expose": [
                {"via": "nowhere", "paths": ["/*"]},
                {"via": "public", "container": "missing", "paths": ["/a"]},
                {"via": "edge", "port": "53/udp"},
            ],
            "queues": {"QUEUE": "missing"},
            "reaches": ["missing"],
            "service_connect": {"services": [{"port": 9999}]},
        },
    )
    value = resolve(env)
    assert value.task.placement.network is None
    assert value.task.placement.cluster is None
    assert value.task.queues == ()
    assert value.task.reach_rules == ()
    assert [(rule.index, rule.target) for rule in value.exposure.rules] == [(1, None)]
    assert [(item.index, item.target) for item in value.exposure.nlb_listeners] == [(2, None)]
    paths = {problem.path for problem in service.problems("web", value.params, env)}
    assert paths >= {
        ("network",),
        ("cluster",),
        ("expose", 0, "via"),
        ("expose", 1, "container"),
        ("expose", 2, "port"),
        ("queues", "QUEUE"),
        ("reaches", 0),
        ("service_connect", "services", 0, "port"),
    }
