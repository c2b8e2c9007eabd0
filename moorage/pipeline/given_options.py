"""What the options `--set` and `--image` can have, on a command line and in stacks.json."""

from __future__ import annotations

import re

from moorage.findings.wording import UNPRINTABLE
from moorage.model import VARIABLE_NAME

_MAX_LENGTH = 2048
_TARGET = re.compile(r"[^/=\s]+(?:/[^/=\s]+)?")
_IMAGE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/@-]{0,511}")


def read_value(text: str) -> tuple[str, str]:
    """Name and value of `--set`. Raises ValueError if the text has another form.

    The value becomes part of the comment at the top of templates, so it is a single line, also for
    readers of YAML 1.1, to which U+2028 is a line break.
    """
    name, separator, value = text.partition("=")
    if not separator or not VARIABLE_NAME.fullmatch(name):
        raise ValueError("write a name and a value, such as web_version=1.4.2")
    if UNPRINTABLE.search(value) or "\n" in value:
        raise ValueError(f"the value of {name} has a control character or a line break")
    if len(value) > _MAX_LENGTH:
        raise ValueError(f"the value of {name} has more than {_MAX_LENGTH:,} characters")
    return name, value


def read_image(text: str) -> tuple[str, str]:
    """Target and image of `--image`. Raises ValueError if the text has another form."""
    target, separator, image = text.partition("=")
    if (
        not separator
        or UNPRINTABLE.search(target)
        or not _TARGET.fullmatch(target)
        or not _IMAGE.fullmatch(image)
    ):
        message = "write a stack and a tag, such as web=1.4.2, or web/app=1.4.2 for one container"
        raise ValueError(message)
    return target, image
