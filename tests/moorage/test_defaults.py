"""Settings of an environment that apply wherever a stack does not have its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from moorage.pipeline.build import Built, build
from templates import TEMPLATES

KEYS = "arn:aws:kms:eu-central-1:123456789012:key"
OTHER = f"{KEYS}/0000abcd-12ab-34cd-56ef-1234567890ab"
IMAGE = {"image": "public.ecr.aws/nginx/nginx:1.27.3"}


def key(use: str) -> str:
    number = ("logs", "queues", "repositories", "file_systems").index(use)
    return f"{KEYS}/1234abcd-12ab-34cd-56ef-{number:012}"


def built(tmp_path: Path, uses: list[str], stacks: dict[str, Any], **keys: str) -> Built:
    """An environment with default keys for these uses."""
    defaults = {"kms_keys": {**{use: key(use) for use in uses}, **keys}}
    every = {"network": {}, "cluster": {}, **stacks}
    params = {"app": "shop", "region": "eu-central-1", "defaults": defaults, "stacks": every}
    (tmp_path / "dev.yaml").write_text(yaml.safe_dump(params))
    return build(tmp_path, "dev", TEMPLATES)


def resources(result: Built, stack: str) -> dict[str, Any]:
    assert result.plan, result.findings
    (found,) = (each for each in result.plan.stacks if each.name == stack)
    every = found.rendering.body["Resources"]
    return {name: resource.get("Properties", {}) for name, resource in every.items()}


WORKER = {"template": "worker", "containers": {"app": IMAGE}}


def test_log_groups_have_the_key_and_nothing_else(tmp_path: Path) -> None:
    stacks = {"mailer": WORKER, "network": {"flow_logs": True}}
    result = built(tmp_path, ["logs"], stacks)
    for stack, group in (
        ("mailer", "LogGroup"),
        ("cluster", "ExecLogGroup"),
        (
            "network",
            "FlowLogGroup",
        ),
    ):
        assert resources(result, stack)[group]["KmsKeyId"] == key("logs")
    assert resources(result, "mailer")["Queue"]["SqsManagedSseEnabled"] is True


def test_queues_have_the_key_and_their_tasks_may_decrypt(tmp_path: Path) -> None:
    result = built(tmp_path, ["queues"], {"mailer": WORKER})
    every = resources(result, "mailer")
    for queue in "Queue", "DeadLetterQueue":
        assert every[queue]["KmsMasterKeyId"] == key("queues")
    (policy,) = every["TaskRole"]["Policies"]
    decrypt = {each["Sid"]: each for each in policy["PolicyDocument"]["Statement"]}
    assert decrypt["DecryptMessages"]["Resource"] == [key("queues")]
    assert "KmsKeyId" not in every["LogGroup"]


def test_a_key_of_a_stack_comes_first(tmp_path: Path) -> None:
    worker = {**WORKER, "logs": {"kms_key": OTHER}}
    result = built(tmp_path, ["logs"], {"mailer": worker})
    assert resources(result, "mailer")["LogGroup"]["KmsKeyId"] == OTHER


def test_an_existing_queue_gets_no_key(tmp_path: Path) -> None:
    arn = "arn:aws:sqs:eu-central-1:123456789012:jobs"
    worker = {**WORKER, "queue": {"existing": {"arn": arn}}}
    result = built(tmp_path, ["queues"], {"mailer": worker})
    assert key("queues") not in str(resources(result, "mailer"))


@pytest.mark.parametrize(
    ("repository", "expected"),
    [
        ({}, {"EncryptionType": "KMS", "KmsKey": key("repositories")}),
        (
            {"encryption": "KMS_DSSE"},
            {"EncryptionType": "KMS_DSSE", "KmsKey": key("repositories")},
        ),
        ({"encryption": "AES256"}, {"EncryptionType": "AES256"}),
        ({"encryption": "KMS", "kms_key": OTHER}, {"EncryptionType": "KMS", "KmsKey": OTHER}),
    ],
)
def test_repositories(repository: dict[str, Any], expected: dict[str, Any], tmp_path: Path) -> None:
    stacks = {"ecr": {"repositories": {"shop/web": repository}}}
    (found,) = resources(built(tmp_path, ["repositories"], stacks), "ecr").values()
    assert found["EncryptionConfiguration"] == expected


def test_file_systems(tmp_path: Path) -> None:
    container = {**IMAGE, "mounts": {"files": "/files"}}
    web = {
        "template": "service",
        "volumes": {"files": {"efs": True}},
        "containers": {"app": container},
    }
    every = resources(built(tmp_path, ["file_systems"], {"web": web}), "web")
    files = [each for each in every.values() if each.get("Encrypted") is True]
    assert [each["KmsKeyId"] for each in files] == [key("file_systems")]


def test_a_key_does_not_count_as_a_setting_of_the_stack(tmp_path: Path) -> None:
    """With `existing`, settings that the user has written are reported."""
    cluster = {"existing": {"name": "old"}}
    result = built(tmp_path, ["logs"], {"cluster": cluster, "mailer": WORKER})
    assert result.plan, result.findings


def test_a_key_in_another_region_is_one_finding(tmp_path: Path) -> None:
    result = built(tmp_path, [], {"mailer": WORKER}, logs=OTHER.replace("central", "west"))
    assert [(each.code, each.path) for each in result.findings] == [
        ("M1510", ("defaults", "kms_keys", "logs"))
    ]


def test_a_key_is_an_arn(tmp_path: Path) -> None:
    (finding,) = built(tmp_path, [], {}, queues="alias/aws/sqs").findings
    assert (finding.code, finding.path) == ("M1503", ("defaults", "kms_keys", "queues"))
    assert "is not the ARN of a KMS key" in finding.message
