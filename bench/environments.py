"""The environments that the benchmarks build."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import ceil
from pathlib import Path
from typing import Any

ENV = "bench"
REGION = "eu-central-1"
EDITED = "service-0"
"""The service whose image changes."""
LARGE_PORTS = (8080, 8081, 8082, 8083)
Params = dict[str, Any]
_BALANCER = {"template": "alb", "certificate": []}


def small(services: int) -> Params:
    """An environment with that many services behind one load balancer, each with one container, two
    secrets and one route."""
    stacks = {f"service-{number}": _small_service(number) for number in range(services)}
    return _environment({"public": _BALANCER, **stacks})


def large(services: int) -> Params:
    """The same with services of 48 resources each: four ports with their own target groups, alarms
    for each of them, and scaling."""
    notified = {"template": "notifications", "subscriptions": {"email": ["ops@example.com"]}}
    stacks = {f"service-{number}": _large_service(number) for number in range(services)}
    return _environment({"public": _BALANCER, "notifications": notified, **stacks})


def spread(services: int, balancers: int) -> Params:
    """The small services, evenly distributed over load balancers."""
    return _environment(_spread(services, balancers))


def released(services: int) -> Params:
    """The small services with blue/green deployments, at most 25 behind each load balancer."""
    release = {"strategy": "blue_green", "test": {"headers": {"X-Release": "next"}}}
    stacks = _spread(services, ceil(services / 25))
    for number in range(services):
        stacks[f"service-{number}"] |= {"release": release}
    return _environment({"public": _BALANCER, **stacks})


def write_params(folder: Path, params: Mapping[str, Any], version: str = "1.0") -> None:
    """Writes params as a project has them, with a version of the image of `EDITED`."""
    text = json.dumps(params).replace(f"ecr:{EDITED}:1.0", f"ecr:{EDITED}:{version}")
    (folder / "params").mkdir(exist_ok=True)
    (folder / f"params/{ENV}.yaml").write_text(text)


def _environment(stacks: Mapping[str, Any]) -> Params:
    return {
        "app": "bench",
        "region": REGION,
        "stacks": {
            "network": {"egress": "nat"},
            "cluster": {},
            **stacks,
        },
    }


def _spread(services: int, balancers: int) -> dict[str, Params]:
    stacks = {f"public-{number}": _BALANCER for number in range(balancers)}
    for number in range(services):
        stacks[f"service-{number}"] = _small_service(number, f"public-{number % balancers}")
    return stacks


def _small_service(number: int, via: str = "public") -> Params:
    name = f"service-{number}"
    secrets = {"DB_PASSWORD": f"ssm:/{name}/db_password", "TOKEN": f"ssm:/{name}/token"}
    return {
        "template": "service",
        "desired_count": 2,
        "containers": {"web": {"image": f"ecr:{name}:1.0", "ports": [8080], "secrets": secrets}},
        "expose": [{"via": via, "container": "web", "hosts": [f"{name}.example.com"]}],
    }


def _large_service(number: int) -> Params:
    name = f"service-{number}"
    container = {
        "image": f"ecr:{name}:1.0",
        "ports": [*LARGE_PORTS],
        "secrets": {"DB_PASSWORD": f"ssm:/{name}/db_password"},
    }
    return {
        "template": "service",
        "cpu": 512,
        "memory": 1024,
        "containers": {"web": container},
        "scaling": {"min": 2, "max": 10, "cpu": 60},
        "alarms": {},
        "expose": [
            {"via": "public", "port": port, "hosts": [f"{name}-{port}.example.com"]}
            for port in LARGE_PORTS
        ],
    }
