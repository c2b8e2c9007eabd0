"""CPU and memory of Fargate tasks."""

from __future__ import annotations

import pytest

from moorage.cfn.task_size import is_fargate_size, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
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
def test_parse_size(text: str | None, size: int | None) -> None:
    assert parse_size(text) == size


def test_is_fargate_size() -> None:
    assert is_fargate_size(256, 512)
    assert not is_fargate_size(1024, 512)
    assert not is_fargate_size(300, 512)
