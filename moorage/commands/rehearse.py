"""`moorage rehearse`: the whole life of an environment, without an account."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from moorage.commands.arguments import add_directories
from moorage.commands.deploy import deploy_target
from moorage.commands.deployment import (
    build_target,
    delete_change_sets_at_end,
    explain_aws_errors,
    make_context,
)
from moorage.commands.destroy import destroy_target
from moorage.commands.given_values import add_given_values
from moorage.commands.terminal import print_line, print_text
from moorage.commands.usage import (
    CLEAN,
    FOUND,
    INTERRUPTED,
    TERMINATED,
    FailedError,
    TerminatedError,
    UsageError,
)

if TYPE_CHECKING:  # imported in functions: builds and checks need no boto3
    from moorage.cfn.needs import Need
    from moorage.deploy.aws import Aws
    from moorage.deploy.target import Target

LIMITS = """\
What this proves: the templates, exports, imports, order and commands fit together, and each API
accepts the properties. What it does not prove: that AWS creates the resources. Here every task
starts, every health check succeeds, no quota is reached, no permission is missing, and repositories
are deleted with their images.
`moorage check` looks for what AWS refuses.
"""


def add_arguments(rehearsing: argparse.ArgumentParser) -> None:
    """Adds the arguments of `rehearse`."""
    rehearsing.add_argument("env", metavar="ENV")
    add_given_values(rehearsing)
    add_directories(rehearsing)
    rehearsing.set_defaults(
        stacks=[],
        yes=True,
        unprotect=True,
        no_wait=False,
        express=False,
        parallel=5,
        format="text",
    )
    rehearsing.set_defaults(empty="deleted", task_definitions=True)


def rehearse(arguments: argparse.Namespace) -> int:
    """Deploy, change, update and delete an environment on this machine, without an account."""
    target, shared = build_target(arguments), None
    if target.shares is not None:
        shared = build_target(argparse.Namespace(**vars(arguments) | {"env": target.shares}))
    return rehearse_target(arguments, target, shared)


def rehearse_target(
    arguments: argparse.Namespace, target: Target, shared: Target | None = None
) -> int:
    """Rehearses an environment that was built. `shared` is the one whose stacks it shares, which
    is deployed first."""
    from moorage.deploy.rehearsal.environment import own_environment

    if target.targets is not None:
        print_line("StackSets is left out: the stacks are rehearsed in one account and region.")
    account = {} if target.account is None else {"MOTO_ACCOUNT_ID": target.account}
    with explain_aws_errors(), own_environment(**account):  # moto reads it when it is imported
        try:
            from moorage.deploy.rehearsal.existing import list_not_created
            from moorage.deploy.rehearsal.server import serve_aws
        except ModuleNotFoundError as error:
            raise UsageError(
                f"a rehearsal needs `{error.name}`: pip install 'moorage[rehearse]'"
            ) from error
        from moorage.deploy.aws import Access, Aws

        with serve_aws() as address:
            aws = Aws(Access(target.region, endpoint_url=address, test_credentials=True))
            created = [] if shared is None else _deploy_shared(arguments, shared, aws)
            _rehearse(arguments, target, aws, created)
    _title(f"{target.env} can be deployed, updated and deleted: {len(target.stacks)} stacks")
    print_text(LIMITS)
    if types := list_not_created(target):
        print_line(
            f"These types only get an ID, because moto has none of them: {', '.join(types)}."
        )
    return CLEAN


def _deploy_shared(arguments: argparse.Namespace, shared: Target, aws: Aws) -> list[Need]:
    """Deploys the environment whose stacks are shared; returns what was created before."""
    from moorage.deploy.rehearsal.existing import create_what_exists, list_needs

    account = aws.sts.get_caller_identity()["Account"]
    needs = list_needs(shared, account)
    create_what_exists(aws, needs, account)
    _title(f"{shared.env}, whose stacks are shared")
    code = deploy_target(arguments, shared, make_context(aws, account))
    _require(code, "deployment of the shared stacks")
    return needs


def _rehearse(
    arguments: argparse.Namespace, target: Target, aws: Aws, created: Collection[Need]
) -> None:
    """Deploys, changes and deletes the environment. `created` exists already."""
    from moorage.deploy.rehearsal.change import change_image
    from moorage.deploy.status import read_status
    from moorage.deploy.status_text import status_text

    account = aws.sts.get_caller_identity()["Account"]
    values, needs = _create_needs(target, aws, created, account)
    _title(f"moorage deploy {target.env}")
    _require(deploy_target(arguments, target, make_context(aws, account)), "deployment")
    changed = change_image(target)
    if changed is not None:
        _title(f"moorage diff {target.env}, with {changed.stack}.{changed.container}:{changed.tag}")
        _show_change(changed.target, aws, account, values, needs)
        _title(f"moorage deploy {target.env}")
        _require(deploy_target(arguments, changed.target, make_context(aws, account)), "update")
    _title(f"moorage deploy {target.env}, again")
    again = target if changed is None else changed.target
    _require(deploy_target(arguments, again, make_context(aws, account)), "second deployment")
    _title(f"moorage status {target.env}")
    stacks = read_status(aws, target)
    print_text(status_text(stacks))
    _require(CLEAN if all(stack.healthy for stack in stacks) else FOUND, "status")
    _title(f"moorage destroy {target.env}")
    _require(destroy_target(arguments, target, make_context(aws, account)), "deletion")


def _create_needs(
    target: Target, aws: Aws, created: Collection[Need], account: str
) -> tuple[dict[str, str], list[Need]]:
    """Creates what the environment takes from outside of it, and prints it. Returns the values from
    outside, and what its stacks need."""
    from moorage.deploy.rehearsal.existing import (
        create_clusters,
        create_functions,
        create_policies,
        create_what_exists,
        list_needs,
    )
    from moorage.deploy.rehearsal.existing_network import create_network
    from moorage.deploy.rehearsal.outside import (
        choose_values,
        create_outside,
        list_exports,
        list_outside_needs,
        with_values,
    )

    outside = list_outside_needs(target, list_exports(aws))
    values = choose_values(target, outside, account)
    create_outside(aws, outside, values)
    known = with_values(target, values)
    needs = list_needs(known, account)
    create_what_exists(aws, [need for need in needs if need not in created], account)
    for name in (
        *create_network(known, account),
        *create_clusters(aws, known),
        *create_functions(known),
        *create_policies(known),
    ):
        print_line(f"exists: {name}")
    for need in (*outside, *needs):
        print_line(f"exists: {need.kind} {need.name} {need.version}".rstrip())
    return values, needs


def _show_change(
    changed: Target, aws: Aws, account: str, values: Mapping[str, str], needs: Collection[Need]
) -> None:
    """Creates what a changed environment needs in addition, and prints what its deployment would
    change."""
    from moorage.deploy.preview import preview_stacks
    from moorage.deploy.preview_text import previews_text
    from moorage.deploy.rehearsal.existing import create_what_exists, list_needs
    from moorage.deploy.rehearsal.outside import with_values
    from moorage.deploy.stack_state import read_states

    changed_needs = list_needs(with_values(changed, values), account)
    create_what_exists(aws, [need for need in changed_needs if need not in needs], account)
    context = make_context(aws, account)
    with delete_change_sets_at_end(context):
        previews = preview_stacks(context, changed, read_states(aws.cloudformation))
    print_text(previews_text(previews))


def _title(text: str) -> None:
    print_line("")
    print_line(f"# {text}")
    sys.stdout.flush()


def _require(code: int, what: str) -> None:
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    if code == TERMINATED:
        raise TerminatedError
    if code != CLEAN:
        raise FailedError(f"the {what} failed")
