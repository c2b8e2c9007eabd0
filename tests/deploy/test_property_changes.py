"""What a change set says, property by property. The forms are those of DescribeChangeSet."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fake_aws import make_stack

from moorage.deploy.change_sets import Preview, Problem, ResourceChange, read_changes
from moorage.deploy.preview_text import count_changes, previews_json, previews_text
from moorage.deploy.property_changes import KNOWN_LATER, PropertyChange, compare

WEB = make_stack("web")


def container(image: str, **variables: str) -> dict[str, Any]:
    environment = [{"Name": key, "Value": value} for key, value in variables.items()]
    return {"Name": "web", "Image": image, "Environment": environment}


def change(before: Any, after: Any, **more: Any) -> Any:
    """A change of a resource, as a change set has it."""
    contexts = {"BeforeContext": json.dumps(before), "AfterContext": json.dumps(after)}
    resource = {"Action": "Modify", "LogicalResourceId": "Task", "ResourceType": "T", **more}
    return {"Type": "Resource", "ResourceChange": {**resource, **contexts}}


def test_items_of_lists_are_compared_by_their_names() -> None:
    before = {"ContainerDefinitions": [container("web:1", LEVEL="info"), {"Name": "log"}]}
    after = {"ContainerDefinitions": [{"Name": "log"}, container("web:2", LEVEL="debug", NEW="1")]}
    assert compare(before, after) == (
        PropertyChange("ContainerDefinitions.web.Image", "web:1", "web:2"),
        PropertyChange("ContainerDefinitions.web.Environment.LEVEL.Value", "info", "debug"),
        PropertyChange("ContainerDefinitions.web.Environment.NEW", None, '{"Value": "1"}'),
    )


def test_items_without_names_are_compared_by_position() -> None:
    before = {"Actions": [{"Type": "forward", "Weight": 1}], "Ports": [80]}
    after = {"Actions": [{"Type": "forward", "Weight": 2}], "Ports": [80, 81]}
    assert compare(before, after) == (
        PropertyChange("Actions.0.Weight", "1", "2"),
        PropertyChange("Ports", "[80]", "[80, 81]"),
    )


@pytest.mark.parametrize("secret", ["hunter2", "correct horse"])
def test_secrets_are_not_shown(secret: str) -> None:
    before = {"ContainerDefinitions": [container("a", DB_PASSWORD=secret)], "Token": secret}
    after = {
        "ContainerDefinitions": [container("a", DB_PASSWORD=f"{secret}2", API_KEY=secret)],
        "Url": f"https://app:{secret.replace(' ', '')}@example.com",
    }
    text = str(compare(before, after)) + str(compare({}, after))
    assert secret.split()[0] not in text
    assert "***" in text


def test_references_to_secrets_are_shown() -> None:
    def secrets(name: str) -> dict[str, Any]:
        return {"Secrets": [{"Name": "DB_PASSWORD", "ValueFrom": name}]}

    arn = "arn:aws:ssm:eu-central-1:111122223333:parameter/shop/db"
    (found,) = compare(secrets(arn), secrets(f"{arn}2"))
    assert found == PropertyChange("Secrets.DB_PASSWORD.ValueFrom", arn, f"{arn}2")


def test_what_is_known_later_is_said_so() -> None:
    details = [
        {
            "Target": {"Attribute": "Properties", "Name": "TaskDefinition"},
            "ChangeSource": "ResourceReference",
            "CausingEntity": "TaskDefinition",
        }
    ]
    before = {"Properties": {"TaskDefinition": "web:1"}}
    after = {"Properties": {"TaskDefinition": KNOWN_LATER}}
    (found,) = read_changes([change(before, after, Details=details)])
    assert found.properties == (
        PropertyChange("TaskDefinition", "web:1", "(known after the update)", "TaskDefinition"),
    )


def test_without_context_the_listed_targets_are_shown() -> None:
    target = {
        "Attribute": "Properties",
        "Name": "Tags",
        "Path": "/Properties/Tags/0/Value",
        "BeforeValue": "a",
        "AfterValue": "b",
    }
    resource = {"Action": "Modify", "LogicalResourceId": "Task", "Details": [{"Target": target}]}
    (found,) = read_changes([{"Type": "Resource", "ResourceChange": resource}])  # type: ignore[typeddict-item]
    assert found.properties == (PropertyChange("Tags.0.Value", "a", "b"),)


def test_the_text_names_what_is_replaced_and_what_that_means() -> None:
    balancer = ResourceChange(
        "Modify",
        "LoadBalancer",
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "True",
        (PropertyChange("Scheme", "internal", "internet-facing"),),
        ("Scheme",),
    )
    bucket = ResourceChange("Remove", "Logs", "AWS::S3::Bucket", kept=True)
    task = ResourceChange("Modify", "TaskDefinition", "AWS::ECS::TaskDefinition", "True")
    added = ResourceChange("Add", "Alarm", "AWS::CloudWatch::Alarm")
    maybe = ResourceChange(
        "Modify", "Db", "AWS::RDS::DBInstance", "Conditional", (), ("Engine",), snapshot=True
    )
    removed = ResourceChange("Remove", "Cluster", "AWS::RDS::DBCluster", snapshot=True)
    previews = [
        Preview(WEB, "update", "arn", changes=(balancer, bucket, task, added, maybe, removed)),
        Preview(make_stack("cluster"), "nothing"),
    ]
    assert previews_text(previews) == (
        "web (shop-dev-web) will be updated\n"
        "  ~ LoadBalancer  AWS::ElasticLoadBalancingV2::LoadBalancer  REPLACED, because Scheme "
        "changes\n"
        "      Scheme: internal -> internet-facing\n"
        "      Its DNS name and addresses change, and clients that use the old ones lose the "
        "connection.\n"
        "  - Logs  AWS::S3::Bucket  removed, but not deleted\n"
        "  ~ TaskDefinition  AWS::ECS::TaskDefinition  replaced (routine)\n"
        "  + Alarm  AWS::CloudWatch::Alarm\n"
        "  ~ Db  AWS::RDS::DBInstance  may be REPLACED, because Engine changes, and a snapshot of "
        "the old one is kept\n"
        "      The new one is empty, unless it belongs to a cluster.\n"
        "  - Cluster  AWS::RDS::DBCluster  deleted, but a snapshot is kept\n"
        "\n"
        "Nothing to change: cluster\n"
    )
    assert count_changes(previews) == "update 1 stack"


@pytest.mark.parametrize(
    ("policy", "kept", "snapshot"),
    [
        ("ReplaceAndRetain", True, False),
        ("ReplaceAndSnapshot", False, True),
        ("Snapshot", False, True),
        ("Delete", False, False),
    ],
)
def test_what_is_kept_is_read_from_the_policy(policy: str, kept: bool, snapshot: bool) -> None:
    (found,) = read_changes([change({}, {}, PolicyAction=policy)])
    assert (found.kept, found.snapshot) == (kept, snapshot)


def test_an_update_without_changed_resources_says_so() -> None:
    text = previews_text([Preview(WEB, "update", "arn")])
    assert "  no resource changes: only outputs, parameters, tags or metadata\n" in text


def test_a_problem_stops_a_stack() -> None:
    problem = Problem("error", "A bucket of this name exists already", "Logs", "/BucketName")
    text = previews_text([Preview(WEB, "create", problems=(problem,))])
    assert text.splitlines()[:2] == [
        "web (shop-dev-web) cannot be deployed",
        "  error Logs /BucketName: A bucket of this name exists already",
    ]


def test_previews_are_lines_of_json() -> None:
    (line,) = previews_json([Preview(WEB, "nothing")]).splitlines()
    assert json.loads(line) == {
        "event": "preview",
        "stack": "web",
        "stack_name": "shop-dev-web",
        "kind": "nothing",
        "express": False,
        "problems": [],
        "changes": [],
    }
