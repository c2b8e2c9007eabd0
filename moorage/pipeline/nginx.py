"""The nginx configurations of a plan's containers, asked of the real nginx where there is one.

A container's configuration stands in its variable `NGINX_CONF`, or in `NGINX_SERVERS` where it is
only what stands within `http`. `nginx -t` reads it as the container's nginx will at start. What is
there only where the container runs (hosts, files, users, ports) is no fault here: hosts are
replaced, for a build asks no DNS, and what refers to files is passed over. An older nginx than the
container's is told by its words: what it does not know is a warning.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from pathlib import Path as FilePath
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import BaseModel

from moorage.findings.finding import Finding, Level, Path, Place
from moorage.findings.wording import shown
from moorage.model import Plan, TextFile
from moorage.pipeline.document import Document

WHOLE, PART = "NGINX_CONF", "NGINX_SERVERS"
"""Variables of a container that hold a configuration of nginx."""

_PATIENCE = 10
"""Seconds after which nginx is not waited for."""
_TRIES = 20
_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")
"""Where nginx is found though it is not on everybody's PATH."""


def installed() -> str | None:
    """The nginx of this machine."""
    return shutil.which("nginx", path=os.pathsep.join((os.environ.get("PATH", ""), *_FOLDERS)))


def tested(plan: Plan, document: Document, nginx: str | None) -> list[Finding]:
    """What nginx says of each configuration in a plan: told in the file that holds it, or at the
    stack. Nothing where there is no nginx."""
    if nginx is None:
        return []
    found = []
    for stack in plan.stacks:
        files = list(_text_files(plan.environment.stacks[stack.name].params))
        for container, variable, text in _configurations(stack.rendering.body):
            fault = refusal(nginx, text, part=variable == PART)
            if fault is not None:
                file = next((one for one in files if _same(one.text, text)), None)
                found.append(_told(fault, text, file, ("stacks", stack.name, container), document))
    return found


def _same(one: str, other: str) -> bool:
    """Whether two texts are one but for spaces."""
    return one.split() == other.split()


def _told(
    fault: Refusal, text: str, file: TextFile | None, path: Path, document: Document
) -> Finding:
    message = f"nginx {fault.version} refuses the configuration: {fault.message}"
    hint = "If the image's nginx is newer and knows it, all is well." if fault.newer else ""
    level: Level = "warning" if fault.newer else "error"
    if file is not None:
        place = Place(file.name, fault.line or 1)
        return Finding("M1222", level, place, (*path, "config"), message, hint)
    if fault.line:
        message += f", in {shown(text.splitlines()[fault.line - 1].strip())}"
    return Finding("M1222", level, document.place(path), path, message, hint)


