"""Jobs that wait, side by side in one thread.

A job is a generator: it yields the seconds until it wants to go on, and returns its result. So what
waits for AWS is written from top to bottom, several stacks are deployed at once, and a keyboard
interrupt reaches the program between two requests.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping
from typing import TypeVar

from moorage.deploy.clock import Clock

T = TypeVar("T")
Job = Generator[float, None, T]


def run_job(job: Job[T], clock: Clock) -> T:
    """Runs one job to its end."""
    return run_jobs({"": lambda: job}, clock)[""]


def run_jobs(
    jobs: Mapping[str, Callable[[], Job[T]]],
    clock: Clock,
    *,
    after: Mapping[str, Collection[str]] | None = None,
    parallel: int = 10,
    may_go_on: Callable[[T], bool] = lambda result: True,
) -> dict[str, T]:
    """Runs jobs by name, at most `parallel` at once, in their order.

    A job starts when those that it is `after` have ended. When `may_go_on` is false for a result,
    no other job starts, and those that run are finished. The results of jobs that never started
    are left out.
    """
    before = {name: {*(after or {}).get(name, ())} & jobs.keys() for name in jobs}
    waiting = list(jobs)
    running: dict[str, tuple[float, Job[T]]] = {}
    results: dict[str, T] = {}
    stopped = False
    while running or (waiting and not stopped):
        ready = [name for name in waiting if before[name] <= results.keys()]
        for name in [] if stopped else ready[: parallel - len(running)]:
            waiting.remove(name)
            running[name] = (clock.now(), jobs[name]())
        if not running:
            break  # what waits is after something that is not there
        due = min(time for time, _ in running.values())
        if (pause := due - clock.now()) > 0:
            clock.sleep(pause)
        for name, (time, job) in list(running.items()):
            if time > clock.now():
                continue
            try:
                running[name] = (clock.now() + next(job), job)
            except StopIteration as end:
                del running[name]
                results[name] = end.value
                stopped = stopped or not may_go_on(end.value)
    return results
