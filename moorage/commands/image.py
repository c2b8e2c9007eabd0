"""`moorage image`: builds the images of an environment and pushes them to ECR."""

from __future__ import annotations

import argparse
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from moorage.commands.arguments import add_account
from moorage.commands.deployment import build_target, explain_aws_errors, open_account
from moorage.commands.stack_sets import refuse_targets
from moorage.commands.terminal import print_error, print_text
from moorage.commands.usage import CLEAN, FailedError, UsageError, interruption_code
from moorage.facts.ecr_repositories import IMAGE_TAG
from moorage.images.command_lines import TOOLS

if TYPE_CHECKING:  # imported in functions: other commands need no boto3
    from moorage.deploy.target import Target
    from moorage.images.built_images import BuiltImage
    from moorage.images.jobs import Builder, Registry
    from moorage.images.planned import PlannedImage

FORMATS = ("text", "json", "options")


def image_tag(text: str) -> str:
    """A tag on the command line."""
    if not re.fullmatch(IMAGE_TAG, text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a tag; write letters, digits, _ . and -")
    return text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the commands of `image`, and their arguments."""
    actions = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, run, logs_in in (("build", build_images, False), ("push", push_images, True)):
        text = run.__doc__ or ""
        subparser = actions.add_parser(name, help=text, description=text, allow_abbrev=False)
        subparser.set_defaults(run_action=run, list_of_names="stacks")
        subparser.add_argument("env", metavar="ENV")
        help_text = "default: all that have `build:`"
        subparser.add_argument("stacks", nargs="*", metavar="STACK", help=help_text)
        help_text = "default: the commit that is checked out, and a hash of `build:`"
        subparser.add_argument("--tag", type=image_tag, metavar="TAG", help=help_text)
        help_text = "the program that builds; default: the first one on the PATH"
        subparser.add_argument("--tool", choices=TOOLS, help=help_text)
        help_text = "the folder of `context` and `dockerfile`; default: the one around the params"
        subparser.add_argument("--project", type=Path, metavar="DIR", help=help_text)
        help_text = f"log in to ECR; default: {'yes' if logs_in else 'no'}"
        subparser.add_argument(
            "--login", action=argparse.BooleanOptionalAction, default=logs_in, help=help_text
        )
        add_account(subparser)
        forms = FORMATS if run is push_images else FORMATS[:2]
        subparser.add_argument("--format", choices=forms, default="text")


def image(arguments: argparse.Namespace) -> int:
    """Build the images of an environment, and push them to ECR."""
    code: int = arguments.run_action(arguments)
    return code


def build_images(arguments: argparse.Namespace) -> int:
    """Build the images of an environment, or of some of its stacks, on this machine."""
    return _run(arguments, push=False)


def push_images(arguments: argparse.Namespace) -> int:
    """Build the images of an environment, or of some of its stacks, and push them to ECR. Prints
    the options that deploy them."""
    return _run(arguments, push=True)


def _run(arguments: argparse.Namespace, *, push: bool) -> int:
    built: list[BuiltImage] = []
    try:
        with _explain_failures():
            for each in _build(arguments, push=push):
                built.append(each)
                if not each.existed:
                    print_error(f"{each.reference}: {'pushed' if each.digest else 'built'}")
    except KeyboardInterrupt as interruption:
        print_error("interrupted")
        return interruption_code(interruption)
    _print(arguments, built)
    return CLEAN


def _print(arguments: argparse.Namespace, built: Sequence[BuiltImage]) -> None:
    from moorage.images.built_images import built_json, built_text, deploy_options

    if arguments.format == "json":
        print_text(built_json(arguments.env, built))
    elif arguments.format == "options":
        print_text(shlex.join(deploy_options(built)))
    else:
        print_text(built_text(arguments.env, built))


@contextmanager
def _explain_failures() -> Iterator[None]:
    from moorage.images.command_lines import UnsupportedError
    from moorage.images.jobs import PushError
    from moorage.images.programs import ProgramError

    try:
        with explain_aws_errors():
            yield
    except (ProgramError, PushError, UnsupportedError) as error:
        raise FailedError(str(error)) from error


def _build(arguments: argparse.Namespace, *, push: bool) -> Iterator[BuiltImage]:
    """Builds the images one after the other."""
    from moorage.images.built_images import BuiltImage
    from moorage.images.jobs import Builder, Registry, log_in, push_image
    from moorage.images.programs import find_tool

    target = build_target(arguments)
    if push:
        refuse_targets(target, "image push")
    images = _choose_images(target, arguments.stacks)
    project = _find_project(arguments)
    commit = "" if arguments.tag else _name_commit(project)
    tool = find_tool(arguments.tool)
    builder = Builder(tool, project, commit, arguments.tag or "", print_error)
    _refuse_missing_sources(target, images, project)
    registry = None
    if push or arguments.login:
        registry = Registry(*open_account(arguments, target))
    existing = _find_existing(target, registry, images, builder) if registry and push else {}
    rest = [image for image in images if image not in existing]
    if registry and rest and arguments.login:
        log_in(builder, registry, rest)
    for image in images:
        if registry and image in existing:
            name, digest = registry.name(image), existing[image]
            yield BuiltImage(image, name, builder.tag(image), digest, existed=True)
        elif registry and push:
            yield push_image(builder, registry, image)
        else:
            name = image.build.repository
            builder.build(image, name, registry.host if registry else None, push=False)
            yield BuiltImage(image, name, builder.tag(image))


def _choose_images(target: Target, names: Sequence[str]) -> Sequence[PlannedImage]:
    from moorage.images.planned import plan_images

    builds = {stack.name: stack.builds for stack in target.stacks if stack.builds}
    chosen = set(names) & builds.keys()
    if not builds or (names and not chosen):
        having = f"Stacks that have: {', '.join(builds)}" if builds else "Add it beside `image:`"
        which = ", ".join(f"`{name}`" for name in names) or target.env
        raise UsageError(f"{which} has no container with `build:`. {having}")
    return plan_images(builds, _count_containers(target), chosen)


def _count_containers(target: Target) -> dict[str, int]:
    """The number of containers that the params of each stack have."""
    counts = {}
    for stack in target.stacks:
        params = stack.document.data["stacks"][stack.name] if stack.document else None
        counts[stack.name] = len((params or {}).get("containers") or ())
    return counts


def _find_project(arguments: argparse.Namespace) -> Path:
    project: Path = arguments.project or arguments.params.resolve().parent
    if not project.is_dir():
        raise UsageError(f"there is no folder `{project}`")
    return project.resolve()


def _name_commit(project: Path) -> str:
    from moorage.images.commit import NoCommitError, commit_tag

    try:
        return commit_tag(project)
    except NoCommitError as error:
        message = f"there is no commit to name the images after: {error}. Write --tag"
        raise UsageError(message) from error


def _refuse_missing_sources(target: Target, images: Sequence[PlannedImage], project: Path) -> None:
    from moorage.images.sources import find_source_problems

    problems = list(find_source_problems(images, project, os.environ))
    for problem in problems:
        print_error(problem)
    if problems:
        raise FailedError(f"{target.env}: nothing was built")


def _find_existing(
    target: Target, registry: Registry, images: Sequence[PlannedImage], builder: Builder
) -> dict[PlannedImage, str]:
    from moorage.images.jobs import find_existing

    creators = {
        name: f"`moorage deploy {target.env} {stack.name}`"
        for stack in target.stacks
        for name in stack.repositories
    }
    return find_existing(builder, registry, images, creators)
