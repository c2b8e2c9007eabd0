"""The order of containers with `init: true`."""

from __future__ import annotations

from typing import Any

from stack_bodies import IMAGE

from templates.tasks.containers import Container, apply_init


def dependencies(**containers: dict[str, Any]) -> dict[str, dict[str, str]]:
    """The dependencies of each container after `apply_init`."""
    all_containers = {name: Container(image=IMAGE, **params) for name, params in containers.items()}
    return {
        name: dict(container.depends_on) for name, container in apply_init(all_containers).items()
    }


def test_all_other_containers_wait_for_an_init_container() -> None:
    assert dependencies(a={}, first={"init": True}, z={"depends_on": {"a": "START"}}) == {
        "a": {"first": "SUCCESS"},
        "first": {},
        "z": {"first": "SUCCESS", "a": "START"},
    }


def test_an_init_container_is_not_essential() -> None:
    containers = {"first": Container(image=IMAGE, init=True), "web": Container(image=IMAGE)}
    essential = {name: container.essential for name, container in apply_init(containers).items()}
    assert essential == {"first": False, "web": True}


def test_containers_that_an_init_container_depends_on_do_not_wait_for_it() -> None:
    first = {"init": True, "depends_on": {"agent": "HEALTHY"}}
    assert dependencies(agent={"depends_on": {"net": "START"}}, net={}, first=first, app={}) == {
        "agent": {"net": "START"},
        "net": {},
        "first": {"agent": "HEALTHY"},
        "app": {"first": "SUCCESS"},
    }


def test_a_written_condition_is_kept() -> None:
    containers = {"a": {"depends_on": {"first": "START"}}, "first": {"init": True}}
    assert dependencies(**containers)["a"] == {"first": "START"}
