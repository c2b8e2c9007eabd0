"""AWS's message or code -> the known failure. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache

from moorage.deploy.diagnosis.known import KNOWN
from moorage.deploy.diagnosis.known.known_failure import GAP, KnownFailure, normalize
from moorage.rules.registry import RULES
from moorage.rules.rule import Rule

_MIN_RULE_TEXT = 12
"""Fixed characters of a rule's message from which it identifies the rule."""
_IN_SUBSTANCE = "(in substance) "
_CODE = re.compile(r"\A[A-Z][A-Za-z]+: (?=[A-Z])")
"""The code of an error before its message, which CloudFormation writes after it."""
_MAX_MESSAGE = 4000
"""Characters of a message that are searched."""
_EXAMPLES = re.compile(
    r"'[^']*'|<[^<>]*>|[0-9]+|(?<=container )(?:app|web)(?= )|(?<=service )X(?= )", re.IGNORECASE
)
"""What is an example in the message of a rule: other names and numbers are the same message."""


@lru_cache(maxsize=1024)
def find_known(message: str) -> KnownFailure | None:
    """The failure that a message reports, which is the one with the longest text in the message.
    The messages of rules count if the table has none, and general ones if no other does."""
    text = normalize(message[:_MAX_MESSAGE])
    special = _longest((known for known in KNOWN if not known.general), text)
    return special or _longest(rule_failures(), text) or _longest(KNOWN, text)


@cache
def find_by_key(key: str) -> KnownFailure | None:
    """The failure of a code, such as `Target.Timeout` or `exit code 137`."""
    return next((known for known in KNOWN if key in known.keys), None)


def find_by_exit_code(code: int) -> KnownFailure:
    """The failure of the exit code of a container."""
    known = find_by_key(f"exit code {code}") or find_by_key("exit code")
    assert known is not None
    return known


@cache
def rule_failures() -> tuple[KnownFailure, ...]:
    """The failures that Moorage's rules find before a deployment, by the messages that they name.
    Rules with the same message share a failure's codes."""
    texts = {rule.id: _texts(rule) for rule in RULES}
    return tuple(_from_rule(rule, texts) for rule in RULES if texts[rule.id])


def _texts(rule: Rule) -> tuple[str, ...]:
    """The messages of a rule, with gaps for their examples."""
    exact = (text for text in rule.error_messages if not text.startswith(_IN_SUBSTANCE))
    texts = (_EXAMPLES.sub(GAP, _CODE.sub("", text)) for text in exact)
    general = {text for known in KNOWN if known.general for text in known.messages}
    return tuple(
        text
        for text in texts
        if len(text.replace(GAP, "")) >= _MIN_RULE_TEXT and text not in general
    )


def _from_rule(rule: Rule, texts: Mapping[str, tuple[str, ...]]) -> KnownFailure:
    own = texts[rule.id]
    others = (other for other, theirs in texts.items() if other != rule.id and {*theirs} & {*own})
    return KnownFailure(
        id=rule.id,
        title=rule.title,
        meaning=rule.description,
        check=rule.fix,
        sources=rule.sources,
        messages=own,
        codes=(rule.id, *others),
    )


def _longest(failures: Iterable[KnownFailure], text: str) -> KnownFailure | None:
    best, size = None, 0
    for known in failures:
        fit = known.fit(text)
        if fit > size:
            best, size = known, fit
    return best
