"""Values of the params as messages show them, and the names that were probably meant."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from itertools import islice
from typing import Any

from pydantic import BaseModel

from moorage.facts.secret_values import hide

_MAX_SHOWN = 120
CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
"""Characters that no text of the params may have: those that XML 1.0, and with it the APIs of AWS,
has no place for; the C1 controls; and overrides of the direction of text, which make a reviewer
read something else than AWS does (Unicode Technical Standard #55)."""
UNPRINTABLE = re.compile(CONTROL.pattern.replace("]", "\r\u2028\u2029]"))
"""Those, and line breaks other than a line feed."""
_SURE = 0.8
"""Similarity of two words from which one is taken for a misspelling of the other."""


def shown(value: Any) -> str:
    """A value of the params as messages name it.

    >>> shown("Web"), shown(True), shown([1]), shown("")
    ('`Web`', '`true`', 'a list', 'an empty string')
    """
    if isinstance(value, Mapping | BaseModel):
        return "a map"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if not text:
        return "an empty string"
    text = hide(text)  # before it is cut: a part of a secret does not look like one
    short = text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."
    return f"`{escape_controls(short)}`"


def join_and(words: Iterable[str]) -> str:
    """
    >>> join_and(["a"]), join_and(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return _join(words, "and")


def join_or(words: Iterable[str]) -> str:
    """
    >>> join_or(["a", "b"]), join_or(["a", "b", "c"])
    ('a or b', 'a, b or c')
    """
    return _join(words, "or")


_MOST_LISTED = 12
"""Of more names, ten are listed."""


def offer(names: Collection[str], form: str = "`{}`") -> str:
    """Names to choose from.

    >>> offer(["a", "b"]), offer("abcdefghijklm", "{}")
    ('`a` or `b`', 'a, b, c, d, e, f, g, h, i, j or one of 3 others')
    """
    first, others = _begin_list(names)
    words = [form.format(name) for name in first]
    return join_or([*words, f"one of {others} others"] if others else words)


def list_names(names: Collection[str]) -> str:
    """
    >>> list_names(["a", "b"]), list_names("abcdefghijklm")
    ('a, b', 'a, b, c, d, e, f, g, h, i, j and 3 more')
    """
    first, others = _begin_list(names)
    return ", ".join(first) + (f" and {others} more" if others else "")


def _begin_list(names: Collection[str]) -> tuple[list[str], int]:
    """The first names, and how many there are besides."""
    most = _MOST_LISTED if len(names) <= _MOST_LISTED else 10
    return list(islice(names, most)), len(names) - min(most, len(names))


def _join(words: Iterable[str], conjunction: str) -> str:
    *first, last = words
    return f"{', '.join(first)} {conjunction} {last}" if first else last


def capitalize(text: str) -> str:
    """Text that begins with a capital letter; the others stay as they are.

    >>> capitalize("an IAM action")
    'An IAM action'
    """
    return text[:1].upper() + text[1:]


def escape_controls(text: str) -> str:
    """Text that can be printed on any terminal: control characters become escapes of JSON.

    A line feed and a tab stay.

    >>> print(escape_controls("a\x1b[31m\u202e"))
    a\\u001b[31m\\u202e
    """
    return UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def as_flow(value: Any) -> str:
    """A value as YAML on one line, as it can be written in params.

    >>> as_flow({"web": {"ports": [8080], "user": "1000:1000", "command": ["on", ""]}})
    '{web: {ports: [8080], user: 1000:1000, command: [on, ""]}}'
    """
    if isinstance(value, Mapping):
        return (
            "{" + ", ".join(f"{as_flow(key)}: {as_flow(item)}" for key, item in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(as_flow(item) for item in value) + "]"
    if isinstance(value, str) and _is_plain(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _is_plain(text: str) -> bool:
    """Whether a text needs no quotes in YAML: it is neither a number nor another word of YAML."""
    return (
        re.fullmatch(r"[A-Za-z/.][\w ./:@*+-]*|[0-9][0-9.]*:[0-9][\w:./-]*", text) is not None
        and ": " not in text
        and not text.endswith((":", " "))
        and text.lower() not in ("true", "false", "null", ".inf", ".nan")
    )


def near(word: str, choices: Collection[str], similarity: float = 0.6) -> str:
    """The choice that a word was probably meant to be, or nothing. `limit_guesses` can limit how
    often it is looked for.

    >>> near("desiredCount", ["desired_count", "cpu"]), near("cidr_block", ["cidr"]), near("x", [])
    ('desired_count', 'cidr', '')
    """
    is_wanted = _is_guess_wanted(word, len(choices))
    return _find_near(word, tuple(choices), similarity) if is_wanted else ""


@lru_cache(maxsize=1024)
def _find_near(word: str, choices: tuple[str, ...], similarity: float) -> str:
    names = {_plain(choice): choice for choice in choices}
    plain_word = _plain(word)
    closest = _find_closest(plain_word, names, similarity) or next(
        (
            name
            for name in names
            if min(len(name), len(plain_word)) > 2 and _begins(name, plain_word)
        ),
        "",
    )
    return names[closest] if closest else ""


def find_closest(word: str, choices: Collection[str], similarity: float) -> str:
    """The choice that is most similar to a word as it is written, or nothing. `limit_guesses` can
    limit how often it is looked for."""
    is_wanted = _is_guess_wanted(word, len(choices))
    return _find_closest(word, choices, similarity) if is_wanted else ""


def _find_closest(word: str, choices: Iterable[str], similarity: float) -> str:
    """The first of `difflib.get_close_matches`, without computing how similar the others are."""
    matcher = difflib.SequenceMatcher()
    matcher.set_seq2(word)
    best = (similarity, "")
    for choice in choices:
        matcher.set_seq1(choice)
        bounds = (matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio)
        if all(bound() >= best[0] for bound in bounds):
            best = max(best, (matcher.ratio(), choice))
    return best[1]


_MANY_CHOICES = 400
"""More than the keys of any params."""
_MAX_GUESSES = 100
_guessed: ContextVar[set[str] | None] = ContextVar("guessed", default=None)
"""The words for which a similar one was looked for among many."""


@contextmanager
def limit_guesses() -> Iterator[None]:
    """What this context runs looks among many choices only for the first 100 different words: each
    search compares all choices, and in a large environment hundreds of names can be wrong."""
    token = _guessed.set(set())
    try:
        yield
    finally:
        _guessed.reset(token)


def _is_guess_wanted(word: str, choices: int) -> bool:
    guessed = _guessed.get()
    if guessed is None or choices <= _MANY_CHOICES or word in guessed:
        return True
    if len(guessed) == _MAX_GUESSES:
        return False
    guessed.add(word)
    return True


def is_misspelling(word: str, name: str) -> bool:
    """Whether a word is almost certainly a misspelling of a name.

    >>> is_misspelling("healthCheck", "health_check"), is_misspelling("env", "environment")
    (True, False)
    """
    return difflib.SequenceMatcher(None, _plain(word), _plain(name)).ratio() >= _SURE


def same_word(word: str, name: str) -> bool:
    """Whether two words differ in nothing but case and separators.

    >>> same_word("desiredCount", "desired_count"), same_word("count", "desired_count")
    (True, False)
    """
    return _plain(word) == _plain(name)


@lru_cache(maxsize=4096)
def _plain(word: str) -> str:
    return re.sub(r"[-_ ]", "", word).lower()


def _begins(first: str, second: str) -> bool:
    """Whether one of two words begins with the other."""
    return first.startswith(second) or second.startswith(first)
