"""Unknown kinds of stacks, and text in place of a stack."""

from __future__ import annotations

from pathlib import Path

import pytest
from params_findings import HEADER, OTHERS, findings, service_finding

from moorage.pipeline.stack_kinds import KINDS, NO_KINDS
from templates import TEMPLATES

STACK_KEYS = '{%s, containers: {web: {image: "nginx:1"}}}'


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("type: Load Balanced Web Service", "Write `template: service`."),
        ("type: worker", "Write `template: worker`."),
        ("kind: Deployment", "Write `template: service`."),
        ("type: unknown", "Write `template:` with one of alb, bucket, cluster, "),
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
def test_the_name_of_a_stack_suggests_its_kind(tmp_path: Path, name: str, hint: str) -> None:
    text = f"{HEADER}stacks:\n{OTHERS}  {name}: {STACK_KEYS % 'cpu: 256'}\n"
    (finding,) = findings(tmp_path, text)
    assert (finding.code, finding.hint) == ("M1106", hint)


@pytest.mark.parametrize("kind", sorted({*KINDS.values()}))
def test_suggested_stack_kinds_exist(kind: str) -> None:
    assert kind in TEMPLATES
    assert not ({*KINDS} & NO_KINDS)


def test_a_compose_file_is_not_reported_as_params_without_stacks(tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, f"{HEADER}services: {{web: {{image: x}}}}\n")
    assert (finding.code, finding.hint) == ("M1111", "Write `stacks:`.")


def test_the_name_of_an_existing_cluster_gets_a_stack_for_it(tmp_path: Path) -> None:
    hint = service_finding(tmp_path, "cluster: my-cluster").hint
    assert "`existing-cluster: {template: cluster, existing: {name: my-cluster}}`" in hint
    assert "existing" not in service_finding(tmp_path, "cluster: clustr").hint


def test_the_id_of_a_vpc_gets_a_stack_for_it(tmp_path: Path) -> None:
    hint = service_finding(tmp_path, "network: vpc-0123456789abcdef0").hint
    assert "existing: {vpc: vpc-0123456789abcdef0, private_subnets: [...]}" in hint
