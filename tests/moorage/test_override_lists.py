"""`overrides:` that reach into the lists of a template."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from moorage.pipeline.build import build
from moorage.pipeline.override_lists import apply_overrides
from templates import TEMPLATES

CONTAINERS = [
    {"Name": "web", "PortMappings": [{"ContainerPort": 80}, {"ContainerPort": 81}]},
    {"Name": "proxy", "Command": ["a", "b"]},
]


def patched(target: Any, patch: Any) -> Any:
    result, misses = apply_overrides({"List": target}, {"List": patch})
    assert misses == []
    return result["List"]


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [
        pytest.param([{"Key": "a", "Value": 1}], {"a": {"Value": 2}}, [{"Key": "a", "Value": 2}]),
        pytest.param([{"Key": "a"}, {"Key": "b"}], {"a": None}, [{"Key": "b"}]),
        pytest.param([{"Key": "a"}], {"a": None}, []),
        pytest.param(
            [{"Key": "a"}, {"Key": "b"}],
            {"a": None, "c": {"Key": "c"}, "d": {"Key": "d", "Value": None}},
            [{"Key": "b"}, {"Key": "c"}, {"Key": "d"}],
            id="new entries are at the end",
        ),
        pytest.param(
            [{"ContainerName": "web", "ContainerPort": port} for port in (80, 81)],
            {"81": {"TargetGroupArn": "x"}},
            [
                {"ContainerName": "web", "ContainerPort": 80},
                {"ContainerName": "web", "ContainerPort": 81, "TargetGroupArn": "x"},
            ],
            id="any property that differs",
        ),
        pytest.param(["a", "b"], {"1": "c", "0": None}, ["c"], id="by position"),
        pytest.param([{"Key": "a"}], [], [], id="a list replaces"),
        pytest.param([{"Key": "a"}], {"Ref": "List"}, {"Ref": "List"}, id="so does a function"),
        pytest.param([{"Key": "a"}], {"a": {"Key": "z"}}, [{"Key": "z"}], id="a new name"),
    ],
)
def test_a_map_changes_entries_of_a_list(target: Any, patch: Any, expected: Any) -> None:
    before = repr(target)
    assert patched(target, patch) == expected
    assert repr(target) == before


def test_lists_in_entries_of_lists() -> None:
    patch = {
        "web": {"PortMappings": {"81": {"Name": "admin"}}},
        "proxy": {"Command": {"1": "c"}},
    }
    assert patched(CONTAINERS, patch) == [
        {
            "Name": "web",
            "PortMappings": [{"ContainerPort": 80}, {"ContainerPort": 81, "Name": "admin"}],
        },
        {"Name": "proxy", "Command": ["a", "c"]},
    ]


@pytest.mark.parametrize(
    ("patch", "message", "hint"),
    [
        (
            {"wbe": {"Image": "x"}},
            "The template has no `wbe` in `List`",
            "Did you mean `web`? A new one needs `Name: wbe`.",
        ),
        (
            {"agent": None},
            "The template has no `agent` in `List`",
            "It has web, proxy.",
        ),
        (
            {"proxy": {"Command": {"2": "c"}}},
            "The template has no `2` in `Command`",
            "Its entries have no names: write their positions, 0 to 1.",
        ),
        (
            {"web": {"Command": None}},
            "The template has no `Command` here, so null deletes nothing",
            "Remove it.",
        ),
        (
            {"web": {"PortMapings": None}},
            "The template has no `PortMapings` here, so null deletes nothing",
            "Did you mean `PortMappings`?",
        ),
    ],
)
def test_what_a_patch_names_in_vain_is_reported(patch: Any, message: str, hint: str) -> None:
    result, (miss,) = apply_overrides({"List": CONTAINERS}, {"List": patch})
    assert (miss.message, miss.hint) == (message, hint)
    assert result == {"List": CONTAINERS}


def test_a_name_of_several_entries_is_reported() -> None:
    entries = [{"ContainerName": "web", "ContainerPort": port} for port in (80, 81)]
    _, (miss,) = apply_overrides({"List": entries}, {"List": {"web": None}})
    assert miss.message == "Several entries of `List` are `web`"
    assert miss.hint == "Name one of them: 80, 81."


def test_an_environment_changes_entries_of_a_list_of_the_base(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(
        """
app: shop
region: eu-central-1
stacks:
  cluster:
    overrides:
      Resources: {Cluster: {Properties: {Tags: [{Key: a, Value: x}, {Key: b, Value: x}]}}}
"""
    )
    (tmp_path / "dev.yaml").write_text(
        "stacks: {cluster: {overrides: {Resources: {Cluster: {Properties: {Tags: "
        "{a: {Value: z}, b: null}}}}}}}"
    )
    built = build(tmp_path, "dev", TEMPLATES)
    assert built.findings == ()
    assert built.plan is not None
    cluster = built.plan.stacks[0].rendering.body["Resources"]["Cluster"]["Properties"]
    assert cluster["Tags"] == [{"Key": "a", "Value": "z"}]
