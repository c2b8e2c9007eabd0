"""Rules -> a list for a terminal, JSON for programs, Markdown. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence

from moorage.findings.explain import list_titles, rules_document, rules_page, topic_document
from moorage.rules.registry import RULES
from moorage.rules.resource_types import resource_types
from moorage.rules.rule import Rule
from moorage.rules.selection import level_of
from moorage.rules.topics import page_of, topic_of, url_of


def as_text(rules: Sequence[Rule]) -> str:
    """The ids and titles, one on each line."""
    return list_titles({rule.id: rule.title for rule in rules})


def as_json(rules: Sequence[Rule]) -> str:
    """Everything that is known about the rules."""
    return json.dumps([_as_object(rule) for rule in rules], indent=2, ensure_ascii=False) + "\n"


def _as_object(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "level": level_of(rule),
        "topic": topic_of(rule),
        "title": rule.title,
        "description": rule.description,
        "fix": rule.fix,
        "resource_types": resource_types(rule),
        "error_messages": rule.error_messages,
        "sources": rule.sources,
        "cases": rule.failure_ids,
        "url": url_of(rule),
    }


def as_markdown(rules: Sequence[Rule]) -> str:
    """The index of docs/rules.md if these are all rules, a page of docs/rules if they are those of
    a topic, and otherwise a page with these rules."""
    if len(rules) == len(RULES):
        return rules_document()
    page = page_of(rules[0])
    if list(rules) == [rule for rule in RULES if page_of(rule) == page]:
        return topic_document(page)
    return rules_page(rules)
