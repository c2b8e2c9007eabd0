"""Codes that are to be replaced by codes of the topics."""

from __future__ import annotations

from moorage.findings.codes.code import Code

_TITLES: dict[str, str] = {
    "M1107": "The value is not well-formed.",
    "M1108": "Keys that exclude each other, or need each other.",
    "M1220": "The setting has no effect, or the wrong one, in this place.",
    "M1222": "The configuration of nginx is not right.",
}

CODES = tuple(Code(code, title, "", "", "") for code, title in _TITLES.items())
