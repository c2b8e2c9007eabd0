"""Values of other stacks and from outside: in the templates, in the order, and in findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from troposphere import Export, GetAtt, Output, Ref, Sub, Template, ec2, sns, sqs, ssm

from moorage.facts.return_kinds import ANY_ARN, RETURNS
from moorage.model import Base, Environment
from moorage.pipeline.build import Built, build
from moorage.references import find_references
from templates import TEMPLATES

WEB = {
    "template": "service",
    "containers": {"web": {"image": "ecr:shop/web:1", "ports": [8080]}},
}
SHARED: dict[str, Any] = {"network": {}, "cluster": {}}


class Outputs(Base):
    """A stack with a queue and other things, whose outputs have exports of several kinds."""

    exported_outputs: ClassVar[frozenset[str]] = frozenset(
        {"QueueArn", "ClusterName", "TopicArn", "VpcId", "PublicSubnetAId", "PublicSubnetBId"}
        | {"PrivateSubnetAId", "PrivateSubnetBId", "HttpsListenerArn", "SecurityGroupId"}
        | {"LoadBalancerArn"}
    )


def compose(name: str, params: Outputs, env: Environment) -> Template:
    template = Template()
    template.add_resource(
        [
            sqs.Queue("Queue"),
            sns.Topic("Topic"),
            ec2.SecurityGroup("Group", GroupDescription="x", VpcId="vpc-0123456789abcdef0"),
            ssm.Parameter("Parameter", Name="/own/url", Type="String", Value="x"),
        ]
    )
    arn = GetAtt("Queue", "Arn")
    values = dict.fromkeys(sorted(params.exported_outputs), "x")
    values |= {"QueueArn": arn, "TopicArn": Ref("Topic")}
    values |= {"SecurityGroupId": GetAtt("Group", "GroupId")}
    for output, value in values.items():
        template.add_output(Output(output, Value=value))
    template.add_output(Output("Named", Value=arn, Export=Export("queues-of-shop")))
    stack_name = Sub("${AWS::StackName}-ByStack")
    template.add_output(Output("ByStack", Value=arn, Export=Export(stack_name)))
    return template


KINDS: Any = TEMPLATES | {"own": SimpleNamespace(Params=Outputs, compose=compose)}


@pytest.fixture
def params(tmp_path: Path) -> Path:
    return tmp_path


def built(folder: Path, **stacks: Any) -> Built:
    data = {"app": "shop", "region": "eu-central-1", "stacks": {**SHARED, **stacks}}
    (folder / "dev.yaml").write_text(yaml.safe_dump(data, sort_keys=False))
    return build(folder, "dev", KINDS)


def bodies(result: Built) -> dict[str, Mapping[str, Any]]:
    assert [finding.message for finding in result.findings if finding.level == "error"] == []
    assert result.plan is not None
    return {stack.name: stack.rendering.body for stack in result.plan.stacks}


def web(**environment: Any) -> dict[str, Any]:
    container = {**WEB["containers"]["web"], "environment": environment}  # type: ignore[index]
    return {**WEB, "containers": {"web": container}}


def variables(body: Mapping[str, Any]) -> dict[str, Any]:
    (container,) = body["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    return {item["Name"]: item["Value"] for item in container["Environment"]}


# In the templates ----------------------------------------------------------------------------


def test_a_reference_is_an_import_or_a_dynamic_reference(params: Path) -> None:
    result = bodies(
        built(
            params,
            web=web(
                A={"stack": "own", "output": "QueueArn"},
                B={"export": "platform:Url"},
                C={"ssm": "/platform/url:3"},
                D="literal",
            ),
            own={},
        )
    )
    assert variables(result["web"]) == {
        "A": {"Fn::ImportValue": "shop-dev-own-QueueArn"},
        "B": {"Fn::ImportValue": "platform:Url"},
        "C": "{{resolve:ssm:/platform/url:3}}",
        "D": "literal",
    }


KEY = {"ssm": "/platform/key"}
DATA: dict[str, Any] = {
    "uploads": {"template": "bucket", "kms_key": KEY},
    "partners": {"template": "bucket", "existing": {"name": {"export": "p-Bucket"}}},
    "prices": {
        "template": "table",
        "existing": {"name": {"ssm": "/p/table"}, "kms_key": {"export": "p-Key"}},
    },
    "news": {"template": "topic", "existing": {"arn": {"ssm": "/p/topic"}}, "fifo": True},
    "alerts": {
        "template": "topic",
        "existing": {"arn": {"stack": "own", "output": "TopicArn"}, "kms_key": KEY},
    },
    "old-db": {
        "template": "database",
        "engine": "mysql",
        "existing": {
            "host": {"ssm": "/p/host"},
            "name": {"export": "p-Name"},
            "secret": {"export": "p-Secret"},
            "kms_key": KEY,
            "security_group": {"ssm": "/p/group"},
        },
    },
    "pages": {
        "template": "cache",
        "existing": {"host": {"ssm": "/p/cache"}, "security_group": {"export": "p-Group"}},
    },
    "own": {"template": "own"},
}
USES = {
    "uploads": "read",
    "partners": "write",
    "prices": "read",
    "news": "send",
    "alerts": "send",
    "old-db": "connect",
    "pages": "connect",
}


def test_what_tasks_use_takes_references(params: Path) -> None:
    result = bodies(built(params, web={**WEB, "uses": USES}, **DATA))
    resources = result["web"]["Resources"]
    assert variables(result["web"]) == {
        "UPLOADS_BUCKET": {"Fn::ImportValue": "shop-dev-uploads-BucketName"},
        "PARTNERS_BUCKET": {"Fn::ImportValue": "p-Bucket"},
        "PRICES_TABLE": "{{resolve:ssm:/p/table}}",
        "NEWS_TOPIC_ARN": "{{resolve:ssm:/p/topic}}",
        "ALERTS_TOPIC_ARN": {"Fn::ImportValue": "shop-dev-own-TopicArn"},
        "OLD_DB_HOST": "{{resolve:ssm:/p/host}}",
        "OLD_DB_PORT": "3306",
        "OLD_DB_NAME": {"Fn::ImportValue": "p-Name"},
        "PAGES_HOST": "{{resolve:ssm:/p/cache}}",
        "PAGES_PORT": "6379",
        "PAGES_URL": {"Fn::Sub": ["rediss://${Host}:6379", {"Host": "{{resolve:ssm:/p/cache}}"}]},
    }
    policies = {
        policy["PolicyName"]: {
            statement["Sid"]: statement["Resource"]
            for statement in policy["PolicyDocument"]["Statement"]
        }
        for role in ("TaskRole", "ExecutionRole")
        for policy in resources[role]["Properties"]["Policies"]
    }
    table = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${Table}"
    name = {"Table": "{{resolve:ssm:/p/table}}"}
    assert policies["Uses-uploads"]["DecryptObjects"] == ["{{resolve:ssm:/platform/key}}"]
    assert policies["Uses-partners"]["WriteObjects"] == [
        {
            "Fn::Sub": [
                "arn:${AWS::Partition}:s3:::${Bucket}/*",
                {"Bucket": {"Fn::ImportValue": "p-Bucket"}},
            ]
        }
    ]
    assert policies["Uses-prices"] == {
        "ReadItems": [{"Fn::Sub": [table, name]}],
        "ReadIndexes": [{"Fn::Sub": [f"{table}/index/*", name]}],
        "UseKey": [{"Fn::ImportValue": "p-Key"}],
    }
    assert policies["StartTask"]["ReadUsedSecrets"] == [{"Fn::ImportValue": "p-Secret"}]
    assert policies["StartTask"]["DecryptUsedSecrets"] == ["{{resolve:ssm:/platform/key}}"]
    groups = [
        resources[f"To{name}Ingress"]["Properties"]["GroupId"]
        for name in ("OldDbTcp3306", "PagesTcp6379")
    ]
    assert groups == ["{{resolve:ssm:/p/group}}", {"Fn::ImportValue": "p-Group"}]


def test_a_topic_whose_arn_is_not_known_is_what_the_params_say(params: Path) -> None:
    worker = {"template": "worker", "containers": WEB["containers"]}
    fifo = {"fifo": True, "topics": {"news": True, "alerts": True}}
    findings = built(params, web={**worker, "queue": fifo}, **DATA).findings
    assert [(finding.code, finding.path[-1]) for finding in findings] == [("M3405", "alerts")]


def test_builds_take_references(params: Path) -> None:
    connection = "arn:aws:codeconnections:eu-central-1:123456789012:connection/"
    connection += "1234abcd-12ab-34cd-56ef-1234567890ab"
    builds = {
        "template": "codebuild",
        "source": {"github": "acme/shop", "connection": connection},
        "buildspec": "ci.yml",
        "environment": {"BUCKET": {"stack": "uploads", "output": "BucketName"}},
        "secrets": {"TOKEN": {"export": "p-Secret", "key": "token"}, "ALL": {"ssm": "/p/secret"}},
        "kms_keys": [KEY],
        "permissions_boundary": {"export": "p-Boundary"},
    }
    result = bodies(built(params, uploads=DATA["uploads"], builds=builds))["builds"]["Resources"]
    assert result["Project"]["Properties"]["Environment"]["EnvironmentVariables"] == [
        {"Name": "BUCKET", "Value": {"Fn::ImportValue": "shop-dev-uploads-BucketName"}},
        {"Name": "ALL", "Type": "SECRETS_MANAGER", "Value": "{{resolve:ssm:/p/secret}}"},
        {
            "Name": "TOKEN",
            "Type": "SECRETS_MANAGER",
            "Value": {"Fn::Join": [":", [{"Fn::ImportValue": "p-Secret"}, "token"]]},
        },
    ]
    role = result["ProjectRole"]["Properties"]
    assert role["PermissionsBoundary"] == {"Fn::ImportValue": "p-Boundary"}
    statements = {
        statement["Sid"]: statement["Resource"]
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    }
    assert statements["DecryptSecrets"] == ["{{resolve:ssm:/platform/key}}"]
    assert statements["ReadSecrets"] == [
        "{{resolve:ssm:/p/secret}}",
        {"Fn::ImportValue": "p-Secret"},
    ]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"Fn::ImportValue": "x"}, "A map is neither a value nor a reference"),
        ({}, "A map is neither a value nor a reference"),
        ({"expor": "x"}, "A reference has no key `expor`"),
        ({"ssm": "/x", "version": 3}, "A reference has no key `version` here"),
    ],
)
def test_a_map_that_is_no_reference(params: Path, value: Any, message: str) -> None:
    (finding,) = built(params, web=web(A=value)).findings
    assert (finding.code, finding.message) == ("M1900", message)


def test_a_key_in_a_secret_has_no_colon(params: Path) -> None:
    container = {**WEB["containers"]["web"], "secrets": {"A": {"export": "x", "key": "a:b"}}}  # type: ignore[index]
    (finding,) = built(params, web={**WEB, "containers": {"web": container}}).findings
    assert "cannot contain a colon" in finding.message


def test_names_of_variables_for_passwords_are_not_hidden(params: Path) -> None:
    uses = {"old-db": {"access": "connect", "variables": {"password": "OLD_DB_HOST"}}}
    findings = built(params, web={**WEB, "uses": uses}, **DATA).findings
    messages = [finding.message for finding in findings if finding.code == "M2605"]
    assert messages == ["The container `web` already has a variable `OLD_DB_HOST`"]


def test_a_circle_of_users_is_found_at_the_use(params: Path) -> None:
    worker = {"template": "worker", "containers": WEB["containers"]}
    one, two = ({**worker, "uses": {other: "send"}} for other in ("two", "one"))
    (finding,) = built(params, one=one, two=two).findings
    assert (finding.code, finding.path) == ("M1306", ("stacks", "one", "uses", "two"))


def test_an_output_without_an_export_gets_one_only_if_it_is_imported(params: Path) -> None:
    outputs = bodies(built(params, web=web(A={"stack": "own", "output": "QueueArn"}), own={}))[
        "own"
    ]["Outputs"]
    assert outputs["QueueArn"]["Export"] == {"Name": "shop-dev-own-QueueArn"}
    assert "Export" not in outputs["TopicArn"]


def test_an_output_is_imported_by_the_name_that_its_export_has(params: Path) -> None:
    own = {name: {"stack": "own", "output": name} for name in ("Named", "ByStack")}
    result = bodies(built(params, web=web(**own), own={}))
    assert variables(result["web"]) == {
        "Named": {"Fn::ImportValue": "queues-of-shop"},
        "ByStack": {"Fn::ImportValue": "shop-dev-own-ByStack"},
    }
    assert result["own"]["Outputs"]["Named"]["Export"] == {"Name": "queues-of-shop"}


def test_the_written_template_has_the_added_export(params: Path) -> None:
    plan = built(params, web=web(A={"stack": "own", "output": "QueueArn"}), own={}).plan
    assert plan is not None
    text = next(stack.rendering.text for stack in plan.stacks if stack.name == "own")
    assert "Name: shop-dev-own-QueueArn\n" in text


def test_overrides_can_import_from_outside(params: Path) -> None:
    patch = {"Resources": {"Service": {"Properties": {"Cluster": {"Fn::ImportValue": "x-y"}}}}}
    bodies(built(params, web={**WEB, "overrides": patch}))


def test_a_secret_of_another_stack_can_be_read_and_only_it(params: Path) -> None:
    arn = {"export": "platform-Secret"}
    container = {
        "image": "ecr:shop/web:1",
        "secrets": {"USER": {**arn, "key": "user"}, "PASSWORD": {**arn, "key": "password"}},
    }
    resources = bodies(built(params, web={**WEB, "containers": {"web": container}}))["web"][
        "Resources"
    ]
    imported = {"Fn::ImportValue": "platform-Secret"}
    (definition,) = resources["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    assert definition["Secrets"][1] == {
        "Name": "USER",
        "ValueFrom": {"Fn::Join": ["", [imported, ":user::"]]},
    }
    statements = [
        statement
        for policy in resources["ExecutionRole"]["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    (read,) = [statement for statement in statements if statement["Sid"] == "ReadSecrets"]
    assert read["Resource"] == [imported]


# Order ---------------------------------------------------------------------------------------


def test_a_stack_is_deployed_after_the_one_that_creates_a_parameter_that_it_reads(
    params: Path,
) -> None:
    plan = built(params, api=web(A={"ssm": "/own/url"}), own={}).plan
    assert plan is not None
    (api,) = [stack for stack in plan.stacks if stack.name == "api"]
    assert "own" in api.depends_on


def test_exports_of_other_stacks_are_no_imports_of_the_environment(params: Path) -> None:
    plan = built(params, web=web(A={"export": "platform-Url"})).plan
    assert plan is not None
    assert all(used.name != "platform-Url" for stack in plan.stacks for used in stack.imports)


# Stacks of other kinds -----------------------------------------------------------------------


def test_a_stack_of_another_kind_is_used_by_its_outputs(params: Path) -> None:
    service = web() | {
        "cluster": "own",
        "network": "own",
        "queues": {"JOBS_URL": "own"},
        "expose": [{"via": "own", "hosts": ["shop.example.com"]}],
        "alarms": {"to": "own"},
    }
    body = bodies(built(params, web=service, own={}))["web"]
    text = str(body)
    for output in ("ClusterName", "VpcId", "PrivateSubnetAId", "HttpsListenerArn", "TopicArn"):
        assert f"shop-dev-own-{output}" in text
    url = variables(body)["JOBS_URL"]["Fn::Sub"]
    assert url[0] == "https://sqs.${Region}.${AWS::URLSuffix}/${Account}/${Name}"


def test_a_stack_of_another_kind_needs_the_outputs(params: Path) -> None:
    class Other(Base):
        exported_outputs: ClassVar[frozenset[str]] = frozenset({"QueueUrl"})

    kinds: Any = TEMPLATES | {"own": SimpleNamespace(Params=Other, compose=compose)}
    data = {
        "app": "shop",
        "region": "eu-central-1",
        "stacks": {**SHARED, "own": {}, "web": {**WEB, "queues": {"X": "own"}, "cluster": "own"}},
    }
    (params / "dev.yaml").write_text(yaml.safe_dump(data))
    findings = build(params, "dev", kinds).findings
    assert [finding.code for finding in findings] == ["M1201", "M1201"]


def test_a_worker_subscribes_to_the_topic_of_an_own_kind(params: Path) -> None:
    worker = {
        "template": "worker",
        "containers": {"jobs": {"image": "ecr:shop/jobs:1"}},
        "queue": {"topics": {"own": {}}},
    }
    result = bodies(built(params, jobs=worker, own={}))
    (subscription,) = (
        resource["Properties"]
        for resource in result["jobs"]["Resources"].values()
        if resource["Type"] == "AWS::SNS::Subscription"
    )
    assert subscription["TopicArn"] == {"Fn::ImportValue": "shop-dev-own-TopicArn"}


# Findings ------------------------------------------------------------------------------------


def test_sixty_dynamic_references_are_accepted(params: Path) -> None:
    def stack(count: int) -> dict[str, Any]:
        return web(**{f"V{number}": {"ssm": f"/p/{number}"} for number in range(count)})

    assert built(params, web=stack(60)).plan is not None
    (finding,) = built(params, web=stack(61)).findings
    assert (finding.code, finding.path) == ("M1904", ("stacks", "web"))


@pytest.mark.parametrize(
    ("export", "code"),
    [
        ("shop-prod-own-QueueArn", None),
        ("shop-development-own-QueueArn", None),
        ("platform-VpcId", None),
        ("shop-dev-own-Gone", "M1305"),
        ("Shop-Dev-Network-vpcid", "M1305"),
        ("shop:dev:network:VpcId", "M1305"),
    ],
)
def test_only_names_that_are_surely_wrong_are_refused(
    params: Path, export: str, code: str | None
) -> None:
    findings = built(params, web=web(A={"export": export})).findings
    assert [finding.code for finding in findings] == ([code] if code else [])


def test_the_kinds_of_fields_and_of_return_values_have_the_same_words(params: Path) -> None:
    result = build(Path("tests/golden/references/params"), "dev", TEMPLATES)
    assert result.plan is not None
    whats = {
        reference.what
        for spec in result.plan.environment.stacks.values()
        for _, reference in find_references(spec.params)
    }
    known = {what for values in RETURNS.values() for what in values.values()}
    assert whats - known == {
        "",
        ANY_ARN,
        "the ARN of a topic",
        "the DNS name of a host",
        "the name of a database",
        "the ARN of a Network Load Balancer",
        "the ARN of a listener of an Application Load Balancer",
    }


# Every place ---------------------------------------------------------------------------------

GOLDEN = yaml.safe_load(Path("tests/golden/references/params/dev.yaml").read_text())


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all references in the golden case."""
    if isinstance(value, dict) and value.keys() & {"export", "ssm"}:
        yield path
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*path, key))


FORMS = (
    {"export": "platform-Other"},
    {"ssm": "/platform/other"},
    {"stack": "cluster", "output": "ClusterArn"},
    {"stack": "gone", "output": "X"},
    {"stack": "jobs"},
    {"ssm": ""},
    {"export": ["x"]},
    {"stack": {"x": 1}, "output": None},
    {},
)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(list(places(GOLDEN))), st.sampled_from(FORMS))))
def test_no_form_in_any_place_is_an_internal_error(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[tuple[Any, ...], Any]]
) -> None:
    data = yaml.safe_load(yaml.safe_dump(GOLDEN))
    for path, form in changes:
        parent = data
        for key in path[:-1]:
            parent = parent[key]
        kept = {"key": "shop/web.env"} if "environment_files" in path else {}
        parent[path[-1]] = {**form, **kept}
    folder = tmp_path_factory.mktemp("params")
    (folder / "dev.yaml").write_text(yaml.safe_dump(data, sort_keys=False))
    result = build(folder, "dev", TEMPLATES)
    assert all(finding.code.startswith("M") for finding in result.findings), result.findings
