"""A CloudFormation template as written; nothing about its structure is assumed to be valid."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from functools import cached_property
from typing import Any

from moorage.cfn.raw_references import has_text_with
from moorage.cfn.serverless import TRANSFORM, Expansion, Path, expand
from moorage.cfn.values import as_text
from moorage.records import entity, record

_CDK_LOGICAL_ID = re.compile(r"[0-9A-F]{8}$")
_LIST_TYPES = ("List<", "CommaDelimitedList")
_HARMLESS_MACROS = (
    TRANSFORM,
    "AWS::LanguageExtensions",
    "AWS::CodeDeployBlueGreen",
)
"""Macros that do not change resources of ECS and Elastic Load Balancing."""


_SUBSTITUTED = re.compile(r"\$\{([A-Za-z0-9:]{1,255})\}")

Switch = tuple[str, str]
"""What can differ between two deployments: the name of a template, and that of its parameter or
`Condition <name>` for a condition whose value only the deployment knows."""


@record
class Parameter:
    """A template parameter."""

    name: str
    type: str
    allowed_values: tuple[Any, ...] = ()
    default: Any = None
    max_length: int | None = None
    """MaxLength, in characters."""

    @property
    def is_list(self) -> bool:
        return self.type.startswith(_LIST_TYPES)

    @cached_property
    def texts_allowed(self) -> list[str]:
        """AllowedValues, those that are no text left out."""
        texts = dict.fromkeys(map(as_text, self.allowed_values))
        return [text for text in texts if text is not None]

    @property
    def is_direct(self) -> bool:
        """Whether a given value is used itself, and is not the name of a parameter in Parameter
        Store."""
        return not self.type.startswith("AWS::SSM::Parameter::Value")


@entity
class Template:
    """The body of a template, and the name of its file or stack."""

    name: str
    body: Mapping[str, Any]
    region: str | None = None
    """The region that it is deployed to, if known."""
    parameter_values: Mapping[str, str] = field(default_factory=dict)
    """Parameter values given at deployment, as far as they are known."""
    account: str | None = None
    """The ID of the account that it is deployed to, if known."""
    sam: Expansion | None = None
    """For a SAM template: what `body` is made of."""
    parent: tuple[str, str] | None = None
    """The name of the template that contains this one as a nested stack, and the logical ID
    there."""

    def section(self, name: str) -> dict[str, Mapping[str, Any]]:
        """The entries of a section that are maps; others are invalid and left out."""
        section = self.body.get(name)
        if not isinstance(section, Mapping):
            return {}
        return {str(key): value for key, value in section.items() if isinstance(value, Mapping)}

    @classmethod
    def from_written(cls, name: str, written: Mapping[str, Any], **known: Any) -> Template:
        """The template that CloudFormation deploys: after the transform of SAM, if it has that."""
        expansion = expand(written)
        body = written if expansion is None else expansion.body
        return cls(name, body, sam=expansion, **known)

    @property
    def written(self) -> Mapping[str, Any]:
        """The body as it is written."""
        return self.body if self.sam is None else self.sam.written

    def written_path(self, path: Path) -> Path:
        """The path of a value in the template as it is written."""
        return path if self.sam is None else self.sam.written_path(path)

    def is_decided(self, parameter: str) -> bool:
        """Whether the value of a parameter is not the choice of whoever deploys the template."""
        return self.parent is not None or parameter in self.parameter_values

    @cached_property
    def resources(self) -> dict[str, Mapping[str, Any]]:
        """Bodies of the resources whose type is a string, by logical ID."""
        return {
            name: body
            for name, body in self.section("Resources").items()
            if isinstance(body.get("Type"), str)
        }

    @property
    def other_parts(self) -> Mapping[str, Any]:
        """The body without the resources of `resources`."""
        section = self.body.get("Resources")
        if isinstance(section, Mapping):
            section = {key: raw for key, raw in section.items() if str(key) not in self.resources}
        return {**self.body, "Resources": section}

    @cached_property
    def may_have_dynamic_references(self) -> bool:
        """Whether there may be dynamic references: to look for them takes time, and most templates
        have none."""
        return has_text_with("{{", self.body)

    @cached_property
    def is_generated(self) -> bool:
        """Whether a macro or a loop may add resources."""
        transform = self.body.get("Transform")
        macros = (
            transform if isinstance(transform, list) else [] if transform is None else [transform]
        )
        resources = self.body.get("Resources")
        keys = list(resources) if isinstance(resources, Mapping) else []
        return any(macro not in _HARMLESS_MACROS for macro in macros) or any(
            str(key).startswith(("Fn::ForEach", "Fn::Transform")) for key in keys
        )

    @cached_property
    def is_from_cdk(self) -> bool:
        """Whether the AWS CDK generated the template: it has CDK metadata, or most logical IDs end
        in eight hexadecimal digits, as CDK's do."""
        resources = self.resources.values()
        if any(resource["Type"] == "AWS::CDK::Metadata" for resource in resources):
            return True
        hashed = [name for name in self.resources if _CDK_LOGICAL_ID.search(name)]
        return "BootstrapVersion" in self.parameters or 2 * len(hashed) > len(self.resources) > 0

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

    @cached_property
    def switches_of_conditions(self) -> dict[str, frozenset[Switch]]:
        """The switches that each condition depends on, also through other conditions."""
        return {name: frozenset(self._switches_of(name)) for name in self.conditions}

    def _switches_of(self, condition: str) -> Iterator[Switch]:
        seen: set[str] = set()
        todo: list[Any] = [{"Condition": condition}]
        while todo:
            raw = todo.pop()
            if isinstance(raw, list):
                todo += raw
            elif isinstance(raw, Mapping):
                if isinstance(raw.get("Ref"), str):
                    yield self.name, raw["Ref"]
                named = raw.get("Condition")
                if isinstance(named, str) and named not in seen:
                    seen.add(named)
                    yield self.name, f"Condition {named}"
                    todo.append(self.conditions.get(named))
                todo += raw.values()
            elif isinstance(raw, str):  # Fn::Sub
                yield from ((self.name, name) for name in _SUBSTITUTED.findall(raw))

    def switches_of_resource(self, name: str) -> frozenset[Switch]:
        """The switches that decide whether a resource exists."""
        condition = self.resources.get(name, {}).get("Condition")
        if not isinstance(condition, str):
            return frozenset()
        return self.switches_of_conditions.get(condition, frozenset())

    @cached_property
    def switches_of_types(self) -> dict[str, frozenset[Switch]]:
        """The switches that decide which resources of a type exist."""
        switches: dict[str, frozenset[Switch]] = {}
        for name, body in self.resources.items():
            of_resource = self.switches_of_resource(name)
            if of_resource:
                switches[body["Type"]] = switches.get(body["Type"], frozenset()) | of_resource
        return switches


def _parameter(name: str, body: Mapping[str, Any]) -> Parameter:
    allowed, max_length = body.get("AllowedValues"), body.get("MaxLength")
    try:
        length: int | None = int(max_length)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        length = None
    return Parameter(
        name=name,
        type=str(body.get("Type", "String")),
        allowed_values=tuple(value for value in allowed if isinstance(value, str | int | float))
        if isinstance(allowed, list)
        else (),
        default=body.get("Default"),
        max_length=length,
    )
