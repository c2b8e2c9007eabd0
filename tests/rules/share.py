"""The number of rules, and the share of cases that they judge correctly:

    python tests/rules/share.py

A case is judged correctly if the rules find exactly its mistakes in the incorrect template, and
nothing in the correct one.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from corpus import Case, case_id, cases, run_case

from moorage.rules.coverage import FOUND_BY_CFN_LINT, FOUND_BY_COMPARISON, TOO_NOISY, UNDECIDABLE
from moorage.rules.registry import CONSTRAINTS, RULES

FOUND = {failure for rule in RULES for failure in rule.failure_ids}
KNOWN = {*FOUND, *FOUND_BY_CFN_LINT, *FOUND_BY_COMPARISON, *TOO_NOISY, *UNDECIDABLE}
"""Known failures of deployments: those that rules find, and all."""


def is_judged_correctly(case: Case) -> bool:
    """Whether the rules find the mistakes of the incorrect template, and no others."""
    return run_case(case, case.good) == set() and run_case(case, case.bad) == case.finds


def report(chosen: Collection[Case]) -> str:
    """The numbers, and the cases that are judged wrongly."""
    wrong = [case_id(case) for case in chosen if not is_judged_correctly(case)]
    right = len(chosen) - len(wrong)
    lines = (
        f"{len(RULES)} rules, of which {len(CONSTRAINTS)} are constraints",
        f"{right} of {len(chosen)} cases are judged correctly ({100 * right / len(chosen):.1f} %)",
        *(f"  judged wrongly: {name}" for name in wrong),
        f"{len(FOUND)} of {len(KNOWN)} known failures are found by rules, "
        f"{len(FOUND_BY_CFN_LINT)} by cfn-lint, "
        f"and {len(FOUND_BY_COMPARISON)} by the comparison of two versions",
    )
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    print(report(cases()), end="")
