"""The problems of all rules: their paths, what a template ignores, and conditions."""

from __future__ import annotations

from typing import Any

import pytest
from corpus import apply_changes, bases, cases
from resource_rewrites import rename_resources
from stack_splits import split_off_shared_resources
from template_parts import everywhere

from moorage.cfn.template import Template
from moorage.rules.runner import LocatedProblem, run_rules

SERVICE = "Resources.Service"
TARGET_GROUP = ("Resources", "Service", "Properties", "LoadBalancers", 0, "TargetGroupArn")
WITHOUT_DEPENDS_ON = apply_changes(bases()["alb"], {f"{SERVICE}.DependsOn": None})
"""A service that does not wait for its listener."""
RULE = "E9930"


def run(
    changes: dict[str, Any] | None = None, body: dict[str, Any] = WITHOUT_DEPENDS_ON
) -> list[LocatedProblem]:
    return run_rules([Template("t", apply_changes(body, changes or {}))])


def test_a_problem_has_a_path_a_message_and_a_hint() -> None:
    (problem,) = run()
    assert problem.rule.id == RULE
    assert (problem.template, problem.path) == ("t", TARGET_GROUP)
    assert problem.message == (
        "Service `Service` does not depend on `Listener`, and ECS rejects target group "
        "`TargetGroup` before a listener forwards to it"
    )
    assert problem.hint == "Add `Listener` to DependsOn of `Service`."


# Metadata ------------------------------------------------------------------------------------


def ignore(*ids: Any) -> dict[str, Any]:
    return {"cfn-lint": {"config": {"ignore_checks": [*ids]}}}


@pytest.mark.parametrize("ids", [[RULE], ["E3001", RULE], [RULE[:3]], [RULE[0]]])
def test_a_template_ignores_rules_by_the_beginning_of_their_ids(ids: list[str]) -> None:
    assert run({"Metadata": ignore(*ids)}) == []


def test_a_resource_ignores_a_rule_by_its_id() -> None:
    assert run({f"{SERVICE}.Metadata": ignore(RULE)}) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"Metadata": ignore("E3001", "W9999")},
        {"Metadata": ignore("", None, 1, ["E"])},
        {"Metadata": {"cfn-lint": {"config": {"ignore_checks": RULE}}}},
        {"Metadata": {"cfn-lint": [RULE]}},
        {"Metadata": "x"},
        {f"{SERVICE}.Metadata": ignore(RULE[:3])},
        {f"{SERVICE}.Metadata": ignore()},
        {f"{SERVICE}.Metadata": None},
        {"Resources.Listener.Metadata": ignore(RULE)},
    ],
)
def test_other_metadata_ignores_nothing(changes: dict[str, Any]) -> None:
    changes = {path: value for path, value in changes.items() if value is not None}
    assert [problem.rule.id for problem in run(changes)] == [RULE]


# Conditions ----------------------------------------------------------------------------------

LOAD_BALANCERS = WITHOUT_DEPENDS_ON["Resources"]["Service"]["Properties"]["LoadBalancers"]
STAGE = {"Type": "String", "Default": "dev"}
IS_PROD = {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}


def with_condition(
    on_true: Any, on_false: Any, parameter: dict[str, Any] = STAGE, condition: Any = IS_PROD
) -> dict[str, Any]:
    """A template whose service has other load balancers with and without a condition."""
    return {
        "Parameters.Stage": parameter,
        "Conditions.IsProd": condition,
        f"{SERVICE}.Properties.LoadBalancers": {"Fn::If": ["IsProd", on_true, on_false]},
        f"{SERVICE}.Properties.HealthCheckGracePeriodSeconds": None,
    }


def test_a_problem_in_one_branch_of_an_if_has_the_path_of_the_branch() -> None:
    problems = run(with_condition(LOAD_BALANCERS, {"Ref": "AWS::NoValue"}))
    paths = {problem.path for problem in problems if problem.rule.id == RULE}
    branch = ("Fn::If", 1, 0, "TargetGroupArn")
    assert paths == {("Resources", "Service", "Properties", "LoadBalancers", *branch)}


