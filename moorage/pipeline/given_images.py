"""The images that the command line gives, in place of those in the params."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from moorage.findings.finding import Finding, Path
from moorage.findings.wording import near, shown
from moorage.model import GivenValues
from moorage.pipeline.document import Document
from moorage.pipeline.merge import apply_merge_patch
from moorage.pipeline.variables import REFERENCE, RESERVED

_IMAGE = re.compile(r"(?P<name>.+?)(?::[^:/@]*)?(?:@[^/@]*)?")
"""An image: its name, which can have a registry with a port, a tag and a digest."""
_DIGEST = "sha256:"


class _RefusedError(Exception):
    """Why an image cannot be set: the nearest path in the params, a message and a hint."""

    def __init__(self, path: Path, message: str, hint: str) -> None:
        self.path, self.message, self.hint = path, message, hint


def set_images(document: Document, given: GivenValues) -> tuple[Document, list[Finding]]:
    """The document with the images that `--image` gives."""
    findings: list[Finding] = []
    data = document.data
    for target, version in sorted(given.images.items()):
        try:
            path = _find_container(data, target)
            patch: Any = {"image": _replace_version(data, path, version)}
        except _RefusedError as error:
            message = f"`--image {target}={version}` {error.message}"
            place = document.place(error.path)
            findings.append(Finding("M1016", "error", place, error.path, message, error.hint))
            continue
        for key in reversed(path):
            patch = {key: patch}
        data = apply_merge_patch(data, patch)
    return replace(document, data=data), findings


def _find_container(data: Mapping[str, Any], target: str) -> Path:
    """The path of the container that `stack` or `stack/container` names. Without a name it is the
    only container, or the one that has the name of its stack."""
    stack, _, name = target.partition("/")
    stacks = _map(data, "stacks")
    if not isinstance(stacks.get(stack), dict):
        hint = _suggest(stack, stacks, "Stacks")
        raise _RefusedError(("stacks",), f"has no effect: there is no stack `{stack}`", hint)
    path: Path = ("stacks", stack)
    containers = _map(stacks[stack], "containers")
    if not containers:
        problem = f"has no effect: the stack `{stack}` has no containers"
        raise _RefusedError(path, problem, "Name a stack that has `containers:`.")
    path = (*path, "containers")
    if not name:
        name = next(iter(containers)) if len(containers) == 1 else stack
        if name not in containers:
            choices = ", ".join(f"`{stack}/{key}`" for key in sorted(containers, key=str))
            problem = f"does not say which container: `{stack}` has {len(containers)}"
            raise _RefusedError(path, problem, f"Write one of {choices}.")
    if not isinstance(containers.get(name), dict):
        hint = _suggest(name, containers, "Containers")
        raise _RefusedError(path, f"has no effect: `{stack}` has no container `{name}`", hint)
    return (*path, name)


def _replace_version(data: Mapping[str, Any], container: Path, version: str) -> str:
    """The image of a container with another tag or digest, or a whole image in its place."""
    is_digest = version.startswith(_DIGEST)
    if "/" in version or (":" in version and not is_digest):
        return version
    value: Any = data
    for key in container:
        value = value[key]
    written = value.get("image")
    path = (*container, "image")
    whole = REFERENCE.fullmatch(written) if isinstance(written, str) else None
    if whole and not whole[1]:
        problem = f"cannot replace the tag: the image is `{written}`"
        hint = f"Write `--set {whole[2]}=...`, or a whole image."
        if whole[2] in RESERVED:
            hint = "Give a whole image, such as `ecr:shop/web:1.4.2`."
        raise _RefusedError(path, problem, hint)
    image = _IMAGE.fullmatch(written) if isinstance(written, str) else None
    if image is None:
        problem = "has no effect: the container has no image whose tag it could replace"
        raise _RefusedError(path, problem, "Give a whole image, such as `ecr:shop/web:1.4.2`.")
    return f"{image['name']}{'@' if is_digest else ':'}{version}"


def _map(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _suggest(name: str, known: Mapping[str, Any], what: str) -> str:
    if meant := near(name, [str(key) for key in known]):
        return f"Did you mean `{meant}`?"
    return f"{what}: {', '.join(shown(str(key)) for key in sorted(known, key=str)) or 'none'}."
