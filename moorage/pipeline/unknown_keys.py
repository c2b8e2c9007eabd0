"""An unknown key -> the probable mistake: a misspelling, the wrong place, a key of another tool."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_origin

from moorage.findings.finding import Path
from moorage.findings.wording import as_flow, is_misspelling, join_and, near, same_word, shown
from moorage.pipeline.advice import advise_list, convert_number
from moorage.pipeline.foreign_words import NO_KEY, TOP_KEYS, WORDS, ForeignWord
from moorage.pipeline.params_models import (
    ANY,
    Catalog,
    find_fields,
    find_keys,
    find_places,
    find_types,
)
from moorage.records import record

_MAX_LISTED = 16
_SIMILARITY = 0.7
_MAX_VALUE = 160


@record
class UnknownKey:
    """The finding about an unknown key: code, message and hint."""

    code: str
    message: str
    hint: str
    near: str = ""
    """The key that was misspelled: the value is validated as the value of that key."""
    instead: tuple[str, ...] = ()
    """Keys of the same map that should be written instead: they are not reported as missing."""


@record
class KeyContext:
    """An unknown key of a stack, or of the top of the file where `root` is empty."""

    path: Path
    """From the stack, or from the top of the file."""
    value: Any
    model: type[Any]
    data: Mapping[str, Any]
    root: Path
    catalog: Catalog

    @property
    def key(self) -> str:
        return str(self.path[-1])


def explain_unknown_key(context: KeyContext, siblings: Iterable[str]) -> UnknownKey:
    """The most likely mistake. `siblings` are all keys of the map in the file."""
    key = context.key
    fields = [*find_fields(context.model, context.path[:-1])]
    fields += ["template", "overrides"] if context.root and len(context.path) == 1 else []
    if key in fields:  # of another form of this map
        message = f"{shown(key)} cannot be combined with the other keys of this map"
        return UnknownKey("M1101", message, "Remove it.")
    if twice := next((name for name in fields if name in siblings and same_word(key, name)), ""):
        message = f"{shown(key)} is another spelling of `{twice}`, which is written as well"
        return UnknownKey("M1101", message, f"Keep one of them, as `{twice}`.")
    free = [name for name in fields if name not in siblings]
    guess = near(key, free, _SIMILARITY)
    if guess and same_word(key, guess):
        return _misspelling(key, guess)
    if not context.root and len(context.path) == 1 and key in TOP_KEYS:
        return UnknownKey("M1101", f"{shown(key)} is not a key of this map", TOP_KEYS[key])
    if key in WORDS and (found := _word_of_another_place_or_tool(context, fields, siblings)):
        return found
    if guess and is_misspelling(key, guess):
        return _misspelling(key, guess)
    if found := _in_another_place(context):
        return found
    if guess:
        return _misspelling(key, guess)
    known = ", ".join(sorted(fields)[:_MAX_LISTED])
    known += ", ... (`docs/params.md` lists all)" if len(fields) > _MAX_LISTED else ""
    hint = f"Known keys here: {known}." if known else "Remove it."
    return UnknownKey("M1101", f"{shown(key)} is not a key of this map", hint)


def _misspelling(key: str, guess: str) -> UnknownKey:
    message = f"{shown(key)} is not a key of this map"
    return UnknownKey("M1101", message, f"Did you mean `{guess}`?", near=guess)


# Words of other tools --------------------------------------------------------------------------


def _word_of_another_place_or_tool(
    context: KeyContext, fields: list[str], siblings: Iterable[str]
) -> UnknownKey | None:
    """The finding about a key of another tool, unless a map inside of this one has that key. A list
    with a key that means another list here, such as Kubernetes' `args`, is not meant there."""
    word = WORDS[context.key]
    is_list_here = isinstance(context.value, list) and any(name in fields for name in word.keys)
    if len(context.path) > 1 and _is_inside(context) and not is_list_here:
        return _in_another_place(context)
    return _foreign_word(context, word, fields, siblings)


