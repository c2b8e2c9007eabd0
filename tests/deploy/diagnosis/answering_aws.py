"""Clients of boto3 that answer from a table, for reading evidence.

Each call is checked by botocore's own model: its parameters, and the answer that the table gives.
The code and the answers of the tests fit the real APIs, as far as their shapes go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import botocore.session
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

_SESSION = botocore.session.get_session()
Answer = Mapping[str, Any] | Exception | Callable[..., Mapping[str, Any]]


def refused(operation: str, code: str = "AccessDeniedException") -> ClientError:
    """The error of a call that AWS refuses."""
    text = f"User: arn:aws:iam::123456789012:user/ci is not authorized to perform: {operation}"
    return ClientError({"Error": {"Code": code, "Message": text}}, operation)


class FakeAws:
    """`answers` by service and operation, such as `ecs.list_tasks`. An operation without an answer
    must not be called."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.answers = answers
        self.calls: list[tuple[str, Mapping[str, Any]]] = []

    def __getattr__(self, service: str) -> FakeClient:
        return FakeClient(self, service)

    def names(self) -> list[str]:
        """The operations that were called."""
        return [name for name, _ in self.calls]


class FakeClient:
    def __init__(self, aws: FakeAws, service: str) -> None:
        self._aws = aws
        self._service = service
        self._model = _SESSION.get_service_model(service)

    def __getattr__(self, operation: str) -> Callable[..., Mapping[str, Any]]:
        name = f"{self._service}.{operation}"
        camel = "".join(word.capitalize() for word in operation.split("_"))

        def call(**params: Any) -> Mapping[str, Any]:
            model = self._model.operation_model(camel)
            _check(params, model.input_shape, name)
            self._aws.calls.append((name, params))
            answer = self._aws.answers[name]
            if callable(answer):
                answer = answer(**params)
            if isinstance(answer, Exception):
                raise answer
            _check(answer, model.output_shape, name)
            return answer

        return call

    def get_paginator(self, operation: str) -> FakePaginator:
        return FakePaginator(getattr(self, operation))


class FakePaginator:
    def __init__(self, call: Callable[..., Mapping[str, Any]]) -> None:
        self._call = call

    def paginate(self, PaginationConfig: Any = None, **params: Any) -> list[Mapping[str, Any]]:  # noqa: N803
        return [self._call(**params)]


def _check(value: Any, shape: Any, name: str) -> None:
    report = ParamValidator().validate(value, shape)
    assert not report.has_errors(), f"{name}: {report.generate_report()}"
