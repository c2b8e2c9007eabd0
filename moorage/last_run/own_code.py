"""Whether the code of a project, such as its stack kinds, depends on files and environment only.

What it reads is observed. The clock, random values, the network and other programs are not, and
what it prints is not repeated: such code leaves a doubt, and so do packages that are not Moorage's.
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from types import ModuleType

from moorage.last_run.states import Input, find_state, is_installed
from moorage.records import record

_KNOWN = frozenset(
    ("awacs", "cfnlint", "crossplane", "moorage", "pydantic", "pydantic_core", "ruamel",
     "troposphere", "typing_extensions", "yaml")
)  # fmt: skip
"""Packages that depend on nothing else, apart from the standard library."""

_UNCERTAIN = frozenset(
    ("asyncio", "builtins", "calendar", "code", "concurrent", "ctypes", "curses", "datetime",
     "dbm", "dis", "doctest", "email", "fcntl", "fileinput", "ftplib", "getpass", "grp", "http",
     "imaplib", "importlib", "locale", "logging", "mmap", "multiprocessing", "pdb", "platform",
     "poplib", "posix", "pprint", "profile", "pty", "pwd", "random", "resource", "runpy", "sched",
     "secrets", "select", "selectors", "shelve", "signal", "smtplib", "socket", "socketserver",
     "sqlite3", "ssl", "subprocess", "sysconfig", "syslog", "termios", "threading", "time",
     "timeit", "tkinter", "traceback", "tty", "urllib", "uuid", "warnings", "webbrowser", "xmlrpc")
)  # fmt: skip
"""Modules of the standard library that depend on more than files and environment, or that print."""

_RUNS_NGINX = ".proxy.nginx_run"
"""The module of Moorage that runs the nginx on PATH, which is a file like any other."""

_CALLS = frozenset(("print", "input", "exec", "eval", "__import__", "breakpoint"))
_ATTRIBUTES = frozenset(
    ("CodeType", "FunctionType", "getlogin", "getpid", "stderr", "stdin", "stdout", "uname",
     "urandom")
)  # fmt: skip
_TEXTS = (*(f"{word}(" for word in _CALLS), *_ATTRIBUTES)
_IMPORT = re.compile(r"[ \t]*(?:from|import)[ \t]+(\w+)")
"""An import at the beginning of a line, with the name of its package."""
_OTHER_IMPORT = re.compile(
    r"[ \t]*import\b[^#]*[,;\\]|.*[:;][ \t]*(?:import[ \t]|from[ \t].*(?:\bimport\b|\\$))"
)
"""An import of several packages, or after something else on its line."""


@record
class OwnCode:
    """The code of a process that is not known to depend on files and environment only."""

    modules: Mapping[str, str]
    """The files of modules, by name."""
    loaded_before: frozenset[str]
    """The names of those that were loaded before anything was observed."""
    executed: frozenset[str]
    """Other files whose code has run."""

    def find_doubts(self) -> Iterator[str]:
        """Why the result of the process can depend on more than is known. Reads all files."""
        for file in sorted(self.executed):
            yield from _find_in_module(file, file, self.modules)
        for name, file in self.modules.items():
            if name == "__main__":
                if not _is_plain_start(file):
                    yield f"{file} does more than to call `run`"
            elif name in self.loaded_before:
                yield f"{name} was loaded before"
            elif not name.endswith(_RUNS_NGINX):
                yield from _find_in_module(name, file, self.modules)

    def find_digest(self, states: Mapping[Input, str]) -> str:
        """A hash of all that decides the doubts. `states` has those of all files of the code that
        are not installed."""
        files = sorted({__file__, *self.modules.values(), *self.executed})
        known = {
            "modules": dict(self.modules),
            "loaded_before": sorted(self.loaded_before),
            "executed": sorted(self.executed),
            "states": [
                states.get(("content", file)) or find_state("installed", file) for file in files
            ],
        }
        return sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def find_own_code(
    modules: Mapping[str, ModuleType],
    before: frozenset[str],
    moorage: str,
    package: str = "",
    executed: Iterable[str] = (),
) -> OwnCode:
    """The code of a process with these modules.

    `before` are the names of those that were loaded before anything was observed, `moorage` is the
    folder of Moorage's own modules, `package` that of the stack kinds, which may be installed, and
    `executed` are files whose code has run, as a module or not.
    """
    top = package.partition(".")[0]
    own = {
        name: file
        for name, module in modules.items()
        if (file := find_file(module))
        and not file.startswith(moorage)
        and (not is_installed(file) or name.partition(".")[0] == top)
    }
    others = {file for file in executed if file.endswith(".py") and not file.startswith(moorage)}
    return OwnCode(own, before.intersection(own), frozenset(others.difference(own.values())))


def find_file(module: ModuleType | None) -> str:
    """The file of a loaded module; empty for one without."""
    file = getattr(module, "__file__", None)
    return os.path.abspath(file) if isinstance(file, str) else ""


def _is_plain_start(file: str) -> bool:
    """Whether a script only calls `run` of Moorage, like the one of a new project, or the one that
    is installed next to Python."""
    if os.path.dirname(os.path.realpath(file)) == os.path.dirname(os.path.abspath(sys.executable)):
        return True
    try:
        statements = ast.parse(Path(file).read_bytes()).body
    except (OSError, SyntaxError, ValueError):
        return False
    return all(_is_plain(statement) for statement in statements)


def _is_plain(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.ImportFrom(module="moorage.cli" | "__future__", level=0):
            return True
        case ast.If(test=ast.Compare(left=ast.Name(id="__name__")), body=body, orelse=[]):
            return all(_is_plain(inner) for inner in body)
        case ast.Expr(value=ast.Call(func=ast.Name(id="run"), args=words, keywords=[])):
            return all(isinstance(word, ast.Constant) for word in words)
    return False


def _find_in_module(name: str, file: str, own: Mapping[str, str]) -> Iterator[str]:
    try:
        text = Path(file).read_bytes().decode()
    except (OSError, ValueError):
        yield f"{name} has no readable source"
        return
    certain = (_KNOWN | sys.stdlib_module_names | own.keys()) - _UNCERTAIN
    if _is_certain(text, certain):
        return  # without parsing, which is slow
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        yield f"{name} has no readable source"
        return
    for word in _find_words(tree):
        if word not in certain:
            yield f"{name} uses {word}"


def _is_certain(text: str, certain: Collection[str]) -> bool:
    """Whether a text has no word of a call or attribute that leaves a doubt, and imports only what
    is certain. It looks for few texts, since there are hundreds of modules."""
    if any(word in text for word in _TEXTS):
        return False
    for line in text.splitlines():
        if "import" in line or "from" in line:
            match = _IMPORT.match(line)
            if (match and match[1] not in certain) or _OTHER_IMPORT.match(line):
                return False
    return True


def _find_words(tree: ast.Module) -> Iterator[str]:
    """The modules that code imports, and names of functions and streams that leave a doubt."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name.partition(".")[0] for alias in names)
            case ast.ImportFrom(module=str(module), level=0, names=names):
                yield module.partition(".")[0]
                yield from (alias.name for alias in names if alias.name in _ATTRIBUTES)
            case ast.Call(func=ast.Name(id=word)) if word in _CALLS:
                yield f"{word}()"
            case ast.Attribute(attr=word) if word in _ATTRIBUTES:
                yield f".{word}"
