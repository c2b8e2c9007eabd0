"""What a large environment costs: python bench/scale.py.

Builds 100 and 1,000 services behind ten load balancers: each step of Moorage alone, without
cfn-lint, and then the whole command with the processes that it starts. Prints CPU seconds, which
other programs on the machine hardly change, and peak memory, as Markdown. Ends with 1 where a
demand is not met.
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

from environments import ENV, REGION, spread
from measure import Goal, print_goals, print_table

ROOT = Path(__file__).parents[1]
SIZES = (100, 1_000)
BALANCERS = 10
STEPS = ("load", "validate", "compose", "render", "link", "rules", "write")
MAX_GROWTH = 1.15
MAX_MEMORY = 500


# Moorage's own steps, in a separate process ----------------------------------------------------


def run_steps(folder: Path) -> dict[str, float]:
    """CPU seconds of each step of one build, without cfn-lint."""
    gc.disable()  # as build.py does
    from moorage.cfn.template import Template
    from moorage.pipeline.compose import compose
    from moorage.pipeline.exports import export_imported
    from moorage.pipeline.link import link
    from moorage.pipeline.load import load
    from moorage.pipeline.render import render
    from moorage.pipeline.validate import validate
    from moorage.pipeline.write import write
    from moorage.rules.runner import run_rules
    from templates import TEMPLATES

    kinds = {**TEMPLATES}  # imported here, and not in a step

    marks = [time.process_time()]

    def mark() -> None:
        marks.append(time.process_time())

    document, findings = load(folder, ENV)
    assert document is not None, findings
    mark()
    environment, findings = validate(document, kinds)
    assert environment is not None, findings
    mark()
    stacks = compose(environment, kinds)
    mark()
    rendered = [render(stack, document, "yaml")[0] for stack in stacks]
    renderings = tuple(rendering for rendering in rendered if rendering is not None)
    mark()
    renderings = export_imported(renderings, environment, document, "yaml")
    plan, findings = link(renderings, environment, document)
    assert plan is not None, findings
    mark()
    run_rules([Template(made.file, made.body, REGION) for made in renderings])
    mark()
    write(plan, folder / "steps")
    mark()
    times = (later - earlier for earlier, later in pairwise(marks))
    return dict(zip(STEPS, times, strict=True))


# The whole command -----------------------------------------------------------------------------


def run_command(folder: Path) -> tuple[float, float]:
    """CPU seconds and peak MiB of a build by the command, with the processes that it starts."""
    command = [sys.executable, str(ROOT / "build.py"), "build", ENV]
    command += ["--params", str(folder), "--out", str(folder / "out")]
    before = cpu_of_children()
    with (folder / "messages").open("w") as messages:
        environ = environment() | {"XDG_CACHE_HOME": str(folder / "cache")}
        process = subprocess.Popen(command, stdout=messages, stderr=messages, env=environ)
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, sum(memory_of_tree(process.pid)))
            time.sleep(0.1)
    if process.returncode != 0:
        raise SystemExit((folder / "messages").read_text())
    return cpu_of_children() - before, peak / 2**10


def memory_of_tree(process: int) -> Iterator[int]:
    """The memory in KiB of a process and of those that it has started: a page that several share
    counts in parts (Linux: Documentation/filesystems/proc.rst, smaps_rollup, Pss)."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        threads = [*Path(f"/proc/{process}/task").iterdir()]
        children = " ".join((thread / "children").read_text() for thread in threads)
    except OSError:  # it has just ended
        return
    yield from (int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    for child in children.split():
        yield from memory_of_tree(int(child))


def cpu_of_children() -> float:
    """CPU seconds of all processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)}


# Both sizes --------------------------------------------------------------------------------------


def measure(services: int) -> dict[str, float]:
    """CPU seconds of each step and of the whole command, and its peak memory in MiB."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / f"{ENV}.yaml").write_text(json.dumps(spread(services, BALANCERS)))
        command = [sys.executable, __file__, name]
        ran = subprocess.run(command, stdout=subprocess.PIPE, env=environment(), check=True)
        steps: dict[str, float] = json.loads(ran.stdout)
        whole, memory = run_command(folder)
    return steps | {"whole": whole, "memory": memory}


def rows(results: dict[int, dict[str, float]]) -> Iterator[list[str]]:
    for services, result in results.items():
        cells = [f"{result[name]:.2f}" for name in (*STEPS, "whole")]
        yield [f"{services:,}", *cells, f"{result['memory']:.0f}"]


def find_goals(results: dict[int, dict[str, float]]) -> Iterator[Goal]:
    few, many = SIZES
    for name, steps in (("Moorage's own steps", STEPS), ("the whole command", ("whole",))):
        costs = {size: sum(results[size][step] for step in steps) / size for size in SIZES}
        ratio = costs[many] / costs[few]
        work = f"{name}: CPU of a service among {many:,}, to that among {few}"
        yield Goal(work, ratio, MAX_GROWTH)
    if sys.platform == "linux":
        yield Goal(f"peak MiB with {many:,} services", results[many]["memory"], MAX_MEMORY)


def main() -> int:
    results = {services: measure(services) for services in SIZES}
    print_table(("services", *STEPS, "`build.py`", "peak MiB"), rows(results))
    print()
    return print_goals([*find_goals(results)])


if __name__ == "__main__":
    if len(sys.argv) == 2:
        print(json.dumps(run_steps(Path(sys.argv[1]))))
    else:
        sys.exit(main())
