"""Values that pass from stack to stack: exported by literal names, imported by the same."""

from __future__ import annotations

from typing import Any

from troposphere import Export, ImportValue, Output

from moorage.model import Environment


def export_output(env: Environment, stack: str, name: str, value: Any, description: str) -> Output:
    """An output that other stacks import. Export only what lives as long as its stack."""
    return Output(
        name, Description=description, Value=value, Export=Export(env.export_name(stack, name))
    )


def import_value(env: Environment, stack: str, name: str) -> ImportValue:
    """What `export_output` of the same stack and name gives out."""
    return ImportValue(env.export_name(stack, name))
