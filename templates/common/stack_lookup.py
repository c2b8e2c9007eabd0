"""Finds the stack of a kind that another stack uses: the one it names, or the only one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from moorage.findings.finding import Path, Problem
from moorage.findings.wording import near, shown
from moorage.model import Base, Environment

P = TypeVar("P", bound=Base)


def find_stack(env: Environment, kind: type[P], name: str | None) -> tuple[str, P] | None:
    """Name and params of the stack that is used; None if there is none to choose.

    `name` is what the params say, None if they say nothing.
    """
    candidates = dict(env.of(kind))
    if name is None:
        return next(iter(candidates.items())) if len(candidates) == 1 else None
    return (name, candidates[name]) if name in candidates else None


def find_stack_problems(
    env: Environment, kind: type[P], name: str | None, path: Path, word: str
) -> Iterator[Problem]:
    """Why there is no stack to choose. `word` is the name of the stack kind, such as `network`."""
    candidates = [stack for stack, _ in env.of(kind)]
    if find_stack(env, kind, name) or name in env.broken:
        return
    if name is not None and name in env.stacks:
        template = env.stacks[name].template
        message = f"{shown(name)} is a stack of template `{template}`, not of `{word}`"
        yield Problem("M1201", path, message, _suggest_stack(name, candidates, word))
    elif name is not None:
        hint = _suggest_stack(name, candidates, word)
        # A name that contains the stack's own, such as `my-cluster`, is hardly a misspelling of it.
        if near(name, candidates) in name and "existing" in kind.model_fields:
            hint += f" To use an existing {word}, add a stack with `template: {word}` that has "
            hint += "`existing:`."
        yield Problem("M1201", path, f"There is no stack {shown(name)}", hint)
    elif candidates:
        hint = f"Name one of them: `{path[-1]}: {candidates[0]}`."
        message = f"There is more than one stack of template `{word}`: {', '.join(candidates)}"
        yield Problem("M1202", path, message, hint)
    elif not env.broken:
        hint = f"Add one below `stacks:`, for example `{word}: {{}}`."
        yield Problem("M1202", path, f"There is no stack of template `{word}`", hint)


def _suggest_stack(name: str, candidates: Sequence[str], word: str) -> str:
    closest = near(name, candidates)
    stacks = [closest] if closest else candidates
    if not stacks:
        return f"Add a stack with `template: {word}`."
    return f"Write {' or '.join(f'`{stack}`' for stack in stacks)}."
