"""tests/golden/<case>/params builds tests/golden/<case>/out; and params/ builds out/."""

from __future__ import annotations

from pathlib import Path

from moorage.lint.decoding import decode_template
from moorage.pipeline.build import Built, build
from moorage.pipeline.write import files
from templates import TEMPLATES

GOLDEN = Path("tests/golden")
CASES = sorted(path for path in GOLDEN.iterdir() if path.is_dir())
FOLDERS = [Path(), *CASES]


def build_expected_files(folder: Path, env: str, params: Path | None = None) -> Built:
    """Builds an environment, which must have no findings and the files that are expected.
    Its params are in `<folder>/params` by default."""
    out = folder / "out" / env
    expected = {
        str(path.relative_to(out)): path.read_text()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }
    built = build(params or folder / "params", env, TEMPLATES)
    assert built.findings == (), f"{folder}/{env} is not clean"
    assert built.plan is not None
    assert files(built.plan) == expected, "run `make golden` and read the diff"
    for stack in built.plan.stacks:  # the rules are given the body, and cfn-lint the text
        assert decode_template(stack.rendering.text) == (stack.rendering.body, [])
    return built
