"""cfn-lint finds the same if sympy is imported only for templates with conditions."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from lint_samples import QUEUE, REGION, ROOT, UNUSUAL

from moorage.lint.cfn_lint import lint_text
from moorage.lint.settings import find_settings
from moorage.lint.stored_findings import as_json

LINT = """
import json, sys
from moorage.lint.late_sympy import import_with_late_sympy
cfn_lint = import_with_late_sympy("moorage.lint.cfn_lint")
from moorage.lint.settings import find_settings
from moorage.lint.stored_findings import as_json
found = [
    as_json(cfn_lint.lint_text(text, sys.argv[1], find_settings())) for text in json.load(sys.stdin)
]
json.dump([found, "sympy.core" in sys.modules], sys.stdout)
"""
HEAD = """
Parameters:
  Size: {Type: String, AllowedValues: [small, large], Default: small}
  Name: {Type: String, Default: ""}
Conditions:
  IsLarge: !Equals [!Ref Size, large]
  IsSmall: !Not [!Condition IsLarge]
  IsNamed: !Not [!Equals [!Ref Name, ""]]
  IsBoth: !And [!Condition IsLarge, !Condition IsNamed]
  IsAny: !Or [!Condition IsSmall, !Condition IsNamed, !Equals [!Ref AWS::Region, eu-central-1]]
"""
CONDITIONAL = (
    HEAD
    + """
Resources:
  Queue: {Type: AWS::SQS::Queue, Condition: IsLarge}
  Topic:
    Type: AWS::SNS::Topic
    Condition: IsSmall
    Properties: {DisplayName: !GetAtt Queue.QueueName}
""",
    HEAD
    + """
Resources:
  Queue: {Type: AWS::SQS::Queue, Condition: IsAny, Properties: {QueueName: !If [IsBoth, 1, []]}}
Outputs: {Name: {Value: !GetAtt Queue.QueueName}}
""",
    HEAD
    + """
Rules:
  Named:
    RuleCondition: !Equals [!Ref Size, large]
    Assertions: [{Assert: !Not [!Equals [!Ref Name, ""]]}]
Resources:
  Queue: {Type: AWS::SQS::Queue, Condition: IsBoth}
  Topic: {Type: AWS::SNS::Topic, Properties: {DisplayName: !If [IsNamed, !Ref Queue, x]}}
""",
    "Conditions: {A: !Condition B, B: !Condition A, C: 1}\nResources: {Q: {Type: AWS::SQS::Queue, "
    "Condition: D}}",
)


def lint_late(texts: list[str]) -> tuple[list[Any], bool]:
    """The findings with sympy as late as possible, and whether it was imported at all."""
    command = [sys.executable, "-c", LINT, REGION]
    done = subprocess.run(
        command, cwd=ROOT, input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    found, is_imported = json.loads(done.stdout)
    return found, is_imported


def lint_here(texts: list[str]) -> list[Any]:
    found = [as_json(lint_text(text, REGION, find_settings())) for text in texts]
    return list(json.loads(json.dumps(found)))


def test_no_template_without_conditions_needs_it() -> None:
    texts = [QUEUE, *UNUSUAL, (ROOT / "out/prod/public.yaml").read_text()]
    assert lint_late(texts) == (lint_here(texts), False)


def test_conditions_are_solved_as_before() -> None:
    golden = [
        text
        for file in sorted((ROOT / "tests/golden").rglob("out/**/*.yaml"))
        if "\nConditions:\n" in (text := file.read_text())
    ]
    assert len(golden) > 5
    texts = [*CONDITIONAL, *golden[::20]]
    expected = lint_here(texts)
    assert all(expected[:4]), "conditions decide what is found"
    assert lint_late(texts) == (expected, True)


def test_another_version_of_cfn_lint_gets_sympy_itself(tmp_path: Path) -> None:
    """One that uses names which cannot stand for themselves until they are called."""
    (tmp_path / "uses_sympy.py").write_text(
        "from sympy import Symbol\nfrom sympy.core.numbers import Integer\n"
        "class Own(Symbol):\n    pass\n"
    )
    program = (
        "import sys; from moorage.lint.late_sympy import import_with_late_sympy\n"
        f"sys.path.append({str(tmp_path)!r})\n"
        "print(import_with_late_sympy('uses_sympy').Own('x') + 1)"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "x + 1\n"
