"""The command line of the health sidecar, and the params that it is built from."""

from __future__ import annotations

import argparse
import re
import subprocess
from types import ModuleType
from typing import Any

import pytest
import sidecar_lab as lab
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from templates.exposure.health_sidecar.sidecar import Sidecar, sidecar_container, sidecar_problems

BASE = ["--listen=8080", "--port=53", "--probe=dns"]
RANGE = "a number is out of range"
BAD = [
    (["--listen=0"], RANGE),
    (["--listen=65536"], RANGE),
    (["--port=x"], "--port"),
    (["--port=0"], RANGE),
    (["--probe=ping"], "--probe"),
    (["--mode=udp"], "--mode"),
    (["--name=a..b"], "--name"),
    ([f"--name={'a' * 64}.test"], "--name"),
    (["--send-hex=0"], "--send-hex"),
    (["--expect-hex=xy"], "--expect-hex"),
    (["--expect=("], "--expect"),
    (["--interval=0"], RANGE),
    (["--interval=nan"], RANGE),
    (["--interval=inf"], RANGE),
    (["--interval=1"], "--timeout above --interval"),  # --timeout is 2
    (["--timeout=0"], RANGE),
    (["--rise=0"], RANGE),
    (["--fall=-1"], RANGE),
    (["--drain=-1"], RANGE),
    (["--unknown"], "--unknown"),
    (["extra"], "extra"),
]


@pytest.mark.parametrize(("words", "expected"), BAD, ids=[" ".join(words)[:30] for words, _ in BAD])
def test_bad_arguments_are_one_line_and_exit_code_2(
    words: list[str], expected: str, program: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        program.parse([*BASE, *words])
    assert ended.value.code == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("health-sidecar: error: ")
    assert output.err.count("\n") == 1
    assert expected in output.err


@pytest.mark.parametrize("missing", BASE)
def test_required_arguments(missing: str, program: ModuleType) -> None:
    assert parse([word for word in BASE if word != missing], program) == 2


def test_bad_arguments_as_ecs_shows_them() -> None:
    command = [lab.PYTHON, "-u", "-c", lab.SOURCE, "--listen=8080"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (2, "")
    assert re.fullmatch(r"health-sidecar: error: .*--probe.*\n", run.stderr)


FLAGS = (
    *("listen", "port", "probe", "mode", "host", "name", "send", "send-hex", "expect"),
    *("expect-hex", "interval", "timeout", "rise", "fall", "drain"),
)
VALUES = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(["dns", "ntp", "http", "00ff", "(", "a{9999999999999}", "here.test"]),
)
WORDS = st.lists(st.builds("--{}={}".format, st.sampled_from(FLAGS), VALUES))


def parse(words: list[str], program: ModuleType) -> Any:
    """The parsed arguments, or the exit code of the program."""
    try:
        return program.parse(words)
    except SystemExit as ended:
        return ended.code


@given(words=WORDS)
def test_any_arguments_are_parsed_or_rejected(words: list[str], program: ModuleType) -> None:
    args = parse([*BASE, *words], program)
    if not isinstance(args, argparse.Namespace):
        assert args == 2
        return
    assert args.listen in range(1, 65536)
    assert args.port in range(1, 65536)
    assert 0 < args.timeout <= args.interval
    assert args.rise >= 1 <= args.fall
    assert len(program.new_request(args)) < 2000
    assert isinstance(program.check_reply(args, program.new_request(args), b"anything"), str)


_TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
_LABELS = st.text("aZ0-_", min_size=1, max_size=70)
_NAMES = st.builds(
    "{}{}".format, st.lists(_LABELS, max_size=5).map(".".join), st.just(".") | st.just("")
)
PARAMS = st.fixed_dictionaries(
    {"probe": st.sampled_from(["dns", "ntp", "echo", "send", "none"])},
    optional={
        "name": _NAMES | _TEXT,
        "send": _TEXT,
        "send_hex": st.sampled_from(["00ff", "0"]),
        "expect": _TEXT | st.sampled_from(["(", "^ü$", "a{9999999999999}", "(?s)x"]),
        "expect_hex": st.sampled_from(["00ff", ""]),
        "port": st.integers(1, 70_000),
        "mode": st.sampled_from(["tcp", "http"]),
        "interval": st.sampled_from(["1s", "5m"]),
        "timeout": st.sampled_from(["1s", "1m"]),
        "rise": st.integers(1, 100),
        "fall": st.integers(1, 100),
        "drain": st.sampled_from(["0s", "1m"]),
    },
)


@given(params=PARAMS, noticed=st.integers(10, 3000), ipv6=st.booleans())
@example(params={"probe": "dns", "name": "a..b"}, noticed=45, ipv6=False)
@example(params={"probe": "dns", "name": "a" * 64}, noticed=45, ipv6=False)
@example(params={"probe": "dns", "name": "."}, noticed=45, ipv6=True)
@example(params={"probe": "send", "send": "a\0b", "expect": "é"}, noticed=45, ipv6=False)
def test_the_program_accepts_what_the_params_accept(
    params: dict[str, Any], noticed: int, ipv6: bool, program: ModuleType
) -> None:
    try:
        settings = Sidecar.model_validate(params)
    except ValidationError:
        return
    if [*sidecar_problems(settings, ())]:
        return
    command = sidecar_container(settings, "app", 53, noticed, ipv6=ipv6).command
    assert not [word for word in command if "\0" in word]
    args = program.parse(command[4:])
    assert len(program.new_request(args)) < 2000


@pytest.mark.parametrize("name", ["a..b", "a" * 64, ".a", "a b", "a..", "", "b." * 127 + "b"])
def test_invalid_dns_names_are_rejected(name: str) -> None:
    with pytest.raises(ValidationError, match=r"is not a DNS name|empty"):
        Sidecar.model_validate({"probe": "dns", "name": name})


@pytest.mark.parametrize(
    "name", [".", "a", "a.", "_dns.Example-1.com", "a" * 63 + ".b", "b." * 126]
)
def test_valid_dns_names_are_accepted(name: str) -> None:
    assert Sidecar.model_validate({"probe": "dns", "name": name}).name == name


@pytest.mark.parametrize("key", ["send", "expect"])
def test_a_nul_character_is_rejected(key: str) -> None:
    with pytest.raises(ValidationError, match="contains a NUL"):
        Sidecar.model_validate({"probe": "send", key: "a\0b"})


def test_expect_is_compiled_as_bytes_of_utf_8() -> None:
    settings = Sidecar.model_validate({"probe": "send", "send": "", "expect": "^日本"})
    assert settings.expect == "^日本"
    with pytest.raises(ValidationError, match="not a regular expression: it is too large"):
        Sidecar.model_validate({"probe": "send", "expect": "a{9999999999999}"})
