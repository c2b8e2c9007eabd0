"""Reads the text of an nginx configuration into directives, as nginx reads it (ngx_conf_file.c).

nginx stops at the first mistake, and crossplane reports a missing `;` as a wrong number of
arguments. This reader continues after a mistake and reports each one at its own line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from moorage.findings.finding import Level
from moorage.findings.wording import shown
from moorage.records import record

from .nginx_directives import DIRECTIVES, Context, enter_block, find_arguments, is_allowed

_ESCAPED = re.compile(r"""\\(["'\\trn])""")
_ESCAPES = {"t": "\t", "r": "\r", "n": "\n"}


@record
class Word:
    """A word of a configuration: the name of a directive, or an argument."""

    text: str
    """The word without the quotes around it, and with its escape sequences."""
    line: int
    start: int
    """The offset of the first character in the text, which may be a quote."""
    end: int
    """The offset after the last character."""
    quoted: bool = False

    @property
    def value(self) -> str:
        """The word as nginx stores it, without escape sequences (ngx_conf_read_token)."""
        return _ESCAPED.sub(lambda match: _ESCAPES.get(match[1], match[1]), self.text)


@record
class Directive:
    """A directive: its name, its arguments, and its block if it has one."""

    words: tuple[Word, ...]
    end: int
    """The offset after its `;` or `}`."""
    block: tuple[Directive, ...] | None = None

    @property
    def name(self) -> str:
        return self.words[0].text

    @property
    def line(self) -> int:
        return self.words[0].line

    @property
    def arguments(self) -> tuple[str, ...]:
        return tuple(word.text for word in self.words[1:])

    @property
    def title(self) -> str:
        """Its words as messages show them: `location = /login`."""
        return " ".join(word.text for word in self.words[:3])


@record
class Mistake:
    """A mistake in a configuration, and what to write instead."""

    code: str
    line: int
    message: str
    hint: str
    level: Level = "error"


Nested = tuple[Directive, tuple[Directive, ...]]
"""A directive and the blocks around it, from the outside in."""

NO_DIRECTIVES = ("map", "geo", "types", "split_clients", "charset_map", "match")
"""Blocks whose lines are values and not directives."""

MAX_NESTING = 30
"""Deepest nesting of blocks that is read."""


def parse_configuration(text: str) -> tuple[tuple[Directive, ...], list[Mistake]]:
    """The directives of a configuration, and the mistakes that keep nginx from reading it."""
    reader = _Reader(text)
    directives = reader.read_block(None, _guess_root_context(text))
    return directives, reader.mistakes


def is_complete(directives: Sequence[Directive]) -> bool:
    """Whether a configuration is a complete nginx.conf, rather than a file included in `http`."""
    return any(directive.name in _TOP_LEVEL for directive in directives)


_TOP_LEVEL = (
    "daemon",
    "events",
    "http",
    "load_module",
    "pid",
    "stream",
    "user",
    "worker_processes",
)


def _guess_root_context(text: str) -> Context:
    """The context of the outermost directives, before they are read."""
    return () if re.search(rf"(?m)^[ \t]*({'|'.join(_TOP_LEVEL)})\b", text) else ("http",)


def walk(directives: Iterable[Directive], parents: tuple[Directive, ...] = ()) -> Iterator[Nested]:
    """All directives with the blocks around them, except those inside of streams and mail."""
    for directive in directives:
        yield directive, parents
        if directive.block and directive.name not in (*NO_DIRECTIVES, "stream", "mail"):
            yield from walk(directive.block, (*parents, directive))


# Reading -------------------------------------------------------------------------------------

# nginx separates words at these four characters only. A word ends before a space, `;` or `{`,
# except for `${`, and a backslash escapes the next character.
_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+) | (?P<comment>\#[^\n]*) | (?P<mark>[;{}])
    | (?P<quoted>"(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*')
    | (?P<plain>(?!["'])(?:\\.|\$\{+|[^ \t\r\n;{\\])+) | (?P<rest>.)""",
    re.VERBOSE | re.DOTALL,
)
_LUA = re.compile(r"""[{}]|--[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""")
"""What matters in a block of Lua: braces, unless they are in comments or strings."""
_MAX_SHOWN_LENGTH = 60


def _takes_block(name: str, context: Context) -> bool:
    takes = find_arguments(name, context)
    return takes is not None and takes.block


class _Reader:
    """Reads a text from beginning to end and collects the mistakes."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.offset = 0
        self.line = 1
        self.depth = 0
        self.mistakes: list[Mistake] = []
        self.stopped = False
        """Whether the rest cannot be read."""

    def read_block(self, opener: Word | None, context: Context) -> tuple[Directive, ...]:
        """The directives up to the brace that closes the block of `opener`, or up to the end."""
        directives: list[Directive] = []
        words: list[Word] = []
        while (token := self._next_token()) is not None:
            kind, word = token
            if kind == "word":
                words = self._add_word(word, words, directives, context)
            elif word.text == ";":
                if words:
                    directives.append(Directive(tuple(words), word.end))
                else:
                    self._add(
                        "M3001", word.line, "There is a `;` without a directive", "Remove it."
                    )
                words = []
            elif word.text == "{":
                directives.append(self._read_directive_block(words, word, context))
                words = []
            else:
                self._end_unterminated(words, directives, context)
                if opener is not None:
                    return tuple(directives)
                hint = "Remove it, or add the missing `{` above."
                self._add("M3002", word.line, "This `}` closes no block", hint)
                words = []
        if not self.stopped:
            self._end_unterminated(words, directives, context)
            if opener is not None:
                message = f"The block of {shown(opener.text)} is not closed"
                self._add("M3002", opener.line, message, "Add the missing `}`.")
        return tuple(directives)

    def _add_word(
        self, word: Word, words: list[Word], directives: list[Directive], context: Context
    ) -> list[Word]:
        """Adds a word to the directive that is being read, or begins a new directive with it."""
        if not self._starts_directive(word, words, context):
            words.append(word)
            return words
        if _takes_block(words[0].text, context):
            self._add_missing_brace(words)
            self.offset, self.line = word.start, word.line
            directives.append(self._read_directive_block(words, word, context))
            return []
        self._end_unterminated(words, directives, context)
        return [word]

    def _read_directive_block(self, words: list[Word], brace: Word, context: Context) -> Directive:
        if not words:
            hint = "Write the directive before it, or remove it."
            self._add("M3002", brace.line, "There is a `{` without a directive", hint)
            words = [Word("", brace.line, brace.start, brace.start)]
        opener = words[0]
        if opener.text.endswith("_by_lua_block"):
            self._skip_lua()
            return Directive(tuple(words), self.offset, ())
        if self.depth == MAX_NESTING:
            message = f"Blocks are nested more than {MAX_NESTING} deep"
            self._add("M3002", opener.line, message, "Add the missing `}`, or nest fewer blocks.")
            self.stopped = True
            return Directive(tuple(words), self.offset, ())
        self.depth += 1
        block = self.read_block(opener, enter_block(opener.text, context))
        self.depth -= 1
        return Directive(tuple(words), self.offset, block)

    def _starts_directive(self, word: Word, words: list[Word], context: Context) -> bool:
        """Whether a word begins a directive although the previous one has no `;` or `{`: it is the
        first word of its line, and the name of a directive that is allowed in this place."""
        if not words or word.quoted or word.text not in DIRECTIVES or words[-1].line == word.line:
            return False
        if context[-1:] and context[-1] in NO_DIRECTIVES:
            return False
        opener = words[0].text
        inner = enter_block(opener, context) if _takes_block(opener, context) else context
        line_start = self.text.rfind("\n", 0, word.start) + 1
        return is_allowed(word.text, inner) and not self.text[line_start : word.start].strip()

    def _end_unterminated(
        self, words: list[Word], directives: list[Directive], context: Context
    ) -> None:
        """Ends a directive that has neither `;` nor a block."""
        if not words:
            return
        directives.append(Directive(tuple(words), words[-1].end))
        if _takes_block(words[0].text, context):
            self._add_missing_brace(words)
        else:
            text = " ".join(word.text for word in words)
            short = len(text) < _MAX_SHOWN_LENGTH
            hint = f"Write {shown(text + ';')}." if short else "Add the `;`."
            self._add(
                "M3001", words[-1].line, f"{shown(words[0].text)} does not end with `;`", hint
            )

    def _add_missing_brace(self, words: list[Word]) -> None:
        text = " ".join(word.text for word in words)
        hint = f"Write {shown(text + ' {')}, with a `}}` at its end."
        hint = hint if len(text) < _MAX_SHOWN_LENGTH else "Add the `{`, with a `}` at its end."
        self._add("M3002", words[-1].line, f"{shown(words[0].text)} has no block", hint)

    def _next_token(self) -> tuple[str, Word] | None:
        """The next word, or `;`, `{` or `}`; None at the end, or if the rest cannot be read."""
        while not self.stopped and (match := _TOKEN.match(self.text, self.offset)):
            line, kind, text = self.line, match.lastgroup, match[0]
            if kind == "rest" and text in "\"'":
                hint = "Close it, or close an earlier one."
                self._add("M3003", line, f"The quote {text} that begins here is not closed", hint)
                self.stopped = True
                return None
            self.offset = match.end()
            self.line += text.count("\n")
            if kind == "quoted":
                self._check_end_of_quote(line)
                return "word", Word(text[1:-1], line, match.start(), match.end(), quoted=True)
            if kind in ("mark", "plain", "rest"):
                word = Word(text, line, match.start(), match.end())
                return ("mark" if kind == "mark" else "word"), word
        return None

    def _check_end_of_quote(self, line: int) -> None:
        """A quoted word must be followed by a space, or by what ends a directive."""
        after = self.text[self.offset : self.offset + 1]
        if after and after not in " \t\r\n;{)":
            message = f"The quoted text is followed by {shown(after)} without a space"
            hint = "Write a space between them, or put both into the quotes."
            self._add("M3003", line, message, hint)

    def _skip_lua(self) -> None:
        depth = 1
        while depth and (match := _LUA.search(self.text, self.offset)):
            depth += {"{": 1, "}": -1}.get(match[0], 0)
            self.line += self.text.count("\n", self.offset, match.end())
            self.offset = match.end()

    def _add(self, code: str, line: int, message: str, hint: str) -> None:
        self.mistakes.append(Mistake(code, line, message, hint))
