"""What a preview has in common with other environments in the account, and where it answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from moorage.deploy.aws import Aws, aws_errors
from moorage.deploy.stack_state import StackState
from moorage.deploy.target import DeployStack, Target
from moorage.findings.finding import Finding, Path, Place
from moorage.model import PREVIEW
from moorage.records import record

_RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
_MAX_PRIORITY = 50_000


@record
class _Rule:
    """A rule of a listener, of a template or of the account."""

    listener: str
    priority: str
    conditions: frozenset[str]
    arn: str = ""


def find_rule_conflicts(aws: Aws, target: Target) -> list[Finding]:
    """Findings for the rules of a preview whose route or priority another rule of the listener has
    already: of another preview, or of anything else in the account."""
    exports = _read_exports(aws)
    planned = [(stack, rule) for stack in target.stacks for rule in _template_rules(stack, exports)]
    deployed = [
        rule
        for listener in sorted({rule.listener for _, rule in planned})
        for rule in _read_rules(aws, listener)
    ]
    own = _own_rules(aws, target) if deployed else frozenset()
    others = [rule for rule in deployed if rule.arn not in own]
    return [
        finding
        for stack, rule in planned
        for other in others
        if other.listener == rule.listener
        for finding in _compare(aws, stack, rule, other, others)
    ]


def _compare(
    aws: Aws, stack: DeployStack, rule: _Rule, other: _Rule, others: Sequence[_Rule]
) -> Iterator[Finding]:
    path: Path = ("stacks", stack.name)
    place = stack.document.place(path) if stack.document else Place(stack.file, 1)
    if rule.conditions == other.conditions:
        message = f"The route is also that of {_owner(aws, other)}"
        hint = "Delete that one, or use another host or path."
        yield Finding("M4003", "error", place, path, message, hint)
    elif rule.priority == other.priority:
        taken = {each.priority for each in others if each.listener == rule.listener}
        numbers = range(int(rule.priority), _MAX_PRIORITY)
        free = next((number for number in numbers if str(number) not in taken), None)
        message = f"The priority {rule.priority} is also that of {_owner(aws, other)}"
        hint = f"Write `priority: {free}` at the route, or give the preview another name."
        yield Finding("M4004", "error", place, path, message, hint)


def _owner(aws: Aws, rule: _Rule) -> str:
    """The stack that a rule belongs to, by its tags; its ARN if it has none."""
    with aws_errors():
        answer = aws.elbv2.describe_tags(ResourceArns=[rule.arn])["TagDescriptions"]
    tags = {tag["Key"]: tag.get("Value", "") for each in answer for tag in each.get("Tags", ())}
    if "stack" in tags and "env" in tags:
        return f"`{tags['stack']}` of `{tags['env']}`"
    return f"the rule {rule.arn}"


def _read_exports(aws: Aws) -> dict[str, str]:
    with aws_errors():
        pages = aws.cloudformation.get_paginator("list_exports").paginate()
        return {each["Name"]: each["Value"] for page in pages for each in page["Exports"]}


def _template_rules(stack: DeployStack, exports: Mapping[str, str]) -> Iterator[_Rule]:
    """The rules of a template on listeners that exist already."""
    for resource in stack.body.get("Resources", {}).values():
        if resource["Type"] == _RULE:
            properties = resource["Properties"]
            listener = _value(properties["ListenerArn"], exports)
            if listener is not None:
                conditions = _conditions(properties["Conditions"])
                yield _Rule(listener, str(properties["Priority"]), conditions)


def _value(value: Any, exports: Mapping[str, str]) -> str | None:
    """A text, or the value of the export that is imported; None if there is none."""
    if isinstance(value, Mapping) and isinstance(value.get("Fn::ImportValue"), str):
        return exports.get(value["Fn::ImportValue"])
    return value if isinstance(value, str) else None


def _read_rules(aws: Aws, listener: str) -> Iterator[_Rule]:
    with aws_errors():
        pages = aws.elbv2.get_paginator("describe_rules").paginate(ListenerArn=listener)
        rules = [rule for page in pages for rule in page["Rules"]]
    for rule in rules:
        if not rule.get("IsDefault"):
            conditions = _conditions(rule.get("Conditions", ()))
            yield _Rule(listener, rule["Priority"], conditions, rule["RuleArn"])


def _own_rules(aws: Aws, target: Target) -> frozenset[str]:
    """The ARNs of the rules that the stacks of the target have already."""
    from moorage.deploy.stack_state import read_states

    states = read_states(aws.cloudformation)
    with aws_errors():
        resources = [
            resource
            for stack in target.stacks
            if stack.stack_name in states
            for resource in aws.cloudformation.describe_stack_resources(StackName=stack.stack_name)[
                "StackResources"
            ]
        ]
    return frozenset(
        resource.get("PhysicalResourceId", "")
        for resource in resources
        if resource["ResourceType"] == _RULE
    )


def _conditions(conditions: Sequence[Any]) -> frozenset[str]:
    """The conditions of a rule in a form that is equal for templates and answers of AWS."""
    result = set()
    for condition in conditions:
        configured = [value for value in condition.values() if isinstance(value, Mapping)]
        config = dict(configured[0]) if configured else {"Values": condition.get("Values", [])}
        values = sorted(json.dumps(each, sort_keys=True) for each in config.pop("Values", []))
        result.add(json.dumps([condition.get("Field"), config, values], sort_keys=True))
    return frozenset(result)


# Addresses ---------------------------------------------------------------------------------------


def find_urls(aws: Aws, target: Target) -> list[str]:
    """The addresses at which the routes of the target answer."""
    exports: dict[str, str] = {}
    urls: list[str] = []
    for stack in target.stacks:
        for resource in stack.body.get("Resources", {}).values():
            if resource["Type"] == _RULE:
                exports = exports or _read_exports(aws)
                urls += _rule_urls(resource["Properties"], exports)
    return [*dict.fromkeys(urls)]


def _rule_urls(properties: Mapping[str, Any], exports: Mapping[str, str]) -> Iterator[str]:
    listener = properties["ListenerArn"]
    name = str(listener.get("Fn::ImportValue", "")) if isinstance(listener, Mapping) else ""
    scheme = "http" if name.endswith("-HttpListenerArn") else "https"
    values: dict[str, list[str]] = {
        condition["Field"]: next(
            (value["Values"] for value in condition.values() if isinstance(value, Mapping)), []
        )
        for condition in properties["Conditions"]
        if condition["Field"] in ("host-header", "path-pattern")
    }
    balancer = exports.get(_stack_of(name) + "-DnsName", "")
    hosts = [host for host in values.get("host-header", [balancer]) if host and "*" not in host]
    paths = values.get("path-pattern", ["/"])
    yield from (f"{scheme}://{host}{path.split('*')[0]}" for host in hosts for path in paths)


def _stack_of(export: str) -> str:
    """The name of an export without its output: that of the stack in CloudFormation."""
    return export.rpartition("-")[0]


def previews_text(states: Mapping[str, StackState], app: str) -> str:
    """The previews of an app that have stacks, with the status of each stack."""
    found: dict[str, list[str]] = {}
    for state in states.values():
        env = state.tags.get("env", "")
        if state.tags.get("app") == app and env.startswith(f"{PREVIEW}-") and state.exists:
            found.setdefault(env, []).append(f"{state.tags.get('stack')} {state.status}")
    lines = [
        f"{env.removeprefix(f'{PREVIEW}-')}  {', '.join(sorted(stacks))}\n"
        for env, stacks in sorted(found.items())
    ]
    return "".join(lines) or "No previews\n"
