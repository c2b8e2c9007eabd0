"""Rules for CloudFormation templates with ECS, for mistakes that cfn-lint does not find.

    cfn-lint --append-rules moorage.rules template.yaml

cfn-lint looks for rule classes among the names of this module: one for each rule of `registry`.
"""

from __future__ import annotations

from moorage.rules import plugin
from moorage.rules.registry import RULES

globals().update({rule.id: plugin.rule_class(rule) for rule in RULES})
