"""Stacks are sorted by their imports, and limits of AWS are reported before a deployment."""

from __future__ import annotations

from typing import Any

import pytest
from troposphere import Template

from moorage.findings.finding import Finding, Place
from moorage.model import Environment
from moorage.pipeline.document import Document
from moorage.pipeline.link import link
from moorage.pipeline.render import as_yaml, render
from moorage.plan import Plan, Rendering, Stack
from templates.common.exports import export_output, import_value

ENV = Environment("dev", "shop", "eu-central-1", None, {"team": "web"}, None, {})
TOPIC = {"Type": "AWS::SNS::Topic"}


def document(*stacks: str) -> Document:
    places = {("stacks", name): Place("dev.yaml", 10 + at) for at, name in enumerate(stacks)}
    return Document("dev", "dev.yaml", {}, places)


def rendering(name: str, body: Any) -> Rendering:
    return Rendering(name, body, as_yaml(body, "params/dev.yaml"), f"{name}.yaml")


def stack(name: str, *needs: str, **sections: Any) -> Rendering:
    """A stack that exports its topic and imports the topics of others."""
    imports = [{"Fn::ImportValue": f"shop-dev-{need}-Topic"} for need in needs]
    output = {"Value": {"Ref": "Topic"}, "Export": {"Name": f"shop-dev-{name}-Topic"}}
    resources = {"Topic": TOPIC | {"Properties": {"Things": imports}}}
    return rendering(name, {"Resources": resources, "Outputs": {"Topic": output}} | sections)


def linked(*stacks: Rendering) -> Plan:
    plan, findings = link(stacks, ENV, document(*(rendering.stack for rendering in stacks)))
    assert findings == []
    assert plan is not None
    return plan


def faults(*stacks: Rendering, env: Environment = ENV) -> list[Finding]:
    plan, findings = link(stacks, env, document(*(rendering.stack for rendering in stacks)))
    assert plan is None
    for finding in findings:
        assert finding.level == "error"
        assert finding.message
        assert finding.hint
    return findings


def fault(*stacks: Rendering, env: Environment = ENV) -> Finding:
    (finding,) = faults(*stacks, env=env)
    return finding


def order(*stacks: Rendering) -> list[str]:
    return [stack.name for stack in linked(*stacks).stacks]


# Order -----------------------------------------------------------------------------------------


def test_exporting_stacks_come_before_importing_ones() -> None:
    assert order(stack("a", "b"), stack("b", "c"), stack("c")) == ["c", "b", "a"]


def test_independent_stacks_are_sorted_by_name() -> None:
    stacks = [stack("web", "net"), stack("api", "net"), stack("net"), stack("cluster")]
    assert order(*stacks) == ["cluster", "net", "api", "web"]
    assert order(*reversed(stacks)) == ["cluster", "net", "api", "web"]


def test_a_planned_stack_has_its_imports_and_exports() -> None:
    api, net, web = (
        import_
        for import_ in sorted(
            linked(stack("web", "net", "api", "net"), stack("net"), stack("api")).stacks,
            key=lambda import_: import_.name,
        )
    )
    assert web.stack_name == "shop-dev-web"
    assert web.tags == {"app": "shop", "env": "dev", "stack": "web", "team": "web"}
    assert [imported.name for imported in web.imports] == [
        "shop-dev-api-Topic",
        "shop-dev-net-Topic",
    ]
    assert web.depends_on == ("api", "net")
    assert web.exports == {"Topic": "shop-dev-web-Topic"}
    assert (api.depends_on, net.depends_on) == ((), ())


def test_stack_kinds_import_what_others_export() -> None:
    net, web = Template(), Template()
    net.add_output(export_output(ENV, "net", "VpcId", "vpc-1", "The VPC"))
    web.add_output(
        export_output(ENV, "web", "VpcId", import_value(ENV, "net", "VpcId"), "The VPC again")
    )
    resources = {"Resources": {"Topic": TOPIC}}
    stacks = [Stack("web", web.to_dict(), resources), Stack("net", net.to_dict(), resources)]
    renderings = [render(stack, document(), "yaml")[0] for stack in stacks]
    assert order(*(rendering for rendering in renderings if rendering is not None)) == [
        "net",
        "web",
    ]


def test_names_of_exports_are_evaluated_as_far_as_they_are_known() -> None:
    outputs = {
        name: {"Value": "x", "Export": {"Name": {"Fn::Sub": f"${{AWS::{name}}}-x"}}}
        for name in ("StackName", "AccountId")
    }
    (planned,) = linked(stack("a", Outputs={**outputs, "Y": {"Value": "y"}})).stacks
    assert planned.exports == {"StackName": "shop-dev-a-x"}


@pytest.mark.parametrize(
    ("kind", "properties", "capabilities"),
    [
        ("SNS::Topic", {"TopicName": "x"}, ()),
        ("IAM::Role", {}, ("CAPABILITY_IAM",)),
        ("IAM::Role", {"RoleName": "x"}, ("CAPABILITY_NAMED_IAM",)),
        ("IAM::InstanceProfile", {"InstanceProfileName": "x"}, ("CAPABILITY_NAMED_IAM",)),
        ("IAM::ManagedPolicy", {"ManagedPolicyName": "x"}, ("CAPABILITY_NAMED_IAM",)),
    ],
)
def test_capabilities(kind: str, properties: Any, capabilities: tuple[str, ...]) -> None:
    resource = {"Type": f"AWS::{kind}", "Properties": properties}
    (planned,) = linked(stack("a", Resources={"X": resource, "Bare": TOPIC})).stacks
    assert planned.capabilities == capabilities


