"""What is wrong with an nginx configuration, as far as its text tells: with line numbers, and
without nginx.

It is read as nginx reads it (ngx_conf_file.c): words, quotes, `;`, `{` and `}`. Then come the
mistakes that end nginx at start, which ends the task, and some that show only later. What may be
right somewhere is no fault: a word that no list holds is one only if it is nearly another.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from moorage.findings.finding import Level

from .nginx_words import DIRECTIVES, ONCE, VARIABLE_PREFIXES, VARIABLES


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


@dataclass(frozen=True)
class Task:
    """What the configuration meets where it runs."""

    port: int
    """The port that load balancers send to."""
    containers: Mapping[str, tuple[str, Collection[int]]]
    """Address and TCP ports of the other containers of the task by name."""


def faults(text: str, task: Task) -> list[Fault]:
    """What is wrong with a configuration: a whole one, or one for /etc/nginx/conf.d."""
    statements, found = parsed(text)
    if not any(fault.level == "error" for fault in found):
        every = list(_every(statements))
        found += [
            *_block_faults(statements, is_whole(statements)),
            *_word_faults(every),
            *_name_faults(every),
            *_variable_faults(every, text),
            *_listen_faults(every, task),
            *_target_faults(every, task),
        ]
    return sorted(found, key=lambda fault: fault.line)


def is_whole(statements: Sequence[Statement]) -> bool:
    """Whether it is a whole configuration, and not only what stands within `http`."""
    outer = {"http", "events", "worker_processes", "daemon", "pid", "user", "stream", "load_module"}
    return any(one.name in outer for one in statements)


# Reading -------------------------------------------------------------------------------------

# A word ends at a space, `;` or `{`, but not at `${`, and a backslash takes the next letter along.
_TOKEN = re.compile(
    r"""(?P<space>\s+) | (?P<comment>\#[^\n]*) | (?P<mark>[;{}])
    | (?P<quoted>"(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*')
    | (?P<plain>(?!["'])(?:\\.|\$\{|[^\s;{\\])+) | (?P<rest>.)""",
    re.VERBOSE | re.DOTALL,
)
_FOREIGN = re.compile(r"""[{}]|--[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""")
"""What counts in a block of Lua: braces, outside of its comments and texts."""
_FREE = ("map", "geo", "types", "split_clients", "charset_map", "match")
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
        free = outer is not None and outer.text in _FREE
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


def _every(
    statements: Iterable[Statement], around: tuple[Statement, ...] = ()
) -> Iterator[tuple[Statement, tuple[Statement, ...]]]:
    """Every statement with those around it, but for what is no directive, or not of HTTP."""
    for one in statements:
        yield one, around
        if one.block and one.name not in (*_FREE, "stream", "mail"):
            yield from _every(one.block, (*around, one))


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
    for one, around in _every(statements):
        outer = around[-1].name if around else root
        if one.name in _PLACES and outer not in (*_PLACES[one.name], "include"):
            where = f"in `{outer}`" if outer else "at the top"
            message = f"`{one.name}` cannot stand {where}"
            places = [f"`{place}`" for place in _PLACES[one.name] if place]
            hint = f"It belongs into {' or '.join(places)}." if places else "It belongs to the top."
            yield Fault(one.line, message, hint)
        if one.block is not None and one.name not in _FREE:
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


# Ports and targets ---------------------------------------------------------------------------


def _listen_faults(
    every: Sequence[tuple[Statement, tuple[Statement, ...]]], task: Task
) -> Iterator[Fault]:
    servers = [one for one, around in every if one.name == "server" and one.block is not None]
    heard: set[int] = set()
    unsaid: list[Fault] = []
    for server in servers:
        listens = [one for one in server.block or () if one.name == "listen"]
        if not listens and not any(one.name == "include" for one in server.block or ()):
            message = "The server does not say what it listens on, which makes it port 80"
            hint = f"Write `listen {task.port};`."
            unsaid.append(Fault(server.line, message, hint, "warning"))
            heard.add(80)
        heard |= {_listened(one.arguments[0]) for one in listens if one.arguments}
    yield from unsaid
    included = any(one.name == "include" for one, _ in every)
    if servers and task.port not in heard and not included:
        said = ", ".join(str(port) for port in sorted(heard - {0}))
        message = f"No server listens on port {task.port}, which load balancers send to"
        hint = f"Write `listen {task.port};`, or `port:` with {said}."
        yield Fault(servers[0].line, message, hint)
    elif not servers and not included:
        message = "There is no `server`, so nothing listens"
        yield Fault(1, message, f"Write one with `listen {task.port};`.")


def _listened(argument: str) -> int:
    """The port of `8080`, `127.0.0.1:8080` or `[::]:8080`; 80 without one, 0 for a socket."""
    if argument.startswith("unix:"):
        return 0
    last = argument.rpartition(":")[2] if "]" not in argument else argument.rpartition("]:")[2]
    return int(last) if last.isdecimal() else 80


_PASSES = {"proxy_pass", "fastcgi_pass", "uwsgi_pass", "grpc_pass", "scgi_pass"}


def _target_faults(
    every: Sequence[tuple[Statement, tuple[Statement, ...]]], task: Task
) -> Iterator[Fault]:
    upstreams = {one.arguments[0] for one, _ in every if one.name == "upstream" and one.arguments}
    resolved = any(one.name == "resolver" for one, _ in every)
    settings = {
        one.arguments[0]: one.arguments[1]
        for one, _ in every
        if one.name == "set" and len(one.arguments) == 2
    }
    for one, around in every:
        member = one.name == "server" and bool(around) and around[-1].name == "upstream"
        if not one.arguments or not (one.name in _PASSES or member):
            continue
        host, port = _host(one.arguments[0])
        if host in upstreams or host.startswith("unix:") or "resolve" in one.arguments:
            continue
        if "$" in host:
            value = settings.get(host, "")
            named = value and value not in upstreams and not _is_address(_host(value)[0])
            if named and not resolved and "$" not in value:
                message = f"`{value}` is to be resolved, and there is no `resolver`: every request "
                message += "would be answered 502"
                yield Fault(one.line, message, "Write `resolver 169.254.169.253 valid=5s;`.")
            continue
        yield from _host_faults(one.line, host, port or _usual_port(one), task)


def _usual_port(one: Statement) -> int:
    return 443 if one.arguments[0].startswith(("https:", "grpcs:")) else 80


def _host(target: str) -> tuple[str, int | None]:
    """Host and port of `https://host:8080/path`, or of `host:8080`."""
    rest = re.sub(r"^[a-z]+://", "", target)
    if rest.startswith("unix:"):
        return rest, None
    match = re.match(r"(\[[^\]]*\]|[^/:]*)(?::(\d+))?", rest)
    assert match is not None, "both halves may be empty"
    return match[1].strip("[]"), int(match[2]) if match[2] else None


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _loops(host: str) -> bool:
    return _is_address(host) and ip_address(host).is_loopback


def _host_faults(line: int, host: str, port: int, task: Task) -> Iterator[Fault]:
    """What is wrong with a host that is written out."""
    if host in task.containers:
        address, ports = task.containers[host]
        if address != host:
            to = port if port in ports else next(iter(ports), port)
            message = f"Nothing is found under the name `{host}`: nginx would not start"
            hint = f"The containers of a task share one address: write `{address}:{to}`."
            yield Fault(line, message, hint)
        elif ports and port not in ports:
            yield _no_port(line, host, port, ports)
        return
    shared = {port for at, ports in task.containers.values() for port in ports if _loops(at)}
    loopback = host == "localhost" or _loops(host)
    if host == "localhost":
        message = "`localhost` may also mean ::1, where the container may not listen"
        yield Fault(line, message, f"Write `127.0.0.1:{port}`.", "warning")
    if loopback and port not in shared and port != task.port:
        yield _no_port(line, host, port, shared)
    elif not loopback and not _is_address(host):
        meant = next(iter(difflib.get_close_matches(host, task.containers, n=1, cutoff=0.8)), "")
        if "." not in host and meant:
            yield Fault(line, f"There is no container `{host}`", f"Did you mean `{meant}`?")
        elif "." not in host:
            message = f"`{host}` is no container of the task, and nginx does not start where a "
            message += "name is not found"
            hint = "Nothing is wrong if Service Connect has the name."
            yield Fault(line, message, hint, "warning")
        else:
            message = f"`{host}` is resolved at start and never again, though its addresses change"
            hint = f"Write `set $upstream {host};`, pass to `$upstream`, and have a `resolver`."
            yield Fault(line, message, hint, "warning")


def _no_port(line: int, host: str, port: int, ports: Iterable[int]) -> Fault:
    said = ", ".join(str(one) for one in sorted(ports))
    message = f"No container is said to listen on port {port}, which `{host}` leads to"
    hint = f"Known `ports`: {said}." if said else "Add it to the `ports` of a container."
    return Fault(line, message, hint, "warning")
