"""libyaml and ruamel.yaml read params in the same way, or ruamel.yaml reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz.mutation import EXAMPLES, damaged, fuzz
from fuzz.test_params import ORIGINALS
from hypothesis import given, settings

from moorage.pipeline.yaml_file import File, read_yaml
from moorage.pipeline.yaml_nodes import compose_with_libyaml, compose_with_ruamel

TEXTS = [content.decode() for content in ORIGINALS]


def _read_both(file: Path) -> tuple[File, File]:
    """What is read of a file, and what ruamel.yaml alone reads."""
    return read_yaml(file), read_yaml(file, compose_with_ruamel)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("yaml") / "params.yaml"


@settings(fuzz, max_examples=EXAMPLES or 150)
@given(damaged(ORIGINALS))
def test_damaged_params_are_read_as_by_ruamel(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    ours, theirs = _read_both(file)
    assert ours == theirs


@pytest.mark.parametrize(
    "text",
    [
        "a: [1, 2.5, 0o7, 0x1f, 012, 1_0, +1, .5, 1e3, .inf, 1.50]\n",
        "a: [yes, on, y, true, False, ~, null, '', =, 2024-01-01, 12:30:45]\n",
        "a: &x {b: 1}\nc: {<<: *x, d: 2}\ne: [*x, &x 3, *x]\n",
        "a: &x [*x]\n",
        "a: *x\n",
        "? a\n: b\n? [c]\n: d\n",
        "a: b\n  c\n\n  d\ne: |\n  f\n\ng: >-\n  h\n  i\n",
        "a: {b:c, d: http://x, e: a?b, 'f':g}\n",
        "a: |# text\n  b\n",
        "a: >2#\n  b\n",
        "a: 1\n...\n...\n",
        "a: 1\n--- {b: 2}\n",
        "%YAML 1.1\n---\na: yes\n",
        "a: !!str 1\nb: ! 2\n",
        "a:\t1\n",
        "a: 1\r\nb: 2\rc: 3\n",
        "a: x\u2028 b: 2\n",
        "a: x\u0085b: 2\n",
        "\ufeffa: 1\n",
        "a: \U0001f600 \u200b\u00a0\n",
        "a: 1\na: 2\n",
        "<<: \na: 1\n",
        "a: &x 1\n*x: 2\n",
        "a: &x:y 1\n",
        "&x: 1\n",
        "a: |\n  \n    b\n",
        "a: >-\n  \n    ",
        "- a\n",
        "# nothing\n",
        "",
        "a: 'b\nc: 'd\n",
        "a: [b\nc: d\n",
    ],
)
def test_texts_are_read_as_by_ruamel(file: Path, text: str) -> None:
    file.write_text(text, newline="")
    ours, theirs = _read_both(file)
    assert ours == theirs


def test_libyaml_parses_nearly_all_params() -> None:
    quick = [text for text in TEXTS if compose_with_libyaml(text) is not None]
    assert len(quick) >= 0.9 * len(TEXTS)
