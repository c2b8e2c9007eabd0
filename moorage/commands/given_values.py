"""The values that a command line gives to the params: `--set` and `--image`."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # imported in functions, since pydantic is slow
    from moorage.model import GivenValues

_MAX_LENGTH = 2048
_TARGET = re.compile(r"[^/=\s]+(?:/[^/=\s]+)?")
_IMAGE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/@-]{0,511}")


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
    from moorage.findings.wording import CONTROL
    from moorage.model import VARIABLE_NAME

    name, separator, value = text.partition("=")
    if not separator or not VARIABLE_NAME.fullmatch(name):
        raise argparse.ArgumentTypeError("write a name and a value, such as web_version=1.4.2")
    if CONTROL.search(value) or "\n" in value:
        raise argparse.ArgumentTypeError(f"the value of {name} has a control character")
    if len(value) > _MAX_LENGTH:
        limit = f"{_MAX_LENGTH:,} characters"
        raise argparse.ArgumentTypeError(f"the value of {name} has more than {limit}")
    return name, value


def _read_image(text: str) -> tuple[str, str]:
    target, separator, image = text.partition("=")
    if not separator or not _TARGET.fullmatch(target) or not _IMAGE.fullmatch(image):
        raise argparse.ArgumentTypeError(
            "write a stack and a tag, such as web=1.4.2, or web/app=1.4.2 for one container"
        )
    return target, image