def _foreign_word(
    context: KeyContext, word: ForeignWord, fields: list[str], siblings: Iterable[str]
) -> UnknownKey | None:
    key = context.key
    if word.note == NO_KEY and "image" not in fields and len(context.path) > 1:
        return None
    here = tuple(name for name in word.keys if name in fields)
    places = [] if here else _describe_places(context, frozenset(word.keys))
    if word.keys and not here and not places:
        return None
    message = f"{shown(key)} is a key of {word.tool}, not of Moorage"
    if context.root and word.keys == ("template",):
        return UnknownKey("M1111", message, "Remove it: the kind of the stack is known already.")
    free = [name for name in here if name not in siblings]
    if here and not free:
        written = join_and(f"`{name}:`" for name in here)
        hint = f"Remove it: {written} is written already. {word.note}".strip()
        return UnknownKey("M1111", message, hint)
    if here:
        hint = f"Write {join_and(_written(context, name) for name in free)}."
    else:
        hint = f"Write {' or '.join(places)}." if places else ""
    return UnknownKey("M1111", message, f"{hint} {word.note}".strip(), instead=here)


def _written(context: KeyContext, name: str) -> str:
    """A key of params, with the value of the foreign key if it is written in the same way."""
    value, path = context.value, (*context.path[:-1], name)
    types = find_types(context.model, path)
    if not WORDS[context.key].same_value:
        field = find_fields(context.model, path[:-1])[name]
        number = convert_number(value, field)
        return f"`{name}: {number}`" if number else f"`{name}:`"
    is_list = any(get_origin(member) is list for member in types)
    if name in ("command", "entry_point", "ports"):
        return advise_list(name, value, types).removeprefix("Write ").rstrip(".") or f"`{name}:`"
    same = type(value) in types or (is_list and isinstance(value, list))
    text = f"`{name}: {as_flow(value)}`"
    return text if same and len(text) <= _MAX_VALUE else f"`{name}:`"


# Other places ----------------------------------------------------------------------------------


def _in_another_place(context: KeyContext) -> UnknownKey | None:
    """A key of another map of this stack, of the top of the file, or of another kind of stack."""
    key = context.key
    message = f"`{key}` does not belong here"
    hint = ""
    all_keys = find_keys(context.model)
    if key not in all_keys:
        similar = [name for name in all_keys if same_word(key, name)]
        close = near(key, all_keys, _SIMILARITY)
        similar += [close] if is_misspelling(key, close) and close[:1] == key[:1] else []
        places = _describe_places(context, frozenset(similar[:1]))
        if places:
            message = f"{shown(key)} is not a key of this map"
            return UnknownKey("M1101", message, f"Did you mean {' or '.join(places)}?")
    if places := _describe_places(context, frozenset({key})):
        hint = f"Write {' or '.join(places)}.{_same_key_of_other_kinds(context)}"
    elif context.root and key in context.catalog.header.model_fields:
        hint = f"Write `{key}:` at the top of the file."
    elif _is_container(context):
        hint = "A container is an entry of `containers:`: write it below "
        hint += f"`{_dotted((*context.root, 'containers'))}`."
    elif not context.root and _is_stack(context):
        hint = f"A stack is an entry of `stacks:`: write `{key}:` below it."
    elif len(context.path) == 1 and (kinds := _kinds_with(key, context.catalog)):
        what = " or ".join(f"`{kind}`" for kind in kinds)
        hint = f"It is a key of stacks of kind {what}."
        if not context.root:
            hint = f"Write it below a stack of kind {what}, in `stacks:`."
    return UnknownKey("M1110", message, hint) if hint else None


def _is_container(context: KeyContext) -> bool:
    """Whether the value looks like a container, and the stack has containers."""
    is_stack = bool(context.root) and "containers" in find_fields(context.model, ())
    return is_stack and isinstance(context.value, Mapping) and "image" in context.value


def _is_stack(context: KeyContext) -> bool:
    """Whether a key at the top of the file looks like a stack."""
    value = context.value
    templated = isinstance(value, Mapping) and "template" in value
    return templated or context.key in context.catalog.kinds


