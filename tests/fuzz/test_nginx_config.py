"""Random nginx configurations: each is read and tested without an exception, in less than five
seconds, and leaves no file behind.

`make fuzz` tries more of them: FUZZ_EXAMPLES is their number.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from hostile.nginx_cases import CASES, configuration
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from moorage.pipeline.load import read_text_file
from templates.proxy.nginx_check import find_mistakes
from templates.proxy.nginx_run import find_nginx
from templates.proxy.nginx_targets import Task
from templates.proxy.real_nginx import try_configuration

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "40"))
NGINX = find_nginx()
TASK = Task(8080, {"web": ("127.0.0.1", (3000,))})
MAX_SECONDS = 5
FILES = [
    path.read_bytes()
    for path in sorted(Path(__file__).parents[1].glob("*/*/params/nginx/*.conf"))
    if path.stat().st_size < 10_000
]
WORDS = [
    *(b'"', b"'", b"\\", b"${", b"{", b"}", b";", b"#", b"\n", b"\r", b"\0", b"\x0b", b" "),
    *(b"\xef\xbb\xbf", b"\xff", b"\xc3\xa9", b"\xe2\x80\xa8", b"\x1b[31m", b"\\n", b"../", b"~"),
    *(b"unix:", b"syslog:server=a", b"data:", b"engine:a:b", b"/dev/..", b"/dev/stdin", b"$host"),
    *(b"99999999999999999999", b"-1", b"100g", b"(((((a{1,900}){1,900}", b"a" * 5000, b"{" * 40),
    *(b"\nload_module ", b'"error_log" ', b"access_log ", b"include ", b"listen ", b"proxy_pass "),
    *(b"\nmap $a $b {", b"types {", b"if (", b"perl ", b"js_import ", b"a_by_lua_block {"),
]


def mutate(text: bytes, other: bytes, changes: list[tuple[str, float, float, bytes]]) -> bytes:
    """Changes bytes at places that are given as fractions of the length."""
    for kind, start, length, word in changes:
        begin = int(start * len(text))
        end = begin + int(length * 40)
        middle = {
            "delete": b"",
            "insert": word + text[begin:end],
            "replace": word,
            "repeat": text[begin:end] * 3,
            "splice": other[begin:end],
            "flip": bytes(byte ^ 1 << end % 8 for byte in text[begin : begin + 1]),
        }[kind]
        text = text[:begin] + middle + text[begin + 1 if kind == "flip" else end :]
    return text


FRACTIONS = st.floats(0, 1, exclude_max=True)
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["delete", "insert", "replace", "repeat", "splice", "flip"]),
        FRACTIONS,
        FRACTIONS,
        st.sampled_from(WORDS) | st.binary(max_size=3),
    ),
    max_size=6,
)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(data=st.data())
def test_a_random_configuration_does_no_harm(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home, params = Path(folder), Path(folder) / "params"
        params.mkdir()
        paths = {name: f"{folder}/{name}" for name in ("so", "file", "secret", "conf")}
        (home / "secret").write_text("a secret")
        cases = (configuration(place, text, paths).encode() for place, text in CASES.values())
        texts = st.sampled_from([*FILES, *cases])
        one, other = data.draw(texts), data.draw(texts)
        (params / "web.conf").write_bytes(mutate(one, other, data.draw(CHANGES)))
        began = time.monotonic()
        try:
            text = read_text_file(params, "web.conf").text
        except PydanticCustomError:
            return
        mistakes = find_mistakes(text, TASK)
        outcome = try_configuration(NGINX, text, part=data.draw(st.booleans())) if NGINX else None
        assert time.monotonic() - began < MAX_SECONDS
        assert "a secret" not in str((mistakes, outcome))
        assert {path.name for path in home.iterdir()} == {"params", "secret"}
        assert [path.name for path in params.iterdir()] == ["web.conf"]
