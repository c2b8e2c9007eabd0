"""Finds the stack that another stack uses: the one it names, or the only one of the stack kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TypeVar

from moorage.findings.finding import Path, Problem
from moorage.findings.wording import list_names, near, offer, shown
from moorage.model import Base, Environment

P = TypeVar("P", bound=Base)

_EXISTING = {"cluster": "name: {}", "network": "vpc: {}, private_subnets: [...]"}
"""What `existing:` takes. Where the params name a stack of one of these kinds, users often write
the name or ID of an AWS resource instead."""


def find_stack(env: Environment, kind: type[P], name: str | None) -> tuple[str, P] | None:
    """Name and params of the stack `name`, or, if that is None, of the only stack of the kind; None
    if there is no such stack, or more than one."""
    if name is None:
        candidates = list(islice(env.of(kind), 2))
        return candidates[0] if len(candidates) == 1 else None
    params = env.params_of(name, kind)
    return (name, params) if params is not None else None


def find_stack_problems(
    env: Environment, kind: type[P], name: str | None, path: Path, word: str
) -> Iterator[Problem]:
    """Why `find_stack` finds nothing. `word` is the name of the stack kind, such as `network`."""
    if find_stack(env, kind, name) or name in env.broken:
        return
    candidates = env.names_of(kind)
    if name is not None and name in env.stacks:
        template = env.stacks[name].template
        message = f"{shown(name)} is a stack of template `{template}`, not of `{word}`"
        yield Problem("M1201", path, message, _suggest_stack(name, candidates, word))
    elif name is not None:
        hint = _suggest_stack(name, candidates, word) + _suggest_existing(name, candidates, word)
        yield Problem("M1201", path, f"There is no stack {shown(name)}", hint)
    elif candidates:
        hint = f"Name one of them: `{path[-1]}: {candidates[0]}`."
        message = f"There is more than one stack of template `{word}`: {list_names(candidates)}"
        yield Problem("M1202", path, message, hint)
    elif not env.broken:
        hint = f"Add one below `stacks:`, for example `{word}: {{}}`."
        message = f"There is no stack of template `{word}`"
        yield Problem("M1202", path, message, hint, once=True)


def _suggest_stack(name: str, candidates: Sequence[str], word: str) -> str:
    closest = near(name, candidates)
    stacks = [closest] if closest else candidates
    return f"Write {offer(stacks)}." if stacks else f"Add a stack with `template: {word}`."


def _suggest_existing(name: str, candidates: Sequence[str], word: str) -> str:
    """How to use an existing resource of that name, unless the name is a misspelled stack."""
    closest = near(name, candidates)
    is_misspelling = bool(closest) and abs(len(closest) - len(name)) <= 1
    if word not in _EXISTING or is_misspelling:
        return ""
    resource = name.rpartition("/")[2]  # the name in an ARN, such as that of a cluster
    stack = f"{{template: {word}, existing: {{{_EXISTING[word].format(resource)}}}}}"
    return (
        f" To use an existing {word}, add the stack `existing-{word}: {stack}` and write its name."
    )
