"""Values of a wrong type or out of range: the finding says what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from params_findings import CONTAINERS, HEADER, OTHERS, container_finding, findings, service_finding
from ruamel.yaml import YAML

from moorage.findings.wording import as_flow
from moorage.pipeline.forms import as_written, form_of_field
from moorage.pipeline.header import Header
from templates import TEMPLATES


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
    finding = service_finding(tmp_path, line)
    assert finding.code == "M1103"
    assert finding.hint.startswith((f"Write {number}: ", f"Write it without quotes: {number}."))


@pytest.mark.parametrize("line", ["memory: much", "cpu: 1GB", "memory: 3 apples", "cpu: 1 MiB"])
def test_other_texts_are_not_converted(tmp_path: Path, line: str) -> None:
    assert not service_finding(tmp_path, line).hint.startswith("Write")


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
    assert container_finding(tmp_path, line).hint == hint


def test_secrets_of_the_ecs_api_name_their_service(tmp_path: Path) -> None:
    arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:x-abcdef"
    finding = container_finding(tmp_path, f'secrets: [{{name: A, valueFrom: "{arn}"}}]')
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
    assert service_finding(tmp_path, line).hint == hint


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


def test_a_key_of_a_container_that_is_indented_too_little(tmp_path: Path) -> None:
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
    finding = container_finding(tmp_path, line)
    assert finding.code == "M1104"
    assert finding.hint.startswith(f"Did you mean `{choice}`?")


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
    finding = container_finding(tmp_path, line)
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
    finding = container_finding(tmp_path, line)
    assert finding.code == "M1105"
    assert finding.hint.startswith(hint)


def test_a_number_that_is_a_name_needs_quotes(tmp_path: Path) -> None:
    cache = "cache: {version: 8}"
    (finding,) = findings(tmp_path, f"{HEADER}stacks:\n  network: {{}}\n  {cache}\n")
    assert finding.code == "M1103"
    assert finding.hint.startswith('Put it in quotes: "8".')


def test_long_values_are_left_out(tmp_path: Path) -> None:
    entry = "{name: app, image: " + "x" * 200 + "}"
    stack = f"web: {{template: service, containers: [{entry}]}}"
    (finding,) = findings(tmp_path, f"{HEADER}stacks:\n{OTHERS}  {stack}\n")
    assert finding.hint == "Write `containers: {app: {...}}`."


@pytest.mark.parametrize(
    "value",
    ["on", "yes", "12", "1.5", "80:8080", "a: b", "x #y", "", "true", "null", "- a", "@x", " a"],
)
def test_values_in_hints_are_valid_yaml(value: str) -> None:
    read = YAML(typ="safe", pure=True).load(f"a: {as_flow([value, {value: value}])}\n")
    assert read == {"a": [value, {value: value}]}
