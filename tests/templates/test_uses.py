"""`uses:`: the variables, secrets, permissions and security group rules that tasks get.

Whole templates are in tests/golden/uses, texts of findings in tests/errors/uses.
"""

from __future__ import annotations

from itertools import combinations
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from service_stacks import KEY, allowed
from stack_bodies import build_bodies, properties, service
from troposphere import GetAtt, Ref, Sub, Template, ec2, secretsmanager

from moorage.findings.finding import Finding
from moorage.model import Environment
from moorage.pipeline.check import check
from moorage.pipeline.compose import compose as compose_stacks
from moorage.pipeline.link import link
from moorage.pipeline.load import Document
from moorage.pipeline.render import render
from moorage.pipeline.validate import validate
from templates import TEMPLATES
from templates.common.exports import export_output, import_value
from templates.common.usable import Connection, Usable, Usage, UsedSecret


class Params(Usable):
    """A stack kind with everything that a usage can have, like a database."""

    accesses: ClassVar[tuple[str, ...]] = ("connect",)

    def usage(self, stack: str, env: Environment, access: frozenset[str], user: str) -> Usage:
        secret = import_value(env, stack, "SecretArn")
        password = Sub("${Secret}:password::", Secret=secret)
        group = import_value(env, stack, "SecurityGroupId")
        return Usage(
            variables={"HOST": f"{stack}.example.com"},
            secrets={
                "USER": UsedSecret(secret, Sub("${Secret}:user::", Secret=secret)),
                "PASSWORD": UsedSecret(secret, password, kms_key=KEY),
            },
            connection=Connection(group, (5432, 5433), "network"),
        )


def compose(name: str, params: Params, env: Environment) -> Template:
    template = Template()
    group = ec2.SecurityGroup(
        "SecurityGroup",
        GroupDescription=f"Database {name}",
        VpcId=import_value(env, "network", "VpcId"),
    )
    secret = secretsmanager.Secret(
        "Secret", GenerateSecretString=secretsmanager.GenerateSecretString()
    )
    template.add_resource([group, secret])
    group_id = GetAtt("SecurityGroup", "GroupId")
    template.add_output(export_output(env, name, "SecurityGroupId", group_id, "Group"))
    template.add_output(export_output(env, name, "SecretArn", Ref("Secret"), "Secret"))
    return template


KINDS = {**TEMPLATES, "database-like": SimpleNamespace(Params=Params, compose=compose)}


def build(**stacks: Any) -> tuple[dict[str, Any], list[Finding]]:
    """The resources of the stack `web`, and the findings of the build and of the rules."""
    every = {"network": {}, "cluster": {}, "shop-db": {"template": "database-like"}, **stacks}
    data = {"app": "shop", "region": "eu-central-1", "stacks": every}
    document = Document("dev", "params/dev.yaml", data, {})
    env, findings = validate(document, KINDS)
    if env is None or any(finding.level == "error" for finding in findings):
        return {}, findings
    renderings = []
    for stack in compose_stacks(env, KINDS):
        rendering, problems = render(stack, document, "yaml")
        assert rendering is not None, problems
        renderings.append(rendering)
    plan, linked = link(tuple(renderings), env, document)
    assert plan is not None, linked
    (web,) = [rendering for rendering in renderings if rendering.stack == "web"]
    return dict(web.body["Resources"]), [*findings, *linked, *check(plan, document)]


def container(resources: dict[str, Any], name: str = "web") -> dict[str, Any]:
    definitions = properties(resources, "TaskDefinition")["ContainerDefinitions"]
    (definition,) = [item for item in definitions if item["Name"] == name]
    return dict(definition)


def environment(resources: dict[str, Any], name: str = "web") -> dict[str, Any]:
    return {item["Name"]: item["Value"] for item in container(resources, name)["Environment"]}


def secrets(resources: dict[str, Any], name: str = "web") -> dict[str, Any]:
    return {item["Name"]: item["ValueFrom"] for item in container(resources, name)["Secrets"]}


SECRET = {"Fn::ImportValue": "shop-dev-shop-db-SecretArn"}
GROUP = {"Fn::ImportValue": "shop-dev-shop-db-SecurityGroupId"}
OWN_GROUP = {"Fn::GetAtt": ["SecurityGroup", "GroupId"]}


def test_containers_get_values_and_secrets_which_the_execution_role_may_read() -> None:
    resources, findings = build(web=service(uses={"shop-db": "connect"}))
    assert findings == []
    assert environment(resources) == {"SHOP_DB_HOST": "shop-db.example.com"}
    assert secrets(resources) == {
        "SHOP_DB_PASSWORD": {"Fn::Sub": ["${Secret}:password::", {"Secret": SECRET}]},
        "SHOP_DB_USER": {"Fn::Sub": ["${Secret}:user::", {"Secret": SECRET}]},
    }
    (policy,) = properties(resources, "ExecutionRole")["Policies"]
    statements = {item["Sid"]: item for item in policy["PolicyDocument"]["Statement"]}
    assert statements["ReadUsedSecrets"]["Action"] == ["secretsmanager:GetSecretValue"]
    assert statements["ReadUsedSecrets"]["Resource"] == [SECRET]
    assert statements["DecryptUsedSecrets"]["Resource"] == [KEY]


