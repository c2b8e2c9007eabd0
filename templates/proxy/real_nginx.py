"""Tests the configuration of a proxy with the nginx of this machine, if there is one.

`nginx -t` reads the configuration as the nginx in the container will when it starts. What it reads
is written by `nginx_harmless` from the parsed text: no file that the configuration names is opened
or created, no host is looked up, nothing is loaded. So hosts, files and users that exist only in
the container are not mistakes (docs/decisions/0020-untrusted-configurations.md).

The installed nginx may differ from the container's. If another version may accept the text, the
mistake is a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from tempfile import TemporaryDirectory
from typing import Any

from moorage.findings.finding import Level, Place, Problem
from moorage.findings.wording import shown
from moorage.model import TextFile
from moorage.records import record

from .nginx_harmless import LOOPBACK, Harmless, find_control_character, make_harmless, quote_word
from .nginx_run import (
    NginxStoppedError,
    find_nginx,
    find_temporary_kinds,
    find_version,
    run_nginx,
)
from .nginx_syntax import Directive, parse_configuration
from .params import Proxy
from .proxy import COMPLETE_VARIABLE, HTTP_PART_VARIABLE, PROXY

_MAX_MESSAGE = 300
"""Characters of a message of nginx that are shown."""
_MAX_PROBES = 3
"""How many unknown directives are tried with nginx."""


@record
class Refusal:
    """Why an nginx does not start with a configuration."""

    message: str
    line: int | None
    version: str
    unknown: bool
    """Whether another version of nginx, or one with more modules, may accept it."""


@record
class Outcome:
    """The result of a test of a configuration."""

    refusal: Refusal | None = None
    """None if nginx starts, or if that cannot be known."""
    untested: str = ""
    """What nginx did not test, and why; empty if there is nothing to report."""
    untested_line: int = 1


def configuration_problems(proxy: Proxy, body: Mapping[str, Any]) -> Iterator[Problem]:
    """Why the installed nginx refuses the configuration in a rendered template, and what it did not
    test, at the line of the `config:` file or at `proxy`; nothing if nginx is not installed."""
    nginx = find_nginx()
    if nginx is None:
        return
    for variable, text in _find_configurations(body):
        test = try_configuration(nginx, text, part=variable == HTTP_PART_VARIABLE)
        # An override may have replaced the configuration of the file.
        file = proxy.config if proxy.config and proxy.config.text.split() == text.split() else None
        if test.refusal is not None:
            yield _refusal_problem(test.refusal, text, file)
        if test.untested:
            hint = "Nothing has to change. Test it with `nginx -t` in the container."
            yield _problem("M3032", test.untested, hint, file, test.untested_line)


def _refusal_problem(refusal: Refusal, text: str, file: TextFile | None) -> Problem:
    if refusal.unknown:
        message = f"The installed nginx {refusal.version} does not know this: {refusal.message}"
        hint = "Correct it, or ignore this if the nginx of the image is newer or has the module."
    else:
        message = f"nginx {refusal.version} does not start: {refusal.message}"
        hint = "Correct this line."
    if file is None and refusal.line:
        line = text.split("\n")[refusal.line - 1].strip()
        message += f", in {shown(line)}"
        hint = hint if refusal.unknown else "Correct the setting of `proxy` that it comes from."
    return _problem("M3031" if refusal.unknown else "M3030", message, hint, file, refusal.line or 1)


_LEVELS: Mapping[str, Level] = {"M3030": "error", "M3031": "warning", "M3032": "info"}


def _problem(code: str, message: str, hint: str, file: TextFile | None, line: int) -> Problem:
    path = (PROXY, "config") if file else (PROXY,)
    place = Place(file.name, line) if file else None
    return Problem(code, path, message, hint, _LEVELS[code], place=place)


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


# The test ------------------------------------------------------------------------------------

# Failures for things that the image has and this machine may not have.
_MISSING_LOCALLY = re.compile(
    r"failed \(([0-9]+:|SSL:)|cannot load|host not found|zone \".*\" is unknown"
)
_UNKNOWN = re.compile(r"unknown directive|invalid parameter|unknown \".*\" variable")
_NO_MEMORY = "failed (12:"
"""ENOMEM in a message of nginx."""
_UNFINISHED = "nginx does not finish the test of this configuration in the time and memory it has"
_UNKNOWN_VARIABLE = re.compile(r"unknown \"(\w+)\" variable")


def find_refusal(nginx: str, text: str, *, part: bool = False) -> Refusal | None:
    """Why nginx does not start with a configuration; None if it does, or if that cannot be known.
    `part` says that the text is the content of an `http` block."""
    return try_configuration(nginx, text, part=part).refusal


def try_configuration(nginx: str, text: str, *, part: bool = False) -> Outcome:
    """Tests what nginx may read of a configuration."""
    if (line := find_control_character(text)) is not None:
        message = "nginx does not test this configuration, which has a control character"
        return Outcome(untested=message, untested_line=line)
    directives, mistakes = parse_configuration(text)
    if mistakes:
        message = "nginx does not test this configuration, which Moorage cannot read"
        return Outcome(untested=f"{message}: {mistakes[0].message}", untested_line=mistakes[0].line)
    with TemporaryDirectory() as folder:
        kinds = find_temporary_kinds(nginx)
        harmless = make_harmless(directives, text, folder, kinds, part=part)
        try:
            emergency = run_nginx(nginx, harmless.text, FilePath(folder))
        except NginxStoppedError:
            return Outcome(untested=_UNFINISHED)
    if emergency and _NO_MEMORY in emergency[0]:
        return Outcome(untested=_UNFINISHED)
    refusal = _read_refusal(emergency, harmless, folder, find_version(nginx)) if emergency else None
    if refusal is None and not _loads_modules(harmless):
        refusal = _find_unknown_directive(nginx, harmless)
    if not (reported := harmless.reported):
        return Outcome(refusal)
    return Outcome(refusal, _describe_left_out(reported), reported[0].line)


def _describe_left_out(directives: Sequence[Directive]) -> str:
    first = {directive.name: directive.line for directive in reversed(directives)}
    names = [f"{shown(name)} (line {line})" for name, line in reversed(first.items())]
    listed = ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]
    return f"nginx tests this configuration without {listed}"


def _read_refusal(
    emergency: tuple[str, int | None], harmless: Harmless, folder: str, version: str
) -> Refusal | None:
    """The refusal in a message of nginx, with the line of the original text; None if the message is
    about this machine, or about what was left out."""
    message, number = emergency
    if _MISSING_LOCALLY.search(message) or _is_explained(message, harmless):
        return None
    message = message.replace(f"{LOOPBACK}:", "").replace(folder, "")
    message = "".join(character if character.isprintable() else "?" for character in message)
    line = harmless.lines[number - 1] if number and number <= len(harmless.lines) else 0
    return Refusal(message[:_MAX_MESSAGE], line or None, version, bool(_UNKNOWN.search(message)))


def _is_explained(message: str, harmless: Harmless) -> bool:
    """Whether nginx does not know a word because what defines it was left out."""
    if not _UNKNOWN.search(message):
        return False
    match = _UNKNOWN_VARIABLE.search(message)
    arguments = (word.text for directive in harmless.left_out for word in directive.words[1:])
    return _loads_modules(harmless) or (match is not None and f"${match[1]}" in arguments)


def _loads_modules(harmless: Harmless) -> bool:
    return any(directive.name == "load_module" for directive in harmless.left_out)


def _find_unknown_directive(nginx: str, harmless: Harmless) -> Refusal | None:
    """The first directive that nginx does not know.

    nginx does not execute the directive: it gets only the name, in `events`, where it refuses
    directives that it knows as `not allowed here`.
    """
    for name in harmless.unknown[:_MAX_PROBES]:
        with TemporaryDirectory() as folder:
            text = f"events {{ {quote_word(name)}; }}"
            try:
                emergency = run_nginx(nginx, text, FilePath(folder))
            except NginxStoppedError:
                return None
        if emergency is not None and emergency[0].startswith("unknown directive"):
            uses = (d.line for d in harmless.left_out if d.words[0].value == name)
            return Refusal(
                f"unknown directive {shown(name)}", next(uses), find_version(nginx), True
            )
    return None
