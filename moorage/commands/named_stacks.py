"""The names after `build` and `check`: environments, each followed by names of its stacks."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

from moorage.commands.usage import UsageError, unknown_name
from moorage.records import record


@record
class Named:
    """An environment or, for `check`, a path."""

    name: str
    stacks: tuple[str, ...] = ()
    """The stacks of the environment that are named; all if there are none."""

    def __str__(self) -> str:
        return " ".join((self.name, *self.stacks))


def read_names(
    names: Sequence[str], known: Sequence[str], params: Path, *, files: bool = False
) -> list[Named]:
    """What the names of a command line stand for; without names, all of the `known` environments,
    whose files are in the folder `params`. With `files`, a name can be the path of a template.

    Raises UsageError for a name that is nothing of these, or both an environment and a stack of the
    environment before it.
    """
    if not names:
        return [Named(name) for name in known]
    list_stacks = cache(partial(_list_stacks, params))
    named: list[Named] = []
    env = ""
    for name in names:
        stacks = list_stacks(env) if env else []
        if name in known:
            if stacks and name in stacks:
                raise UsageError(_explain_both(name, env))
            env = name
            named.append(Named(name))
        elif files and _is_path(name, stacks):
            named.append(Named(name))
        elif env and (stacks is None or name in stacks):
            position = max(at for at, each in enumerate(named) if each.name == env)
            named[position] = Named(env, (*named[position].stacks, name))
        elif env and stacks:
            raise _unknown(name, env, stacks, known, files=files)
        else:
            owner = next((each for each in known if name in (list_stacks(each) or ())), None)
            if owner:
                hint = f"Name its environment first, as in `{owner} {name}`."
                raise UsageError(f"`{name}` is a stack. {hint}")
            what = "neither an environment nor a file" if files else "not an environment"
            raise unknown_name(name, what, known)
    return _merge(named)


def _list_stacks(params: Path, env: str) -> Sequence[str] | None:
    """The stacks of an environment; None if its files cannot be read, which the build reports."""
    from moorage.pipeline.load import list_stacks

    return list_stacks(params, env)


def _is_path(name: str, stacks: Sequence[str] | None) -> bool:
    """Whether a name is a path rather than one of these stacks."""
    is_written_as_path = "/" in name or "." in name
    return is_written_as_path or (name not in (stacks or ()) and Path(name).exists())


def _explain_both(name: str, env: str) -> str:
    return (
        f"`{name}` is an environment, and a stack of {env} as well. Write a command for each "
        f"environment; this stack can only be named as a part of all of {env}."
    )


def _unknown(
    name: str, env: str, stacks: Sequence[str], known: Sequence[str], *, files: bool
) -> UsageError:
    or_else = ", an environment nor a file" if files else " nor an environment"
    near = difflib.get_close_matches(name, [*stacks, *known], n=1)
    hint = f"Did you mean `{near[0]}`?" if near else f"Stacks: {', '.join(stacks)}."
    return UsageError(f"`{name}` is neither a stack of {env}{or_else}. {hint}")


def _merge(named: Sequence[Named]) -> list[Named]:
    """Each name once; with all stacks if it is anywhere without names of stacks."""
    stacks: dict[str, list[tuple[str, ...]]] = {}
    for each in named:
        stacks.setdefault(each.name, []).append(each.stacks)
    return [
        Named(name, tuple(dict.fromkeys(sum(groups, ()))) if all(groups) else ())
        for name, groups in stacks.items()
    ]
