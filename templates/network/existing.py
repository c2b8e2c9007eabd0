"""Problems of the params of an existing VPC."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.findings.finding import Path, Problem
from moorage.references import Reference

from .params import Existing, Params


def has_no_subnets(params: Params) -> bool:
    """Whether the params name an existing VPC and none of its subnets. Only the network reports
    this; the stacks that use it do not report what follows from it."""
    existing = params.existing
    return existing is not None and not (existing.public_subnets or existing.private_subnets)


def existing_network_problems(params: Params, existing: Existing) -> Iterator[Problem]:
    if params.model_fields_set != {"existing"}:
        ignored = sorted(params.model_fields_set - {"existing"})
        settings = ", ".join(f"`{key}`" for key in ignored)
        verb = "has" if len(ignored) == 1 else "have"
        message = f"With `existing` the stack creates no VPC, so {settings} {verb} no effect"
        hint = f"Remove {settings}, or remove `existing` to create a VPC."
        yield Problem("M2000", ("existing",), message, hint)
    lists = {"public_subnets": existing.public_subnets, "private_subnets": existing.private_subnets}
    if has_no_subnets(params):
        hint = "Write the IDs of subnets below `public_subnets:`, `private_subnets:` or both."
        because: tuple[Path, ...] = tuple(("existing", key) for key in lists)
        message = "`existing` names a VPC, but none of its subnets"
        yield Problem("M2001", ("existing",), message, hint, because=because)
    seen: set[str | Reference] = set()
    for key, ids in lists.items():
        for index, subnet in enumerate(ids):
            if subnet in seen:
                hint = "Remove one of the two: a subnet is either public or private."
                path = ("existing", key, index)
                yield Problem("M2002", path, f"The subnet `{subnet}` is listed twice", hint)
            seen.add(subnet)