def _same_key_of_other_kinds(context: KeyContext) -> str:
    own = next((k for k, model in context.catalog.kinds.items() if model is context.model), "")
    kinds = [kind for kind in _kinds_with(context.key, context.catalog) if kind != own]
    kinds = kinds if len(context.path) == 1 else []
    what = " or ".join(f"`{kind}`" for kind in kinds)
    return f" Stacks of kind {what} have this key too." if 0 < len(kinds) <= 2 else ""


def _kinds_with(key: str, catalog: Catalog) -> list[str]:
    """The kinds of stacks that have a key, if these are few enough to be listed."""
    kinds = catalog.kinds_by_key.get(key, [])
    return kinds if len(kinds) <= 4 else []


def _describe_places(context: KeyContext, keys: frozenset[str]) -> list[str]:
    """At most two places, in words, where the stack or the top of the file has one of the keys: the
    nearest ones."""
    parent = context.path[:-1]
    places = find_places(context.model, keys)
    places = [(path, key) for path, key in places if not _is_same(path, parent)]
    related = [(path, key) for path, key in places if _is_related(path, parent)]
    # A map of the same name elsewhere: a health check of a container, or of a load balancer.
    alike = [(path, key) for path, key in places if parent[-1:] and path[-1:] == parent[-1:]]
    places = related or alike or (places if len(places) == 1 and not parent else [])
    ranked = sorted(places, key=lambda place: _distance(place[0], parent))
    best = [
        place for place in ranked if _distance(place[0], parent) == _distance(ranked[0][0], parent)
    ]
    described = [_describe(context, path, key) for path, key in best]
    return list(dict.fromkeys(described))[:2]


def _is_inside(context: KeyContext) -> bool:
    """Whether a map inside of this one has the key."""
    parent = context.path[:-1]
    places = find_places(context.model, frozenset({context.key}))
    return any(len(path) > len(parent) and _is_related(path, parent) for path, _ in places)


def _is_same(pattern: Path, path: Path) -> bool:
    return len(pattern) == len(path) and _is_related(pattern, path)


def _is_related(pattern: Path, path: Path) -> bool:
    """Whether a path and a place, as a pattern, are equal or one of them is inside the other."""
    steps = zip(pattern, path, strict=False)
    return all(step in (other, ANY) for step, other in steps)


_SELDOM_MEANT = frozenset({"sidecars", "proxy", "egress"})


def _distance(pattern: Path, path: Path) -> tuple[bool, int]:
    """How far a place is from a path, to sort by: first whether it is in one of the maps that are
    seldom intended, without the path being in it, then the number of steps that differ."""
    shared = 0
    for step, other in zip(pattern, path, strict=False):
        if step not in (other, ANY):
            break
        shared += 1
    return bool(_SELDOM_MEANT & {*pattern} - {*path}), len(pattern) + len(path) - 2 * shared


def _describe(context: KeyContext, pattern: Path, key: str) -> str:
    """A place in words: "`environment:` below `stacks.web.containers.web`"."""
    steps: list[str] = []
    data: Any = context.data
    parent = context.path[:-1]
    for index, step in enumerate(pattern):
        same = step == ANY and index < len(parent) and pattern[:index] == parent[:index]
        name = parent[index] if same else step
        types = find_types(context.model, pattern[:index])
        if name == ANY and any(get_origin(member) is list for member in types):
            place = _dotted((*context.root, *steps))
            inner = [str(inner) for inner in pattern[index + 1 :] if inner != ANY]
            snippet = f"{key}:"
            for outer in reversed(inner):
                snippet = f"{outer}: {{{snippet}{' ...' if snippet.endswith(':') else ''}}}"
            return f"`{snippet}` in an entry of `{place}`"
        if name == ANY:
            names = [*data] if isinstance(data, Mapping) else []
            name = names[0] if len(names) == 1 else "<name>"
        data = data.get(name) if isinstance(data, Mapping) else None
        if isinstance(name, int):
            continue
        steps.append(str(name))
    place = _dotted((*context.root, *steps))
    return f"`{key}:` below `{place}`" if place else f"`{key}:` at the top of the file"


def _dotted(path: Path) -> str:
    return ".".join(str(step) for step in path)
