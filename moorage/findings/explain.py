"""Codes and what they mean -> text: one page for a terminal, and docs/rules.md. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping

from moorage.findings.codes import CODES
from moorage.rules.coverage import FOUND_BY_CFN_LINT, FOUND_BY_COMPARISON, TOO_NOISY, UNDECIDABLE
from moorage.rules.registry import RULES
from moorage.rules.rule import Rule

_WIDTH = 96

TITLES: Mapping[str, str] = {
    **{one.id: one.title for one in CODES.values()},
    **{one.id: one.title for one in RULES},
}
"""Every code of Moorage's, with what it says in a line."""


def page(code: str) -> str | None:
    """What is known of one of Moorage's codes; None for any other."""
    rule = next((one for one in RULES if one.id == code), None)
    if rule is not None:
        return "\n".join(_page(rule))
    return f"{code}  {CODES[code].title}\n" if code in CODES else None


def listing() -> str:
    """All codes, a line each."""
    return "".join(f"{code}  {title}\n" for code, title in TITLES.items())


def _page(rule: Rule) -> Iterator[str]:
    yield f"{rule.id}  {rule.title}"
    yield ""
    yield textwrap.fill(rule.description, _WIDTH)
    if rule.error_messages:
        yield ""
        yield "AWS says:"
        for one in rule.error_messages:
            yield textwrap.fill(one, _WIDTH, initial_indent="  ", subsequent_indent="  ")
    yield ""
    yield textwrap.fill(f"Mend: {rule.fix}", _WIDTH)
    yield ""
    yield _listed("Sources", rule.sources)
    if rule.failure_ids:
        yield _listed("Cases", rule.failure_ids)
    yield ""


def _listed(title: str, words: Iterable[str]) -> str:
    """Words that stay whole: addresses and ids."""
    text = f"{title}: {', '.join(words)}"
    return textwrap.fill(text, _WIDTH, break_on_hyphens=False, break_long_words=False)


def markdown() -> str:
    """docs/rules.md, whole."""
    return "\n".join(_document())


def _document() -> Iterator[str]:
    yield "# Rules"
    yield ""
    yield (
        "What Moorage finds in any CloudFormation template, beside what cfn-lint finds: `E93xx` "
        "fails or cannot work, `W93xx` is a race, latent, or advisable. A rule that cannot know "
        "(a parameter, an import from elsewhere) is silent. Made by "
        "`python build.py explain --format markdown`; do not edit."
    )
    yield ""
    yield "| rule | what is wrong |"
    yield "|---|---|"
    for rule in RULES:
        yield f"| [{rule.id}](#{rule.id.lower()}) | {_cell(rule.title)} |"
    for rule in RULES:
        yield ""
        yield from _section(rule)
    yield ""
    yield "## What has no rule"
    yield ""
    yield "Known failures that are found in another way, or cannot be found in a template."
    yield ""
    yield "| failure | where it is found, or why it cannot be |"
    yield "|---|---|"
    for case, code in sorted(FOUND_BY_CFN_LINT.items()):
        yield f"| {case} | cfn-lint, {code} |"
    for case, what in sorted(FOUND_BY_COMPARISON.items()):
        yield f"| {case} | `python build.py check ENV --against REV`: {_cell(what)} |"
    for case, reason in sorted({**TOO_NOISY, **UNDECIDABLE}.items()):
        yield f"| {case} | {_cell(reason)} |"
    yield ""


def _section(rule: Rule) -> Iterator[str]:
    yield f"## {rule.id}"
    yield ""
    yield f"**{rule.title}.** {rule.description}"
    for one in rule.error_messages:
        yield ""
        yield f"> {one}"
    yield ""
    yield f"Mend: {rule.fix}"
    yield ""
    yield f"Sources: {', '.join(rule.sources)}."
    if rule.failure_ids:
        yield ""
        yield f"Cases: {', '.join(f'`{one}`' for one in rule.failure_ids)}."


def _cell(words: str) -> str:
    return words.replace("|", "\\|")
