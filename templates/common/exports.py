"""Exports and imports of stacks. Both use the same literal name."""

from __future__ import annotations

from typing import Any

from troposphere import Export, ImportValue, Output

from moorage.model import Environment


def export_output(env: Environment, stack: str, name: str, value: Any, description: str) -> Output:
    """An output that other stacks can import.

    Export only values that do not change while the stack exists: CloudFormation refuses to change
    an export that another stack imports.
    """
    return Output(
        name, Description=description, Value=value, Export=Export(env.export_name(stack, name))
    )


def import_value(env: Environment, stack: str, name: str) -> ImportValue:
    """The value that `export_output` exports for the same stack and name."""
    return ImportValue(env.export_name(stack, name))
