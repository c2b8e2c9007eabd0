"""What is wrong with an nginx configuration, as far as its text tells: with line numbers, and
without nginx.

It is read as nginx reads it (ngx_conf_file.c): words, quotes, `;`, `{` and `}`. Then come the
mistakes that end nginx at start, which ends the task, and some that show only later. What may be
right somewhere is no fault: a word that no list holds is one only if it is nearly another.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from .nginx_syntax import FREE, Fault, Statement, Word, is_whole, parsed, walk
from .nginx_targets import Task, listen_faults, target_faults
from .nginx_words import DIRECTIVES, ONCE, VARIABLE_PREFIXES, VARIABLES


def faults(text: str, task: Task) -> list[Fault]:
    """What is wrong with a configuration: a whole one, or one for /etc/nginx/conf.d."""
    statements, found = parsed(text)
    if not any(fault.level == "error" for fault in found):
        every = list(walk(statements))
        found += [
            *_block_faults(statements, is_whole(statements)),
            *_word_faults(every),
            *_name_faults(every),
            *_variable_faults(every, text),
            *listen_faults(every, task),
            *target_faults(every, task),
        ]
    return sorted(found, key=lambda fault: fault.line)


# Blocks --------------------------------------------------------------------------------------

# Where a block, or a directive that passes requests on, may stand (nginx documentation, "Context").
_PLACES = {
    "server": ("http", "upstream"),
    "location": ("server", "location"),
    "upstream": ("http",),
    "listen": ("server",),
    "proxy_pass": ("location", "if", "limit_except"),
    "fastcgi_pass": ("location", "if"),
    "uwsgi_pass": ("location", "if"),
    "grpc_pass": ("location", "if"),
    "limit_except": ("location",),
    "http": ("",),
    "events": ("",),
}


def _block_faults(statements: Sequence[Statement], whole: bool) -> Iterator[Fault]:
    if whole and not any(one.name == "events" for one in statements):
        message = "There is no `events` block, and nginx does not start without one"
        yield Fault(1, message, "Write `events {}`.")
    root = "" if whole else "http"
    yield from _twice(statements, "the configuration")
    for one, around in walk(statements):
        outer = around[-1].name if around else root
        if one.name in _PLACES and outer not in (*_PLACES[one.name], "include"):
            where = f"in `{outer}`" if outer else "at the top"
            message = f"`{one.name}` cannot stand {where}"
            places = [f"`{place}`" for place in _PLACES[one.name] if place]
            hint = f"It belongs into {' or '.join(places)}." if places else "It belongs to the top."
            yield Fault(one.line, message, hint)
        if one.block is not None and one.name not in FREE:
            yield from _twice(one.block, f"this `{' '.join(word.text for word in one.words[:3])}`")


def _twice(block: Sequence[Statement], where: str) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for one in block:
        place = " ".join(word.text for word in one.words) if one.name == "location" else ""
        key = one.name if one.name in ONCE else place
        if key and key in first:
            hint = f"It stands on line {first[key]} already. Keep one of them."
            yield Fault(one.line, f"`{key}` stands twice in {where}", hint)
        first.setdefault(key, one.line)


# Words ---------------------------------------------------------------------------------------

_BUFFER = 4096
"""Bytes that a word may not reach (ngx_conf_file.c, NGX_CONF_BUFFER)."""
_WITH_VARIABLES = ("add_header", "proxy_set_header", "fastcgi_param", "return", "set", "proxy_pass")
_NO_NAME = re.compile(r"\$(?:[^A-Za-z0-9_{]|$)|\$\{(?:[^A-Za-z0-9_]|$)|\$\{\w+(?:[^\w}]|$)")


def _word_faults(every: Sequence[tuple[Statement, tuple[Statement, ...]]]) -> Iterator[Fault]:
    for one, around in every:
        for word in one.words:
            if len(word.text.encode()) + word.quoted >= _BUFFER:
                message = f"A text of `{one.name}` is longer than the {_BUFFER - 1} bytes that "
                message += "nginx reads at once"
                hint = "Put its parts into variables by `set`, and write these one after another."
                yield Fault(word.line, message, hint)
        if one.name in _WITH_VARIABLES:
            for word in one.words[1:]:
                if match := _NO_NAME.search(word.text):
                    line = word.line + word.text[: match.start()].count("\n")
                    message = "A `$` without the name of a variable behind it ends nginx"
                    yield Fault(line, message, "Name one, as in `$host`, or leave it out.")
        if one.name == "daemon" and one.arguments == ("on",) and not around:
            message = "nginx would go to the background, and the container would end"
            yield Fault(one.line, message, "Write `daemon off;`, or remove it.")


# Names ---------------------------------------------------------------------------------------


def _name_faults(every: Sequence[tuple[Statement, tuple[Statement, ...]]]) -> Iterator[Fault]:
    for one, _ in every:
        meant = _nearly(one.name, DIRECTIVES) or _but_for_a_letter(one.name)
        if one.name not in DIRECTIVES and meant:
            yield Fault(one.line, f"There is no directive `{one.name}`", f"Write `{meant}`.")


def _nearly(word: str, known: Collection[str]) -> str:
    """The word that this one is but for a letter or two."""
    return next(iter(difflib.get_close_matches(word, known, n=1, cutoff=0.92)), "")


def _but_for_a_letter(word: str) -> str:
    """The directive that a long word is but for one letter, which is another, or two that changed
    places."""
    for known in difflib.get_close_matches(word, DIRECTIVES, n=3, cutoff=0.85):
        pairs = [(one, other) for one, other in zip(word, known, strict=False) if one != other]
        if len(word) == len(known) > 5 and (
            len(pairs) == 1 or (len(pairs) == 2 and pairs[0] == pairs[1][::-1])
        ):
            return known
    return ""


_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")
_CAPTURE = re.compile(r"\(\?P?[<'](\w+)[>']")
_EXPRESSIONS = ("location", "server_name", "fastcgi_split_path_info")
"""Directives in whose regular expressions `$` is the end."""


def _variable_faults(
    every: Sequence[tuple[Statement, tuple[Statement, ...]]], text: str
) -> Iterator[Fault]:
    made = set(_CAPTURE.findall(text)) | {name for one, _ in every for name in _made(one)}
    known = VARIABLES | made
    for one, _ in every:
        for word in _texts(one):
            for match in _VARIABLE.finditer(word.text):
                name = match[1] or match[2]
                meant = _nearly(name, known)
                if name not in known and not name.startswith(VARIABLE_PREFIXES) and meant:
                    line = word.line + word.text[: match.start()].count("\n")
                    yield Fault(line, f"There is no variable `${name}`", f"Write `${meant}`.")


def _made(one: Statement) -> Iterator[str]:
    """The variables that a statement makes; one of another module's makes all that it names."""
    makers: Mapping[str, Callable[[tuple[str, ...]], Sequence[str]]] = {
        "set": lambda words: words[:1],
        "js_set": lambda words: words[:1],
        "js_var": lambda words: words[:1],
        "auth_request_set": lambda words: words[:1],
        "map": lambda words: words[-1:],
        "geo": lambda words: words[-1:],
        "split_clients": lambda words: words[-1:],
    }
    words: Sequence[str] = ()
    if one.name in makers:
        words = makers[one.name](one.arguments)
    elif one.name not in DIRECTIVES:
        words = one.arguments
    for word in words:
        yield from (first or second for first, second in _VARIABLE.findall(word))


def _texts(one: Statement) -> Iterator[Word]:
    """The words of a statement in which `$` begins a variable."""
    if one.name in _EXPRESSIONS:
        return
    words = one.words[2:] if one.name == "rewrite" else one.words[1:]
    for before, word in zip((one.words[0], *words), words, strict=False):
        if before.text not in ("~", "~*", "!~", "!~*") and not word.text.startswith("~"):
            yield word
