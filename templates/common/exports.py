"""Values that pass from stack to stack: exported by literal names, imported by the same."""

from __future__ import annotations

from typing import Any

from troposphere import Export, ImportValue, Output

from moorage.model import Environment


def exported(env: Environment, stack: str, name: str, value: Any, description: str) -> Output:
    """An output that other stacks import. Export only what lives as long as its stack."""
    return Output(
        name, Description=description, Value=value, Export=Export(env.export_name(stack, name))
    )


def imported(env: Environment, stack: str, name: str) -> ImportValue:
    """What `exported` of the same stack and name gives out."""
    return ImportValue(env.export_name(stack, name))