NO_VALUE = {"Ref": "AWS::NoValue"}
WITHOUT_DEFAULT = {"Type": "String"}
IS_CHINA = {"Fn::Equals": [{"Ref": "AWS::Partition"}, "aws-cn"]}
IS_EMPTY = {"Fn::Equals": [{"Ref": "Stage"}, ""]}
IS_JOINED = {"Fn::Equals": [{"Fn::Join": ["", [{"Ref": "AWS::StackName"}, "x"]]}, "yx"]}


@pytest.mark.parametrize(
    ("changes", "condition"),
    [
        (with_condition(LOAD_BALANCERS, NO_VALUE), "the parameter `Stage` is `prod`"),
        (with_condition(NO_VALUE, LOAD_BALANCERS), "the parameter `Stage` is `dev`"),
        (
            with_condition(NO_VALUE, LOAD_BALANCERS, WITHOUT_DEFAULT),
            "the parameter `Stage` is not `prod`",
        ),
        (
            with_condition(LOAD_BALANCERS, NO_VALUE, WITHOUT_DEFAULT, IS_EMPTY),
            "the parameter `Stage` is empty",
        ),
        (
            with_condition(LOAD_BALANCERS, NO_VALUE, condition=IS_CHINA),
            "`AWS::Partition` is `aws-cn`",
        ),
        (
            with_condition(NO_VALUE, LOAD_BALANCERS, condition=IS_CHINA),
            "`AWS::Partition` is not `aws-cn`",
        ),
        (
            with_condition(NO_VALUE, LOAD_BALANCERS, condition=IS_JOINED),
            "the condition `IsProd` is false",
        ),
    ],
)
def test_a_message_begins_with_the_condition_of_the_problem(
    changes: dict[str, Any], condition: str
) -> None:
    messages = [problem.message for problem in run(changes) if problem.rule.id == RULE]
    assert messages == [f"If {condition}: {run()[0].message}"]


def test_a_problem_under_every_condition_names_none() -> None:
    changes = {"Parameters.Stage": STAGE, "Conditions.IsProd": IS_PROD}
    assert [problem.message for problem in run(changes)] == [run()[0].message]


# Several stacks ------------------------------------------------------------------------------


def test_a_problem_between_two_stacks_is_found_with_both() -> None:
    """The load balancer is in one stack. The security group that blocks it is in the other one,
    which imports from the first."""
    (case,) = (case for case in cases() if case.name == "sg-task-no-ingress-from-alb")
    stacks = split_off_shared_resources(dict(case.bad), everywhere)
    assert stacks is not None
    upper, lower = (Template(name, body) for name, body in zip(("up", "low"), stacks, strict=True))
    ids = {problem.rule.id for problem in run_rules([upper, lower])}
    assert ids == {rule for rule, _ in case.finds}
    assert run_rules([upper]) == run_rules([lower]) == []


def _is_set(name: str) -> dict[str, Any]:
    return {"Fn::Not": [{"Fn::Equals": [{"Ref": name}, ""]}]}


def test_a_property_that_depends_on_the_seventh_parameter() -> None:
    """Conditions of environment variables are evaluated last, whatever their order is."""
    names = [f"V{number}" for number in range(7)]
    role = {"Fn::If": ["HasV6", {"Ref": "V6"}, {"Ref": "AWS::NoValue"}]}
    variables = [
        {"Fn::If": [f"Has{name}", {"Name": name, "Value": "x"}, {"Ref": "AWS::NoValue"}]}
        for name in names[:6]
    ] * 3
    changes = {
        **{f"Parameters.{name}": {"Type": "String", "Default": ""} for name in names},
        **{f"Conditions.Has{name}": _is_set(name) for name in names},
        "Resources.TaskDefinition.Properties.ContainerDefinitions.0.Environment": variables,
        f"{SERVICE}.Properties.Role": role,
    }
    found = [p for p in run(changes, bases()["alb"]) if p.rule.id == "E9230"]
    assert [problem.path[-1] for problem in found] == [1]
    assert found[0].message.startswith("If the parameter `V6` is not empty: ")


