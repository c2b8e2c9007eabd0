"""Tests the configuration of a proxy with the nginx of this machine, if there is one.

`nginx -t` reads the configuration as the nginx in the container will when it starts. Hosts, files
and users that exist only in the container are not mistakes: they are removed or replaced first, in
the parsed text. No host is looked up, and no file that the configuration names is written. nginx
does not run if the text cannot be parsed or loads modules.

The installed nginx may differ from the container's. If another version may accept the text, the
mistake is a warning.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from pathlib import Path as FilePath
from tempfile import TemporaryDirectory
from typing import Any

from moorage.findings.finding import Place, Problem
from moorage.findings.wording import shown
from moorage.model import TextFile

from .nginx_syntax import Directive, Word, parse_configuration
from .params import Proxy
from .proxy import COMPLETE_VARIABLE, HTTP_PART_VARIABLE, PROXY

_TIMEOUT = 10
"""Seconds after which nginx is stopped, and nothing is reported."""
_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")
"""Where nginx may be installed without being on the user's PATH."""


def find_nginx() -> str | None:
    """The path of the nginx of this machine, if there is one."""
    return shutil.which("nginx", path=os.pathsep.join((os.environ.get("PATH", ""), *_FOLDERS)))


def configuration_problems(proxy: Proxy, body: Mapping[str, Any]) -> Iterator[Problem]:
    """Why the installed nginx refuses the configuration in a rendered template: reported at the
    line of the user's file, or at `proxy`. Nothing is reported if nginx is not installed."""
    nginx = find_nginx()
    if nginx is None:
        return
    for variable, text in _find_configurations(body):
        refusal = find_refusal(nginx, text, part=variable == HTTP_PART_VARIABLE)
        if refusal is not None:
            yield _refusal_problem(refusal, text, proxy.config)


def _refusal_problem(refusal: Refusal, text: str, file: TextFile | None) -> Problem:
    if refusal.unknown:
        message = f"The installed nginx {refusal.version} does not know this: {refusal.message}"
        hint = "Correct it, or ignore this if the nginx of the image is newer or has the module."
    else:
        message = f"nginx {refusal.version} does not start: {refusal.message}"
        hint = "Correct this line."
    # An override may have put another configuration in the place of the file's.
    from_file = file is not None and file.text.split() == text.split()
    if not from_file and refusal.line:
        line = text.split("\n")[refusal.line - 1].strip()
        message += f", in {shown(line)}"
        hint = hint if refusal.unknown else "Correct the setting of `proxy` that it comes from."
    return Problem(
        "M3031" if refusal.unknown else "M3030",
        (PROXY, "config") if from_file else (PROXY,),
        message,
        hint,
        "warning" if refusal.unknown else "error",
        place=Place(file.name, refusal.line or 1) if file and from_file else None,
    )