def test_the_stack_of_the_tasks_opens_both_security_groups_before_the_service() -> None:
    uses = {"shop-db": "connect"}
    resources, findings = build(web=service(egress=[], uses=uses))
    assert findings == []
    ports = (5432, 5433)
    for port in ports:
        rule = properties(resources, f"ToShopDbTcp{port}Ingress")
        assert (rule["GroupId"], rule["SourceSecurityGroupId"]) == (GROUP, OWN_GROUP)
        assert (rule["FromPort"], rule["ToPort"], rule["IpProtocol"]) == (port, port, "tcp")
        out = properties(resources, f"ToShopDbTcp{port}Egress")
        assert (out["GroupId"], out["DestinationSecurityGroupId"]) == (OWN_GROUP, GROUP)
    rules = {f"ToShopDbTcp{port}{side}" for port in ports for side in ("Egress", "Ingress")}
    assert set(resources["Service"]["DependsOn"]) == rules


def test_without_egress_the_tasks_may_connect_anywhere() -> None:
    resources, _ = build(web=service(uses={"shop-db": "connect"}))
    assert not [name for name in resources if name.endswith("Egress")]


def test_the_long_form_renames_variables_and_chooses_containers() -> None:
    use = {
        "access": "connect",
        "variables": {"host": "DB", "password": "DB_PASSWORD"},
        "containers": ["web"],
    }
    web = service(uses={"shop-db": use})
    web["containers"]["other"] = {"image": "ecr:shop/other:1"}
    resources, findings = build(web=web)
    assert findings == []
    assert environment(resources) == {"DB": "shop-db.example.com"}
    assert set(secrets(resources)) == {"DB_PASSWORD", "SHOP_DB_USER"}
    assert not {"Environment", "Secrets"} & set(container(resources, "other"))


def test_only_declared_containers_get_variables() -> None:
    resources, _ = build(web=service(uses={"shop-db": "connect"}, sidecars={"otel": True}))
    definitions = properties(resources, "TaskDefinition")["ContainerDefinitions"]
    assert len(definitions) == 2
    with_host = [item["Name"] for item in definitions if "SHOP_DB_HOST" in str(item)]
    assert with_host == ["web"]


@pytest.mark.parametrize(
    ("stacks", "code"),
    [
        ({"other": {"template": "network", "cidr": "10.1.0.0/16"}}, "M3604"),
        (
            {"cluster": {"capacity": {"ec2": {"max": 2}}}},
            "M2725",
        ),
    ],
)
def test_tasks_that_cannot_be_let_in_are_refused(stacks: dict[str, Any], code: str) -> None:
    place = {"network": "other"} if code == "M3604" else {"launch": "ec2", "network_mode": "bridge"}
    web = service(uses={"shop-db": "connect"}, container={"memory": 256}, **place)
    _, findings = build(web=web, **stacks)
    assert [(finding.code, finding.path) for finding in findings] == [
        (code, ("stacks", "web", "uses", "shop-db"))
    ]


# Permissions of each kind --------------------------------------------------------------------

STORES: dict[str, Any] = {
    "uploads": {"template": "bucket"},
    "orders": {"template": "table", "partition_key": "id"},
    "events": {"template": "topic"},
    "jobs": {"template": "worker", "containers": {"jobs": {"image": "ecr:shop/jobs:1"}}},
}


def exported(stack: str, output: str) -> str:
    return f"shop-dev-{stack}-{output}"


