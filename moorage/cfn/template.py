"""One CloudFormation template as it was written, read without trust in its shape."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

_OF_CDK = re.compile(r"[0-9A-F]{8}$")
_LISTS = ("List<", "CommaDelimitedList")
_HARMLESS = ("AWS::Serverless-2016-10-31", "AWS::LanguageExtensions", "AWS::CodeDeployBlueGreen")
"""Macros that leave resources of ECS and Elastic Load Balancing as they are."""


@dataclass(frozen=True)
class Parameter:
    """A parameter: what may be given for it, and what is taken where nothing is."""

    name: str
    type: str
    allowed_values: tuple[Any, ...] = ()
    default: Any = None
    max_length: int | None = None
    """MaxLength, in characters."""

    @property
    def is_list(self) -> bool:
        return self.type.startswith(_LISTS)

    @property
    def is_direct(self) -> bool:
        """Whether what is given is the value itself, and not the name of one in Parameter Store."""
        return not self.type.startswith("AWS::SSM::Parameter::Value")


@dataclass(frozen=True, eq=False)
class Template:
    """A template's body under a name: its file, or its stack."""

    name: str
    body: Mapping[str, Any]
    region: str | None = None
    """The region it is deployed to, where that is known."""
    parameter_values: Mapping[str, str] = field(default_factory=dict)
    """Values given for parameters at deployment, where they are known."""

    def section(self, name: str) -> dict[str, Mapping[str, Any]]:
        """The entries of a section that are maps, as all should be."""
        section = self.body.get(name)
        if not isinstance(section, Mapping):
            return {}
        return {str(key): value for key, value in section.items() if isinstance(value, Mapping)}

    @cached_property
    def resources(self) -> dict[str, Mapping[str, Any]]:
        """Logical IDs and bodies of the resources whose type is a text."""
        return {
            name: body
            for name, body in self.section("Resources").items()
            if isinstance(body.get("Type"), str)
        }

    @cached_property
    def is_generated(self) -> bool:
        """Whether a macro or a loop may add resources to those that stand here."""
        given = self.body.get("Transform")
        macros = given if isinstance(given, list) else [] if given is None else [given]
        resources = self.body.get("Resources")
        keys = list(resources) if isinstance(resources, Mapping) else []
        return any(one not in _HARMLESS for one in macros) or any(
            str(key).startswith(("Fn::ForEach", "Fn::Transform")) for key in keys
        )

    @cached_property
    def is_from_cdk(self) -> bool:
        """Whether the AWS CDK wrote the template: it says so, or most logical IDs end as its do,
        with eight digits of a hash."""
        resources = self.resources.values()
        if any(one["Type"] == "AWS::CDK::Metadata" for one in resources):
            return True
        marks = [name for name in self.resources if _OF_CDK.search(name)]
        return "BootstrapVersion" in self.parameters or 2 * len(marks) > len(self.resources) > 0

    @cached_property
    def conditions(self) -> dict[str, Mapping[str, Any]]:
        return self.section("Conditions")

    @cached_property
    def mappings(self) -> dict[str, Mapping[str, Any]]:
        return self.section("Mappings")

    @cached_property
    def outputs(self) -> dict[str, Mapping[str, Any]]:
        return self.section("Outputs")

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        return {name: _parameter(name, body) for name, body in self.section("Parameters").items()}


def _parameter(name: str, body: Mapping[str, Any]) -> Parameter:
    allowed, longest = body.get("AllowedValues"), body.get("MaxLength")
    try:
        most = int(longest)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        most = None
    return Parameter(
        name=name,
        type=str(body.get("Type", "String")),
        allowed_values=tuple(one for one in allowed if isinstance(one, str | int | float))
        if isinstance(allowed, list)
        else (),
        default=body.get("Default"),
        max_length=most,
    )
