"""No regular expression takes long for any text that a file may contain."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import time
from collections.abc import Iterator

import pytest

import moorage
import templates
from moorage.facts.wildcards import wildcard_expression

_LENGTH = 16_384
_PIECES = (
    *("a", "A", "0", " ", "-", ".", "/", ":", "*", "$", "${", "\\", '"', "'", "_", "%", "=", "\n"),
    *("a-", "a.", "a/", "a:", "0.", "0:", "- ", "/ ", "a b", "a=", "0-0,", ":role/", "arn:aws:"),
    *("com.amazonaws.", "{{resolve:", "secret", "ecr:a/", "ecr:a-", "http://", "${a}", "(?<"),
    *("secretsmanager:", "-RFC9151-", "listener/app/", "a*", "[a]", "#{host}", "key=", "password"),
)  # fmt: skip


def patterns() -> Iterator[tuple[str, re.Pattern[str], str]]:
    """The compiled expressions of all modules, and how each is used."""
    for package in (moorage, templates):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name.endswith(("__main__", ".program")) or ".init.files" in found.name:
                continue
            module = importlib.import_module(found.name)
            source = inspect.getsource(module)
            for name, value in vars(module).items():
                if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
                    anywhere = re.search(rf"\b{name}\.(search|sub|find)", source)
                    yield f"{found.name}.{name}", value, "search" if anywhere else "fullmatch"


PATTERNS = list(patterns())


@pytest.mark.parametrize(("name", "pattern", "method"), PATTERNS, ids=[one[0] for one in PATTERNS])
def test_a_pattern_takes_linear_time(name: str, pattern: re.Pattern[str], method: str) -> None:
    """An expression that takes twice as long for each character would not end, and one whose time
    is quadratic takes at least half a second where others take milliseconds."""
    for piece in _PIECES:
        for length, limit in ((200, 0.1), (_LENGTH, 0.25)):
            for prefix, end in (("", "\0"), ("a", "}")):
                text = f"{prefix}{piece * (length // len(piece))}{end}"
                start = time.process_time()
                getattr(pattern, method)(text)
                assert time.process_time() - start < limit, (piece, prefix, end)


def test_wildcards_match_like_a_pattern_and_take_linear_time() -> None:
    for pattern, text, matches in (
        ("a*b", "axb", True),
        ("a*b", "axbc", False),
        ("*ab*ab", "abab", True),
        ("*ab*ab", "ab", False),
        ("a?c*", "abc", True),
        ("a.c", "abc", False),
        ("a*" * 30 + "b", "a" * _LENGTH, False),
    ):
        start = time.process_time()
        assert bool(re.fullmatch(wildcard_expression(pattern), text, re.DOTALL)) is matches
        assert time.process_time() - start < 1
