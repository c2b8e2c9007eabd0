"""A mistake is found behind correct resources of the same types, which then raise nothing."""

from __future__ import annotations

import pytest
from corpus import Case, bases, cases, run_case
from crowds import put_in_front
from template_parts import Body

COMPARING = {"E9365", "E9470", "E9500", "E9939", "E9942", "W9840", "W9933", "W9992"}
"""Rules that compare all resources of a type: the names, ports and priorities of a case and of its
correct twin are the same, and more resources exceed a quota."""

NOT_FOUND = {
    "access-logs-in-a-bucket-of-that-name": "two buckets have the name",
    "desired-count-with-autoscaling-by-name": "two services have the name",
    "instances-with-ephemeral-ports": "two Auto Scaling groups may run the tasks",
    "invalid-size-in-the-mapping-by-default": "the twin reads the same mapping",
    "log-group-named-after-the-stack-is-missing": "the twin creates the log group",
    "six-elastic-ip-addresses": "the sixth address is another one",
    "td-log-group-missing": "the twin creates the log group",
}
"""Cases that differ in a crowd, with the reason."""


def crowd(case: Case) -> Body:
    """The incorrect template behind its correct twin and two bases, other ones for each case."""
    names = sorted(name for name, body in bases().items() if body.get("Resources"))
    first = sum(map(ord, case.name))
    others = (bases()[names[index % len(names)]] for index in (first, first // len(names) + first))
    return put_in_front(dict(case.bad), dict(case.good), *others)


@pytest.mark.parametrize("topic", sorted({case.topic for case in cases()} - {"found_by_cfn_lint"}))
def test_mistakes_are_found_behind_correct_resources(topic: str) -> None:
    differing = {}
    for case in cases():
        if case.topic == topic and case.name not in NOT_FOUND:
            found = run_case(case, crowd(case))
            unexpected = {problem for problem in found - case.finds if problem[0] not in COMPARING}
            if unexpected or case.finds - found:
                differing[case.name] = unexpected, case.finds - found
    assert differing == {}


def test_exceptions_are_cases() -> None:
    assert NOT_FOUND.keys() <= {case.name for case in cases()}
