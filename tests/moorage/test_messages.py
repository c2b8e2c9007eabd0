"""Typical mistakes of newcomers: the finding says what to write instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from moorage.findings.finding import Finding
from moorage.findings.wording import as_flow
from moorage.pipeline.foreign_words import WORDS
from moorage.pipeline.forms import as_written, form_of_field
from moorage.pipeline.header import Header
from moorage.pipeline.load import load
from moorage.pipeline.params_models import find_places
from moorage.pipeline.stack_kinds import KINDS, NO_KINDS
from moorage.pipeline.validate import validate
from moorage.pipeline.yaml_syntax import SyntaxProblem, explain_syntax_error
from templates import TEMPLATES

HEADER = "app: shop\nregion: eu-central-1\n"
OTHERS = "  network: {}\n  cluster: {}\n  public: {template: alb, certificate: []}\n"
CONTAINERS = 'containers: {web: {image: "nginx:1.27", ports: [8080]}}'


def findings(folder: Path, text: str, base: str | None = None) -> list[Finding]:
    if base is not None:
        (folder / "base.yaml").write_text(base)
    (folder / "dev.yaml").write_text(text)
    document, found = load(folder, "dev")
    return found if document is None else found + validate(document, TEMPLATES)[1]


def in_service(folder: Path, line: str) -> Finding:
    """The only finding about a service with this line."""
    text = f"{HEADER}stacks:\n{OTHERS}  web:\n    template: service\n    {CONTAINERS}\n    {line}\n"
    (finding,) = findings(folder, text)
    return finding


def in_container(folder: Path, line: str) -> Finding:
    """The only finding about a container with this line."""
    container = f"containers:\n      web:\n        image: nginx:1.27\n        {line}\n"
    text = f"{HEADER}stacks:\n{OTHERS}  web:\n    template: service\n    {container}"
    (finding,) = findings(folder, text)
    return finding


# Indentation and other syntax ------------------------------------------------------------------


def explain(text: str) -> SyntaxProblem:
    with pytest.raises(MarkedYAMLError) as error:
        YAML(typ="safe", pure=True).load(text)
    return explain_syntax_error(error.value, text)


@pytest.mark.parametrize("value", ["x", '"x"', "[1]", "1", "{}"])
@pytest.mark.parametrize("spaces", [1, 2, 3])
def test_a_line_that_is_indented_too_much(value: str, spaces: int) -> None:
    problem = explain(f"a:\n  b: {value}\n{' ' * (2 + spaces)}c: 1\n")
    assert (problem.code, problem.line) == ("M1008", 3)
    assert problem.message.startswith(f"`c:` is indented by {2 + spaces} spaces, deeper than `b:`")
    assert problem.hint == "Indent it by 2 spaces, like `b:` in line 2."


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("a:\n  b:\n    c: 1\n   d: 2\n", 4, "Indent it by 4 spaces, like `c:` in line 3, or"),
        ("a:\n  b: 1\n c: 2\n", 3, "Indent it by 2 spaces, like `b:` in line 2, or begin it in"),
        ("a:\n  - b\n - c\n", 3, "Indent it by 2 spaces, like the item in line 2."),
        ("a:\n  - b: 1\n   c: 2\n", 3, "Indent it by 4 spaces, like `b:` in line 2, or"),
        (" a: 1\nb: 2\n", 2, "Begin both in the first column."),
        ("a: 1\n b: 2\n", 2, "Begin it in the first column, like `a:` in line 1."),
    ],
)
def test_a_line_that_is_not_aligned(text: str, line: int, hint: str) -> None:
    problem = explain(text)
    assert (problem.code, problem.line) == ("M1008", line)
    assert problem.hint.startswith(hint)


STACK = "stacks:\n  web:\n    template: service\n"


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        (
            f"{STACK}  cpu: 512\n    memory: 1024\n",
            4,
            "`cpu:` is indented by 2 spaces, less than `template:` in line 3 and `memory:` in line "
            "5",
            "Indent it by 4 spaces, like `template:` in line 3. If it is right, indent `memory:` "
            "by 2 spaces, like `cpu:` in line 4.",
        ),
        (
            f"{STACK}  containers:\n      web: {{}}\n    cpu: 512\n",
            4,
            "`containers:` is indented by 2 spaces, less than `template:` in line 3 and `cpu:` in "
            "line 6",
            "Indent it by 4 spaces, like `template:` in line 3.",
        ),
        (
            "a:\n  b:\n  c: 1\n    d: 2\n",
            3,
            "`c:` is indented by 2 spaces, less than `d:` in line 4",
            "Indent it by 4 spaces, like `d:` in line 4.",
        ),
        (
            "a:\n  b:\n   c: 1\n    d: 2\n",
            3,
            "`c:` is indented by 3 spaces, less than `d:` in line 4",
            "Indent it by 4 spaces, like `d:` in line 4.",
        ),
        (
            "a:\n  b: {}\nc: {}\n  d: {}\n",
            3,
            "`c:` begins in the first column, left of `b:` in line 2 and `d:` in line 4",
            "Indent it by 2 spaces, like `b:` in line 2. If it is right, begin `d:` in the first "
            "column, like `c:` in line 3.",
        ),
        (
            "a:\n  - x\n- y\n  - z\n",
            3,
            "`- y` begins in the first column, and the item in line 2 is indented by 2 spaces",
            "Indent it by 2 spaces, like the item in line 2.",
        ),
        (
            "a:\n  - x: 1\n    - y: 2\n",
            3,
            "`- y: 2` is indented by 4 spaces, and the item in line 2 by 2 spaces",
            "Indent it by 2 spaces, like the item in line 2.",
        ),
        (
            "a:\n  b:\n    - c: 1\n    d: 2\n      e: 3\n",
            4,
            "`d:` is indented by 4 spaces, and `c:` in line 3 by 6 spaces",
            "Indent it by 6 spaces, like `c:` in line 3, or indent it by 2 spaces, like `b:` in "
            "line 2.",
        ),
    ],
)
def test_a_line_that_is_indented_too_little_is_the_one_that_is_named(
    text: str, line: int, message: str, hint: str
) -> None:
    problem = explain(text)
    assert problem == SyntaxProblem("M1008", line, message, hint)


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("  - x\n   - y\n", 5, "Indent it by 2 spaces, like the item in line 4."),
        ("  - x\n    - y\n", 5, "Indent it by 2 spaces, like the item in line 4."),
        (" 80\n  - 81\n", 4, "Write all values of `a:` as items below it, or remove the item."),
    ],
)
def test_an_item_that_continues_the_text_above_it(
    tmp_path: Path, text: str, line: int, hint: str
) -> None:
    text = f"{HEADER}a:{text}" if text[1] == "8" else f"{HEADER}a:\n{text}"
    found = [finding for finding in findings(tmp_path, text) if finding.code == "M1008"]
    assert [(finding.place.line, finding.hint) for finding in found] == [(line, hint)]


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ('a: "b\nc: 2\n', 1, "the quote before `b` is not closed", 'Write `a: "b"`.'),
        ("a: 'b\nc: ['d']\n", 1, "the quote before `b` is not closed", "Write `a: 'b'`."),
        ('a: 1\nb: "c\nd: "e"\n', 2, "the quote before `c` is not closed", 'Write `b: "c"`.'),
        ("a: 'b\"\nc: 'd'\n", 1, 'the quote before `b"` is not closed', "Write `a: 'b'`."),
        (
            'a: "b\\"\nc: "d"\n',
            1,
            'the quote before `b\\"` is not closed',
            'Write `a: "b"`: `\\"` does not close it.',
        ),
        ('"a: b\nc: "d"\n', 1, "the quote before `a: b` is not closed", 'Write `"a: b"`.'),
        (
            'a: ["b, "c"]\n',
            1,
            "the quote before `b` is not closed",
            'Write a " where the value ends: `"b"`.',
        ),
        (
            'a: ["b", "c]\nd: "e"\n',
            1,
            "the quote before `c` is not closed",
            'Write a " where the value ends: `"c"`.',
        ),
        (
            "a: 'it's'\n",
            1,
            "a quote inside of the value ends it before `s'`",
            "Write the quote inside twice, `''`, or put the value in double quotes.",
        ),
        (
            'a: "say "hi" now"\n',
            1,
            'a quote inside of the value ends it before `hi"`',
            'Write it as `\\"`, or put the value in single quotes.',
        ),
        (
            "# it's\na: |\n  it's 'b\nc: it's \"d\ne: 'f\ng: [\n",
            5,
            "the quote before `f` is not closed",
            "Write `e: 'f'`.",
        ),
    ],
)
def test_the_line_where_an_open_quote_begins(text: str, line: int, message: str, hint: str) -> None:
    expected = SyntaxProblem("M1002", line, f"This is not YAML: {message}", hint)
    assert explain(text) == expected


def test_an_open_quote_that_the_next_one_closes(tmp_path: Path) -> None:
    found = findings(tmp_path, 'region: "eu-central-1\napp: shop"\nstacks: {network: {}}\n')
    assert [(f.code, f.place.line) for f in found] == [("M1002", 1)]


@pytest.mark.parametrize(
    "text", ['"b\n  c"', '"b\n\n  c"', "b\n  c", "|\n  b\n  - c", '["b\n  c"]']
)
def test_text_of_several_lines(tmp_path: Path, text: str) -> None:
    (tmp_path / "dev.yaml").write_text(f"a: {text}\nd: 1\n")
    assert load(tmp_path, "dev")[1] == []


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("a: Shop: home\n", 1, 'Put it in quotes: `a: "Shop: home"`.'),
        ("a:\n  b:1\n  c: 2\n", 2, "Write `b: 1`."),
        ("app shop\nregion: x\n", 1, "Write `key: value`, or remove the line."),
        ("a:\n  b: one\n   two\n   c: 3\n", 4, "Indent `c:` by 2 spaces, like `b:` in line 2, or"),
        ("a: {b: 1\nc: 2\n", 2, "Close it before this place"),
        ("a:\n\tb: 1\n", 2, "Indent with spaces."),
        ("a:\n- b\nc: 1\n- d\n", 4, "Write `key: value`, or indent the item"),
        ("a:\n  - b\n  c: 1\n", 3, "Begin the line with `- `"),
        ('a: "b"c\n', 1, "Put the whole value in quotes."),
        ("a: *.example.com\n", 1, "Put text that begins with `*` in quotes."),
    ],
)
def test_other_mistakes_of_syntax(text: str, line: int, hint: str) -> None:
    problem = explain(text)
    assert (problem.code, problem.line) == ("M1002", line)
    assert problem.hint.startswith(hint)


# Numbers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "number"),
    [
        ("memory: 1GB", 1024),
        ("memory: 0.5GB", 512),
        ("memory: 0.5", 512),
        ("memory: 512m", 512),
        ("memory: 2Gi", 2048),
        ("memory: 1024 MiB", 1024),
        ('memory: "1024"', 1024),
        ("memory: 1,024", 1024),
        ("cpu: 0.5", 512),
        ("cpu: .25", 256),
        ("cpu: 1 vCPU", 1024),
        ("cpu: 2 vcpus", 2048),
        ("cpu: 500m", 512),
        ('cpu: "512"', 512),
        ("ephemeral_storage: 50GB", 50),
        ('desired_count: "2"', 2),
    ],
)
def test_numbers_with_units_are_converted(tmp_path: Path, line: str, number: int) -> None:
    finding = in_service(tmp_path, line)
    assert finding.code == "M1103"
    assert finding.hint.startswith((f"Write {number}: ", f"Write it without quotes: {number}."))


@pytest.mark.parametrize("line", ["memory: much", "cpu: 1GB", "memory: 3 apples", "cpu: 1 MiB"])
def test_other_texts_are_not_converted(tmp_path: Path, line: str) -> None:
    assert not in_service(tmp_path, line).hint.startswith("Write")


# Lists and maps --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("environment: [A=b, C=d=e]", 'Write `environment: {A: b, C: "d=e"}`.'),
        ("environment: [{name: A, value: b}]", "Write `environment: {A: b}`."),
        ("environment: [{LOG: info}]", "Write `environment: {LOG: info}`."),
        ("environment: A=b", "Write `environment: {A: b}`."),
        ("depends_on: [db]", "Write `depends_on: {db: START}`."),
        ("depends_on: db", "Write `depends_on: {db: START}`."),
        ("ports: 8080", "Write `ports: [8080]`."),
        ("command: npm start", "Write `command: [npm, start]`."),
        (
            "command: {a: b}",
            "Write it like `command: [npm, start]`. Arguments that replace the image's CMD.",
        ),
        ("ports: {http: 8080}", "Write `ports: [8080]`."),
        ("health_check: [CMD, curl]", "Write `health_check: {command: [CMD, curl]}`."),
        ("health_check: true", "Write `health_check: {command: ...}`."),
        ("mounts: [data:/data]", "Write `mounts: {data: /data}`."),
        (
            "mounts: [data:/data:ro]",
            "Write `mounts: {data: {path: /data, read_only: true}}`.",
        ),
        ("mounts: [{sourceVolume: data, containerPath: /a}]", "Write `mounts: {data: /a}`."),
        (
            "depends_on: [{containerName: db, condition: HEALTHY}]",
            "Write `depends_on: {db: HEALTHY}`.",
        ),
        (
            "ulimits: [{name: nofile, softLimit: 1, hardLimit: 2}]",
            "Write `ulimits: {nofile: {hard: 2, soft: 1}}`.",
        ),
        (
            "system_controls: [{namespace: net.core.somaxconn, value: 9}]",
            "Write `system_controls: {net.core.somaxconn: 9}`.",
        ),
        ("tmpfs: {/tmp: 64m}", "Write `/tmp: {size: 64}`."),
        ('environment: "A=b,C=d"', "Write `environment: {A: b, C: d}`."),
        ("ulimits: [nofile]", "Write `ulimits: {nofile: {soft: ..., hard: ...}}`."),
        ("ulimits: {nofile: 1024}", "Write `nofile: {soft: ..., hard: ...}`."),
        ("ports: [{containerPort: 8080}]", "Write `8080` in place of the map."),
        (
            "ports: [{containerPort: 123, protocol: udp}]",
            "Write `123/udp` in place of the map.",
        ),
        (
            "secrets: [{name: DB, valueFrom: /shop/db}]",
            "Write `secrets: {DB: ssm:/shop/db}`.",
        ),
    ],
)
def test_the_right_form_has_the_values_of_the_user(tmp_path: Path, line: str, hint: str) -> None:
    assert in_container(tmp_path, line).hint == hint


def test_secrets_of_the_ecs_api_name_their_service(tmp_path: Path) -> None:
    arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:x-abcdef"
    finding = in_container(tmp_path, f'secrets: [{{name: A, valueFrom: "{arn}"}}]')
    assert finding.hint == f"Write `secrets: {{A: secretsmanager:{arn}}}`."


def test_containers_as_a_list_are_shown_as_a_map(tmp_path: Path) -> None:
    stack = "web: {template: service, containers: [{name: app, image: nginx, ports: [80]}]}"
    (finding,) = findings(tmp_path, f"{HEADER}stacks:\n{OTHERS}  {stack}\n")
    assert finding.code == "M1112"
    assert finding.hint == "Write `containers: {app: {image: nginx, ports: [80]}}`."


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("expose: {via: public}", "Write `expose: [{via: public}]`."),
        ("expose: [public]", "Write `{via: public}`."),
        ("volumes: [data]", "Write `volumes: {data: {}}`."),
        (
            "task_role: arn:aws:iam::123456789012:role/x",
            "Write `task_role: {existing: arn:aws:iam::123456789012:role/x}`.",
        ),
        ("reaches: api", "Write `reaches: [api]`."),
        ("ephemeral_storage: {size: 30}", "Write `ephemeral_storage: 30`."),
        ("minimum_healthy_percent: 100%", "Write it without the percent sign: 100."),
        ("desired_count: 2.0", "Write 2."),
        ("reaches: {api: {}}", "Write `reaches: [api]`."),
        ("expose: public", "Write `expose: [{via: public}]`."),
        ("expose: true", "Write `expose: [{via: ...}]`."),
        (
            "expose: {public: {paths: [/]}}",
            "Write `expose: [{via: public, paths: [/]}]`.",
        ),
        ("sidecars: {datadog: true}", "Write `datadog: {api_key: ...}`."),
    ],
)
def test_forms_of_a_service(tmp_path: Path, line: str, hint: str) -> None:
    assert in_service(tmp_path, line).hint == hint


@pytest.mark.parametrize(
    ("line", "start"),
    [
        ("containers: []", "Write it like `containers: {web: {image: ...}}`. The"),
        ("containers: nginx", "Write it like `containers: {web: {image: ...}}`. The"),
        ("queues: [jobs]", "Write it like `queues: {JOBS_URL: jobs}`. Queues"),
        (
            "sidecars: [datadog]",
            "Write it like `sidecars: {datadog: ..., otel: ..., ",
        ),
        ("scaling: [1, 4]", "Write it like `scaling: {min: 1, max: 4, cpu: 60}`. Scale"),
        ("logs: true", 'Write it like `logs: {retention: "14d"}`. Log group'),
        ("task_role: [x]", "Write it like `task_role: {statements: ..., managed_policies: ..., "),
        ("security_groups: {a: b}", "Write it like `security_groups: [sg-0123456789abcdef0]`. "),
        ("volumes: /data", "Write it like `volumes: {uploads: {}}`. Volumes"),
    ],
)
def test_a_map_or_list_is_shown_where_the_values_of_the_user_do_not_fit(
    tmp_path: Path, line: str, start: str
) -> None:
    containers = "" if line.startswith("containers") else f"    {CONTAINERS}\n"
    text = f"{HEADER}stacks:\n{OTHERS}  web:\n    template: service\n{containers}    {line}\n"
    (finding,) = findings(tmp_path, text)
    assert finding.hint.startswith(start)


def test_every_map_of_the_params_is_shown_in_its_finding(tmp_path: Path) -> None:
    """A map of every model, where a number is written."""
    for model in [Header, *(module.Params for module in TEMPLATES.values())]:
        for key, field in model.model_fields.items():
            form = form_of_field(field)
            if isinstance(form, dict):
                assert as_written(key, form) != f"{key}: {{}}", (model, key)
                assert list(form) != [], (model, key)


@pytest.mark.parametrize(
    ("stacks", "hint"),
    [
        ("[]", "Write it like `stacks: {network: {}, api: {template: service}}`. The stacks"),
        ("{web: nginx}", "Write `web: {template: ...}` with its params."),
        ("{network: true}", "Write `network: {}` for its defaults, or its params below it."),
        (
            "{network: {}, cpu: 512}",
            "Indent `cpu:` deeper: it is a key of `network:`, not the name of another.",
        ),
    ],
)
def test_a_stack_is_a_map(tmp_path: Path, stacks: str, hint: str) -> None:
    (finding,) = findings(tmp_path, f"{HEADER}stacks: {stacks}\n")
    assert finding.hint.startswith(hint)


def test_a_key_of_a_container_beside_it_is_indented_too_little(tmp_path: Path) -> None:
    containers = "    containers:\n      web:\n        image: nginx:1\n      ports: [80]\n"
    text = f"{HEADER}stacks:\n{OTHERS}  web:\n    template: service\n{containers}"
    (finding,) = findings(tmp_path, text)
    hint = "Indent `ports:` deeper: it is a key of `web:`, not the name of another."
    assert (finding.code, finding.hint) == ("M1112", hint)


@pytest.mark.parametrize(
    ("line", "choice"),
    [
        ("depends_on: {db: service_healthy}", "HEALTHY"),
        ("depends_on: {db: {condition: service_started}}", "START"),
        ("depends_on: {db: {condition: service_completed_successfully}}", "SUCCESS"),
    ],
)
def test_conditions_of_compose(tmp_path: Path, line: str, choice: str) -> None:
    finding = in_container(tmp_path, line)
    assert finding.code == "M1104"
    assert finding.hint.startswith(f"Did you mean `{choice}`?")


# Missing keys, and values out of range ---------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("ulimits: {nofile: {soft: 1}}", "Add `hard:`. The highest limit that a process"),
        ("mounts: {data: {}}", "Add it, as in `path: /srv/uploads`. Path in the container."),
        (
            "health_check: {}",
            'Add it, as in `command: "curl -f http',
        ),
    ],
)
def test_a_missing_key_says_what_to_add(tmp_path: Path, line: str, hint: str) -> None:
    finding = in_container(tmp_path, line)
    assert finding.code == "M1102"
    assert finding.hint.startswith(hint)


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("gpus: 17", "Write 1 to 16. On instances"),
        ("memory: 5", "Write 6 or more. Memory limit"),
        ("health_check: {command: []}", 'Write it like `command: "curl'),
        ("health_check: {command: x, retries: 0}", "Write 1 to 10. Consecutive"),
        (
            "restart_policy: {ignored_exit_codes: [" + "1, " * 52 + "]}",
            "Remove 2 of them. Exit codes",
        ),
    ],
)
def test_a_value_out_of_range_says_what_to_write(tmp_path: Path, line: str, hint: str) -> None:
    finding = in_container(tmp_path, line)
    assert finding.code == "M1105"
    assert finding.hint.startswith(hint)


def test_long_values_are_left_out(tmp_path: Path) -> None:
    entry = "{name: app, image: " + "x" * 200 + "}"
    stack = f"web: {{template: service, containers: [{entry}]}}"
    (finding,) = findings(tmp_path, f"{HEADER}stacks:\n{OTHERS}  {stack}\n")
    assert finding.hint == "Write `containers: {app: {...}}`."


@pytest.mark.parametrize(
    "value",
    ["on", "yes", "12", "1.5", "80:8080", "a: b", "x #y", "", "true", "null", "- a", "@x", " a"],
)
def test_values_in_hints_are_yaml_for_what_they_mean(value: str) -> None:
    read = YAML(typ="safe", pure=True).load(f"a: {as_flow([value, {value: value}])}\n")
    assert read == {"a": [value, {value: value}]}


# Places of keys --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("environment: {A: b}", "Write `environment:` below `stacks.web.containers.web`."),
        ("essential: true", "Write `essential:` below `stacks.web.containers.web`."),
        ("tags: {a: b}", "Write `tags:` at the top of the file."),
        (
            "health_check: {}",
            "Write `health_check:` below `stacks.web.containers.web` or `health_check:` in an "
            "entry of `stacks.web.expose`.",
        ),
        (
            "certificate: x",
            "Write `certificate:` below `stacks.web.release.test` or `certificate:` in an entry of "
            "`stacks.web.expose`. Stacks of kind `alb` have this key too.",
        ),
        (
            "worker: {image: x}",
            "A container is an entry of `containers:`: write it below `stacks.web.containers`.",
        ),
        (
            "schedule: rate(1 day)",
            "Write `schedule:` below `stacks.web.scaling`. Stacks of kind `scheduled_task` have "
            "this key too.",
        ),
    ],
)
def test_a_key_of_another_place(tmp_path: Path, line: str, hint: str) -> None:
    finding = in_service(tmp_path, line)
    assert (finding.code, finding.hint) == ("M1110", hint)


def test_a_health_check_of_a_load_balancer_in_a_container(tmp_path: Path) -> None:
    finding = in_container(tmp_path, "health_check: {command: x, path: /}")
    hint = "Write `health_check: {path: ...}` in an entry of `stacks.web.expose`."
    assert (finding.code, finding.hint) == ("M1110", hint)


def test_a_key_of_an_entry_in_the_map_around_it(tmp_path: Path) -> None:
    line = "service_connect: {port: 80, services: [{port: 8080}]}"
    service = f"  web:\n    template: service\n    {CONTAINERS}\n    {line}\n"
    found = findings(tmp_path, f"{HEADER}stacks:\n{OTHERS}{service}")
    hints = [finding.hint for finding in found]
    assert "Write `port:` in an entry of `stacks.web.service_connect.services`." in hints


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("env: dev", "Remove it: the name of the file is the name of the environment."),
        ("Resources: {}", "Params are not a template. Write `overrides:` below a stack to change"),
        ("vpc: {}", "Write a stack of kind `network` below `stacks:`."),
    ],
)
def test_keys_that_other_tools_have_at_the_top(tmp_path: Path, line: str, hint: str) -> None:
    (finding,) = findings(tmp_path, f"{HEADER}stacks: {{network: {{}}}}\n{line}\n")
    assert finding.code == "M1101"
    assert finding.hint.startswith(hint)


@pytest.mark.parametrize("key", ["expose", "desired_count", "volumes", "scaling"])
def test_keys_of_the_service_in_a_container(tmp_path: Path, key: str) -> None:
    finding = in_container(tmp_path, f"{key}: 1")
    assert (finding.code, finding.hint) == ("M1110", f"Write `{key}:` below `stacks.web`.")


def test_keys_at_the_top_of_the_file(tmp_path: Path) -> None:
    text = f"{HEADER}cluster: {{}}\ndesired_count: 2\nstacks: {{network: {{}}}}\n"
    assert [(finding.code, finding.hint) for finding in findings(tmp_path, text)] == [
        ("M1110", "A stack is an entry of `stacks:`: write `cluster:` below it."),
        ("M1110", "Write it below a stack of kind `service` or `worker`, in `stacks:`."),
    ]


def test_a_long_list_of_keys_is_cut(tmp_path: Path) -> None:
    hint = in_service(tmp_path, "flavour: sweet").hint
    assert hint.endswith(", ... (`docs/params.md` lists all).")
    assert len(hint) < 400


# Words of other tools --------------------------------------------------------------------------

KEYS_OF_STACKS = {"template", "overrides"}
"""Keys that belong to no model."""


@pytest.mark.parametrize("word", WORDS)
def test_words_of_other_tools_refer_to_existing_keys(word: str) -> None:
    models = [Header, *(module.Params for module in TEMPLATES.values())]
    known = KEYS_OF_STACKS | {
        key for model in models for _, key in find_places(model, frozenset(WORDS[word].keys))
    }
    assert {*WORDS[word].keys} <= known
    assert WORDS[word].keys or WORDS[word].note


def test_a_word_of_another_tool_is_not_a_key_of_params_in_that_place(tmp_path: Path) -> None:
    for word in WORDS:
        text = f"{HEADER}stacks:\n{OTHERS}  web: {{template: service, {CONTAINERS}, {word}: x}}\n"
        found = findings(tmp_path, text)
        assert [finding.code for finding in found if finding.path[-1] == word] != [], word


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("count: 2", "Write `desired_count: 2`."),
        ("replicas: 3", "Write `desired_count: 3`."),
        ("exec: true", "Write `enable_execute_command: true`."),
        ("platform: linux/arm64", "Write `cpu_architecture:`. It takes `X86_64` or `ARM64`."),
        ("http: {path: /}", "Write `expose:`."),
        ("variables: {A: b}", "Write `environment:` below `stacks.web.containers.web`."),
        ("env: {A: b}", "Write `environment:` below `stacks.web.containers.web`."),
        ("deploy: {replicas: 2}", "Write `desired_count:`, `cpu:` and `memory:`."),
        ("resources: {}", "Write `cpu:` and `memory:`."),
        ("taskRoleArn: x", "Write `task_role:`. A role that exists is `existing: <ARN>` below it."),
        ("logConfiguration: {}", "Write `logs:`."),
        ("portMappings: []", "Write `ports:` below `stacks.web.containers.web`."),
        ("services: {}", "Remove it: `containers:` is written already."),
        ("restart: always", "Write `restart_policy:` below `stacks.web.containers.web`."),
        ("livenessProbe: {}", "Write `health_check:` below `stacks.web.containers.web` or"),
        ("family: x", "Remove it"),
        ("cmd: [a]", "Write `command:` below `stacks.web.containers.web`."),
        ("port: 80", "Write `ports:` below `stacks.web.containers.web`."),
        ("tag: x", "It is a part of `image:`, as in `ecr:<repository>:<tag>`."),
        ("spot: true", "Write `capacity_providers:`. All tasks on Fargate Spot are"),
        ("kind: service", "Remove it: the kind of the stack is known already."),
        ("replicas: 3\n    desired_count: 2", "Remove it: `desired_count:` is written already."),
        ("cpus: 0.5\n    memory: 1024", "Write `cpu: 512`."),
    ],
)
def test_words_in_a_service(tmp_path: Path, line: str, hint: str) -> None:
    finding = in_service(tmp_path, line)
    assert finding.code == "M1111"
    assert finding.hint.startswith(hint)


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("containerPort: 80", "Write `ports:`."),
        ("env_file: .env", "Write `environment_files:`. Files are named by their ARN in S3."),
        ("build: .", "Remove it: `image:` is written already. Moorage builds no images"),
        ("args: [x]", "Write `command:`."),
        ("terminationGracePeriodSeconds: 30", "Write `stop_timeout: 30s`."),
        ("health_check: {command: x, periodSeconds: 10}", "Write `interval: 10s`."),
        ("mem_limit: 512m", "Write `memory: 512`. 1024 CPU units are one vCPU; memory is in MiB."),
        ("health_check: {command: x, test: y}", "Remove it: `command:` is written already."),
        ("cmd: [npm, start]", "Write `command: [npm, start]`."),
        ("cmd: npm start", "Write `command: [npm, start]`."),
        ("port: 8080", "Write `ports: [8080]`."),
        ("tag: x", "It is a part of `image:`, as in `ecr:<repository>:<tag>`."),
        ("securityContext: {}", "Write `user:`, `readonly_root_filesystem:`, `privileged:` and"),
        ("cpus: 0.5", "Write `cpu: 512`."),
        ("mem_limit: 1g", "Write `memory: 1024`."),
    ],
)
def test_words_in_a_container(tmp_path: Path, line: str, hint: str) -> None:
    finding = in_container(tmp_path, line)
    assert finding.code == "M1111"
    assert finding.hint.startswith(hint)


def test_images_are_not_built(tmp_path: Path) -> None:
    stack = "web: {template: service, containers: {web: {image: {build: .}}}}"
    (finding,) = findings(tmp_path, f"{HEADER}stacks:\n{OTHERS}  {stack}\n")
    assert "Moorage builds no images" in finding.hint


@pytest.mark.parametrize("key", ["desiredCount", "desired-count", "DESIRED_COUNT"])
def test_other_spellings_are_misspellings(tmp_path: Path, key: str) -> None:
    finding = in_service(tmp_path, f"{key}: 2")
    assert (finding.code, finding.hint) == ("M1101", "Did you mean `desired_count`?")


@pytest.mark.parametrize("key", ["desiredCount", "desired-count"])
def test_another_spelling_of_a_key_that_is_written(tmp_path: Path, key: str) -> None:
    finding = in_service(tmp_path, f"{key}: 2\n    desired_count: 3")
    message = f"`{key}` is another spelling of `desired_count`, which is written as well"
    assert (finding.code, finding.message) == ("M1101", message)
    assert finding.hint == "Keep one of them, as `desired_count`."


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        (
            "healthcheck",
            "Did you mean `health_check:` below `stacks.web.containers.web` or `health_check:` in "
            "an entry of `stacks.web.expose`?",
        ),
        ("entrypoint", "Did you mean `entry_point:` below `stacks.web.containers.web`?"),
        ("secret", "Did you mean `secrets:` below `stacks.web.containers.web`?"),
    ],
)
def test_other_spellings_of_keys_of_another_place(tmp_path: Path, key: str, hint: str) -> None:
    finding = in_service(tmp_path, f"{key}: x")
    assert (finding.code, finding.hint) == ("M1101", hint)


# Kinds of stacks -------------------------------------------------------------------------------

STACK_KEYS = '{%s, containers: {web: {image: "nginx:1"}}}'


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("type: Load Balanced Web Service", "Write `template: service`."),
        ("type: worker", "Write `template: worker`."),
        ("kind: Deployment", "Write `template: service`."),
        ("type: unknown", "Write `template:` with one of alb, cluster, "),
    ],
)
def test_the_kind_of_a_stack_under_a_word_of_another_tool(
    tmp_path: Path, line: str, hint: str
) -> None:
    text = f"{HEADER}stacks:\n{OTHERS}  x: {STACK_KEYS % line}\n"
    finding = next(found for found in findings(tmp_path, text) if found.code == "M1111")
    assert finding.path == ("stacks", "x", line.split(":")[0])
    assert finding.hint.startswith(hint)


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        ("cron", "Did you mean `scheduled_task`?"),
        ("CronJob", "Did you mean `scheduled_task`?"),
        ("job", "Did you mean `one_off`?"),
        ("web", "Did you mean `service`?"),
        ("queue", "Did you mean `worker`?"),
        ("vpc", "Did you mean `network`?"),
        ("load_balancer", "Did you mean `alb`?"),
        ("servce", "Did you mean `service`?"),
        ("thing", "Write one of one_off, scheduled_task, service, worker."),
        ("lambda", "Moorage does not create such resources: write a stack kind of your own, as"),
    ],
)
def test_kinds_of_other_tools(tmp_path: Path, kind: str, hint: str) -> None:
    text = f"{HEADER}stacks:\n{OTHERS}  x: {STACK_KEYS % f'template: {kind}'}\n"
    (finding,) = findings(tmp_path, text)
    assert finding.code == "M1106"
    assert finding.hint.startswith(hint)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("web", "Add `template: service`."),
        ("cron", "Add `template: scheduled_task`."),
        ("lb", "Add `template: alb`."),
        ("db", "Add `template:` with one of one_off, scheduled_task, service, worker."),
        ("servic", "Name the stack `service`, or add `template: service`."),
    ],
)
def test_names_of_stacks_say_the_kind(tmp_path: Path, name: str, hint: str) -> None:
    text = f"{HEADER}stacks:\n{OTHERS}  {name}: {STACK_KEYS % 'cpu: 256'}\n"
    (finding,) = findings(tmp_path, text)
    assert (finding.code, finding.hint) == ("M1106", hint)


@pytest.mark.parametrize("kind", sorted({*KINDS.values()}))
def test_the_kinds_that_words_are_answered_with_exist(kind: str) -> None:
    assert kind in TEMPLATES
    assert not ({*KINDS} & NO_KINDS)


def test_a_compose_file_is_not_reported_as_params_without_stacks(tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, f"{HEADER}services: {{web: {{image: x}}}}\n")
    assert (finding.code, finding.hint) == ("M1111", "Write `stacks:`.")


# Existing resources ----------------------------------------------------------------------------


def test_the_name_of_an_existing_cluster_gets_a_stack_for_it(tmp_path: Path) -> None:
    hint = in_service(tmp_path, "cluster: my-cluster").hint
    assert "`existing-cluster: {template: cluster, existing: {name: my-cluster}}`" in hint
    assert "existing" not in in_service(tmp_path, "cluster: clustr").hint


def test_the_id_of_a_vpc_gets_a_stack_for_it(tmp_path: Path) -> None:
    hint = in_service(tmp_path, "network: vpc-0123456789abcdef0").hint
    assert "existing: {vpc: vpc-0123456789abcdef0, private_subnets: [...]}" in hint


# Keys without a value --------------------------------------------------------------------------


def values(folder: Path, environment: str, base: str | None = None) -> list[tuple[str, str, Any]]:
    return [
        (finding.code, finding.level, finding.path[-1])
        for finding in findings(folder, environment, base)
    ]


def test_a_container_without_a_value_needs_an_image(tmp_path: Path) -> None:
    text = f"{HEADER}stacks:\n{OTHERS}  web: {{template: service, containers: {{web: }}}}\n"
    (finding,) = findings(tmp_path, text)
    assert finding.hint == "Write `web: {image: ...}`, or remove the key."


def test_a_container_without_a_name_gets_one(tmp_path: Path) -> None:
    containers = "    containers: {image: nginx:1}\n"
    text = f"{HEADER}stacks:\n{OTHERS}  web:\n    template: service\n{containers}"
    hints = [finding.hint for finding in findings(tmp_path, text)]
    assert hints == ["Write the name of the container above it: `web: {image: nginx:1}`."]


def test_a_retention_in_days_needs_the_unit(tmp_path: Path) -> None:
    assert in_service(tmp_path, "logs: {retention: 30}").hint == "Add the unit: `30d`."


def test_a_variable_without_a_value_would_be_lost(tmp_path: Path) -> None:
    finding = in_container(tmp_path, "environment: {FOO: , BAR: x}")
    assert (finding.code, finding.level, finding.path[-1]) == ("M1113", "error", "FOO")
    assert finding.hint == 'Write `FOO: ""` for an empty string, or remove the key.'


def test_null_deletes_what_the_base_has(tmp_path: Path) -> None:
    base = f"{HEADER}stacks: {{cluster: {{exec_logs: {{retention: 7d}}}}}}\ntags: {{a: b, c: d}}\n"
    environment = "tags: {a: null, x: null}\nstacks: {cluster: {exec_logs: null, capacity: null}}\n"
    assert values(tmp_path, environment, base) == [
        ("M1113", "error", "x"),
        ("M1113", "warning", "capacity"),
    ]


def test_a_null_in_the_base_can_be_replaced_by_the_environment(tmp_path: Path) -> None:
    base = f"{HEADER}stacks: {{cluster: {{exec_logs: }}}}\n"
    assert values(tmp_path, "stacks: {cluster: {exec_logs: {retention: 7d}}}\n", base) == []
    assert values(tmp_path, "stacks: {cluster: {}}\n", base) == [("M1113", "warning", "exec_logs")]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ("tags: {a: }\nstacks: {cluster: {}}\n", [("M1113", "error", "a")]),
        ("stacks: {cluster: {capcity: }}\n", [("M1113", "error", "capcity")]),
        ("stacks: {cluster: {overrides: {Resources: {Cluster: }}}}\n", []),
        ("stacks: {x: {template: nothing, a: }}\n", [("M1106", "error", "template")]),
        (
            "permissions_boundary:\nstacks: {cluster: {}}\n",
            [("M1113", "warning", "permissions_boundary")],
        ),
        ("stacks: {cluster: }\n", [("M1114", "error", "cluster")]),
        ("stacks: {ecr: {repositories: {a: }}}\n", [("M1113", "error", "a")]),
    ],
)
def test_nulls_that_delete_nothing(tmp_path: Path, environment: str, expected: Any) -> None:
    assert values(tmp_path, HEADER + environment) == expected