# Faults ----------------------------------------------------------------------------------------


def test_an_import_without_export() -> None:
    finding = fault(stack("a"), stack("b", "a", "gone"))
    assert (finding.code, finding.path) == ("M1305", ("stacks", "b"))
    assert str(finding.place) == "dev.yaml:11"
    assert finding.message == "No stack of this environment exports `shop-dev-gone-Topic`"


def test_stacks_that_import_in_a_circle() -> None:
    finding = fault(stack("a", "b"), stack("b", "c"), stack("c", "a"), stack("d", "a"))
    assert finding.code == "M1306"
    names = finding.message.rpartition(": ")[2].split(" -> ")
    assert names[0] == names[-1]
    imports = {"a": "b", "b": "c", "c": "a"}
    assert [imports[name] for name in names[:-1]] == names[1:]
    assert finding.path == ("stacks", names[0])


def test_a_stack_that_imports_from_itself() -> None:
    assert fault(stack("a", "a")).code == "M1306"


def test_the_name_of_a_stack_is_too_long() -> None:
    limit = 128 - len("shop-dev-")
    assert order(stack("a" * limit)) == ["a" * limit]
    finding = fault(stack("a" * (limit + 1)))
    assert (finding.code, finding.place.line) == ("M1301", 10)
    assert "129 characters" in finding.message


@pytest.mark.parametrize("section", ["Resources", "Outputs", "Parameters"])
def test_a_logical_id_is_too_long(section: str) -> None:
    entry = TOPIC | {"Value": "x"}
    entries = {"Topic": entry, "A" * 255: entry}
    assert order(stack("a", **{section: entries})) == ["a"]
    finding = fault(stack("a", **{section: entries | {"A" * 256: entry}}))
    assert finding.code == "M1312"
    assert "256 characters: AAA" in finding.message


def test_the_template_is_too_large() -> None:
    def sized(length: int) -> Rendering:
        return rendering("a", {"Resources": {"Topic": TOPIC}, "Metadata": {"A": "x" * length}})

    size = 51_200 - len(sized(1).text.encode()) + 1
    assert order(sized(size)) == ["a"]
    finding = fault(sized(size + 1))
    assert (finding.code, finding.message) == ("M1303", "The template has 51,201 bytes")


def test_the_limit_of_a_template_is_in_bytes() -> None:
    text = "é" * 26_000
    body = {"Resources": {"Topic": TOPIC}, "Metadata": {"A": text}}
    assert fault(rendering("a", body)).code == "M1303"


@pytest.mark.parametrize(
    ("section", "most"), [("Resources", 500), ("Outputs", 200), ("Parameters", 200)]
)
def test_too_many_entries_of_a_section(section: str, most: int) -> None:
    entries = {f"A{at}": TOPIC | {"Value": "x"} for at in range(most)}
    assert order(stack("a", **{section: entries})) == ["a"]
    finding = fault(stack("a", **{section: entries | {"B": TOPIC | {"Value": "x"}}}))
    assert finding.code == "M1304"
    assert finding.message == f"The template has {most + 1} {section.lower()}"


def role(*resources: Any) -> Rendering:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": list(resources)}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    policies = [{"PolicyName": name, "PolicyDocument": document} for name in ("A", "B")]
    role = {"Type": "AWS::IAM::Role", "Properties": {"Policies": policies}}
    return rendering("a", {"Resources": {"TaskRole": role}})


def test_inline_policies_of_a_role_count_together_without_white_space() -> None:
    short = len(
        '{"Version":"2012-10-17","Statement":'
        '[{"Effect":"Allow","Action":"s3:GetObject","Resource":[""]}]}'
    )
    size = 10_240 // 2 - short
    assert order(role("x" * size)) == ["a"]
    assert order(role("x " * size)) == ["a"]
    finding = fault(role("x" * (size + 1)))
    assert finding.code == "M1310"
    assert finding.message == "The inline policies of TaskRole have 10,242 characters"


def test_only_known_text_of_a_function_in_a_policy_counts() -> None:
    size = 10_240 // 2 - 120
    assert order(role({"Fn::Sub": "x" * size + "${AWS::Partition}${Thing}" * 5})) == ["a"]
    assert order(role({"Fn::GetAtt": ["Thing", "A" * 9_000]})) == ["a"]
    long = {"Fn::Sub": ["x" * size + "${AWS::AccountId}" * 5, {"A": "b"}]}
    assert fault(role(long)).code == "M1310"


def test_all_mistakes_are_found_at_once() -> None:
    long = "b" * 200
    reported = faults(stack("a", "gone"), stack(long, "lost"))
    assert [(finding.code, finding.path[1]) for finding in reported] == [
        ("M1305", "a"),
        ("M1305", long),
        ("M1301", long),
    ]
