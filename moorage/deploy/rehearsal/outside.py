"""Values from outside of the environment: exports of another stack, and parameters that
CloudFormation reads. Each has a value like the one that its place in the params takes."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from moorage.cfn.needs import Need
from moorage.cfn.outside_needs import PARAMETER_REFERENCE, find_outside_needs
from moorage.deploy.aws import Aws
from moorage.deploy.rehearsal.resources import api
from moorage.deploy.target import Target

_EXPORTER = "exists-already"
"""The name of the stack that has the exports."""
_OF_AWS = "/aws/service/"
"""The beginning of the names of AWS's own parameters."""
_ID_END = re.compile(r"(?<=-)[0-9a-f]{17}$")
_LAST_NAME = re.compile(r"([^/:]+?)(-AbCdEf)?$")
_ARN_START = re.compile(r"^(arn:aws:[a-z0-9-]+):[a-z0-9-]*[0-9]:[0-9]{12}:")


def list_outside_needs(target: Target, exported: Collection[str]) -> list[Need]:
    """The exports and parameters, each once, without those that exist: exports in `exported`, and
    AWS's own parameters."""
    needs = {
        (need.kind, need.name): need
        for stack in target.stacks
        for need in find_outside_needs(stack.body, {*stack.imports, *exported})
        if not need.name.startswith(_OF_AWS)
    }
    return list(needs.values())


def list_exports(aws: Aws) -> frozenset[str]:
    """The names of the exports that exist."""
    pages = aws.cloudformation.get_paginator("list_exports").paginate()
    return frozenset(export["Name"] for page in pages for export in page["Exports"])


def choose_values(target: Target, needs: Iterable[Need], account: str) -> dict[str, str]:
    """A value for each of the needs, by its name; all are different."""
    values: dict[str, str] = {}
    for number, need in enumerate(needs):
        value = target.examples.get(need.name) or f"rehearsal-{number}"
        value = _ARN_START.sub(rf"\1:{target.region}:{account}:", value)
        if value in values.values():
            value = _LAST_NAME.sub(rf"\g<1>{number:02x}\2", value)
        values[need.name] = _ID_END.sub(f"{number:017x}", value)
    return values


def create_outside(aws: Aws, needs: Iterable[Need], values: Mapping[str, str]) -> None:
    """Creates a stack with the exports, and the parameters."""
    exports = {}
    for number, need in enumerate(needs):
        if need.kind == "export":
            value = {"Value": values[need.name], "Export": {"Name": need.name}}
            exports[f"Export{number}"] = value
        else:
            aws.ssm.put_parameter(Name=need.name, Value=values[need.name], Type="String")
    if exports:
        body = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}, "Outputs": exports}
        aws.cloudformation.create_stack(StackName=_EXPORTER, TemplateBody=json.dumps(body))


def with_values(target: Target, values: Mapping[str, str]) -> Target:
    """The target with these values in place of exports and parameters."""
    stacks = (replace(stack, body=_with_values(stack.body, values)) for stack in target.stacks)
    return replace(target, stacks=tuple(stacks))


def _with_values(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return PARAMETER_REFERENCE.sub(lambda match: values.get(match[1], match[0]), value)
    if isinstance(value, Mapping):
        if value.get("Fn::ImportValue") in values:
            return values[value["Fn::ImportValue"]]
        return {key: _with_values(item, values) for key, item in value.items()}
    return [_with_values(item, values) for item in value] if isinstance(value, list) else value


def read_parameters(text: str, region: str) -> str:
    """A text with the values of parameters in place of dynamic references."""
    ssm = api(region)("ssm")

    def read(match: re.Match[str]) -> str:
        if match[1].startswith(_OF_AWS):
            return match[0]
        return str(ssm.get_parameter(Name=match[1])["Parameter"]["Value"])

    return PARAMETER_REFERENCE.sub(read, text)