def test_all_secrets_that_a_role_may_not_read_are_one_problem() -> None:
    containers = "Resources.TaskDefinition.Properties.ContainerDefinitions"
    changes = {
        "Resources.Audit": {"Type": "AWS::SecretsManager::Secret", "Properties": {}},
        f"{containers}.0.Secrets.0.ValueFrom": {"Ref": "Audit"},
        f"{containers}.0.Secrets.1": {"Name": "AUDIT_USER", "ValueFrom": {"Ref": "Audit"}},
    }
    (problem,) = (p for p in run(changes, bases()["secrets"]) if p.rule.id == "E9755")
    assert "the secret `DB_PASSWORD` and the secret `AUDIT_USER` of" in problem.message
    assert "on `!Ref Audit` in" in problem.hint


def test_two_corrections_at_the_same_place_are_two_problems() -> None:
    """Two services share a security group, and neither of their ports is open."""
    body = bases()["alb"]
    other = rename_resources(
        {"Resources": {name: body["Resources"][name] for name in ("TaskDefinition", "Service")}},
        {"TaskDefinition": "OtherTask", "Service": "Other"},
    )
    other["Resources"]["OtherTask"]["Properties"]["ContainerDefinitions"][0]["PortMappings"] = [
        {"ContainerPort": 9000}
    ]
    other["Resources"]["Other"]["Properties"]["LoadBalancers"][0]["ContainerPort"] = 9000
    changes = {
        **{f"Resources.{name}": resource for name, resource in other["Resources"].items()},
        "Resources.TaskSecurityGroup.Properties.SecurityGroupIngress": None,
    }
    found = [problem for problem in run(changes, body) if problem.rule.id == "E9690"]
    assert len({problem.path for problem in found}) == 1
    assert [("`Service`" in p.message, "tcp 9000" in p.message) for p in found] == [
        (True, False),
        (False, True),
    ]


@pytest.mark.parametrize("account", [None, "222222222222"])
@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("AWS::AccountId", "111111111111"),
        ("AWS::Partition", "aws-cn"),
        ("AWS::URLSuffix", "amazonaws.com.cn"),
        ("AWS::Region", "eu-west-1"),
    ],
)
def test_a_condition_about_a_pseudo_parameter_changes_no_arn(
    name: str, other: str, account: str | None
) -> None:
    """The role allows the ARN of the log group, whatever the values of these are."""
    arn = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/app/x:*"
    statement = {"Effect": "Allow", "Action": "logs:*", "Resource": {"Fn::Sub": arn}}
    trusts = {"Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = {
        "AssumeRolePolicyDocument": {"Statement": [{"Effect": "Allow", **trusts}]},
        "Policies": [{"PolicyName": "p", "PolicyDocument": {"Statement": [statement]}}],
    }
    options = {
        "awslogs-group": {"Ref": "Group"},
        "awslogs-region": {"Ref": "AWS::Region"},
        "awslogs-stream-prefix": "x",
    }
    logs = {"LogDriver": "awslogs", "Options": options}
    task = {
        "Family": {"Fn::If": ["IsOther", "x", "y"]},
        "RequiresCompatibilities": ["FARGATE"],
        "NetworkMode": "awsvpc",
        "Cpu": "256",
        "Memory": "512",
        "ExecutionRoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
        "ContainerDefinitions": [{"Name": "x", "Image": "nginx:1", "LogConfiguration": logs}],
    }
    group = {"LogGroupName": "/app/x", "RetentionInDays": {"Fn::If": ["IsOther", 365, 7]}}
    types = {"Role": "AWS::IAM::Role", "Task": "AWS::ECS::TaskDefinition"}
    properties = {"Role": role, "Task": task, "Group": group}
    body = {
        "Conditions": {"IsOther": {"Fn::Equals": [{"Ref": name}, other]}},
        "Resources": {
            key: {"Type": types.get(key, "AWS::Logs::LogGroup"), "Properties": value}
            for key, value in properties.items()
        },
    }
    assert run_rules([Template("t", body, region="eu-central-1", account=account)]) == []
    statement["Resource"] = {"Fn::Sub": arn.replace("/app/x", "/app/y")}
    found = run_rules([Template("t", body, region="eu-central-1", account=account)])
    assert {problem.rule.id for problem in found} == {"E9765"}
