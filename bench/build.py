"""What a build costs: python bench/build.py.

Builds, lints and writes an environment of 1, 10 and 50 web services behind one load balancer, each
environment in a separate process, as a user would; runs the cfn-lint command line on the files
that come out; and prints seconds and memory as Markdown. Of several runs the least counts, since
whatever else the machine does can only slow a run down. Ends with 1 where a demand is not met.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SIZES = (1, 10, 50)
RUNS = 3
REGION = "eu-central-1"
OURS = ("compose", "render", "link", "write")
STEPS = ("start", "load", "validate", "compose", "render", "link", "check", "write")


def params(services: int) -> dict[str, Any]:
    """An environment with that many services, each reached by its host."""
    return {
        "app": "bench",
        "region": REGION,
        "stacks": {
            "network": {"egress": "nat"},
            "cluster": {},
            "public": {"template": "alb", "scheme": "internet-facing"},
            **{f"service-{number}": service(number) for number in range(services)},
        },
    }


def service(number: int) -> dict[str, Any]:
    name = f"service-{number}"
    route = {"hosts": [f"{name}.example.com"]}
    secrets = {"DB_PASSWORD": f"ssm:/{name}/db_password", "TOKEN": f"ssm:/{name}/token"}
    return {
        "template": "service",
        "cpu": 256,
        "memory": 512,
        "desired_count": 2,
        "containers": {"web": {"image": f"ecr:{name}:1.0", "ports": [8080], "secrets": secrets}},
        "expose": [{"via": "public", "container": "web", **route}],
    }


# One build, in a separate process ----------------------------------------------------------


def built(folder: Path) -> dict[str, float]:
    """Seconds of each step of one build, and its peak memory in MiB."""
    gc.disable()  # as build.py does
    began = time.perf_counter()
    from moorage.pipeline.build import build
    from moorage.pipeline.write import write
    from templates import TEMPLATES

    marks = [("start", began)]

    def step(name: str) -> None:
        marks.append((name, time.perf_counter()))

    result = build(folder, "bench", TEMPLATES, step=step)
    assert result.plan is not None, result.findings
    step("write")
    write(result.plan, folder / "out" / "bench")
    step("end")
    times = {name: later - earlier for (name, earlier), (_, later) in pairwise(marks)}
    # Linux counts ru_maxrss in KiB, macOS in bytes (their getrusage manual pages).
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return times | {"memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit}


# All of them ---------------------------------------------------------------------------------


def measured(services: int) -> dict[str, float]:
    """The least of several builds of an environment, and of cfn-lint on what it wrote."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bench.yaml").write_text(json.dumps(params(services)))
        builds = [json.loads(timed([sys.executable, __file__, name])[0]) for _ in range(RUNS)]
        steps = {step: min(build[step] for build in builds) for step in builds[0]}
        command = [sys.executable, str(ROOT / "build.py"), "build", "bench", "--params", name]
        total = fastest([*command, "--out", str(folder / "out")])
        files = sorted(str(path) for path in (folder / "out" / "bench").glob("*.yaml"))
        command = [str(Path(sys.executable).with_name("cfn-lint")), "--regions", REGION, "--"]
        lint = fastest([*command, *files])
    return steps | {"whole": total, "cfn-lint": lint}


def fastest(command: list[str]) -> float:
    """Seconds that a command takes when nothing comes between."""
    return min(seconds for _, seconds in (timed(command) for _ in range(RUNS)))


def timed(command: list[str]) -> tuple[str, float]:
    """What a command prints, and the seconds that it took from start to end.

    Bytecode is kept, as it is by default: only the first run compiles.
    """
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environ["PYTHONPATH"] = str(ROOT)
    began = time.perf_counter()
    ran = subprocess.run(command, stdout=subprocess.PIPE, env=environ, text=True, check=True)
    return ran.stdout, time.perf_counter() - began


def table(results: dict[int, dict[str, float]]) -> Iterator[str]:
    names = (*STEPS, "whole", "cfn-lint", "memory")
    words = {"whole": "`build.py`", "cfn-lint": "`cfn-lint`", "memory": "peak MiB"}
    yield f"| services | {' | '.join(words.get(name, name) for name in names)} |"
    yield f"|{'--:|' * (len(names) + 1)}"
    for services, result in results.items():
        cells = (f"{result[name]:.{0 if name == 'memory' else 3}f}" for name in names)
        yield f"| {services} | {' | '.join(cells)} |"


def demands(results: dict[int, dict[str, float]]) -> Iterator[tuple[str, float, float]]:
    """What is demanded, as a ratio, with the most that it may be."""
    for services, result in results.items():
        ours = sum(result[step] for step in OURS) / result["check"]
        yield f"compose, render, link and write to check, {services} services", ours, 0.1
        total = result["whole"] / result["cfn-lint"]
        yield f"build.py to cfn-lint as a command, {services} services", total, 1.0
    first, middle, last = SIZES
    for name, steps in (("all steps", STEPS[1:]), ("our own steps", OURS)):
        cost = {size: sum(result[step] for step in steps) for size, result in results.items()}
        later = (cost[last] - cost[middle]) / (last - middle)
        sooner = (cost[middle] - cost[first]) / (middle - first)
        yield (
            f"{name}: a service's cost from {middle} to {last}, to {first} to {middle}",
            (later / sooner),
            1.25,
        )


def main() -> int:
    results = {services: measured(services) for services in SIZES}
    print("\n".join(table(results)))
    print("\n| ratio | is | at most | |\n|---|--:|--:|---|")
    rows = [(what, ratio, most) for what, ratio, most in demands(results)]
    for what, ratio, most in rows:
        print(f"| {what} | {ratio:.2f} | {most:.2f} | {'met' if ratio <= most else 'NOT MET'} |")
    return int(any(ratio > most for _, ratio, most in rows))


if __name__ == "__main__":
    if len(sys.argv) == 2:
        print(json.dumps(built(Path(sys.argv[1]))))
    else:
        sys.exit(main())