def _find_configurations(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The variables of the proxy's container that hold a configuration, with their values."""
    for resource in body.get("Resources", {}).values():
        properties = resource.get("Properties") if isinstance(resource, Mapping) else None
        for container in _maps_in(properties, "ContainerDefinitions"):
            if container.get("Name") == PROXY:
                for variable in _maps_in(container, "Environment"):
                    name, value = variable.get("Name"), variable.get("Value")
                    if name in (COMPLETE_VARIABLE, HTTP_PART_VARIABLE) and isinstance(value, str):
                        yield name, value


def _maps_in(value: Any, key: str) -> list[Mapping[str, Any]]:
    """The maps in the list of a key, if it is a list: overrides may have put anything there."""
    items = value.get(key) if isinstance(value, Mapping) else None
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


# Messages of nginx ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Refusal:
    """Why an nginx does not start with a configuration."""

    message: str
    line: int | None
    version: str
    unknown: bool
    """Whether another version of nginx, or one with more modules, may accept it."""


_EMERG = re.compile(
    r"\[emerg\] (?:[0-9]+#[0-9]+: )?(?P<message>.*?)(?: in (?P<file>\S+):(?P<line>[0-9]+))?$"
)
# Failures for things that the image has and this machine may not have.
_MISSING_LOCALLY = re.compile(
    r"failed \(([0-9]+:|SSL:)|cannot load|host not found|zone \".*\" is unknown"
)
_UNKNOWN = re.compile(r"unknown directive|invalid parameter|unknown \".*\" variable")


def find_refusal(nginx: str, text: str, *, part: bool = False) -> Refusal | None:
    """Why nginx does not start with a configuration; None if it does, or if that cannot be known.
    `part` is for a text that is the inside of `http`."""
    prepared = _prepare(text)
    if prepared is None:
        return None
    with TemporaryDirectory() as folder:
        emergency = run_nginx(nginx, prepared, FilePath(folder), part=part)
    if emergency is None or _MISSING_LOCALLY.search(emergency[0]):
        return None
    message, line = emergency
    return Refusal(message, line, _find_version(nginx), bool(_UNKNOWN.search(message)))


def run_nginx(
    nginx: str, text: str, folder: FilePath, *, part: bool
) -> tuple[str, int | None] | None:
    """The first mistake that nginx finds, and its line; None if it starts, or cannot be run. The
    text is not changed before nginx reads it."""
    main, included = folder / "nginx.conf", folder / "servers.conf"
    if part:
        included.write_text(text, encoding="utf-8")
        main.write_text(f"events {{}} http {{ include {included}; }}\n", encoding="utf-8")
    else:
        main.write_text(text, encoding="utf-8")
    command = [nginx, "-t", "-q", "-p", str(folder), "-c", str(main), "-g", f"pid {folder}/pid;"]
    output: Any = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
    try:
        run = subprocess.run(
            command, env={}, timeout=_TIMEOUT, check=False, errors="replace", **output
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = next(filter(None, map(_EMERG.search, run.stderr.splitlines())), None)
    if run.returncode == 0 or match is None:
        return None
    in_text = match["file"] == str(included if part else main)
    return match["message"], int(match["line"]) if in_text else None


@cache
def _find_version(nginx: str) -> str:
    run = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=False)
    match = re.search(r"nginx/(\S+)", run.stderr)
    return match[1] if match else "of this machine"


# Preparation of the text ---------------------------------------------------------------------

_REMOVED = re.compile(
    r"pid|user|lock_file|working_directory|error_log|include|ssl_engine|google_perftools_profiles"
    r"|\w+_temp_path|\w+_cache_path|\w*_by_lua\w*|(lua|perl|js)_\w+|perl"
)
"""Directives that name users or files of the image, that write files, or that run programs."""
_LOGS = ("off", "/dev/stdout", "/dev/stderr", "/dev/null")
"""Where an access log may be written, on this machine too."""
_NAMES_HOST = re.compile(r"\w+_pass|server|resolver|listen|set_real_ip_from")
_HOST = re.compile(
    r"(?P<before>[\"']?(?:\w+://)?)(?P<host>(?=[0-9._-]*[A-Za-z])[A-Za-z0-9._-]+)"
    r"(?P<after>(?::[0-9]+)?(?:[/\"'].*)?)",
    re.DOTALL,
)


def _prepare(text: str) -> str | None:
    """The same lines without what exists only in the container. None if nginx must not read it."""
    directives, mistakes = parse_configuration(text)
    all_directives = list(_all_directives(directives))
    if mistakes or any(directive.name == "load_module" for directive in all_directives):
        return None
    upstreams = {directive.arguments[0] for directive in all_directives if _is_upstream(directive)}
    pieces, offset = [], 0
    for start, end, replacement in _replacements(directives, text, upstreams):
        pieces += [text[offset:start], replacement]
        offset = end
    return "".join([*pieces, text[offset:]])


def _is_upstream(directive: Directive) -> bool:
    return directive.name == "upstream" and bool(directive.arguments)


def _all_directives(directives: Iterable[Directive]) -> Iterator[Directive]:
    for directive in directives:
        yield directive
        yield from _all_directives(directive.block or ())


def _replacements(
    directives: Iterable[Directive], text: str, upstreams: set[str]
) -> Iterator[tuple[int, int, str]]:
    """Start, end and replacement of each part that nginx must not read, in the order of the
    text."""
    for directive in directives:
        log = directive.name == "access_log" and directive.arguments[:1] not in {
            (w,) for w in _LOGS
        }
        if log or _REMOVED.fullmatch(directive.name):
            start = directive.words[0].start
            yield start, directive.end, re.sub(r"[^\n]", " ", text[start : directive.end])
            continue
        if _NAMES_HOST.fullmatch(directive.name):
            for word in directive.words[1 : None if directive.name == "resolver" else 2]:
                yield from _host_replacements(word, text, upstreams)
        yield from _replacements(directive.block or (), text, upstreams)


def _host_replacements(
    word: Word, text: str, upstreams: set[str]
) -> Iterator[tuple[int, int, str]]:
    """An address instead of a host, so that nginx looks up no name."""
    match = _HOST.fullmatch(text[word.start : word.end])
    if match and match["host"] not in {*upstreams, "unix"} and not _is_address(match["host"]):
        yield word.start, word.end, f"{match['before']}127.0.0.1{match['after']}"


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
