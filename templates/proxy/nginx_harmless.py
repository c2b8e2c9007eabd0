"""Writes a parsed configuration again, with nothing that could do harm when nginx reads it.

nginx never gets the text of the user, which it may read differently from our parser. Each word is
written in an unambiguous form, and each directive on lines of its own.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_network
from itertools import count

from moorage.records import record

from .nginx_allowed import ALLOWED, is_reported, is_unknown
from .nginx_syntax import NO_DIRECTIVES, Directive

LOOPBACK = "127.255.255.254"
"""The address that nginx listens on instead of all addresses. Nothing else uses it."""
LOG, CA, FOLDER = "log", "ca.pem", "folder"
"""Names of the files and folders of a run of nginx."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_PLAIN = re.compile(r"[A-Za-z0-9_./:=-]+")


@record
class Harmless:
    """A configuration that nginx may read."""

    text: str
    lines: tuple[int, ...]
    """The line of the original for each line of the text; 0 if it has none."""
    left_out: tuple[Directive, ...]
    """Directives that are not in the text."""

    @property
    def reported(self) -> list[Directive]:
        """The directives that the build reports, because nginx did not test them."""
        return [directive for directive in self.left_out if is_reported(directive.name)]

    @property
    def unknown(self) -> list[str]:
        """Names of directives that no known module has, in order and without duplicates."""
        names = (directive.words[0].value for directive in self.left_out)
        return [*dict.fromkeys(name for name in names if is_unknown(name))]


def find_control_character(text: str) -> int | None:
    """The line of the first character that no configuration needs and C programs misread."""
    match = _CONTROL.search(text)
    return text.count("\n", 0, match.start()) + 1 if match else None


def quote_word(value: str) -> str:
    """A word of a configuration that nginx reads as this value (ngx_conf_read_token).

    >>> quote_word("http://10.0.0.1/"), quote_word('a "b";'), quote_word(r"^/\\.(a|b)$")
    ('http://10.0.0.1/', '\\'a "b";\\'', '"^/\\\\.(a|b)$"')
    """
    if _PLAIN.fullmatch(value):
        return value
    mark = "'" if value.count('"') > value.count("'") else '"'
    # A backslash stays as it is, unless what follows would be escaped by it.
    escaped = re.sub(r"""\\(?=["'\\trn]|\Z)""", r"\\\\", value)
    return mark + escaped.replace(mark, f"\\{mark}") + mark


def make_harmless(
    directives: Sequence[Directive], text: str, folder: str, kinds: Sequence[str], *, part: bool
) -> Harmless:
    """What nginx may read of a parsed text. `folder` is the folder of this run, `kinds` are the
    kinds of temporary folders that this nginx has, and `part` says that the text is the content of
    an `http` block."""
    writer = _Writer(text, folder, kinds, _upstreams(directives))
    if part:
        writer.write(0, "events {}")
        writer.write(0, "http {")
        writer.write_http(directives, 0)
        writer.write(0, "}")
    else:
        writer.write_all(directives)
    return Harmless(
        "".join(f"{line}\n" for line in writer.texts),
        tuple(writer.lines),
        tuple(writer.left_out),
    )


def _upstreams(directives: Iterable[Directive]) -> set[str]:
    names: set[str] = set()
    for directive in directives:
        if directive.name == "upstream" and len(directive.words) > 1:
            names.add(directive.words[1].value)
        names |= _upstreams(directive.block or ())
    return names


