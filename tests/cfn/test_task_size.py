"""Sizes of tasks on Fargate."""

from __future__ import annotations

import pytest

from moorage.cfn.task_size import is_fargate_size, parse_size


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("512", 512),
        (" 512 ", 512),
        (".5 vCPU", 512),
        ("1vcpu", 1024),
        ("0.5GB", 512),
        ("30 GB", 30720),
        ("0.5", None),
        ("much", None),
        ("", None),
        ("9" * 30, None),
        (None, None),
    ],
)
def test_a_size_as_it_is_written(text: str | None, found: int | None) -> None:
    assert parse_size(text) == found


def test_a_pair() -> None:
    assert is_fargate_size(256, 512)
    assert not is_fargate_size(1024, 512)
    assert not is_fargate_size(300, 512)
