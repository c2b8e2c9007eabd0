"""Each mistake that a template reports in its params, beside the nearest params that are correct.

A case in `problems/<topic>.yaml` has one mistake:

    M2104-instance-types:
      stacks:
        cluster: {capacity: {ec2: {instance_types: [t3.small, t4g.small]}}}
      finds: {cluster.capacity.ec2.instance_types.1: M2104}
      good: {cluster.capacity.ec2.instance_types.1: t3.medium}

The environment also has a network and a cluster, unless the case has its own or `null`. `header`
has keys at the top of the file. `finds` has everything that is reported, by its path. `good` makes
the params correct: values by path, and `null` removes one; `header` is the first step of a key at
the top. `says`, where other wrong values have the same code, is a part of the message or hint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from rules.corpus import apply_changes

from moorage.findings.codes import CODES
from moorage.findings.finding import Finding
from moorage.pipeline.document import Document
from moorage.pipeline.validate import validate
from templates import TEMPLATES

FILES = sorted(Path(__file__).with_name("problems").glob("*.yaml"))
KEYS = {"header", "stacks", "finds", "says", "good"}


@cache
def read_cases(file: Path) -> dict[str, dict[str, Any]]:
    cases: dict[str, dict[str, Any]] = YAML(typ="safe").load(file.read_text())
    return cases


def complete(stacks: Mapping[str, Any]) -> dict[str, Any]:
    kinds = {(stack or {}).get("template", name) for name, stack in stacks.items()}
    return {**{kind: {} for kind in ("network", "cluster") if kind not in kinds}, **stacks}


def find_problems(params: Mapping[str, Any]) -> Sequence[Finding]:
    stacks = {
        name: stack for name, stack in params.items() if name != "header" and stack is not None
    }
    data = {"app": "shop", "region": "eu-central-1", **params["header"], "stacks": stacks}
    return validate(Document("dev", "params/dev.yaml", data, {}), TEMPLATES)[1]


def codes_by_path(findings: Sequence[Finding]) -> dict[str, str | list[str]]:
    """The codes of findings, by path below `stacks`: a list where there are several."""
    found: dict[str, list[str]] = {}
    for finding in findings:
        path = ".".join(map(str, finding.path)).removeprefix("stacks.")
        found.setdefault(path, []).append(finding.code)
    return {path: codes if len(codes) > 1 else codes[0] for path, codes in found.items()}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_mistake_is_found_and_its_correct_neighbor_is_not(file: Path) -> None:
    differing = {}
    for name, case in read_cases(file).items():
        assert case.keys() <= KEYS, name
        bad = {"header": case.get("header", {}), **complete(case["stacks"])}
        findings = find_problems(bad)
        found = codes_by_path(findings)
        left = codes_by_path(find_problems(apply_changes(bad, case["good"])))
        said = "\n".join(f"{finding.message}\n{finding.hint}" for finding in findings)
        if found != case["finds"] or left or case.get("says", "") not in said:
            differing[name] = found, left, said
    assert differing == {}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_case_is_named_after_its_code(file: Path) -> None:
    for name, case in read_cases(file).items():
        code = name.partition("-")[0]
        assert code in CODES
        assert code in str(case["finds"])
