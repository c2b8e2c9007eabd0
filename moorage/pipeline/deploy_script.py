"""deploy.sh: the AWS CLI commands that deploy an environment.

Its fixed parts are in scripts/, one file for each topic. In them `@APP@`, `@ENV@`, `@REGION@`,
`@DOMAIN@`, `@STACKS@`, `@STACK_LINES@` and `@ROLE@` are replaced.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from moorage.cfn.needs import Need, find_needs
from moorage.facts.regions import dns_suffix
from moorage.pipeline.pushes import Push, find_pushes
from moorage.plan import Plan, PlannedStack

_ROLE_OPTION = '${service_role[@]+"${service_role[@]}"}'
"""The option with the service role, if it exists: scripts/service_role.sh.in sets the variable."""
_RULE = "# What is deployed. " + "-" * 78


def build_script(plan: Plan) -> str:
    """The text of an environment's deploy.sh."""
    if plan.environment.targets is not None:
        return _part("stack_sets", plan) + "\n"
    images = find_pushes(plan.stacks)
    needs = list(_needs(plan))
    topics = [_part(name, plan) for name in _topics(plan, images, bool(needs))]
    account = quote_word(plan.environment.account) if plan.environment.account else "''"
    start = [_RULE, 'read_options "$@"']
    start += _assume_role(plan)
    start += [f"check_account {account}"]
    if owner := plan.service_role_stack:
        start += [f"find_service_role {quote_word(owner.stack_name)}"]
    start += ["\n".join([*needs, "check_needs"])] if needs else []
    has_role = plan.service_role_stack is not None
    stacks = [_stack_commands(stack, images[stack.name], has_role) for stack in plan.stacks]
    end = ["print_outputs"] if stacks else []
    return "\n".join(f"{text}\n" for text in [*topics, *start, *stacks, *end])


def _assume_role(plan: Plan) -> list[str]:
    """The command that assumes `role:`. An administrator deploys the stack with the role that
    deploys, with other credentials."""
    role, owner = plan.environment.role, plan.service_role_stack
    if role is None:
        return []
    command = f"assume_role {quote_word(role)}"
    if owner is not None and plan.assumes_deploy_role:
        command = f'[[ "${{chosen[*]-}}" == {quote_word(owner.name)} ]] || {command}'
    return [command]


def _topics(plan: Plan, images: dict[str, list[Push]], has_needs: bool) -> Iterator[str]:
    """The files of scripts/ of which the script of a plan consists."""
    deployments = [stack.deployment for stack in plan.stacks]
    yield from ("head", "options")
    if plan.environment.role:
        yield "role"
    yield "stacks"
    if plan.service_role_stack:
        yield "service_role"
    if has_needs or any(images.values()):
        yield "find"
    if has_needs:
        yield "needs"
    # Only an image that is certainly missing stops the deployment: without access to the registry
    # it continues.
    if any(images.values()):
        yield "check_image"
    # `aws ecs wait tasks-stopped` gives up after ten minutes (AWS CLI command reference), too early
    # for a migration, so the function polls. A container that never started has no exit code.
    if any(deployment.run for deployment in deployments):
        yield "run_task"
    if any(deployment.pairs for deployment in deployments):
        yield "releases"
    # `aws deploy wait deployment-successful` gives up after half an hour (botocore's waiters), too
    # early for a deployment that waits before it stops the old tasks.
    if any(deployment.code_deploy is not None for deployment in deployments):
        yield "code_deploy"


@cache
def _read_part(name: str) -> str:
    path = files("moorage.pipeline").joinpath("scripts", f"{name}.sh.in")
    return path.read_text(encoding="utf-8").rstrip("\n")


def _part(name: str, plan: Plan) -> str:
    env = plan.environment
    names = [stack.name for stack in plan.stacks]
    values = {
        "@APP@": env.app,
        "@ENV@": env.name,
        "@REGION@": env.region,
        "@DOMAIN@": dns_suffix(env.region),
        "@STACKS@": " ".join(names),
        "@STACK_LINES@": "\n".join(f"  {name}" for name in names),
        "@ROLE@": f" {_ROLE_OPTION}" if plan.service_role_stack else "",
    }
    return re.sub("|".join(values), lambda match: values[match[0]], _read_part(name))


def _needs(plan: Plan) -> Iterator[str]:
    """A command for each image, parameter, secret and certificate that must exist."""
    env = plan.environment
    stacks: dict[tuple[str, str], dict[str, None]] = {}
    for stack in plan.stacks:
        for need in find_needs(stack.rendering.body, env.region, env.account):
            stacks.setdefault((need.kind, _name_of(need)), {})[stack.name] = None
    for (kind, name), names in sorted(stacks.items()):
        yield " ".join(["need", kind, quote_word(name), *map(quote_word, names)])


def _name_of(need: Need) -> str:
    return f"{need.name} {need.version}" if need.version else need.name


def _stack_commands(stack: PlannedStack, images: list[Push], has_role: bool) -> str:
    """The commands that deploy one stack, including those before and after its update. `has_role`:
    whether the environment has a service role."""
    name = quote_word(stack.stack_name)
    commands = [f"start_stack {name}", *map(_check_image, images)]
    commands.append(_build_command(stack, has_role and not stack.deployment.service_role))
    if run := stack.deployment.run:
        commands.append(f"run_task {name} {quote_word(run.container)} {run.timeout}")
    if stack.deployment.code_deploy is not None:
        words = [name, str(stack.deployment.code_deploy), *_pair_words(stack)]
        commands.append(" ".join(["code_deploy", *words]))
    indented = "".join(f"  {line}\n" for text in commands for line in text.split("\n"))
    return f"if is_selected {quote_word(stack.name)}; then\n{indented}fi"


def _check_image(image: Push) -> str:
    return f"check_image {quote_word(image.repository)} {quote_word(image.image)}"


def quote_word(word: str) -> str:
    """Quotes a word for bash. Raises ValueError for a word that a command would take for an option
    or for a file to read: validation has refused such params, so it would be a defect.

    >>> quote_word("team=a b")
    "'team=a b'"
    """
    if not word or re.match(r"-|(?:fileb?|https?)://", word) or re.search(r"[\x00-\x1f\x7f]", word):
        raise ValueError(f"{word!r} cannot be a word of deploy.sh")
    return shlex.quote(word)


def _release_words(stack: PlannedStack) -> list[str]:
    """The command that deploys a stack: `deploy_stack`, or `deploy_release` with its arguments."""
    if not stack.deployment.pairs:
        return ["deploy_stack"]
    controller = "ecs" if stack.deployment.code_deploy is None else "codedeploy"
    return ["deploy_release", controller, *_pair_words(stack), "--"]


def _pair_words(stack: PlannedStack) -> list[str]:
    return [
        quote_word(f"{pair.parameter}:{pair.forwarder}:{pair.primary}:{pair.alternate}")
        for pair in stack.deployment.pairs
    ]


def _build_command(stack: PlannedStack, with_role: bool) -> str:
    """The command that deploys one stack."""
    tags = " ".join(quote_word(f"{key}={value}") for key, value in stack.tags.items())
    capabilities = " ".join(quote_word(name) for name in stack.capabilities)
    names = [quote_word(stack.stack_name), quote_word(stack.rendering.file)]
    lines = [
        " ".join([*_release_words(stack), *names]),
        *([f"--capabilities {capabilities}"] if capabilities else []),
        f"--tags {tags}",
        *([_ROLE_OPTION] if with_role else []),
    ]
    return " \\\n  ".join(lines)
