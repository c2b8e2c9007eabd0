"""deploy.sh: the AWS CLI commands that deploy an environment.

Its fixed parts are in deploy.sh.in, each after a line `#@ NAME`. In them `@APP@`, `@ENV@` and
`@REGION@` are replaced.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from moorage.model import Environment, Plan, PlannedStack, Run
from moorage.pipeline.pushes import Push, pushes


def build_script(plan: Plan) -> str:
    """The text of an environment's deploy.sh."""
    env = plan.environment
    images = {stack.name: pushes(stack, plan.stacks) for stack in plan.stacks}
    # Without access to the registry, or with arguments that `aws ecr` does not take, the deployment
    # continues: only an image that is certainly missing stops it.
    parts = [_part("check_image", env)] if any(images.values()) else []
    # `aws ecs wait tasks-stopped` gives up after ten minutes (AWS CLI command reference), too early
    # for a migration, so the function polls. A container that never started has no exit code.
    # Arguments that only `cloudformation deploy` takes are not passed on.
    # `aws deploy wait deployment-successful` gives up after half an hour (botocore's waiters), too
    # early for a deployment that waits before it stops the old tasks.
    runs = any(stack.deployment.run for stack in plan.stacks)
    shifts = any(stack.deployment.pairs for stack in plan.stacks)
    deploys = any(stack.deployment.code_deploy is not None for stack in plan.stacks)
    parts += [_part("keep_global", env)] if runs or shifts or deploys else []
    parts += [_part("run_task", env)] if runs else []
    parts += [_part("deploy_release", env)] if shifts else []
    parts += [_part("code_deploy", env)] if deploys else []
    for stack in plan.stacks:
        parts += [_check_image(image) for image in images[stack.name]]
        parts.append(build_command(stack, env.region))
        parts += _words_after(stack)
    return _part("head", env) + "".join(f"\n{part}\n" for part in parts)


@cache
def _parts() -> Mapping[str, str]:
    """The parts of deploy.sh.in by name."""
    text = files("moorage.pipeline").joinpath("deploy.sh.in").read_text(encoding="utf-8")
    _, *pieces = re.split(r"^#@ (\w+)\n", text, flags=re.MULTILINE)
    return dict(zip(pieces[::2], pieces[1::2], strict=True))


def _part(name: str, env: Environment) -> str:
    text = _parts()[name] if name == "head" else _parts()[name].rstrip("\n")
    values = {"@APP@": env.app, "@ENV@": env.name, "@REGION@": env.region}
    return re.sub("|".join(values), lambda match: values[match[0]], text)


def _check_image(image: Push) -> str:
    return f'check_image {quote_word(image.repository)} {quote_word(image.image)} "$@"'


def _words_after(stack: PlannedStack) -> Iterator[str]:
    """The commands after the one that deploys a stack."""
    if stack.deployment.run:
        yield _run_task(stack, stack.deployment.run)
    if stack.deployment.code_deploy is not None:
        words = [quote_word(stack.stack_name), str(stack.deployment.code_deploy)]
        yield " ".join(["code_deploy", *words, *_pair_words(stack), "--", '"$@"'])


def _run_task(stack: PlannedStack, run: Run) -> str:
    return f'run_task {quote_word(stack.stack_name)} {quote_word(run.container)} {run.timeout} "$@"'


def quote_word(word: str) -> str:
    """A word for bash that no command takes for an option or for a file to read.

    Raises ValueError for any other: the params were checked before, so this is a defect.

    >>> quote_word("team=a b")
    "'team=a b'"
    """
    if not word or re.match(r"-|(?:fileb?|https?)://", word) or re.search(r"[\x00-\x1f\x7f]", word):
        raise ValueError(f"{word!r} cannot be a word of deploy.sh")
    return shlex.quote(word)


def _release_words(stack: PlannedStack) -> list[str]:
    """The words before the command that deploys a stack whose service shifts traffic."""
    if not stack.deployment.pairs:
        return []
    controller = "ecs" if stack.deployment.code_deploy is None else "codedeploy"
    name = quote_word(stack.stack_name)
    return [f"deploy_release {name} {controller}", *_pair_words(stack), "--"]


def _pair_words(stack: PlannedStack) -> list[str]:
    return [
        quote_word(f"{pair.parameter}:{pair.forwarder}:{pair.primary}:{pair.alternate}")
        for pair in stack.deployment.pairs
    ]


def build_command(stack: PlannedStack, region: str) -> str:
    """The AWS CLI command that deploys one stack, run in its folder."""
    tags = " ".join(quote_word(f"{key}={value}") for key, value in stack.tags.items())
    capabilities = " ".join(quote_word(name) for name in stack.capabilities)
    lines = [
        *_release_words(stack),
        "aws cloudformation deploy",
        f"--region {quote_word(region)}",
        f"--stack-name {quote_word(stack.stack_name)}",
        f"--template-file {quote_word(stack.rendering.file)}",
        *([f"--capabilities {capabilities}"] if capabilities else []),
        "--no-fail-on-empty-changeset",
        f"--tags {tags}",
        '"$@"',
    ]
    return " \\\n  ".join(lines)