class _Writer:
    def __init__(self, text: str, folder: str, kinds: Sequence[str], upstreams: set[str]) -> None:
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        self._folder = folder
        self._kinds = kinds
        self._numbers = count()
        self._upstreams = upstreams
        self.texts: list[str] = []
        self.lines: list[int] = []
        self.left_out: list[Directive] = []

    def write(self, line: int, text: str) -> None:
        """Adds text, of one or more lines, that comes from a line of the original."""
        self.texts.append(text)
        self.lines += [line] * (text.count("\n") + 1)

    def write_all(self, directives: Iterable[Directive]) -> None:
        for directive in directives:
            self._write_directive(directive)

    def write_http(self, directives: Sequence[Directive], line: int) -> None:
        """The content of `http`, with the files that nginx creates by default in the folder of this
        run."""
        names = {directive.name for directive in directives}
        for kind in self._kinds:
            if f"{kind}_temp_path" not in names:
                self.write(0, f"{kind}_temp_path {quote_word(self._new_folder())};")
        if "access_log" not in names:
            self.write(line, "access_log off;")
        self.write_all(directives)

    def _write_directive(self, directive: Directive) -> None:
        name = directive.words[0].value
        treatment = ALLOWED.get(name)
        arguments = [word.value for word in directive.words[1:]]
        is_server = name == "server" and directive.block is not None
        if treatment == "host" and not is_server:
            replaced = [*_replace_hosts(name, arguments, self._upstreams)]
        elif treatment is not None:
            replaced = self._replace_files(name, treatment, arguments)
        if treatment is None or (arguments and not replaced):
            self.left_out.append(directive)
            return
        line = self._line_at(directive.words[-1].end)
        start = " ".join(map(quote_word, [name, *replaced]))
        if directive.block is None:
            self.write(line, f"{start};")
            return
        self.write(line, f"{start} {{")
        self._write_block(directive, is_server)
        self.write(self._line_at(directive.end), "}")

    def _write_block(self, directive: Directive, is_server: bool) -> None:
        block = directive.block or ()
        if directive.name in NO_DIRECTIVES:
            self._write_values(block)
        elif directive.name == "http":
            self.write_http(block, directive.line)
        else:
            if is_server and not any(map(_listens, block)):
                self.write(directive.line, f"listen {LOOPBACK}:80;")
            self.write_all(block)

    def _write_values(self, block: Iterable[Directive]) -> None:
        """The lines of a block with values, such as `map`. nginx refuses a block among them."""
        for values in block:
            if values.words[0].value == "include":
                self.left_out.append(values)
                continue
            line = self._line_at(values.words[-1].end)
            end = ";" if values.block is None else " {}"
            self.write(line, " ".join(quote_word(word.value) for word in values.words) + end)

    def _replace_files(self, name: str, treatment: str, arguments: Sequence[str]) -> list[str]:
        if not arguments or treatment in ("as it is", "block", "values", "host"):
            return [*arguments]
        first, *options = arguments
        if treatment == "log":
            log = "stderr" if name == "error_log" else f"{self._folder}/{LOG}"
            return [first if first == "off" and name == "access_log" else log, *options]
        if treatment == "path":
            return [first if "$" in first or first in ("on", "off") else "/", *options]
        if treatment == "folder":
            return [first if first == "off" else self._new_folder(), *options]
        return ["$host" if treatment == "key" else f"{self._folder}/{CA}", *options]

    def _new_folder(self) -> str:
        return f"{self._folder}/{FOLDER}{next(self._numbers)}"

    def _line_at(self, offset: int) -> int:
        return bisect_left(self._newlines, offset) + 1


# Hosts and addresses ---------------------------------------------------------------------------

_PASSES_LATER = ("proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass")
"""Directives that look up a host when requests arrive if there is a variable in the argument."""
_RESOLVER_OPTIONS = ("valid=", "ipv4=", "ipv6=", "status_zone=")
_URL = re.compile(
    r"(?P<scheme>[a-z]\w*://)?(?P<host>\[[^\]/]*\]|[^:/?]*)(?P<suffix>.*)",
    re.DOTALL | re.IGNORECASE | re.ASCII,
)


def _listens(directive: Directive) -> bool:
    words = [word.value for word in directive.words]
    return words[0] == "listen" and bool([*_replace_hosts("listen", words[1:], set())])


def _replace_hosts(name: str, arguments: Sequence[str], upstreams: set[str]) -> Iterator[str]:
    """The arguments without hosts to look up; none if the directive must be left out."""
    if not arguments:
        return
    first, *options = arguments
    if name == "resolver":
        for argument in arguments:
            is_option = argument.startswith(_RESOLVER_OPTIONS)
            yield argument if is_option else _replace_host(argument, set())
    elif name == "listen":
        if not first.lower().startswith("unix:"):
            yield from (_replace_listen(first), *options)
    elif name in _PASSES_LATER and "$" in first:
        yield from arguments
    else:
        yield from (_replace_host(first, upstreams), *options)


def _replace_listen(address: str) -> str:
    if address.isascii() and address.isdigit():
        return f"{LOOPBACK}:{address}"
    match = re.fullmatch(r"(\*|0\.0\.0\.0|\[::\])(:[0-9]{1,5})?", address, re.ASCII)
    if match:
        return ("[::1]" if match[1] == "[::]" else LOOPBACK) + (match[2] or ":80")
    return _replace_host(address, set())


def _replace_host(url: str, upstreams: set[str]) -> str:
    """The argument without a host to look up. Addresses and upstreams are not looked up."""
    if _is_network(url) or url == "unix:":
        return url
    match = _URL.fullmatch(url)
    scheme, host, suffix = match.group("scheme", "host", "suffix") if match else ("", "", "")
    if host == "unix":
        return f"{scheme or ''}unix:/socket"
    if _is_network(host.strip("[]")) or host in upstreams or (host.isascii() and host.isdigit()):
        return url
    return f"{scheme or ''}127.0.0.1{suffix}"


def _is_network(text: str) -> bool:
    try:
        return bool(ip_network(text, strict=False)) and "%" not in text
    except ValueError:
        return False
