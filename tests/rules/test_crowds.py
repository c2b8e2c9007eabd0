"""A mistake is found behind correct resources of the same types, which then raise nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from corpus import Case, bases, cases, run_case
from crowds import put_in_front, with_unknown_properties, with_unknown_references
from packs import incorrect_templates, judge_packs
from template_parts import Body

COMPARING = {
    "E9082",
    "E9285",
    "E9365",
    "E9377",
    "E9470",
    "E9500",
    "E9607",
    "E9622",
    "E9628",
    "E9631",
    "E9876",
    "E9907",
    "E9908",
    "E9939",
    "E9942",
    "E9957",
    "E9983",
    "W9840",
    "W9933",
    "W9992",
}
"""Rules that compare all resources of a type: the names, ports and priorities of a case and of its
correct twin are the same, and more resources exceed a quota."""

NOT_FOUND = {
    "access-logs-in-a-bucket-of-that-name": "two buckets have the name",
    "desired-count-with-autoscaling-by-name": "two services have the name",
    "group-waits-for-signals-of-silent-instances": "the instances of the twin signal it",
    "instances-with-ephemeral-ports": "two Auto Scaling groups may run the tasks",
    "invalid-size-in-the-mapping-by-default": "the twin reads the same mapping",
    "log-group-named-after-the-stack-is-missing": "the twin creates the log group",
    "six-elastic-ip-addresses": "the sixth address is another one",
    "td-log-group-missing": "the twin creates the log group",
    "update-waits-for-signals-of-silent-instances": "the instances of the twin signal it",
}
"""Cases that differ in a crowd, with the reason."""


MAY_BE_MEANT = {"E9013", "E9430", "E9530", "E9611", "E9613", "E9682", "E9800", "W9239", "W9968"}
"""Rules that find nothing if an unknown resource may do what is missing: a bucket policy, a queue
policy, a listener, a peering connection, a block of a VPC, user data, a schedule."""

NOT_KNOWN = {"E9290", "E9340", "W9870"}
"""Rules about imports, and about what may belong to a scaling target or a lifecycle policy."""


def among_unknown(case: Case) -> Body:
    """The incorrect template behind its correct twin, of which only the deployment knows most."""
    twin = dict(case.good)
    return put_in_front(
        dict(case.bad), with_unknown_references(twin), with_unknown_properties(twin)
    )


def crowd(case: Case) -> Body:
    """The incorrect template behind its correct twin and two bases, other ones for each case."""
    names = sorted(name for name, body in bases().items() if body.get("Resources"))
    first = sum(map(ord, case.name))
    others = (bases()[names[index % len(names)]] for index in (first, first // len(names) + first))
    return put_in_front(dict(case.bad), dict(case.good), *others)


CASES = incorrect_templates()
Problems = set[tuple[str, str]]
Judge = Callable[[Case], tuple[Problems, Problems] | None]


def wrong_cases(group: str, judge: Judge) -> dict[str, tuple[Problems, Problems] | None]:
    """The unexpected and the missing problems of each case that is not in `NOT_FOUND`."""
    wrong = judge_packs(CASES[group], judge)
    return {name: problems for name, problems in wrong.items() if name not in NOT_FOUND}


def wrong_in_crowd(case: Case) -> tuple[Problems, Problems] | None:
    """The unexpected and the missing problems."""
    found = run_case(case, crowd(case))
    unexpected = {problem for problem in found - case.finds if problem[0] not in COMPARING}
    missing = case.finds - found
    return (unexpected, missing) if unexpected or missing else None


@pytest.mark.parametrize("group", CASES)
def test_mistakes_are_found_behind_correct_resources(group: str) -> None:
    assert wrong_cases(group, wrong_in_crowd) == {}


def wrong_among_unknown(case: Case) -> tuple[Problems, Problems] | None:
    """The unexpected and the missing problems."""
    found = run_case(case, among_unknown(case))
    allowed = COMPARING | NOT_KNOWN
    unexpected = {problem for problem in found - case.finds if problem[0] not in allowed}
    missing = {problem for problem in case.finds - found if problem[0] not in MAY_BE_MEANT}
    return (unexpected, missing) if unexpected or missing else None


@pytest.mark.parametrize("group", CASES)
def test_mistakes_are_found_behind_resources_that_are_not_known(group: str) -> None:
    assert wrong_cases(group, wrong_among_unknown) == {}


def test_exceptions_are_cases() -> None:
    assert NOT_FOUND.keys() <= {case.name for case in cases()}
