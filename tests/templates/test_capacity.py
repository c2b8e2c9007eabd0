"""The CPU architecture of instances, as far as their types show it."""

from __future__ import annotations

import pytest

from moorage.model import Environment
from templates.cluster.capacity import Capacity, capacity_handles, is_graviton

GRAVITON = [
    "a1.large",
    "t4g.small",
    "m7g.large",
    "c7gn.xlarge",
    "im4gn.large",
    "g5g.xlarge",
    "x2gd.large",
]
X86 = ["t3.small", "g5.xlarge", "g4dn.xlarge", "c7i-flex.large", "m5a.large", "u-6tb1.metal"]


@pytest.mark.parametrize("instance_type", GRAVITON)
def test_graviton_types_are_recognized(instance_type: str) -> None:
    assert is_graviton(instance_type)


@pytest.mark.parametrize("instance_type", X86)
def test_other_types_are_not_graviton(instance_type: str) -> None:
    assert not is_graviton(instance_type)


@pytest.mark.parametrize(
    ("patterns", "architecture"),
    [
        (["m7g.*", "c7gn.large"], "ARM64"),
        (["m7i.*", "m7a.*"], "X86_64"),
        (["m7g.*", "m7i.*"], None),
        (["m7*"], None),
        (["*"], None),
        ([], None),
    ],
)
def test_managed_instances_have_an_architecture_if_all_types_share_it(
    patterns: list[str], architecture: str | None
) -> None:
    capacity = Capacity.model_validate({"managed_instances": {"instance_types": patterns}})
    environment = Environment("dev", "shop", "eu-central-1", None, {}, None, {})
    handles = capacity_handles("cluster", capacity, environment)
    assert handles["managed_instances"].architecture == architecture
