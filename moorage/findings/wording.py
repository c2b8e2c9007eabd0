"""Values of the params as messages show them, and the names that were probably meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel


def shown(value: Any) -> str:
    """A value of the params as messages name it.

    >>> shown("Web"), shown(True), shown([1]), shown("")
    ('`Web`', '`true`', 'a list', 'an empty text')
    """
    if isinstance(value, Mapping | BaseModel):
        return "a map"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if not text:
        return "an empty text"
    return f"`{text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + '...'}`"


_MOST_SHOWN = 120


def near(word: str, choices: Iterable[str]) -> str:
    """The choice that a word was probably meant to be, or nothing.

    >>> near("desiredCount", ["desired_count", "cpu"]), near("cidr_block", ["cidr"]), near("x", [])
    ('desired_count', 'cidr', '')
    """
    plain = {_plain(one): one for one in choices}
    given = _plain(word)
    close = difflib.get_close_matches(given, plain, n=1)
    begun = [one for one in plain if min(len(one), len(given)) > 2 and _begins(one, given)]
    return plain[[*close, *begun][0]] if close or begun else ""


def _plain(word: str) -> str:
    return re.sub(r"[-_ ]", "", word).lower()


def _begins(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)
