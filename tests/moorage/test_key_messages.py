"""Unknown keys: the finding names the right key or place, also for keys of other tools."""

from __future__ import annotations

from pathlib import Path

import pytest
from params_findings import CONTAINERS, HEADER, OTHERS, container_finding, findings, service_finding

from moorage.pipeline.foreign_words import WORDS
from moorage.pipeline.header import Header
from moorage.pipeline.params_models import find_places
from templates import TEMPLATES


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        (
            "environment: {A: b}",
            "Write `environment:` below `stacks.web.containers.web`. Stacks of kind `codebuild` or "
            "`pipeline` have this key too.",
        ),
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
    finding = service_finding(tmp_path, line)
    assert (finding.code, finding.hint) == ("M1110", hint)


def test_a_health_check_of_a_load_balancer_in_a_container(tmp_path: Path) -> None:
    finding = container_finding(tmp_path, "health_check: {command: x, path: /}")
    hint = "Write `health_check: {path: ...}` in an entry of `stacks.web.expose`."
    assert (finding.code, finding.hint) == ("M1110", hint)


def test_a_key_of_an_entry_in_the_map_around_it(tmp_path: Path) -> None:
    line = "service_connect: {port: 80, services: [{port: 8080}]}"
    service = f"  web:\n    template: service\n    {CONTAINERS}\n    {line}\n"
    reported = findings(tmp_path, f"{HEADER}stacks:\n{OTHERS}{service}")
    hints = [finding.hint for finding in reported]
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
    finding = container_finding(tmp_path, f"{key}: 1")
    assert (finding.code, finding.hint) == ("M1110", f"Write `{key}:` below `stacks.web`.")


def test_keys_at_the_top_of_the_file(tmp_path: Path) -> None:
    text = f"{HEADER}cluster: {{}}\ndesired_count: 2\nstacks: {{network: {{}}}}\n"
    assert [(finding.code, finding.hint) for finding in findings(tmp_path, text)] == [
        ("M1110", "A stack is an entry of `stacks:`: write `cluster:` below it."),
        ("M1110", "Write it below a stack of kind `service` or `worker`, in `stacks:`."),
    ]


def test_a_long_list_of_keys_is_cut(tmp_path: Path) -> None:
    hint = service_finding(tmp_path, "flavour: sweet").hint
    assert hint.endswith(", ... (`docs/params.md` lists all).")
    assert len(hint) < 400


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


def test_words_of_other_tools_are_no_keys_of_params_in_the_same_place(tmp_path: Path) -> None:
    for word in WORDS:
        text = f"{HEADER}stacks:\n{OTHERS}  web: {{template: service, {CONTAINERS}, {word}: x}}\n"
        reported = findings(tmp_path, text)
        assert [finding.code for finding in reported if finding.path[-1] == word] != [], word


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
    finding = service_finding(tmp_path, line)
    assert finding.code == "M1111"
    assert finding.hint.startswith(hint)


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("containerPort: 80", "Write `ports:`."),
        ("env_file: .env", "Write `environment_files:`. Files are named by their ARN in S3."),
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
    finding = container_finding(tmp_path, line)
    assert finding.code == "M1111"
    assert finding.hint.startswith(hint)


def test_how_an_image_is_built_is_written_beside_it(tmp_path: Path) -> None:
    stack = "web: {template: service, containers: {web: {image: {build: .}}}}"
    (finding,) = findings(tmp_path, f"{HEADER}stacks:\n{OTHERS}  {stack}\n")
    assert "`build:` beside `image:`" in finding.hint


@pytest.mark.parametrize("key", ["desiredCount", "desired-count", "DESIRED_COUNT"])
def test_other_spellings_are_misspellings(tmp_path: Path, key: str) -> None:
    finding = service_finding(tmp_path, f"{key}: 2")
    assert (finding.code, finding.hint) == ("M1101", "Did you mean `desired_count`?")


@pytest.mark.parametrize("key", ["desiredCount", "desired-count"])
def test_another_spelling_of_a_key_that_is_written(tmp_path: Path, key: str) -> None:
    finding = service_finding(tmp_path, f"{key}: 2\n    desired_count: 3")
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
    finding = service_finding(tmp_path, f"{key}: x")
    assert (finding.code, finding.hint) == ("M1101", hint)
