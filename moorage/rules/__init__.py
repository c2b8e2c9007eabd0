"""Rules for CloudFormation templates with ECS, for mistakes that cfn-lint does not find.

    cfn-lint --append-rules moorage.rules template.yaml

cfn-lint looks for rule classes among the names of this module: one for each rule of `registry`.
They are made when they are asked for, since a build needs the rules without cfn-lint.
"""

from __future__ import annotations

import re
from typing import Any

_ID = re.compile(r"[EW][0-9]{4}")


def __dir__() -> list[str]:
    from moorage.rules.registry import RULES

    return sorted({*globals(), *(rule.id for rule in RULES)})


def __getattr__(name: str) -> Any:
    if _ID.fullmatch(name):
        from moorage.rules.plugin import rule_class
        from moorage.rules.registry import RULES

        globals().update({rule.id: rule_class(rule) for rule in RULES})
        if name in globals():
            return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
