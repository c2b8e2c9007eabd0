"""Names and addresses that two resources of a template cannot both have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moorage.cfn.stack import Resource, Stack
from moorage.cfn.unique_values import UniqueValue, find_unique_values
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule

_ELB = "AWS::ElasticLoadBalancingV2::"
_TYPES = (
    "AWS::CloudWatch::Alarm",
    "AWS::DynamoDB::Table",
    "AWS::EC2::SecurityGroup",
    "AWS::ECR::Repository",
    "AWS::ECS::CapacityProvider",
    "AWS::ECS::Cluster",
    "AWS::ECS::Service",
    "AWS::Events::Rule",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Role",
    "AWS::KMS::Alias",
    "AWS::Lambda::Function",
    "AWS::Logs::LogGroup",
    "AWS::Route53::RecordSet",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::SSM::Parameter",
    "AWS::Scheduler::Schedule",
    "AWS::SecretsManager::Secret",
    "AWS::ServiceDiscovery::Service",
    f"{_ELB}LoadBalancer",
    f"{_ELB}TargetGroup",
)
"""Types whose names or addresses are unique in an account, or in what they refer to. Ports of
listeners, priorities of rules, and values of networks have rules of their own."""
_OTHER_RULES = ("connect",)
"""Kinds of unique values that other rules check."""


@rule(
    "E9983",
    "Two resources of a template need the same name or address.",
    error_messages=("already exists", "AlreadyExistsException"),
    fix="Write another value in one of the two, or let CloudFormation choose the name.",
    sources=("AWS CloudFormation user guide: Name type",),
)
def value_of_two_resources(view: View) -> Iterator[Problem]:
    """AWS refuses a name that another resource of the account, the VPC or the cluster has, a second
    record of a name and type in a hosted zone, and an address that is in use. CloudFormation
    creates one of the two resources and fails at the other."""
    for stack in view.stacks:
        first: dict[tuple[Any, ...], Resource] = {}
        for resource, value in _unique_values(stack):
            other = first.setdefault(value.key, resource)
            if other is not resource:
                yield problem(
                    value.node,
                    f"`{other.id}` and `{resource.id}` have {value.description}, and AWS refuses "
                    "the second one",
                    "Write another value in one of the two.",
                )


def _unique_values(stack: Stack) -> Iterator[tuple[Resource, UniqueValue]]:
    for resource in stack.resources.values():
        if resource.type in _TYPES:
            for value in find_unique_values(resource):
                if value.key[0] not in _OTHER_RULES:
                    yield resource, value


@rule(
    "E9971",
    "Two tags of an IAM role have keys that differ only in case.",
    error_messages=("Duplicate tag keys found. Please note that Tag keys are case insensitive.",),
    fix="Remove one of the two tags, or write another key.",
    sources=("IAM user guide: Tags for AWS Identity and Access Management resources",),
)
def tags_that_differ_in_case(view: View) -> Iterator[Problem]:
    """IAM ignores the case of keys of tags, and refuses a role with two equal ones."""
    for role in view.resources_of_type("AWS::IAM::Role"):
        seen: dict[str, str] = {}
        for tag in role["Tags"].items:
            key = tag["Key"].text
            if key is None:
                continue
            earlier = seen.setdefault(key.lower(), key)
            if earlier != key:
                yield problem(
                    tag["Key"],
                    f"Role `{role.id}` has the tags `{earlier}` and `{key}`, whose keys IAM takes "
                    "for the same",
                    "Remove one of the two tags, or write another key.",
                )


RULES = (value_of_two_resources, tags_that_differ_in_case)
