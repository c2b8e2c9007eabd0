"""Whether queues, topics and functions let a service send to them."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn.nodes import Node
from moorage.cfn.permissions import includes_service, parse_document
from moorage.cfn.view import Resource, View
from moorage.rules.rule import Problem, problem, rule

_QUEUE, _TOPIC, _FUNCTION = "AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::Lambda::Function"
_POLICY_TYPES = {
    _QUEUE: ("AWS::SQS::QueuePolicy", "AWS::SQS::QueueInlinePolicy"),
    _TOPIC: ("AWS::SNS::TopicPolicy", "AWS::SNS::TopicInlinePolicy"),
}
_ACTIONS = {_QUEUE: "sqs:SendMessage", _TOPIC: "sns:Publish"}


@rule(
    "E9013",
    "A queue, topic or function does not let a service send to it.",
    fix="Add a policy that allows the service: `AWS::SQS::QueuePolicy` with `sqs:SendMessage`, "
    "`AWS::SNS::TopicPolicy` with `sns:Publish`, or `AWS::Lambda::Permission` with "
    "`lambda:InvokeFunction`.",
    sources=(
        "Amazon EventBridge user guide: Using resource-based policies for Amazon EventBridge",
        "Amazon SNS developer guide: Subscribing a function to a topic",
        "Amazon SNS developer guide: Example cases for Amazon SNS access control",
    ),
)
def refused_sender(view: View) -> Iterator[Problem]:
    """A rule of EventBridge sends to queues, topics and functions without a role, SNS to queues and
    functions, and CloudWatch to topics: their own policies must allow it. Otherwise the deployment
    succeeds, and nothing arrives. Only a target that the same template creates is checked: another
    stack may add the policy of any other."""
    for sender, target, service in _deliveries(view):
        receiver = target.resource
        if receiver is None or receiver.stack is not sender.stack:
            continue
        if _is_refused(target, receiver, service):
            yield problem(
                target,
                f"`{receiver.id}` does not let {service}.amazonaws.com send, so nothing arrives "
                f"from `{sender.id}`",
                _remedy(receiver, service),
            )


def _deliveries(view: View) -> Iterator[tuple[Resource, Node, str]]:
    """Resources that send, with the ARNs that they send to and the services that send for them."""
    for event_rule in view.resources_of_type("AWS::Events::Rule"):
        for target in event_rule["Targets"].items:
            if target["RoleArn"].absent:
                yield event_rule, target["Arn"], "events"
    for subscription in view.resources_of_type("AWS::SNS::Subscription"):
        yield subscription, subscription["Endpoint"], "sns"
    for topic in view.resources_of_type(_TOPIC):
        for inner in topic["Subscription"].items:
            yield topic, inner["Endpoint"], "sns"
    for alarm in view.resources_of_type("AWS::CloudWatch::Alarm"):
        for action in alarm["AlarmActions"].items:
            yield alarm, action, "cloudwatch"


def _is_refused(target: Node, receiver: Resource, service: str) -> bool:
    if receiver.type == _FUNCTION:
        is_arn = target.attr is not None and target.attr.name == "Arn"
        return is_arn and service != "cloudwatch" and _is_not_invoked(receiver, service)
    policies = _policies_of(receiver) if receiver.type in _POLICY_TYPES else None
    if policies is None:
        return False
    if service == "cloudwatch" and not policies:
        return False  # The policy that a topic has by default allows the account's alarms.
    if service == "sns" and policies:
        return False  # E9800 compares the policies of queues with subscriptions.
    return all(_certainly_refuses(policy, _ACTIONS[receiver.type], service) for policy in policies)


def _policies_of(receiver: Resource) -> list[Resource] | None:
    """The policies of a queue or topic; None if it is not known what a policy is for."""
    found = []
    for policy in receiver.view.resources_of_type(*_POLICY_TYPES[receiver.type]):
        lists = (policy["Queues"], policy["Topics"])
        nodes = [*(node for items in lists for node in items.items)]
        nodes += [node for node in (policy["Queue"], policy["TopicArn"]) if node.present]
        if any(node.resource is receiver for node in nodes):
            found.append(policy)
        elif not nodes or any(node.resource is None for node in nodes):
            return None
    return found


def _certainly_refuses(policy: Resource, action: str, service: str) -> bool:
    document = parse_document(policy["PolicyDocument"])
    return document.complete and not any(
        statement.allows is not False
        and statement.covers_action(action) is not False
        and (
            includes_service(statement.node["Principal"], service) is not False
            or (service == "cloudwatch" and statement.node["Principal"]["AWS"].present)
        )
        for statement in document.statements
    )


def _is_not_invoked(function: Resource, service: str) -> bool:
    """Whether all permissions are known, and none is for the function and the service."""
    for permission in function.view.resources_of_type("AWS::Lambda::Permission"):
        named, principal = permission["FunctionName"], permission["Principal"]
        if named.resource is None or named.resource.type != _FUNCTION:
            return False
        is_service = principal.text is None or principal.text.startswith((service, "*"))
        if named.resource is function and is_service:
            return False
    return True


def _remedy(receiver: Resource, service: str) -> str:
    if receiver.type == _FUNCTION:
        return (
            f"Add an `AWS::Lambda::Permission` with `FunctionName: !Ref {receiver.id}`, "
            f"`Action: lambda:InvokeFunction` and `Principal: {service}.amazonaws.com`."
        )
    return (
        f"Allow `Service: {service}.amazonaws.com` the action `{_ACTIONS[receiver.type]}` in an "
        f"`{_POLICY_TYPES[receiver.type][0]}`."
    )


RULES = (refused_sender,)
