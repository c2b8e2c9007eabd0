"""Which other stack of the environment a stack uses: the one it names, or the only one there is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from moorage.findings.finding import Path, Problem
from moorage.findings.wording import near, shown
from moorage.model import Base, Environment

P = TypeVar("P", bound=Base)

_EXISTING = {"cluster": "name: {}", "network": "vpc: {}, private_subnets: [...]"}
"""The kinds of stacks that can be named without a stack: what `existing:` takes for them."""


def find_stack(env: Environment, kind: type[P], name: str | None) -> tuple[str, P] | None:
    """Name and params of the stack that is used; None where `find_stack_problems` finds a fault."""
    every = dict(env.of(kind))
    if name is None:
        return next(iter(every.items())) if len(every) == 1 else None
    return (name, every[name]) if name in every else None


def find_stack_problems(
    env: Environment, kind: type[P], name: str | None, path: Path, word: str
) -> Iterator[Problem]:
    """Why no stack of that kind can be chosen. `word` is the template's name, such as `network`."""
    every = [one for one, _ in env.of(kind)]
    if find_stack(env, kind, name) or name in env.broken:
        return
    if name is not None:
        kinds = {spec.name: spec.template for spec in env.stacks.values()}
        meant = [one] if (one := near(name, every)) else every
        hint = f"Write {' or '.join(f'`{one}`' for one in meant)}." if meant else ""
        hint = hint or f"Add a stack with `template: {word}`."
        misspelt = any(abs(len(one) - len(name)) <= 1 for one in meant if near(name, [one]))
        if word in _EXISTING and name not in kinds and not misspelt:
            stack = f"{{template: {word}, existing: {{{_EXISTING[word].format(name)}}}}}"
            hint += f" For one that exists, add a stack `theirs: {stack}` and name that."
        what = f"is a stack of template `{kinds[name]}`" if name in kinds else "is not a stack"
        message = f"{shown(name)} {what}; one of template `{word}` is wanted here"
        yield Problem("M1201", path, message, hint)
    elif every:
        hint = f"Name one: `{path[-1]}: {every[0]}`."
        message = f"There is more than one `{word}`: {', '.join(every)}"
        yield Problem("M1202", path, message, hint)
    elif not env.broken:
        hint = f"Add one below `stacks:`, for example `{word}: {{}}`."
        yield Problem("M1202", path, f"A `{word}` is needed, and there is none", hint)
