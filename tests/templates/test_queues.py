"""Queues of workers: permissions, environment variables and properties.

Problems are in tests/errors/queues, whole templates are under tests/golden.
"""

from __future__ import annotations

from typing import Any

from stack_bodies import build_bodies, service

KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ORDERS = "arn:aws:sqs:eu-central-1:123456789012:orders"


def build(name: str, **stacks: Any) -> dict[str, Any]:
    """The properties of the resources of the stack `name`, by logical ID."""
    resources = build_bodies(**stacks)[name]["Resources"]
    return {
        logical_id: resource.get("Properties", {}) for logical_id, resource in resources.items()
    }


def build_worker(**params: Any) -> dict[str, Any]:
    return build("jobs", jobs={**service(**params), "template": "worker"})


def statements(role: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The statements of a role by Sid."""
    policies = role.get("Policies", [])
    return {
        statement["Sid"]: statement
        for policy in policies
        for statement in policy["PolicyDocument"]["Statement"]
    }


def variables(resources: dict[str, Any]) -> dict[str, Any]:
    """The environment variables of the only container."""
    (container,) = resources["TaskDefinition"]["ContainerDefinitions"]
    return {item["Name"]: item["Value"] for item in container.get("Environment", [])}


def test_a_worker_has_no_permission_to_send_messages() -> None:
    (statement,) = statements(build_worker()["TaskRole"]).values()
    assert statement["Resource"] == [{"Fn::GetAtt": ["Queue", "Arn"]}]
    assert not any("Send" in action for action in statement["Action"])


def test_consumers_decrypt_with_the_queues_key_and_senders_encrypt() -> None:
    stacks = {
        "jobs": {**service(queue={"kms_key": KEY}), "template": "worker"},
        "web": service(queues={"JOBS": "jobs"}),
    }
    consumer = statements(build("jobs", **stacks)["TaskRole"])["DecryptMessages"]
    assert (consumer["Action"], consumer["Resource"]) == (["kms:Decrypt"], [KEY])
    sender = statements(build("web", **stacks)["TaskRole"])
    assert sender["EncryptMessages"]["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert sender["SendToQueues"]["Resource"] == [{"Fn::ImportValue": "shop-dev-jobs-QueueArn"}]


def test_a_worker_that_sends_to_its_own_queue_imports_nothing() -> None:
    resources = build_worker(queues={"AGAIN": "jobs"})
    assert variables(resources) == {"AGAIN": {"Ref": "Queue"}, "QUEUE_URL": {"Ref": "Queue"}}
    assert statements(resources["TaskRole"])["SendToQueues"]["Resource"] == [
        {"Fn::GetAtt": ["Queue", "Arn"]}
    ]


def test_with_an_existing_queue_none_is_created() -> None:
    resources = build_worker(queue={"existing": {"arn": ORDERS}, "variable": "ORDERS"})
    url = "https://sqs.eu-central-1.${AWS::URLSuffix}/123456789012/orders"
    assert variables(resources) == {"ORDERS": {"Fn::Sub": url}}
    assert statements(resources["TaskRole"])["ReceiveMessages"]["Resource"] == [ORDERS]
    assert not any("Queue" in name for name in resources)


def test_queues_are_encrypted_and_deny_requests_without_tls() -> None:
    resources = build_worker(queue={"fifo": True})
    for name in ("Queue", "DeadLetterQueue"):
        assert resources[name]["SqsManagedSseEnabled"] is True
        assert resources[name]["FifoQueue"] is True
        (statement,) = resources[f"{name}Policy"]["PolicyDocument"]["Statement"]
        assert statement["Effect"] == "Deny"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_without_a_dead_letter_queue_there_is_no_redrive_policy() -> None:
    resources = build_worker(queue={"dead_letter_queue": False})
    assert "DeadLetterQueue" not in resources
    assert "RedrivePolicy" not in resources["Queue"]
