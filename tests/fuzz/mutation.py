"""Damaged files: valid ones with some bytes changed.

`FUZZ_EXAMPLES=10000` is the number of examples, which then differ in each run. Without it, there
are a few examples, which are always the same.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from moorage import cli
from moorage.findings.wording import CONTROL

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
SECRETS = ("AKIAFUZZFUZZFUZZFUZZ", "sk_live_FuzzFuzzFuzzFuzz0123456789")
"""Secrets that are recognized by their value, wherever a change moves them, unless it joins them to
a word before them."""
SECONDS = 5.0

TOKENS = (
    *(b"\x00", b"\x1b[31m", b"\xc2\x9b", b"\xff", b"\xe2\x80\xae", b'"\\ud800"', b"\\x00", b"\r"),
    *(b"!!float ''", b"!!int ''", b"!!bool x", b"!!binary x", b"!!set {a}", b"!!omap [a: 1]"),
    *(b"!!timestamp ''", b"!Ref ", b"!GetAtt ", b"!Sub ", b"!!python/name:os.system ", b"!"),
    *(b"&a ", b"*a ", b"<<: *a\n", b"<<: [*a, *a]\n", b"[", b"]", b"{", b"}", b"[" * 90, b"- "),
    *(b": ", b"\n", b"\t", b"#", b"'", b'"', b"|\n", b">\n", b"---\n", b"...\n", b"%YAML 1.1\n"),
    *(b"? ", b"null", b"~", b"true", b"-1", b"0", b"1e999", b".inf", b".nan", b"9" * 5000, b"0x1f"),
    *(b"${env}", b"${", b"$${x}", b"${x}", b"a" * 2000, b"../../../etc/passwd", b"/", b"*", b"::"),
    *(
        b"\xef\xbb\xbf",
        b"\xd9\xa1",
        "\uff11".encode(),
        b"existing: {}",
        b"overrides: {Resources: 1}",
    ),
    *(b"Fn::If: [a, b, c]", b"Ref: x", b"Fn::GetAtt: x", b"Condition: x", b"[]", b"{}", b"''"),
)

fuzz = settings(
    max_examples=EXAMPLES or 12,
    deadline=None,
    derandomize=not EXAMPLES,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@st.composite
def damaged(draw: st.DrawFn, originals: Sequence[bytes]) -> bytes:
    """One of the files with up to six changes: bytes removed, repeated, replaced or inserted."""
    content = draw(st.sampled_from(originals))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(content)))
        end = min(len(content), at + draw(st.sampled_from((0, 1, 1, 4, 20, 200))))
        kind = draw(
            st.sampled_from(("remove", "repeat", "token", "token", "token", "bytes", "move"))
        )
        piece = content[at:end]
        if kind == "repeat":
            piece *= draw(st.integers(2, 5))
        elif kind == "token":
            piece = draw(st.sampled_from(TOKENS))
        elif kind == "bytes":
            piece = draw(st.binary(min_size=1, max_size=4))
        elif kind == "move":
            start = draw(st.integers(0, len(content)))
            piece = content[start : start + 60]
        else:
            piece = b""
        content = content[:at] + piece + content[end:]
    return content


def run(folder: Path, *argv: str) -> str:
    """Runs a command in a folder and returns what it prints. No input may make it fail, take
    long, print a control character, or write a file outside of out/."""
    before = _files(folder)
    # Like a terminal: what cannot be encoded is an error.
    output = TextIOWrapper(BytesIO(), encoding="utf-8", write_through=True)
    start = time.process_time()
    with chdir(folder), redirect_stdout(output), redirect_stderr(output):
        code = cli.main(argv, "templates")
    seconds = time.process_time() - start
    output.seek(0)
    text = output.read()
    assert code in (0, 1, 2), text[:4000]
    assert seconds < SECONDS
    assert CONTROL.search(text) is None
    assert not [secret for secret in SECRETS if re.search(rf"\b{secret}", text)]
    assert _files(folder) == before
    return text


def _files(folder: Path) -> dict[str, bytes]:
    """All files below a folder but those in its out/."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] != "out"
    }
