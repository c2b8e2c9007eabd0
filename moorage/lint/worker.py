"""A process that lints templates for another one: `workers` starts it, and says what to do.

It loads cfn-lint at once, while the other process still makes the templates. It ends when the other
process closes its side, or has ended itself.
"""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn

from cfnlint.helpers import REGIONS

from moorage.lint import channel
from moorage.lint.cfn_lint import describe, find_lines, find_runner, lint_text
from moorage.lint.decoding import decode_template
from moorage.lint.settings import LintSettings, SettingsError, find_settings
from moorage.lint.stored_findings import as_json


def serve(descriptors: Sequence[int]) -> NoReturn:
    """Answers requests on each of these sockets in a process of its own: in this one, and in those
    that it forks when it is asked to share the work. Then cfn-lint is loaded once for all."""
    gc.disable()  # cfn-lint's rules and schemas live as long as the process
    with suppress(SettingsError):
        find_runner(None, find_settings())
    first, *others = (socket.socket(fileno=descriptor) for descriptor in descriptors)
    with suppress(channel.ClosedError):
        while True:
            request = channel.receive(first)
            if request["do"] == "share":
                first, others = _share(first, others), []
            else:
                channel.send(first, _answer(request))
    first.close()
    for other in others:
        other.close()
    with suppress(ChildProcessError):
        while True:
            os.wait()
    os._exit(0)  # without deallocation of all objects, which is slow


def _share(first: socket.socket, others: Sequence[socket.socket]) -> socket.socket:
    """Forks a process for each of the others; returns the socket of the process that it is in."""
    for index, mine in enumerate(others):
        if os.fork() == 0:
            for other in (first, *others[:index], *others[index + 1 :]):
                other.close()
            return mine
    for other in others:
        other.close()
    return first


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    if request["do"] == "regions":
        return {"regions": REGIONS}
    if request["do"] == "lines":
        return {"lines": find_lines(decode_template(request["text"])[0], request["paths"])}
    settings = LintSettings(**request["settings"])
    if settings.folder:  # there are settings, with paths from it
        os.chdir(settings.folder)
    try:
        if request["do"] == "describe":
            return {"description": describe(settings)._asdict()}
        return {"findings": as_json(lint_text(request["text"], request["region"], settings))}
    except SettingsError as error:
        return {"refused": str(error)}
