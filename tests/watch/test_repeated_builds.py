"""A build that takes results from the build before gives the same as one without."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from moorage.findings.finding import Finding
from moorage.lint.findings_cache import FindingsCache
from moorage.lint.linter import Linter
from moorage.lint.recent_cache import RecentCache
from moorage.pipeline.build import build
from templates import TEMPLATES

PARAMS = """\
app: shop
region: eu-central-1
stacks:
  network: {}
  cluster: {}
  one: {template: worker, containers: {one: {image: "ecr:shop/one:1"}}}
  two:
    template: worker
    containers: {two: {image: "ecr:shop/two:1"}}
    overrides: {Resources: {Service: {Properties: {Nam: x}}}}
"""


def test_what_is_remembered_changes_no_build(tmp_path: Path) -> None:
    file = tmp_path / "dev.yaml"
    linter = Linter(RecentCache(None))
    for params in (
        PARAMS,
        PARAMS.replace("shop/one:1", "shop/one:latest"),
        PARAMS.replace("image", "imagee"),
        PARAMS.replace("Nam: x", "PropagateTags: SERVICE"),
        PARAMS,
    ):
        file.write_text(params)
        built = build(tmp_path, "dev", TEMPLATES, linter=linter)
        alone = build(tmp_path, "dev", TEMPLATES)
        assert built.findings == alone.findings
        assert (built.plan is None) == (alone.plan is None)
        if built.plan is not None and alone.plan is not None:
            assert built.plan.stacks == alone.plan.stacks


def test_findings_are_shown_before_all_are_known(tmp_path: Path) -> None:
    """Each time more is shown than before, but cfn-lint replaces what the engine says."""
    (tmp_path / "dev.yaml").write_text(PARAMS.replace("shop/one:1", "shop/one:latest"))
    shown: list[Sequence[Finding]] = []
    built = build(tmp_path, "dev", TEMPLATES, show=shown.append)
    sets = [{*findings} for findings in [*shown, built.findings]]
    codes = [{finding.code for finding in findings} for findings in sets]
    assert codes[0] == set()
    assert [("F3002" in found, "E3002" in found) for found in codes] == [
        *[(False, False)] * 3,
        *[(True, False)] * 2,  # AWS's engine, and then Moorage's rules
        (False, True),
    ]
    replaced = {finding for finding in sets[4] if finding.code == "F3002"}
    assert all(earlier - replaced <= later for earlier, later in pairwise(sets))


def test_results_are_remembered_and_kept(tmp_path: Path) -> None:
    key, other = "a" * 64, "b" * 64
    kept = FindingsCache(tmp_path)
    cache = RecentCache(kept)
    assert cache.read(key) is None
    cache.write(key, [1])
    assert (cache.read(key), kept.read(key)) == ([1], [1])
    kept.write(other, [2])
    assert cache.read(other) == [2]
    for file in tmp_path.rglob("*.json"):
        file.unlink()
    assert (cache.read(key), cache.read(other)) == ([1], [2])
    assert cache.read(key, not_before=1) is None, "its time is not known"
    assert RecentCache(None).read(key) is None


def test_what_was_not_used_for_longest_is_forgotten() -> None:
    cache = RecentCache(None, most=3)
    for key in ("a", "b", "c"):
        cache.write(key, key)
    cache.read("a")
    cache.write("d", "d")
    assert [cache.read(key) for key in ("a", "b", "c", "d")] == ["a", None, "c", "d"]
