"""Reading params: values, places, merging, interpolation, and files that are refused."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticCustomError

from moorage.findings.finding import Finding
from moorage.pipeline.document import Document
from moorage.pipeline.environments import list_environments
from moorage.pipeline.load import load, read_text_file


def read(
    folder: Path, environment: str | bytes, base: str | None = None
) -> tuple[Document | None, list[Finding]]:
    if base is not None:
        (folder / "base.yaml").write_text(base)
    (folder / "dev.yaml").write_bytes(
        environment if isinstance(environment, bytes) else environment.encode()
    )
    return load(folder, "dev")


def data(folder: Path, environment: str, base: str | None = None) -> Any:
    document, findings = read(folder, environment, base)
    assert findings == []
    assert document is not None
    return document.data


def refusals(
    folder: Path, environment: str | bytes, base: str | None = None
) -> list[tuple[Any, ...]]:
    _, findings = read(folder, environment, base)
    assert {finding.level for finding in findings} == {"error"}
    assert all(finding.hint for finding in findings)
    return [(finding.code, finding.place.line, finding.path) for finding in findings]


# Values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("NO", "NO"),
        ("true", True),
        ("False", False),
        ("12", 12),
        ("1.5", 1.5),
        ("012", "012"),
        ("0x1f", "0x1f"),
        ("1e3", "1e3"),
        ("1.50", "1.50"),
        (".inf", ".inf"),
        ("1:30", "1:30"),
        ("1234/udp", "1234/udp"),
        ("2024-02-20", "2024-02-20"),
        ("2024-02-20T10:00:00Z", "2024-02-20T10:00:00Z"),
        ("ecr:frontend:2024-02-20", "ecr:frontend:2024-02-20"),
        ('"012345678901"', "012345678901"),
        ("!!str 12", "12"),
        ("|\n  two\n  lines", "two\nlines\n"),
        ("日本", "日本"),
    ],
)
def test_values_are_read_by_yaml_1_2(tmp_path: Path, written: str, value: object) -> None:
    read_value = data(tmp_path, f"a: {written}\n")["a"]
    assert (read_value, type(read_value)) == (value, type(value))


def test_keys_are_text_and_sorted(tmp_path: Path) -> None:
    read_data = data(tmp_path, "on: 1\n8080: 2\ntrue: {z: 1, a: 2}\n1.0: 3\n")
    assert list(read_data) == ["1.0", "8080", "on", "true"]
    assert list(read_data["true"]) == ["a", "z"]


def test_byte_order_mark_and_crlf_are_accepted(tmp_path: Path) -> None:
    document, findings = read(tmp_path, b"\xef\xbb\xbfa: 1\r\nb:\r\n  c: 2\r\n")
    assert findings == []
    assert document is not None
    assert document.data == {"a": 1, "b": {"c": 2}}
    assert document.place(("b", "c")).line == 3


# Anchors -------------------------------------------------------------------------------------


def test_anchors_and_merge_keys(tmp_path: Path) -> None:
    environment = "x: &x {k: 1, l: {m: 1}}\nz:\n  k: 2\n  <<: *x\n  n: *x\n"
    x = {"k": 1, "l": {"m": 1}}
    assert data(tmp_path, environment)["z"] == {"k": 2, "l": {"m": 1}, "n": x}


def test_the_first_of_several_merged_maps_counts(tmp_path: Path) -> None:
    environment = "x: &x {k: 1}\ny: &y {k: 2, m: 2}\nz: {<<: [*x, *y]}\n"
    assert data(tmp_path, environment)["z"] == {"k": 1, "m": 2}


def test_a_merged_value_has_the_line_where_it_is_written(tmp_path: Path) -> None:
    document, _ = read(tmp_path, "x: &x\n  k: 1\n  l: 2\nz:\n  <<: *x\n  l: 3\n")
    assert document is not None
    assert (document.place(("z", "k")).line, document.place(("z", "l")).line) == (2, 6)


def test_an_anchor_can_be_redefined(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert data(tmp_path, "a: &x 1\nb: &x 2\nc: *x\n")["c"] == 2


# Refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ("", [("M1004", 1, ())]),
        ("# only a comment\n", [("M1004", 1, ())]),
        ("---\n", [("M1004", 1, ())]),
        ("null\n", [("M1004", 1, ())]),
        ("- a\n", [("M1006", 1, ())]),
        ("a\n", [("M1006", 1, ())]),
        (b"a: caf\xe9\n", [("M1001", 1, ())]),
        ("a: 1\n".encode("utf-16"), [("M1001", 1, ())]),
        ("a: \0\n", [("M1022", 1, ())]),
        ("a: 1\n---\nb: 2\n", [("M1006", 2, ())]),
        ("a:\n\tb: 1\n", [("M1002", 2, ())]),
        ("a: [1, 2\nb: 3\n", [("M1002", 2, ())]),
        ("a: b: c\n", [("M1002", 1, ())]),
        ("a: *x\n", [("M1002", 1, ())]),
        ("a: 1\nb: @x\n", [("M1002", 2, ())]),
        ("a: " + "[" * 1000, [("M1021", 1, ())]),
        ("a: " + "[" * 90 + "]" * 90, [("M1021", 1, ())]),
        ("a: " + "9" * 5000, [("M1021", 1, ("a",))]),
        ("a: 1\nb: {c: 1, c: 2}\na: 2\n", [("M1003", 2, ("b", "c")), ("M1003", 3, ("a",))]),
        ("x: &x {k: 1, k: 2}\ny: {<<: *x}\nz: *x\n", [("M1003", 1, ("x", "k"))]),
        ("a: &a\n  b: *a\n", [("M1006", 1, ("a", "b"))]),
        ("a: &a\n  <<: *a\n", [("M1006", 1, ("a",))]),
        ("a:\n  <<: 3\n", [("M1006", 2, ("a",))]),
        ("? [a]\n: 1\n", [("M1006", 1, ())]),
        ("a: !Sub x\n", [("M1006", 1, ("a",))]),
        ("a:\n  b: !GetAtt [c, d]\n", [("M1006", 2, ("a", "b"))]),
        ("a: !Thing {b: 1}\n", [("M1006", 1, ("a",))]),
        ("a: !!binary aGk=\n", [("M1006", 1, ("a",))]),
        ("a: !!python/name:os.system x\n", [("M1006", 1, ("a",))]),
        ("a: !!int x\n", [("M1006", 1, ("a",))]),
    ],
)
def test_refused_files_have_a_code_and_a_line(
    tmp_path: Path, environment: str | bytes, expected: list[tuple[Any, ...]]
) -> None:
    assert refusals(tmp_path, environment) == expected


def test_findings_of_both_files_are_reported_together(tmp_path: Path) -> None:
    _, findings = read(tmp_path, "a: 1\na: 2\n", base="b: [\n")
    assert [Path(finding.place.file).name for finding in findings] == ["base.yaml", "dev.yaml"]


def test_a_file_that_is_missing_or_a_folder(tmp_path: Path) -> None:
    (tmp_path / "prod.yaml").mkdir()
    for env in ("dev", "prod"):
        document, (finding,) = load(tmp_path, env)
        assert document is None
        assert finding.code == "M1001"


def test_the_name_of_an_environment_must_fit_a_stack_name(tmp_path: Path) -> None:
    (tmp_path / "My_Env.yaml").write_text("a: 1\n")
    _, (finding,) = load(tmp_path, "My_Env")
    assert finding.code == "M1007"


def test_environments_are_all_params_files_except_base(tmp_path: Path) -> None:
    for name in ("prod.yaml", "dev.yaml", "base.yaml", ".dev.yaml", "params.schema.json"):
        (tmp_path / name).write_text("")
    assert list_environments(tmp_path) == ["dev", "prod"]
    assert list_environments(tmp_path / "none") == []


# The merge -----------------------------------------------------------------------------------


def test_maps_merge_lists_replace_null_deletes(tmp_path: Path) -> None:
    base = "a: {b: 1, c: 2, d: 3}\nl: [1, 2]\ngone: 1\n"
    environment = "a: {c: 4, d: null}\nl: [3]\ngone: null\n"
    assert data(tmp_path, environment, base) == {"a": {"b": 1, "c": 4}, "l": [3]}


def test_null_stays_below_overrides(tmp_path: Path) -> None:
    base = "stacks: {web: {q: 1, overrides: {Resources: {A: {x: 1}, D: null}}}}\n"
    environment = "stacks: {web: {q: null, overrides: {Resources: {A: null, B: {C: null}}}}}\n"
    patch = {"Resources": {"A": None, "B": {"C": None}, "D": None}}
    assert data(tmp_path, environment, base) == {"stacks": {"web": {"overrides": patch}}}


def test_overrides_can_be_deleted(tmp_path: Path) -> None:
    base = "stacks: {web: {q: 1, overrides: {Resources: {A: null}}}}\n"
    assert data(tmp_path, "stacks: {web: {overrides: null}}\n", base) == {
        "stacks": {"web": {"q": 1}}
    }


def test_a_stack_can_be_deleted_but_not_left_empty(tmp_path: Path) -> None:
    base = "stacks: {web: {q: 1}, api: {q: 1}}\n"
    assert data(tmp_path, "stacks: {web: null}\n", base) == {"stacks": {"api": {"q": 1}}}
    assert refusals(tmp_path, "stacks:\n  cluster:\n", base) == [
        ("M1114", 2, ("stacks", "cluster"))
    ]


def test_a_value_has_the_place_of_the_file_that_sets_it(tmp_path: Path) -> None:
    document, _ = read(tmp_path, "\n\na: {c: 2}\n", base="a:\n  b: 1\n  c: 1\n")
    assert document is not None

    def place(*path: str | int) -> tuple[str, int]:
        place = document.place(path)
        return Path(place.file).name, place.line

    assert place("a", "b") == ("base.yaml", 2)
    assert place("a", "c") == ("dev.yaml", 3)
    assert place("a", "none", "at", "all") == ("dev.yaml", 3)
    assert place("none") == ("dev.yaml", 1)


# Interpolation -------------------------------------------------------------------------------


def test_names_are_replaced(tmp_path: Path) -> None:
    base = "app: x-${env}\nregion: eu-central-1\naccount: '123456789012'\n"
    environment = 'a: {b: ["${app}/${env}/${region}/${account}"]}\n'
    assert data(tmp_path, environment, base)["a"] == {"b": ["x-dev/dev/eu-central-1/123456789012"]}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("$${env}", "${env}"),
        ("$$${env}", "$${env}"),
        ("$$env $env ${", "$$env $env ${"),
        ("$${AWS::Region}", "${AWS::Region}"),
    ],
)
def test_a_double_dollar_escapes(tmp_path: Path, written: str, value: str) -> None:
    assert data(tmp_path, f"a: '{written}'\n")["a"] == value


def test_only_values_are_interpolated(tmp_path: Path) -> None:
    assert data(tmp_path, "'${env}': 1\n") == {"${env}": 1}


@pytest.mark.parametrize(
    ("environment", "hint"),
    [
        ("a: ${envv}\n", "Write `${env}`, or `$${envv}` for the text `${envv}`."),
        ("a: ${account}\n", "Add `account:` at the top of the params."),
        ("app: ${region}\n", "Add `region:` at the top of the params."),
        ("a: {b: [1, '${nope}']}\n", "Add `nope:` below `vars:`, or give it with"),
        ("a: ${environment}\n", "Write `${env}`,"),
        ("a: ${ENV}\n", "Write `${env}`,"),
        ("a: ${APP_ENV}\n", "Write `${env}`,"),
        ("a: ${AWS::Region}\n", "Write `${region}`,"),
        ("a: ${AWS::AccountId}\n", "Write `${account}`,"),
        ("a: ${AWS::StackName}\n", "Write the value itself,"),
        ("a: ${COPILOT_APPLICATION_NAME}\n", "Write `${app}`,"),
        ("a: ${self:provider.stage}\n", "Write `${env}`,"),
        ("a: ${IMAGE_TAG:-latest}\n", "Write the value itself,"),
    ],
)
def test_an_unknown_name_is_refused(tmp_path: Path, environment: str, hint: str) -> None:
    _, (finding,) = read(tmp_path, environment)
    assert finding.code == "M1005"
    assert finding.hint.startswith(hint)


# Files that params name ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code"),
    [
        *(("missing.conf", "M1001"), ("/etc/hosts", "M1009"), ("large.conf", "M1010")),
        *(("b", "M1001"), ("a\0b", "M1001"), ("huge.conf", "M1010"), ("loop", "M1001")),
        *(
            ("../up.conf", "M1011"),
            ("out.conf", "M1011"),
            ("out/up.conf", "M1011"),
            ("..", "M1011"),
        ),
        *((".", "M1012"), ("", "M1012"), ("folder", "M1012"), ("pipe", "M1012")),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, name: str, code: str) -> None:
    folder = tmp_path / "params"
    (folder / "folder").mkdir(parents=True)
    (tmp_path / "up.conf").write_text("secret")
    (folder / "large.conf").write_text("#" * 70_000)
    (folder / "b").write_bytes(b"\xff")
    (folder / "out.conf").symlink_to("../up.conf")
    (folder / "out").symlink_to("..")
    (folder / "zero").symlink_to("/dev/zero")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe")
    with (folder / "huge.conf").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(PydanticCustomError) as error:
        read_text_file(folder, name)
    assert error.value.context is not None
    assert error.value.context["code"] == code
    assert error.value.context["hint"]


def test_links_that_stay_in_the_folder_are_followed(tmp_path: Path) -> None:
    (tmp_path / "params/shared").mkdir(parents=True)
    (tmp_path / "params/shared/web.conf").write_bytes(b"a\r\nb\rc")
    (tmp_path / "params/nginx").symlink_to(tmp_path / "params/shared")
    (tmp_path / "link").symlink_to("params")
    for name in ("nginx/web.conf", "shared/../nginx/web.conf"):
        assert read_text_file(tmp_path / "link", name).text == "a\nb\nc"


@pytest.mark.parametrize("name", ["dev", "base"])
def test_params_files_cannot_be_links_out_of_their_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "params"
    folder.mkdir()
    (folder / "dev.yaml").write_text("a: 1\n")
    (tmp_path / "secret").write_text("secret\n")
    (folder / f"{name}.yaml").unlink(missing_ok=True)
    (folder / f"{name}.yaml").symlink_to("../secret")
    document, findings = load(folder, "dev")
    assert document is None
    assert [(finding.code, "secret" in finding.message) for finding in findings] == [
        ("M1011", False)
    ]
