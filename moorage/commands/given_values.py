"""The values that a command line gives to the params: `--set` and `--image`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # imported in functions, since pydantic is slow
    from moorage.model import GivenValues


def add_given_values(parser: argparse.ArgumentParser) -> None:
    """Adds `--set` and `--image` to the arguments of a command."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=_read_value,
        metavar="NAME=VALUE",
        help="the value of a variable of the params; can be repeated",
    )
    parser.add_argument(
        "--image",
        action="append",
        default=[],
        type=_read_image,
        metavar="STACK[/CONTAINER]=TAG",
        help="the tag or digest of a container's image, or a whole image; can be repeated",
    )


def read_given_values(arguments: argparse.Namespace) -> GivenValues:
    """What `--set` and `--image` give. Of two values for the same name, the last one counts."""
    from moorage.model import GivenValues

    return GivenValues(dict(arguments.set), dict(arguments.image))


def _read_value(text: str) -> tuple[str, str]:
    from moorage.pipeline.given_options import read_value

    try:
        return read_value(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _read_image(text: str) -> tuple[str, str]:
    from moorage.pipeline.given_options import read_image

    try:
        return read_image(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
