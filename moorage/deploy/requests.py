"""Requests that stacks keep for a deployment: SSM parameters with the input of an API."""

from __future__ import annotations

import json
from typing import Any

from moorage.deploy.aws import Aws, AwsError, aws_errors
from moorage.deploy.stack_state import StackState
from moorage.records import record


@record
class Request:
    """The input of an API, and the SSM parameter that it comes from."""

    parameter: str
    version: int
    """The version of the parameter, which changes with the request."""
    input: dict[str, Any]


def read_request(aws: Aws, state: StackState, output: str, operation: str) -> Request:
    """The request in the SSM parameter that an output of the stack names. Raises AwsError if it is
    not the input of the operation."""
    names = [item.value for item in state.outputs if item.key == output]
    if not names:
        raise AwsError(f"{state.stack_name} has no output {output}")
    with aws_errors():
        parameter = aws.ssm.get_parameter(Name=names[0])["Parameter"]
    try:
        request = json.loads(parameter.get("Value", ""))
    except ValueError:
        request = None
    if not isinstance(request, dict):
        raise AwsError(f"the parameter {names[0]} is not the input of {operation}")
    return Request(names[0], parameter.get("Version", 0), request)
