"""What is wrong with the params of an existing VPC."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.findings.finding import Path, Problem

from .params import Existing, Params


def existing_network_problems(params: Params, existing: Existing) -> Iterator[Problem]:
    if params.model_fields_set != {"existing"}:
        others = sorted(params.model_fields_set - {"existing"})
        hint = "Remove what stands beside it, or remove `existing:` to have the network made."
        message = f"`existing` stands beside {', '.join(others)}, which would change nothing"
        yield Problem("M1108", ("existing",), message, hint)
    lists = {"public_subnets": existing.public_subnets, "private_subnets": existing.private_subnets}
    if not any(lists.values()):
        hint = "List the ids below `public_subnets:`, `private_subnets:` or both."
        because: tuple[Path, ...] = tuple(("existing", key) for key in lists)
        yield Problem("M1108", ("existing",), "No subnet is named", hint, because=because)
    seen: set[str] = set()
    for key, ids in lists.items():
        for index, one in enumerate(ids):
            if one in seen:
                hint = "Keep it once, as public or as private."
                path = ("existing", key, index)
                yield Problem("M1107", path, f"The subnet `{one}` stands twice", hint)
            seen.add(one)