def _text_files(value: Any) -> Iterator[TextFile]:
    """The files that params name, wherever in them."""
    if isinstance(value, TextFile):
        yield value
    elif isinstance(value, BaseModel):
        for field in value.__dict__.values():
            yield from _text_files(field)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _text_files(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _text_files(item)


def _configurations(body: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Container, variable and text of each configuration in a template."""
    for resource in body.get("Resources", {}).values():
        properties = resource.get("Properties") if isinstance(resource, Mapping) else None
        for container in _items(properties, "ContainerDefinitions"):
            for one in _items(container, "Environment"):
                value = one.get("Value")
                if one.get("Name") in (WHOLE, PART) and isinstance(value, str):
                    yield str(container.get("Name")), one["Name"], value


def _items(value: Any, key: str) -> list[Mapping[str, Any]]:
    """The maps in a list, where there is one: overrides may have put something else there."""
    items = value.get(key) if isinstance(value, Mapping) else None
    return [one for one in items if isinstance(one, Mapping)] if isinstance(items, list) else []


# What nginx says -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Refusal:
    """Why an nginx would not start."""

    message: str
    line: int | None
    version: str
    newer: bool
    """Whether only another nginx may know the word."""


_EMERG = re.compile(
    r"\[emerg\] (?:\d+#\d+: )?(?P<message>.*?)(?: in (?P<file>\S+):(?P<line>\d+))?$"
)
# What is wrong with this machine and not with the configuration: it lacks what the image has.
_ELSEWHERE = re.compile(r"failed \((\d+:|SSL:)|cannot load|host not found|zone \".*\" is unknown")
_NEWER = re.compile(r"unknown directive|invalid parameter|unknown \".*\" variable")
_QUOTES = r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'"
_BEGIN = r"(?<![^\s;{}])"
_PASSED_OVER = re.compile(
    rf"#[^\n]*|{_QUOTES}|(?P<gone>{_BEGIN}(?:pid|user|error_log|lock_file|working_directory"
    r"|access_log(?!\s+(?:off|/dev/))|\w+_temp_path)\s[^;{}\"'#]*;)"
)
_LED = re.compile(
    rf"#[^\n]*|{_QUOTES}|(?P<before>{_BEGIN}(?:\w+_pass\s+(?:\w+://)?|server\s+))"
    r"(?P<host>[A-Za-z0-9._-]+)(?![A-Za-z0-9._-]*[\s]*\{)(?P<after>(?::\d+)?)"
)


def refusal(nginx: str, text: str, *, part: bool = False) -> Refusal | None:
    """Why nginx would not start with a configuration; None where it would, or nobody can tell.
    `part` is for one that stands within `http`."""
    if re.search(rf"{_BEGIN}load_module\s", text):
        return None
    tried = _ready(text)
    for _ in range(_TRIES):
        with TemporaryDirectory() as folder:
            said = _said(nginx, tried, FilePath(folder), part=part)
        if said is None:
            return None
        message, line = said
        missing = re.match(r'open\(\) "(?P<path>[^"]*)" failed', message)
        if missing and line:
            tried = _without_include(tried, line)
        elif _ELSEWHERE.search(message):
            return None
        else:
            return Refusal(message, line, _version(nginx), bool(_NEWER.search(message)))
    return None


def _ready(text: str) -> str:
    """The same lines without what is there only in the container."""
    names = set(re.findall(r"\bupstream\s+(\S+)\s*\{", text))

    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", match[0]) if match["gone"] else match[0]

    def here(match: re.Match[str]) -> str:
        host = match["host"]
        if not host or host in names or host == "unix" or _is_address(host):
            return match[0]
        return f"{match['before']}127.0.0.1{match['after']}"

    return _LED.sub(here, _PASSED_OVER.sub(blank, text))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _without_include(text: str, line: int) -> str:
    """The same lines without what that one includes."""
    lines = text.split("\n")
    lines[line - 1] = re.sub(r"\binclude\s[^;]*;", "", lines[line - 1])
    return "\n".join(lines)


def _said(nginx: str, text: str, folder: FilePath, *, part: bool) -> tuple[str, int | None] | None:
    """What nginx finds wrong first, and on which line."""
    main, within = folder / "nginx.conf", folder / "servers.conf"
    if part:
        within.write_text(text, encoding="utf-8")
        main.write_text(f"events {{}} http {{ include {within}; }}\n", encoding="utf-8")
    else:
        main.write_text(text, encoding="utf-8")
    command = [nginx, "-t", "-q", "-p", str(folder), "-c", str(main), "-g", f"pid {folder}/pid;"]
    options: Any = {"capture_output": True, "text": True, "errors": "replace"}
    try:
        run = subprocess.run(command, timeout=_PATIENCE, check=False, **options)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = next(filter(None, map(_EMERG.search, run.stderr.splitlines())), None)
    if run.returncode == 0 or found is None:
        return None
    mine = found["file"] in (str(within if part else main),)
    return found["message"], int(found["line"]) if mine else None


@cache
def _version(nginx: str) -> str:
    run = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=False)
    found = re.search(r"nginx/(\S+)", run.stderr)
    return found[1] if found else "here"
