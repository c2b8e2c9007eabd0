"""Prints the outcome of the last run again if nothing has changed, in place of another run."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from moorage.cache_folder import find_cache_folder, find_day
from moorage.last_run.record import LastRun, find_key, read_last_run
from moorage.records import record


@record
class Run:
    """What a run has done."""

    outcome: Any
    """What is needed to print its results: a value that JSON can hold."""
    written: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The states of the files that it wrote, by folder and name."""
    is_final: bool = True
    """Whether the same run again would print the same."""


def repeat_or_run(arguments: argparse.Namespace, run: Callable[[argparse.Namespace], Run]) -> Any:
    """The outcome of the last run of this command line if nothing that it read has changed, and
    else that of `run`."""
    folder = None if arguments.no_cache or not arguments.words else find_cache_folder("runs")
    if folder is None:
        return run(arguments).outcome
    key = find_key(arguments.words, arguments.templates, find_day())
    last = read_last_run(folder, key)
    outcome = last.find_outcome()
    return _run(arguments, run, folder, key, last) if outcome is None else outcome


def _run(
    arguments: argparse.Namespace,
    run: Callable[[argparse.Namespace], Run],
    folder: Path,
    key: str,
    last: LastRun,
) -> Any:
    from moorage.last_run.observer import observe
    from moorage.last_run.process import Process
    from moorage.last_run.record import write_outcome

    ignored = (f"{folder.parent}{os.sep}",)
    process = Process(str(arguments.out), arguments.templates, ignored)
    with observe(process.observer):
        ran = run(arguments)
    if ran.is_final and not process.observer.doubts:
        states, own_code = process.find_states(ran.written), process.find_own_code()
        digest = own_code.find_digest(states)
        if digest == last.code or not [*own_code.find_doubts()]:
            write_outcome(folder, key, states, digest, ran.outcome)
    return ran.outcome
