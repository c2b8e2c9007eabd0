"""Variables of the params, and the values of the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from moorage.findings.finding import Finding
from moorage.model import GivenValues
from moorage.pipeline.document import Document
from moorage.pipeline.load import load

BASE = """\
app: shop
region: eu-central-1
"""
WEB = """\
stacks:
  web:
    containers:
      web: {image: "ecr:shop/web:1.4.2"}
"""


def read(
    folder: Path, environment: str, base: str = BASE, **given: dict[str, str]
) -> tuple[Document, list[Finding]]:
    (folder / "base.yaml").write_text(base)
    (folder / "dev.yaml").write_text(environment)
    document, findings = load(folder, "dev", GivenValues(**given))
    assert document is not None
    return document, findings


def value(folder: Path, variables: str, text: str, **set_values: str) -> Any:
    """The value of a text that uses variables."""
    document, findings = read(folder, f"vars: {variables}\nstacks: {text}\n", variables=set_values)
    assert findings == []
    return document.data["stacks"]


def describe(findings: list[Finding]) -> list[tuple[str, str, int, str]]:
    return [(f.code, f.level, f.place.line, f"{f.message}. {f.hint}") for f in findings]


def image(folder: Path, written: str, given: str, target: str = "web") -> Any:
    environment = f"stacks: {{web: {{containers: {{web: {{image: '{written}'}}}}}}}}\n"
    document, findings = read(folder, environment, images={target: given})
    assert findings == []
    return document.data["stacks"]["web"]["containers"]["web"]["image"]


# Values ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "whole", "part"),
    [
        ("512", 512, "x-512"),
        ("0.5", 0.5, "x-0.5"),
        ("true", True, "x-true"),
        ("1.50", "1.50", "x-1.50"),
        ('"512"', "512", "x-512"),
        ("web", "web", "x-web"),
        ('""', "", "x-"),
        ('"${app}-${env}"', "shop-dev", "x-shop-dev"),
    ],
)
def test_a_variable_has_the_type_of_its_value(
    tmp_path: Path, written: str, whole: Any, part: str
) -> None:
    result = value(tmp_path, f"{{n: {written}}}", '{a: "${n}", b: ["x-${n}", "$${n}"]}')
    assert result == {"a": whole, "b": [part, "${n}"]}
    assert type(result["a"]) is type(whole)


@pytest.mark.parametrize(
    ("declared", "given", "expected"),
    [
        ("1", "512", 512),
        ("1", "0512", "0512"),
        ("1", "1e3", "1e3"),
        ("1", "true", True),
        ("1", "[1]", "[1]"),
        ("1", "${app}", "shop"),
        ("1", "", ""),
        ("text", "512", "512"),
        ('"1"', "true", "true"),
        ("", "512", 512),
    ],
)
def test_set_replaces_the_value(tmp_path: Path, declared: str, given: str, expected: Any) -> None:
    result = value(tmp_path, f"{{n: {declared}}}", '{a: "${n}"}', n=given)
    assert result == {"a": expected}


def test_a_variable_can_be_given_without_being_declared(tmp_path: Path) -> None:
    assert value(tmp_path, "{}", '{a: "v${n}"}', n="1.2") == {"a": "v1.2"}


def test_variables_are_merged_and_contain_others(tmp_path: Path) -> None:
    base = BASE + 'vars: {host: "www.${domain}", domain: example.com}\n'
    environment = 'vars: {domain: example.org}\nstacks: {a: "${host}"}\n'
    document, findings = read(tmp_path, environment, base)
    assert (document.data["stacks"], findings) == ({"a": "www.example.org"}, [])


def test_the_header_can_contain_variables(tmp_path: Path) -> None:
    environment = 'vars: {team: web}\napp: "${team}-shop"\nstacks: {a: "${app}"}\n'
    document, findings = read(tmp_path, environment)
    assert document.data["app"] == document.data["stacks"]["a"] == "web-shop"
    assert findings == []


# Findings --------------------------------------------------------------------------------------


def test_a_variable_without_a_value_is_named(tmp_path: Path) -> None:
    environment = 'vars: {n: }\nstacks:\n  a: "${n}"\n  b: "${m}"\n  c: "${a.b}"\n'
    document, findings = read(tmp_path, environment)
    assert describe(findings) == [
        (
            *("M1005", "error", 3),
            "`${n}` has no value. Give it with `--set n=...`, or write a value below `vars:`.",
        ),
        (
            *("M1005", "error", 4),
            "`${m}` has no value. Add `m:` below `vars:`, or give it with `--set m=...`. "
            "Write `$${m}` for the text `${m}`.",
        ),
        (
            *("M1005", "error", 5),
            "`${a.b}` has no value. Write the value itself, or `$${a.b}` for the text `${a.b}`.",
        ),
    ]
    assert {("stacks", "a"), ("stacks", "b"), ("stacks", "c")} <= document.broken


def test_a_variable_without_a_value_is_one_finding(tmp_path: Path) -> None:
    """Names that are similar are no proposal, since it is declared."""
    base = BASE + "vars: {log_region: }\n"
    document, findings = read(
        tmp_path, 'stacks:\n  a: "${log_region}"\n  b: "${log_region}"\n', base
    )
    message = "Give it with `--set log_region=...`, or write a value below `vars:`."
    assert describe(findings) == [
        ("M1005", "error", 2, f"`${{log_region}}` has no value. {message}")
    ]
    assert {("stacks", "a"), ("stacks", "b")} <= document.broken


def test_a_variable_that_contains_itself_is_one_finding(tmp_path: Path) -> None:
    environment = 'vars:\n  a: "${b}"\n  b: "x${c}"\n  c: "${a}"\nstacks: {s: "${b}", t: "${c}"}\n'
    document, findings = read(tmp_path, environment)
    (finding,) = findings
    assert (finding.code, finding.path) == ("M1013", ("vars", "a"))
    assert finding.message == "`${b}` contains itself: b -> c -> a -> b"
    assert {("stacks", "s"), ("stacks", "t")} <= document.broken


@pytest.mark.parametrize(
    ("count", "times", "message"),
    [
        (1900, 1, "The variables contain each other over more than 32 levels"),
        (30, 2, "The variables add more than 1,048,576 characters to the params"),
    ],
)
def test_variables_that_contain_each_other_have_limits(
    tmp_path: Path, count: int, times: int, message: str
) -> None:
    lines = [f"  v{at:04}: {f'${{v{at + 1:04}}}' * times}\n" for at in range(count)]
    variables = f"vars:\n{''.join(lines)}  v{count:04}: text\n"
    _, findings = read(tmp_path, f"{variables}stacks: {{s: '${{v0000}}'}}\n")
    assert [(finding.code, finding.message) for finding in findings] == [("M1021", message)]


def test_a_variable_used_many_times_adds_to_the_limit(tmp_path: Path) -> None:
    texts = "".join(f"  s{at}: ${{long}}\n" for at in range(20))
    _, findings = read(tmp_path, f"vars: {{long: {'x' * 60_000}}}\nstacks:\n{texts}")
    assert [(f.code, f.path) for f in findings] == [("M1021", ("stacks", "s7"))]


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ("env: 1", "`env` cannot be the name of a variable"),
        ("region: 1", "`region` cannot be the name of a variable"),
        ('"1a": 1', "`1a` cannot be the name of a variable"),
        ("a.b: 1", "`a.b` cannot be the name of a variable"),
        ("a: [1]", "The value of `a` is a list"),
        ("a: {b: 1}", "The value of `a` is a map"),
    ],
)
def test_entries_that_are_no_variables(tmp_path: Path, variable: str, message: str) -> None:
    _, findings = read(tmp_path, f'vars:\n  {variable}\nstacks: {{s: "${{a}}"}}\n')
    assert ("M1014", 2, message) in [(f.code, f.place.line, f.message) for f in findings]


def test_a_variable_that_nothing_uses_is_a_warning(tmp_path: Path) -> None:
    _, findings = read(tmp_path, "vars:\n  version: 1\nstacks: {}\n")
    assert describe(findings) == [
        (
            *("M1015", "warning", 2),
            "No value uses the variable `version`. Write `${version}` where its value belongs, or "
            "remove it.",
        )
    ]


def test_a_variable_of_base_can_be_for_another_environment(tmp_path: Path) -> None:
    base = BASE + "vars: {version: 1}\n"
    _, findings = read(tmp_path, "stacks: {}\n", base)
    assert [finding.code for finding in findings] == ["M1015"]
    (tmp_path / "prod.yaml").write_text('stacks: {a: "${version}"}\n')
    (tmp_path / "other.yaml").mkdir()
    _, findings = read(tmp_path, "stacks: {}\n", base)
    assert findings == []


def test_a_value_of_the_command_line_can_contain_another(tmp_path: Path) -> None:
    environment = 'vars: {a: x}\nstacks: {s: {t: "${a}"}, u: {}}\n'
    document, findings = read(tmp_path, environment, variables={"a": "${b}-1", "b": "7"})
    assert (document.data["stacks"]["s"], findings) == ({"t": "7-1"}, [])
    assert document.given_by_stack["s"].variables == {"a": "${b}-1", "b": "7"}
    assert document.given_by_stack["u"].variables == {}


def test_a_value_that_contains_an_unknown_variable_is_one_finding(tmp_path: Path) -> None:
    environment = 'vars:\n  a: "${b}"\nstacks: {s: "${a}", t: "${a}"}\n'
    _, findings = read(tmp_path, environment)
    assert [(f.code, f.path) for f in findings] == [("M1005", ("vars", "a"))]


def test_a_reserved_name_on_the_command_line_is_one_finding(tmp_path: Path) -> None:
    _, findings = read(tmp_path, "stacks: {}\n", variables={"env": "prod"})
    assert [(f.code, f.path) for f in findings] == [("M1014", ("vars", "env"))]


def test_a_misspelled_set_is_an_error(tmp_path: Path) -> None:
    environment = 'vars: {version: 1}\nstacks: {a: "${version}"}\n'
    _, findings = read(tmp_path, environment, variables={"versoin": "2"})
    assert describe(findings) == [
        (
            *("M1015", "error", 1),
            "`--set versoin` has no effect: no value uses `${versoin}`. Did you mean "
            "`--set version`?",
        )
    ]


# Images ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "given", "expected"),
    [
        ("ecr:shop/web:1.4.2", "1.4.3", "ecr:shop/web:1.4.3"),
        ("ecr:shop/web", "1.4.3", "ecr:shop/web:1.4.3"),
        ("nginx", "1.27.3", "nginx:1.27.3"),
        ("localhost:5000/web:1", "2", "localhost:5000/web:2"),
        ("localhost:5000/web", "2", "localhost:5000/web:2"),
        ("ecr:shop/web:1@sha256:0", "2", "ecr:shop/web:2"),
        ("ecr:shop/web:1", "sha256:ab", "ecr:shop/web@sha256:ab"),
        ("ecr:shop/web:1", "ecr:shop/other:2", "ecr:shop/other:2"),
        ("ecr:shop/web:1", "nginx:1.27.3", "nginx:1.27.3"),
        ("ecr:shop/web:${version}", "2", "ecr:shop/web:2"),
        ("ecr:${app}/web:1", "2", "ecr:shop/web:2"),
    ],
)
def test_an_image_of_the_command_line(
    tmp_path: Path, written: str, given: str, expected: str
) -> None:
    assert image(tmp_path, written, given) == expected
    assert image(tmp_path, written, given, "web/web") == expected


def test_the_container_with_the_name_of_the_stack_is_meant(tmp_path: Path) -> None:
    environment = 'stacks: {web: {containers: {agent: {image: "a:1"}, web: {image: "w:1"}}}}\n'
    document, findings = read(tmp_path, environment, images={"web": "2", "web/agent": "3"})
    containers = document.data["stacks"]["web"]["containers"]
    assert containers == {"agent": {"image": "a:3"}, "web": {"image": "w:2"}}
    assert findings == []


@pytest.mark.parametrize(
    ("stacks", "target", "message", "hint"),
    [
        ("web: {}", "wbe", "has no effect: there is no stack `wbe`", "Did you mean `web`?"),
        ("web: {}", "web", "has no effect: the stack `web` has no containers", "Name a stack"),
        (
            *("web: {containers: {a: {image: a}, b: {image: b}}}", "web"),
            *("does not say which container: `web` has 2", "Write one of `web/a`, `web/b`."),
        ),
        (
            *("web: {containers: {app: {image: a}}}", "web/ap"),
            *("has no effect: `web` has no container `ap`", "Did you mean `app`?"),
        ),
        (
            *('web: {containers: {app: {image: "${image}"}}}', "web"),
            *("cannot replace the tag: the image is `${image}`", "Write `--set image=...`"),
        ),
        (
            *("web: {containers: {app: {}}}", "web"),
            *("has no effect: the container has no image", "Give a whole image, such as"),
        ),
    ],
)
def test_images_that_fit_no_container(
    tmp_path: Path, stacks: str, target: str, message: str, hint: str
) -> None:
    environment = f"vars: {{image: a}}\nstacks:\n  {stacks}\n"
    _, findings = read(tmp_path, environment, images={target: "2"})
    (finding,) = [finding for finding in findings if finding.code == "M1016"]
    assert finding.message.startswith(f"`--image {target}=2` {message}")
    assert finding.hint.startswith(hint)
    assert finding.level == "error"


def test_each_stack_knows_the_values_that_it_depends_on(tmp_path: Path) -> None:
    environment = (
        'vars: {version: 1, name: "x-${version}", domain: a}\n'
        'stacks: {a: {k: "${name}"}, b: {k: "${domain}", containers: {c: {image: i}}}, d: {}}\n'
    )
    variables = {"version": "2", "domain": "b"}
    document, findings = read(tmp_path, environment, variables=variables, images={"b": "3"})
    assert findings == []
    options = {name: " ".join(given.options()) for name, given in document.given_by_stack.items()}
    assert options == {
        "a": "--set version=2",
        "b": "--set domain=b --image b=3",
        "d": "",
    }
    assert document.data["stacks"]["a"] == {"k": "x-2"}


def test_the_name_of_the_environment_cannot_be_set_for_an_image(tmp_path: Path) -> None:
    environment = 'stacks: {web: {containers: {web: {image: "${env}"}}}}\n'
    _, findings = read(tmp_path, environment, images={"web": "2"})
    assert [(f.code, f.hint) for f in findings] == [
        ("M1016", "Give a whole image, such as `ecr:shop/web:1.4.2`.")
    ]
