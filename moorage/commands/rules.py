"""`build.py rules`: the list of the rules."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from moorage import __version__
from moorage.commands.usage import CLEAN, UsageError, similar_code

if TYPE_CHECKING:  # imported in functions: other commands need no rules
    from moorage.rules.rule import Rule

FORMATS = ("text", "json", "markdown", "rego")


def add_arguments(listing: argparse.ArgumentParser) -> None:
    """Adds the arguments of `rules`."""
    help_text = "rules, or beginnings of their ids such as E94; default: all rules"
    listing.add_argument("ids", nargs="*", metavar="ID", help=help_text)
    help_text = "rules of a topic: the name of a page in docs/rules; can be repeated"
    listing.add_argument("--topic", action="append", default=[], metavar="NAME", help=help_text)
    listing.add_argument("--level", choices=("error", "warning"), help="only errors, or warnings")
    help_text = "rules about a type of resources, or about types that begin so; can be repeated"
    listing.add_argument("--type", action="append", default=[], metavar="TYPE", help=help_text)
    help_text = "rules that mention a text; can be repeated"
    listing.add_argument("--text", action="append", default=[], metavar="TEXT", help=help_text)
    help_text = "`rego` is a file for AWS's cloudformation-validate and the CDK"
    listing.add_argument("--format", choices=FORMATS, default="text", help=help_text)
    listing.add_argument("--topics", action="store_true", help="print the names of the topics")


def rules(arguments: argparse.Namespace) -> int:
    """Print the rules, or those of a topic, of a type of resources, or about a text."""
    from moorage.findings.explain import topic_pages

    if arguments.topics:
        print("".join(f"{page}\n" for page in topic_pages()), end="")
        return CLEAN
    text = _form(arguments.format)(_choose(arguments))
    if not text:
        raise UsageError("none of these rules can be exported: they are functions of Python.")
    print(text, end="")
    return CLEAN


def _choose(arguments: argparse.Namespace) -> Sequence[Rule]:
    from moorage.findings.explain import topic_pages
    from moorage.findings.wording import join_or
    from moorage.rules.registry import RULES
    from moorage.rules.selection import Selection

    for topic in arguments.topic:
        if topic not in topic_pages():
            raise UsageError(f"there is no topic `{topic}`. Write {join_or(topic_pages())}.")
    for name in arguments.ids:
        if not any(rule.id.startswith(name.upper()) for rule in RULES):
            raise UsageError(_unknown_rule(name))
    levels = (arguments.level,) if arguments.level else ()
    filters = (arguments.ids, arguments.topic, levels, arguments.type, arguments.text)
    chosen = Selection(*map(tuple, filters)).choose(RULES)
    if not chosen:
        raise UsageError("no rule fits. Leave out a filter.")
    return chosen


def _unknown_rule(name: str) -> str:
    from moorage.lint.aws_engine import engine_page
    from moorage.lint.cfn_lint import lint_page
    from moorage.rules.registry import RULES

    code = name.upper()
    for owner, find_page in (("cfn-lint", lint_page), ("cloudformation-validate", engine_page)):
        if find_page(code):
            return f"`{name}` is a rule of {owner}. Write `python build.py explain {code}`."
    similar = similar_code(code, [rule.id for rule in RULES], "rules")
    return f"`{name}` is not a rule of Moorage. {similar}"


def _form(name: str) -> Callable[[Sequence[Rule]], str]:
    from moorage.findings.rule_lists import as_json, as_markdown, as_text
    from moorage.rules.export.rego import as_rego

    forms: dict[str, Callable[[Sequence[Rule]], str]] = {
        "text": as_text,
        "json": as_json,
        "markdown": as_markdown,
        "rego": partial(as_rego, version=__version__),
    }
    return forms[name]
