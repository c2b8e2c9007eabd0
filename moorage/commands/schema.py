"""`build.py schema`: the JSON Schema and the reference of the params."""

from __future__ import annotations

import argparse

from moorage.commands.environments import load_templates
from moorage.commands.usage import CLEAN


def add_arguments(describing: argparse.ArgumentParser) -> None:
    """Adds the arguments of `schema`."""
    describing.add_argument("--format", choices=("json", "markdown"), default="json")


def schema(arguments: argparse.Namespace) -> int:
    """Print the JSON Schema of the params, or the params reference as Markdown."""
    templates = load_templates(arguments)
    if arguments.format == "markdown":
        from moorage.schema.reference import reference

        print(reference(templates), end="")
        return CLEAN
    from moorage.pipeline.render import as_json
    from moorage.schema.json_schema import schema

    print(as_json(schema(templates)), end="")
    return CLEAN