BUCKET, TABLE = exported("uploads", "BucketArn"), exported("orders", "TableArn")
TOPIC, QUEUE = exported("events", "TopicArn"), exported("jobs", "QueueArn")
MEANINGS: dict[tuple[str, str], set[tuple[str, str]]] = {
    ("uploads", "read"): {("s3:ListBucket", BUCKET), ("s3:GetObject", f"{BUCKET}/*")},
    ("uploads", "write"): {
        (f"s3:{action}", f"{BUCKET}/*")
        for action in ("AbortMultipartUpload", "DeleteObject", "PutObject")
    },
    ("orders", "read"): {
        (f"dynamodb:{action}", TABLE)
        for action in (
            *("BatchGetItem", "ConditionCheckItem", "DescribeTable", "GetItem", "Query"),
            "Scan",
        )
    },
    ("orders", "write"): {
        (f"dynamodb:{action}", TABLE)
        for action in (*("BatchWriteItem", "DeleteItem", "DescribeTable", "PutItem", "UpdateItem"),)
    },
    ("events", "send"): {("sns:Publish", TOPIC)},
    ("jobs", "send"): {
        (f"sqs:{action}", QUEUE) for action in ("GetQueueAttributes", "GetQueueUrl", "SendMessage")
    },
    ("jobs", "consume"): {
        (f"sqs:{action}", QUEUE)
        for action in (
            *("ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "GetQueueUrl"),
            "ReceiveMessage",
        )
    },
}
"""Every action and resource that an access means: no more, no less."""


def permissions(uses: dict[str, Any], **stacks: Any) -> set[tuple[str, str]]:
    """What the task role of `web` may do."""
    bodies = build_bodies(**{**STORES, **stacks}, web=service(uses=uses))
    return allowed(properties(bodies["web"]["Resources"], "TaskRole"))


@pytest.mark.parametrize(("stack", "access"), MEANINGS)
def test_an_access_allows_exactly_what_it_means(stack: str, access: str) -> None:
    assert permissions({stack: access}) == MEANINGS[stack, access]


@pytest.mark.parametrize("uses", [*combinations(MEANINGS, 2)])
def test_accesses_add_up(uses: tuple[tuple[str, str], tuple[str, str]]) -> None:
    params: dict[str, list[str]] = {}
    for stack, access in uses:
        params.setdefault(stack, []).append(access)
    assert permissions(params) == MEANINGS[uses[0]] | MEANINGS[uses[1]]


def test_readers_of_a_table_with_indexes_query_them() -> None:
    indexes = {"by-state": {"partition_key": "state"}}
    orders = {**STORES["orders"], "indexes": indexes}
    more = permissions({"orders": "read"}, orders=orders) - MEANINGS["orders", "read"]
    assert more == {(f"dynamodb:{action}", f"{TABLE}/index/*") for action in ("Query", "Scan")}
    assert permissions({"orders": "write"}, orders=orders) == MEANINGS["orders", "write"]


@pytest.mark.parametrize(
    ("stack", "access", "actions"),
    [
        ("uploads", "read", {"Decrypt"}),
        ("uploads", "write", {"Decrypt", "GenerateDataKey"}),
        ("orders", "read", {"Decrypt", "DescribeKey"}),
        (
            "orders",
            "write",
            {
                *("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey"),
                *("GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo"),
            },
        ),
        ("events", "send", {"Decrypt", "GenerateDataKey"}),
    ],
)
def test_a_key_of_the_customer_needs_permissions(
    stack: str, access: str, actions: set[str]
) -> None:
    with_key = {stack: {**STORES[stack], "kms_key": KEY}}
    more = permissions({stack: access}, **with_key) - MEANINGS[stack, access]
    assert more == {(f"kms:{action}", KEY) for action in actions}


def test_existing_resources_are_named_not_imported() -> None:
    topic = "arn:aws:sns:eu-central-1:123456789012:events"
    existing = {
        "uploads": {"template": "bucket", "existing": {"name": "shop-uploads"}},
        "orders": {"template": "table", "existing": {"name": "orders", "kms_key": KEY}},
        "events": {"template": "topic", "existing": {"arn": topic}},
    }
    uses = {"uploads": "write", "orders": "read", "events": "send"}
    bodies = build_bodies(**existing, web=service(uses=uses))
    assert set(bodies) == {"network", "cluster", "web"}
    resources = bodies["web"]["Resources"]
    assert environment(resources) == {
        "EVENTS_TOPIC_ARN": topic,
        "ORDERS_TABLE": "orders",
        "UPLOADS_BUCKET": "shop-uploads",
    }
    granted = allowed(properties(resources, "TaskRole"))
    prefix = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/orders"
    assert {
        ("s3:PutObject", "arn:${AWS::Partition}:s3:::shop-uploads/*"),
        ("sns:Publish", topic),
        ("dynamodb:Query", prefix),
        ("dynamodb:Query", f"{prefix}/index/*"),
        ("kms:Decrypt", KEY),
    } <= granted


def test_a_worker_can_send_to_its_own_queue() -> None:
    jobs = {**STORES["jobs"], "uses": {"jobs": "send"}}
    resources = build_bodies(jobs=jobs)["jobs"]["Resources"]
    assert environment(resources, "jobs") == {
        "JOBS_QUEUE_URL": {"Ref": "Queue"},
        "QUEUE_URL": {"Ref": "Queue"},
    }
    assert ("sqs:SendMessage", "Queue.Arn") in allowed(properties(resources, "TaskRole"))


@pytest.mark.parametrize("template", ["scheduled_task", "one_off", "worker"])
def test_everything_that_runs_tasks_can_use_stacks(template: str) -> None:
    more = {"schedule": "rate(1 day)"} if template == "scheduled_task" else {}
    tasks = {**service(uses={"uploads": "read"}), "template": template, **more}
    resources = build_bodies(**STORES, tasks=tasks)["tasks"]["Resources"]
    assert "UPLOADS_BUCKET" in environment(resources)
    assert allowed(properties(resources, "TaskRole")) >= MEANINGS["uploads", "read"]
