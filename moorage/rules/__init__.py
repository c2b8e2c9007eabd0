"""Rules for what cfn-lint does not see, for anybody's templates.

    cfn-lint --append-rules moorage.rules template.yaml

takes each rule of `registry` from here as a class of its own.
"""

from __future__ import annotations

from moorage.rules import plugin
from moorage.rules.registry import RULES

globals().update({one.id: plugin.rule_class(one) for one in RULES})
