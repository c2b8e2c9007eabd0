"""What a build costs: python bench/build.py.

Builds environments of services with `build.py`, each time in a new process as a user would, and
compares it with the cfn-lint command on the same files and with the CDK. Prints seconds, memory and
goals as Markdown. Ends with 1 where a goal is not met.

`cold` is a build without any cache, `unchanged` the next one, `one edited` a build after another
image of one service, `one named` the same without a cache if the command names the service.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import cdk_app
from environments import EDITED, ENV, REGION, Params, large, small, write_params
from measure import Goal, Run, best_of, print_goals, print_table, run

ROOT = Path(__file__).parents[1]
BUILD = (sys.executable, str(ROOT / "build.py"), "build", ENV)
SIZES = (1, 10, 50)
STACKS = 20
LARGE = f"{STACKS} large services"
WAYS = ("cold", "unchanged", "one edited", "one named")
Runs = dict[str, Run]


class Project:
    """An environment in a folder, with a cache of its own."""

    def __init__(self, folder: Path, params: Params) -> None:
        self.folder, self._params = folder, params
        self._versions = (f"1.{number}" for number in count(1))
        write_params(folder, params)

    def build_cold(self) -> Run:
        """Builds it as for the first time."""
        shutil.rmtree(self.folder / "out", ignore_errors=True)
        self._forget()
        return self.build()

    def build_edited(self) -> Run:
        """Builds it after an edit of one service."""
        self._edit()
        return self.build()

    def build_named(self) -> Run:
        """Builds one service after an edit, without a cache."""
        self._edit()
        self._forget()
        return self.build(EDITED)

    def build(self, *stacks: str) -> Run:
        """Builds it, or these stacks of it."""
        environ = {"XDG_CACHE_HOME": str(self.folder / "cache")}
        return run([*BUILD, *stacks], self.folder, environ)

    def measure(self) -> Runs:
        """The least of several builds in each way, and of cfn-lint on the files."""
        ways = (self.build_cold, self.build, self.build_edited, self.build_named)
        runs = {name: best_of(way) for name, way in zip(WAYS, ways, strict=True)}
        templates = sorted((self.folder / "out" / ENV).glob("*.yaml"))
        return runs | {"cfn-lint": best_of(lambda: lint(templates, self.folder))}

    def _edit(self) -> None:
        write_params(self.folder, self._params, next(self._versions))

    def _forget(self) -> None:
        shutil.rmtree(self.folder / "cache", ignore_errors=True)


def lint(templates: list[Path], folder: Path) -> Run:
    """Runs the cfn-lint command on templates."""
    program = str(Path(sys.executable).with_name("cfn-lint"))
    words = [program, "--regions", REGION, "--", *map(str, templates)]
    return run(words, folder, {}, may_find=True)


def name_services(count: int) -> str:
    return f"{count} services" if count > 1 else f"{count} service"


def measure_projects(results: dict[str, Runs]) -> Iterator[list[str]]:
    """Builds all environments: a row for each. Adds what was measured to the results."""
    environments = {name_services(size): small(size) for size in SIZES}
    for name, params in (environments | {LARGE: large(STACKS)}).items():
        with TemporaryDirectory() as folder:
            runs = results[name] = Project(Path(folder).resolve(), params).measure()
        yield [name, *map(show, runs.values()), f"{runs['cold'].memory:.0f}"]


def measure_cdk() -> tuple[Runs, str]:
    """What the CDK takes for `STACKS` stacks, and what that was; empty, with the reason, where it
    cannot be installed."""
    try:
        with cdk_app.install() as folder:
            synth = cdk_app.synthesize(folder)
            templates = cdk_app.find_templates(folder)
            linted = best_of(lambda: lint(templates, folder))
            size = cdk_app.count_resources(templates[0])
    except cdk_app.NoCdkError as error:
        return {}, f"Not compared with the CDK: {error}."
    return {"cdk synth": synth, "cfn-lint": linted}, f"{len(templates)} stacks of {size} resources"


def find_goals(results: Mapping[str, Runs], cdk: Runs) -> Iterator[Goal]:
    """What builds have to reach. `cdk` is what the CDK takes for the large services."""
    runs = results[LARGE]
    if cdk:
        theirs = sum(each.seconds for each in cdk.values())
        for way, most in (("cold", 1 / 3), ("unchanged", 1 / 10)):
            work = f"{LARGE}, {way}, to `cdk synth` and cfn-lint"
            yield Goal(work, runs[way].seconds / theirs, most)
    yield Goal(f"{LARGE}, unchanged, seconds of CPU", runs["unchanged"].cpu, 0.25)
    services = name_services(SIZES[-1])
    runs = results[services]
    cold = runs["cold"].seconds
    yield Goal(f"{services}, cold, to cfn-lint", cold / runs["cfn-lint"].seconds, 0.6)
    yield Goal(f"{services}, one edited, to cold", runs["one edited"].seconds / cold, 0.25)


def main() -> int:
    print(f"Seconds on {count_cores()} cores, those of CPU in parentheses.\n")
    results: dict[str, Runs] = {}
    print_table(("environment", *WAYS, "cfn-lint", "peak MiB"), measure_projects(results))
    print()
    cdk, description = measure_cdk()
    if cdk:
        print_table(("CDK", *cdk), [(description, *map(show, cdk.values()))])
    else:
        print(description)
    print()
    return print_goals([*find_goals(results, cdk)])


def count_cores() -> int:
    """The number of cores that this process may use."""
    can_tell = hasattr(os, "sched_getaffinity")  # not on macOS
    return len(os.sched_getaffinity(0)) if can_tell else os.cpu_count() or 1


def show(each: Run) -> str:
    """Seconds, and those of CPU time."""
    return f"{each.seconds:.2f} ({each.cpu:.2f})"


if __name__ == "__main__":
    sys.exit(main())
