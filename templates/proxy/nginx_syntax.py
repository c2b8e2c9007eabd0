"""Reads the text of an nginx configuration as nginx reads it (ngx_conf_file.c)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from moorage.findings.finding import Level

from .nginx_words import DIRECTIVES


@dataclass(frozen=True)
class Word:
    """A word of a configuration."""

    text: str
    line: int
    quoted: bool = False


@dataclass(frozen=True)
class Statement:
    """A directive with its words, and what is between its braces, if it has any."""

    words: tuple[Word, ...]
    block: tuple[Statement, ...] | None = None

    @property
    def name(self) -> str:
        return self.words[0].text

    @property
    def line(self) -> int:
        return self.words[0].line

    @property
    def arguments(self) -> tuple[str, ...]:
        return tuple(word.text for word in self.words[1:])


@dataclass(frozen=True)
class Fault:
    """What is wrong on a line, and what to write instead."""

    line: int
    message: str
    hint: str
    level: Level = "error"


def is_whole(statements: Sequence[Statement]) -> bool:
    """Whether it is a whole configuration, and not only what stands within `http`."""
    outer = {"http", "events", "worker_processes", "daemon", "pid", "user", "stream", "load_module"}
    return any(one.name in outer for one in statements)


# A word ends at a space, `;` or `{`, but not at `${`, and a backslash takes the next letter along.
_TOKEN = re.compile(
    r"""(?P<space>\s+) | (?P<comment>\#[^\n]*) | (?P<mark>[;{}])
    | (?P<quoted>"(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*')
    | (?P<plain>(?!["'])(?:\\.|\$\{|[^\s;{\\])+) | (?P<rest>.)""",
    re.VERBOSE | re.DOTALL,
)
_FOREIGN = re.compile(r"""[{}]|--[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""")
"""What counts in a block of Lua: braces, outside of its comments and texts."""
FREE = ("map", "geo", "types", "split_clients", "charset_map", "match")
"""Blocks that hold no directives."""


def parsed(text: str) -> tuple[tuple[Statement, ...], list[Fault]]:
    """The statements of a configuration, and where it cannot be read."""
    reader = _Reader(text)
    return reader.statements(None), reader.faults


class _Reader:
    """Reads from the beginning to the end, noting the faults on its way."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.faults: list[Fault] = []
        self.lost = False

    def statements(self, outer: Word | None) -> tuple[Statement, ...]:
        """What stands up to the brace that closes `outer`, or up to the end."""
        found: list[Statement] = []
        words: list[Word] = []
        free = outer is not None and outer.text in FREE
        while (token := self._token()) is not None:
            kind, word = token
            if kind == "word":
                if self._begins(word, words, free=free):
                    self._unended(words)
                    found.append(Statement(tuple(words)))
                    words = []
                words.append(word)
            elif word.text == ";":
                if words:
                    found.append(Statement(tuple(words)))
                else:
                    self._fault(word.line, "There is a `;` too many", "Remove it.")
                words = []
            elif word.text == "{":
                found.append(self._block(words, word))
                words = []
            else:
                self._ended(words, found)
                if outer is not None:
                    return tuple(found)
                hint = "Remove it, or look for a `{` that is missing above."
                self._fault(word.line, "This `}` closes nothing", hint)
                words = []
        if self.lost:
            return tuple(found)
        self._ended(words, found)
        if outer is not None:
            message = f"The `{{` of `{outer.text}` is never closed"
            self._fault(outer.line, message, "Add the `}` where the block ends.")
        return tuple(found)

    def _block(self, words: list[Word], brace: Word) -> Statement:
        if not words:
            hint = "Write the directive before it, or remove it."
            self._fault(brace.line, "This `{` belongs to no directive", hint)
            words = [Word("", brace.line)]
        if words[0].text.endswith("_by_lua_block"):
            self._skip()
            return Statement(tuple(words), ())
        return Statement(tuple(words), self.statements(words[0]))

    def _begins(self, word: Word, words: list[Word], *, free: bool) -> bool:
        """Whether a word is a directive of its own, though the last one has no `;`."""
        if not words or free or word.quoted or word.text not in DIRECTIVES:
            return False
        before = self.text[: self.at - len(word.text)]
        return words[-1].line < word.line and not before.rpartition("\n")[2].strip()

    def _ended(self, words: list[Word], found: list[Statement]) -> None:
        if words:
            self._unended(words)
            found.append(Statement(tuple(words)))

    def _unended(self, words: list[Word]) -> None:
        message = f"`{words[0].text}` does not end with `;`"
        said = " ".join(word.text for word in words)
        hint = f"Write `{said};`." if len(said) < 60 else "Add the `;`."
        self._fault(words[-1].line, message, hint)

    def _token(self) -> tuple[str, Word] | None:
        """The next word or mark; None at the end, or where nothing more can be told apart."""
        while not self.lost and (match := _TOKEN.match(self.text, self.at)):
            line, kind, text = self.line, match.lastgroup, match[0]
            if kind == "rest" and text in "\"'":
                hint = "Close it, or look for another one that is missing above."
                self._fault(line, f"The quote {text} here is never closed", hint)
                self.lost = True
                return None
            self.at = match.end()
            self.line += text.count("\n")
            if kind == "mark":
                return "mark", Word(text, line)
            if kind == "quoted":
                self._joined(line)
                return "word", Word(text[1:-1], line, quoted=True)
            if kind in ("plain", "rest"):
                return "word", Word(text, line)
        return None

    def _joined(self, line: int) -> None:
        """A quote must be followed by a space, or by what ends the word."""
        after = self.text[self.at : self.at + 1]
        if after and not re.match(r"[\s;{)]", after):
            hint = "Put a space between them, or both into the quotes."
            self._fault(line, f"`{after}` stands right behind a quote", hint)

    def _skip(self) -> None:
        """Passes over a block of another language."""
        depth = 1
        while depth and (match := _FOREIGN.search(self.text, self.at)):
            depth += {"{": 1, "}": -1}.get(match[0], 0)
            self.line += self.text.count("\n", self.at, match.end())
            self.at = match.end()

    def _fault(self, line: int, message: str, hint: str) -> None:
        self.faults.append(Fault(line, message, hint))


def walk(
    statements: Iterable[Statement], around: tuple[Statement, ...] = ()
) -> Iterator[tuple[Statement, tuple[Statement, ...]]]:
    """Every statement with those around it, but for what is no directive, or not of HTTP."""
    for one in statements:
        yield one, around
        if one.block and one.name not in (*FREE, "stream", "mail"):
            yield from walk(one.block, (*around, one))
