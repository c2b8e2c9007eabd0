"""Finds mistakes in the text of an nginx configuration, with their lines and without nginx.

Some keep nginx from starting, so that ECS stops the task; others show only when requests arrive.
Modules may add directives and variables, so an unknown name is reported only if it resembles a
known one.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from moorage.findings.wording import shown

from .nginx_directives import (
    DIRECTIVES,
    ONCE,
    PLACES,
    Context,
    enter_block,
    find_arguments,
    find_places,
    is_allowed,
)
from .nginx_syntax import (
    NO_DIRECTIVES,
    Directive,
    Mistake,
    Nested,
    Word,
    is_complete,
    parse_configuration,
    walk,
)
from .nginx_targets import Task, listen_mistakes, target_mistakes
from .nginx_variables import VARIABLE_PREFIXES, VARIABLES


def find_mistakes(text: str, task: Task) -> list[Mistake]:
    """The mistakes in a configuration, sorted by line. The text is a complete nginx.conf,
    or a file for /etc/nginx/conf.d, which nginx includes in `http`."""
    directives, mistakes = parse_configuration(text)
    if not mistakes:
        complete = is_complete(directives)
        nested = list(walk(directives))
        mistakes += [
            *_events_mistakes(directives, complete),
            *_duplicate_mistakes(directives, nested),
            *_placement_mistakes(nested, () if complete else ("http",)),
            *_word_mistakes(nested),
            *_name_mistakes(nested),
            *_variable_mistakes(nested, text),
            *listen_mistakes(nested, task),
            *target_mistakes(nested, task),
        ]
    return sorted(mistakes, key=lambda mistake: mistake.line)


# Places and arguments ------------------------------------------------------------------------


def _events_mistakes(directives: Sequence[Directive], complete: bool) -> Iterator[Mistake]:
    if complete and not any(directive.name == "events" for directive in directives):
        message = "There is no `events` block, without which nginx does not start"
        yield Mistake("M3005", 1, message, "Write `events {}`.")


def _placement_mistakes(nested: Iterable[Nested], root: Context) -> Iterator[Mistake]:
    for directive, parents in nested:
        context = root
        for parent in parents:
            context = enter_block(parent.name, context)
        if not is_allowed(directive.name, context):
            place = f"{'in' if context else 'at'} {PLACES[context]}"
            if root and not parents:
                place += ", which includes this file"
            message = f"`{directive.name}` is not allowed {place}"
            *places, last = find_places(directive.name)
            listed = f"{', '.join(places)} or {last}" if places else last
            hint = f"Move it to {listed}."
            yield Mistake("M3005", directive.line, message, hint)
        else:
            yield from _argument_mistakes(directive, context)


def _argument_mistakes(directive: Directive, context: Context) -> Iterator[Mistake]:
    takes = find_arguments(directive.name, context)
    if takes is None:
        return
    name, arguments = directive.name, directive.arguments
    text = " ".join(word.text for word in directive.words)
    if takes.block and directive.block is None:
        hint = f"Write {shown(text + ' {')}, with a `}}` at its end."
        yield Mistake("M3002", directive.line, f"`{name}` has no block", hint)
    elif directive.block is not None and not takes.block:
        yield Mistake(
            "M3002", directive.line, f"`{name}` takes no block", f"Write {shown(text + ';')}."
        )
    elif not takes.allows(len(arguments)):
        message = f"`{name}` takes {takes} and has {len(arguments)}"
        most = max(takes.counts, default=len(arguments))
        extra = " ".join(arguments[most:])
        hint = f"Remove {shown(extra)}, or put a text with spaces into quotes." if extra else ""
        yield Mistake("M3006", directive.line, message, hint or "Add what is missing.")
    elif takes.flag and arguments[0].lower() not in ("on", "off"):
        message = f"`{name}` is `on` or `off`, not {shown(arguments[0])}"
        yield Mistake("M3006", directive.line, message, f"Write `{name} on;` or `{name} off;`.")


def _duplicate_mistakes(
    directives: Sequence[Directive], nested: Iterable[Nested]
) -> Iterator[Mistake]:
    yield from _duplicates_in(directives, "the file")
    for directive, _ in nested:
        if directive.block is not None and directive.name not in NO_DIRECTIVES:
            yield from _duplicates_in(directive.block, shown(directive.title))


def _duplicates_in(block: Iterable[Directive], place: str) -> Iterator[Mistake]:
    first: dict[str, int] = {}
    for directive in block:
        if directive.name == "location":
            key = " ".join(word.text for word in directive.words)
        elif directive.name in ONCE:
            key = directive.name
        else:
            continue
        if key in first:
            message = f"{shown(key)} is written twice in {place}"
            hint = f"Remove it here or on line {first[key]}."
            yield Mistake("M3007", directive.line, message, hint)
        first.setdefault(key, directive.line)


# Words ---------------------------------------------------------------------------------------

_BUFFER = 4096
"""A word must have fewer bytes (ngx_conf_file.c, NGX_CONF_BUFFER)."""
_WITH_VARIABLES = ("add_header", "proxy_set_header", "fastcgi_param", "return", "set", "proxy_pass")
_LONE_DOLLAR = re.compile(
    r"\$(?:[^A-Za-z0-9_{]|$)|\$\{(?:[^A-Za-z0-9_]|$)|\$\{\w+(?:[^\w}]|$)", re.ASCII
)


def _word_mistakes(nested: Iterable[Nested]) -> Iterator[Mistake]:
    for directive, parents in nested:
        for word in directive.words:
            if len(word.text.encode(errors="replace")) + word.quoted >= _BUFFER:
                message = f"An argument of {shown(directive.name)} is longer than "
                message += f"{_BUFFER - 1:,} bytes"
                hint = "Assign its parts to variables with `set`, and join the variables."
                yield Mistake("M3008", word.line, message, hint)
        if directive.name in _WITH_VARIABLES:
            for word in directive.words[1:]:
                if match := _LONE_DOLLAR.search(word.text):
                    message = "A `$` is not followed by the name of a variable"
                    hint = "Write the name, as in `$host`, or remove the `$`."
                    yield Mistake("M3009", _line_in(word, match.start()), message, hint)
        if directive.name == "daemon" and directive.arguments == ("on",) and not parents:
            message = "With `daemon on` nginx runs in the background, and its container ends"
            yield Mistake("M3010", directive.line, message, "Write `daemon off;`, or remove it.")


def _line_in(word: Word, offset: int) -> int:
    """The line of a character in a word, since a word may span lines."""
    return word.line + word.text[:offset].count("\n")


# Names ---------------------------------------------------------------------------------------

_MAX_COMPARED_NAMES = 100
"""Unknown names that are compared with the known names; this bounds the time it takes."""
_MIN_NAME_LENGTH = 5
"""Shortest name that counts as misspelled if it differs from a known name by one letter."""


def _name_mistakes(nested: Sequence[Nested]) -> Iterator[Mistake]:
    unknown = (directive.name for directive, _ in nested if directive.name not in DIRECTIVES)
    corrections = _find_corrections(unknown, DIRECTIVES)
    for directive, _ in nested:
        if correct := corrections.get(directive.name):
            message = f"There is no directive {shown(directive.name)}"
            yield Mistake("M3004", directive.line, message, f"Write `{correct}`.")


def _find_corrections(
    names: Iterable[str], valid_names: Collection[str], *, short: bool = True
) -> Mapping[str, str]:
    """For each name that is probably a misspelling, the valid name. With `short`, this includes
    short names that differ from a valid one by one letter."""
    corrections = {}
    for name in [*dict.fromkeys(names)][:_MAX_COMPARED_NAMES]:
        close = difflib.get_close_matches(name, valid_names, n=1, cutoff=0.92)
        if short and not close:
            close = [valid for valid in sorted(valid_names) if _differs_by_one_letter(name, valid)]
        if close:
            corrections[name] = close[0]
    return corrections


def _differs_by_one_letter(name: str, valid: str) -> bool:
    """Whether one letter is missing, added or wrong, or two adjacent letters are swapped."""
    if min(len(name), len(valid)) < _MIN_NAME_LENGTH or abs(len(name) - len(valid)) > 1:
        return False
    start = _count_equal(name, valid)
    end = _count_equal(name[start:][::-1], valid[start:][::-1])
    name_middle, valid_middle = name[start : len(name) - end], valid[start : len(valid) - end]
    swapped = len(name_middle) == 2 and name_middle == valid_middle[::-1]
    return swapped or (len(name_middle) <= 1 and len(valid_middle) <= 1)


def _count_equal(left: str, right: str) -> int:
    """The number of letters at the beginning that two names share."""
    pairs = enumerate(zip(left, right, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(left), len(right)))


_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")
_NAMED_GROUP = re.compile(r"\(\?P?[<'](\w+)[>']")
_WITH_EXPRESSION = ("location", "server_name", "fastcgi_split_path_info")
"""Directives in whose regular expressions `$` is the end of the text."""


def _variable_mistakes(nested: Sequence[Nested], text: str) -> Iterator[Mistake]:
    defined = {name for directive, _ in nested for name in _defined_variables(directive)}
    valid_names = VARIABLES | defined | set(_NAMED_GROUP.findall(text))
    uses = [
        (match[1] or match[2], _line_in(word, match.start()))
        for directive, _ in nested
        for word in _words_with_variables(directive)
        for match in _VARIABLE.finditer(word.text)
    ]
    unknown = (
        name
        for name, _ in uses
        if name not in valid_names and not name.startswith(VARIABLE_PREFIXES)
    )
    # Included files may define variables with similar names.
    includes = any(directive.name == "include" for directive, _ in nested)
    corrections = _find_corrections(unknown, valid_names, short=not includes)
    for name, line in uses:
        if correct := corrections.get(name):
            yield Mistake("M3009", line, f"There is no variable `${name}`", f"Write `${correct}`.")


def _defined_variables(directive: Directive) -> Iterator[str]:
    """The variables that a directive defines. An unknown directive may define all variables in its
    arguments."""
    defining: Mapping[str, Callable[[tuple[str, ...]], Sequence[str]]] = {
        "set": lambda words: words[:1],
        "js_set": lambda words: words[:1],
        "js_var": lambda words: words[:1],
        "auth_request_set": lambda words: words[:1],
        "map": lambda words: words[-1:],
        "geo": lambda words: words[-1:],
        "split_clients": lambda words: words[-1:],
    }
    words: Sequence[str] = ()
    if directive.name in defining:
        words = defining[directive.name](directive.arguments)
    elif directive.name not in DIRECTIVES:
        words = directive.arguments
    for word in words:
        yield from (braced or plain for braced, plain in _VARIABLE.findall(word))


def _words_with_variables(directive: Directive) -> Iterator[Word]:
    """The words of a directive in which `$` begins a variable, rather than ending an expression."""
    if directive.name in _WITH_EXPRESSION:
        return
    words = directive.words[2:] if directive.name == "rewrite" else directive.words[1:]
    for before, word in zip((directive.words[0], *words), words, strict=False):
        if before.text not in ("~", "~*", "!~", "!~*") and not word.text.startswith("~"):
            yield word
