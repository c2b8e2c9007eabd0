"""cfn-lint finds the same without what it seldom needs: sympy is imported for templates with
conditions, few modules of networkx are, and schemas of rules are read when they are used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cfnlint.rules.jsonschema.CfnLintJsonSchema import CfnLintJsonSchema, SchemaDetails
from lint_samples import QUEUE, REGION, ROOT, UNUSUAL

from moorage.lint.cfn_lint import lint_text
from moorage.lint.settings import find_settings
from moorage.lint.stored_findings import as_json

LINT = """
import json, sys
from moorage.lint.late_imports import import_late
cfn_lint = import_late("moorage.lint.cfn_lint")
from moorage.lint.settings import find_settings
from moorage.lint.stored_findings import as_json
found = [
    as_json(cfn_lint.lint_text(text, sys.argv[1], find_settings())) for text in json.load(sys.stdin)
]
parts = [name for name in ("sympy.core", "networkx.linalg") if name in sys.modules]
json.dump([found, parts], sys.stdout)
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


SYMPY, NETWORKX = "sympy.core", "networkx.linalg"
"""Modules that are imported if all of a package is."""


def lint_late(texts: list[str]) -> tuple[list[Any], list[str]]:
    """The findings with as few imports as possible, and which packages were imported as a whole."""
    command = [sys.executable, "-c", LINT, REGION]
    done = subprocess.run(
        command, cwd=ROOT, input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    found, parts = json.loads(done.stdout)
    return found, parts


CIRCLES = """
Resources:
  A: {Type: AWS::SNS::Topic, Properties: {DisplayName: !GetAtt B.TopicName}}
  B: {Type: AWS::SNS::Topic, Properties: {DisplayName: !GetAtt C.TopicName}}
  C: {Type: AWS::SNS::Topic, DependsOn: A}
  D: {Type: AWS::SNS::Topic, DependsOn: [E]}
  E: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Sub "${D.TopicName}-${A.TopicName}"}}
"""


def lint_here(texts: list[str]) -> list[Any]:
    found = [as_json(lint_text(text, REGION, find_settings())) for text in texts]
    return list(json.loads(json.dumps(found)))


def test_a_template_without_conditions_needs_neither() -> None:
    texts = [QUEUE, *UNUSUAL, CIRCLES, (ROOT / "out/prod/public.yaml").read_text()]
    assert lint_late(texts) == (lint_here(texts), [])


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
    assert lint_late(texts) == (expected, [SYMPY])


def test_another_version_of_cfn_lint_gets_sympy_itself(tmp_path: Path) -> None:
    """One that uses names which cannot stand for themselves until they are called."""
    (tmp_path / "uses_sympy.py").write_text(
        "from sympy import Symbol\nfrom sympy.core.numbers import Integer\n"
        "class Own(Symbol):\n    pass\n"
    )
    assert (
        run(
            f"import sys; sys.path.append({str(tmp_path)!r})\n"
            "from moorage.lint.late_imports import import_late\n"
            "print(import_late('uses_sympy').Own('x') + 1)"
        )
        == "x + 1\n"
    )


USES_NETWORKX = """
import sys
from moorage.lint.late_imports import import_late
import_late("moorage.lint.cfn_lint")
import networkx
from networkx.algorithms import dag
graph = networkx.MultiDiGraph([("a", "b"), ("b", "c")])
print([*dag.topological_sort(graph)], networkx.shortest_path(graph, "a", "c"))
print(networkx.algorithms.is_directed_acyclic_graph(graph), networkx.__version__ > "3")
print("networkx.linalg" in sys.modules)
"""


def test_all_of_networkx_is_there_for_other_rules() -> None:
    """Rules that the settings of a user name can use what cfn-lint does not."""
    assert run(USES_NETWORKX).splitlines() == [
        "['a', 'b', 'c'] ['a', 'b', 'c']",
        "True True",
        "True",
    ]


def test_another_version_of_networkx_is_imported_as_usual(tmp_path: Path) -> None:
    """One whose classes and functions are in other modules."""
    (tmp_path / "networkx").mkdir()
    (tmp_path / "networkx/__init__.py").write_text("MultiDiGraph = 'of the package'\n")
    (tmp_path / "networkx/algorithms.py").write_text("")
    assert (
        run(
            f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
            "from moorage.lint.late_imports import import_late\n"
            "import_late('json')\n"
            "import networkx; print(networkx.MultiDiGraph)"
        )
        == "of the package\n"
    )


COUNTS_SCHEMAS = """
import sys
from pathlib import Path
from moorage.lint.late_imports import import_late
opened = []
sys.addaudithook(lambda event, values: event == "open" and opened.append(str(values[0])))
cfn_lint = import_late("moorage.lint.cfn_lint")
from moorage.lint.settings import find_settings
cfn_lint.find_runner(None, find_settings())
schemas = lambda: sum("/extensions/" in file and file.endswith(".json") for file in opened)
print(schemas())
cfn_lint.lint_text(Path("out/prod/public.yaml").read_text(), "eu-central-1", find_settings())
print(schemas())
"""


def test_schemas_are_read_for_the_rules_that_use_them() -> None:
    loaded, linted = map(int, run(COUNTS_SCHEMAS).split())
    assert loaded < 10
    assert loaded < linted < 80


def test_a_schema_of_a_users_rule_is_read_at_once() -> None:
    """Without the file, cfn-lint refuses the rule."""
    with pytest.raises(FileNotFoundError):
        CfnLintJsonSchema(schema_details=SchemaDetails("json", "missing.json"))
    package = "cfnlint.data.schemas.extensions"
    late = CfnLintJsonSchema(schema_details=SchemaDetails(package, "missing.json"))
    with pytest.raises(FileNotFoundError):
        late.schema["type"]


def run(program: str) -> str:
    """What a program prints."""
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
