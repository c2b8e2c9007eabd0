"""Keys without a value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from params_findings import HEADER, OTHERS, container_finding, findings, service_finding


def values(folder: Path, environment: str, base: str | None = None) -> list[tuple[str, str, Any]]:
    return [
        (finding.code, finding.level, finding.path[-1])
        for finding in findings(folder, environment, base)
    ]


def test_a_container_without_a_value_needs_an_image(tmp_path: Path) -> None:
    text = f"{HEADER}stacks:\n{OTHERS}  web: {{template: service, containers: {{web: }}}}\n"
    (finding,) = findings(tmp_path, text)
    assert finding.hint == "Write `web: {image: ...}`, or remove the key."


def test_a_container_without_a_name_gets_one(tmp_path: Path) -> None:
    containers = "    containers: {image: nginx:1}\n"
    text = f"{HEADER}stacks:\n{OTHERS}  web:\n    template: service\n{containers}"
    hints = [finding.hint for finding in findings(tmp_path, text)]
    assert hints == ["Write the name of the container above it: `web: {image: nginx:1}`."]


def test_a_retention_in_days_needs_the_unit(tmp_path: Path) -> None:
    assert service_finding(tmp_path, "logs: {retention: 30}").hint == "Add the unit: `30d`."


def test_a_variable_without_a_value_would_be_lost(tmp_path: Path) -> None:
    finding = container_finding(tmp_path, "environment: {FOO: , BAR: x}")
    assert (finding.code, finding.level, finding.path[-1]) == ("M1113", "error", "FOO")
    assert finding.hint == 'Write `FOO: ""` for an empty string, or remove the key.'


def test_null_deletes_what_the_base_has(tmp_path: Path) -> None:
    base = f"{HEADER}stacks: {{cluster: {{exec_logs: {{retention: 7d}}}}}}\ntags: {{a: b, c: d}}\n"
    environment = "tags: {a: null, x: null}\nstacks: {cluster: {exec_logs: null, capacity: null}}\n"
    assert values(tmp_path, environment, base) == [
        ("M1113", "error", "x"),
        ("M1113", "warning", "capacity"),
    ]


def test_a_null_in_the_base_can_be_replaced_by_the_environment(tmp_path: Path) -> None:
    base = f"{HEADER}stacks: {{cluster: {{exec_logs: }}}}\n"
    assert values(tmp_path, "stacks: {cluster: {exec_logs: {retention: 7d}}}\n", base) == []
    assert values(tmp_path, "stacks: {cluster: {}}\n", base) == [("M1113", "warning", "exec_logs")]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ("tags: {a: }\nstacks: {cluster: {}}\n", [("M1113", "error", "a")]),
        ("stacks: {cluster: {capcity: }}\n", [("M1113", "error", "capcity")]),
        ("stacks: {cluster: {overrides: {Resources: {Cluster: }}}}\n", []),
        ("stacks: {x: {template: nothing, a: }}\n", [("M1106", "error", "template")]),
        (
            "permissions_boundary:\nstacks: {cluster: {}}\n",
            [("M1113", "warning", "permissions_boundary")],
        ),
        ("stacks: {cluster: }\n", [("M1114", "error", "cluster")]),
        ("stacks: {ecr: {repositories: {a: }}}\n", [("M1113", "error", "a")]),
    ],
)
def test_nulls_that_delete_nothing(tmp_path: Path, environment: str, expected: Any) -> None:
    assert values(tmp_path, HEADER + environment) == expected
