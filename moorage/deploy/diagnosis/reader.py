"""Calls of AWS that may fail: what could not be read is noted, and the rest is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from moorage.deploy.diagnosis.model import Unread

_MAX_LOST = 2
"""Calls without any answer after which no more are made: each takes until its time-out."""
_NOT_THERE = ("ValidationError", "ResourceNotFoundException", "ServiceNotFoundException")
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


class Clients(Protocol):
    """The boto3 clients that are used."""

    @property
    def cloudformation(self) -> Any: ...
    @property
    def ecs(self) -> Any: ...
    @property
    def elbv2(self) -> Any: ...
    @property
    def logs(self) -> Any: ...
    @property
    def codedeploy(self) -> Any: ...


class Reader:
    """Makes a limited number of calls. After the limit, or without a connection, nothing more is
    read."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lost = 0
        self.calls = 0
        self.unread: list[Unread] = []

    def read(
        self,
        what: str,
        call: Callable[..., Mapping[str, Any]],
        *,
        absent: str = "",
        **params: Any,
    ) -> Mapping[str, Any]:
        """The answer to a call; empty if there is none. `what` names what is read, for the user.

        `absent` is the code of the error that says that there is nothing to read.
        """
        if self.calls >= self._limit:
            self._note(what, f"the limit of {self._limit} calls is reached; name one stack")
            return {}
        if self._lost >= _MAX_LOST:
            self._note(what, "AWS did not answer before")
            return {}
        self.calls += 1
        try:
            answer = call(**params)
        except ClientError as error:
            self._lost = 0
            if not absent or _code(error) != absent:
                self._note(what, describe_error(error))
            return {}
        except BotoCoreError as error:
            self._lost += 1
            self._note(what, describe_error(error))
            return {}
        self._lost = 0
        return answer

    def take_unread(self) -> tuple[Unread, ...]:
        """What was not read since the last time, each once."""
        taken = tuple(dict.fromkeys(self.unread))
        self.unread.clear()
        return taken

    def _note(self, what: str, reason: str) -> None:
        self.unread.append(Unread(what, reason))


def describe_error(error: BotoCoreError | ClientError) -> str:
    """An error of boto3 in a sentence."""
    if not isinstance(error, ClientError):
        return str(error)
    code = _code(error)
    text = error.response.get("Error", {}).get("Message", "")
    if code in _DENIED:
        return f"not allowed: {error.operation_name} ({text})"
    if code in _NOT_THERE:
        return f"it does not exist ({text})"
    return f"{code}: {text}"


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
