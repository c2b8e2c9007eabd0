"""The messages of constraints name what is wrong."""

from __future__ import annotations

from typing import Any

from moorage.cfn.template import Template
from moorage.rules.runner import run_rules

MAIN = {"IsMain": {"Fn::Equals": [{"Ref": "AWS::StackName"}, "main"]}}


def find_messages(kind: str, properties: dict[str, Any]) -> dict[str, list[str]]:
    """The messages about a resource by the rule."""
    resources = {"It": {"Type": kind, "Properties": properties}}
    messages: dict[str, list[str]] = {}
    template = Template("test", {"Conditions": MAIN, "Resources": resources})
    for problem in run_rules([template]):
        messages.setdefault(problem.rule.id, []).append(problem.message)
    return messages


def check_of(kind: str, **properties: Any) -> dict[str, Any]:
    return {"HealthCheckConfig": {"Type": kind, "FullyQualifiedDomainName": "a.b", **properties}}


def test_the_name_of_a_property_is_not_that_of_a_function() -> None:
    path = {"Fn::If": ["IsMain", "/health", {"Ref": "AWS::NoValue"}]}
    found = find_messages("AWS::Route53::HealthCheck", check_of("TCP", ResourcePath=path))
    assert [message.partition(": ")[2] for message in found["E9095"]] == [
        "Health check `It` has the type `TCP`, which has no `ResourcePath`"
    ]


def test_each_part_that_does_not_hold_is_a_problem_with_its_own_message() -> None:
    found = find_messages(
        "AWS::Route53::HealthCheck", check_of("HTTP_STR_MATCH", RequestInterval=20)
    )
    assert found["E9096"] == [
        "Health check `It` has the type `HTTP_STR_MATCH`, but no `SearchString`",
        "Health check `It` has a `RequestInterval` of `20` seconds",
    ]
