"""Wildcards of AWS: `*` for any characters and `?` for one, in policies and conditions of rules.

Source: IAM user guide, "IAM JSON policy elements: Resource", and the ELB user guides, "Condition
types for listener rules".
"""

from __future__ import annotations

import re


def wildcard_expression(pattern: str, *, single: str = ".") -> str:
    """A regular expression for `fullmatch` with DOTALL that takes time linear in the text.

    `single` is the expression for `?`. Between two `*` the first match is as good as any other, so
    the expression never backtracks.

    >>> wildcard_expression("a*b?*c")
    'a(?>.*?b.).*c'
    """
    first, *rest = ("".join(_escape(char, single) for char in part) for part in pattern.split("*"))
    if not rest:
        return first
    return "".join((first, *(f"(?>.*?{part})" for part in rest[:-1]), ".*", rest[-1]))


def _escape(character: str, single: str) -> str:
    return single if character == "?" else re.escape(character)
