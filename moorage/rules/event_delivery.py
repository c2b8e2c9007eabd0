"""Whether queues, topics and functions let a service send to them."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn.nodes import Node
from moorage.cfn.permissions import parse_document
from moorage.cfn.stack import Resource
from moorage.cfn.trust_policies import includes_service
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule

_QUEUE, _TOPIC, _FUNCTION = "AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::Lambda::Function"
_RULE, _SUBSCRIPTION = "AWS::Events::Rule", "AWS::SNS::Subscription"
_POLICY_TYPES = {
    _QUEUE: ("AWS::SQS::QueuePolicy", "AWS::SQS::QueueInlinePolicy"),
    _TOPIC: ("AWS::SNS::TopicPolicy", "AWS::SNS::TopicInlinePolicy"),
}
_LISTS = {
    _TOPIC: ("Subscription", "Endpoint", "sns"),
    "AWS::CloudWatch::Alarm": ("AlarmActions", None, "cloudwatch"),
    "AWS::CodeStarNotifications::NotificationRule": (
        "Targets",
        "TargetAddress",
        "codestar-notifications",
    ),
}
"""The list with the targets of a type, the key of the ARN in an item, and the service."""
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
        "Developer Tools console user guide: Configure Amazon SNS topics for notifications",
    ),
)
def refused_sender(view: View) -> Iterator[Problem]:
    """A rule of EventBridge sends to queues, topics and functions without a role, SNS to queues and
    functions, and alarms and notification rules to topics: their own policies must allow it, also
    those of dead-letter queues. Otherwise the deployment
    succeeds, and nothing arrives. Only a target that the same template creates is checked: another
    stack may add the policy of any other."""
    for sender, target, service in _deliveries(view):
        receiver = target.resource
        if receiver is None or receiver.stack is not sender.stack:
            continue
        if _is_refused(sender, target, receiver, service):
            yield problem(
                target,
                f"`{receiver.id}` does not let {service}.amazonaws.com send, so nothing arrives "
                f"from `{sender.id}`",
                _remedy(receiver, service),
            )


def _deliveries(view: View) -> Iterator[tuple[Resource, Node, str]]:
    """Resources that send, with the ARNs that they send to and the services that send for them."""
    for event_rule in view.resources_of_type(_RULE):
        for target in event_rule["Targets"].items:
            if target["RoleArn"].absent:
                yield event_rule, target["Arn"], "events"
            yield event_rule, target["DeadLetterConfig"]["Arn"], "events"
    for subscription in view.resources_of_type(_SUBSCRIPTION):
        yield subscription, subscription["Endpoint"], "sns"
        yield subscription, subscription["RedrivePolicy"]["deadLetterTargetArn"], "sns"
    for sender_type, (items, key, service) in _LISTS.items():
        for sender in view.resources_of_type(sender_type):
            for item in sender[items].items:
                yield sender, item[key] if key else item, service


def _is_refused(sender: Resource, target: Node, receiver: Resource, service: str) -> bool:
    if receiver.type == _FUNCTION:
        is_arn = target.attr is not None and target.attr.name == "Arn"
        return is_arn and service != "cloudwatch" and _is_not_invoked(sender, receiver, service)
    policies = _policies_of(receiver) if receiver.type in _POLICY_TYPES else None
    if policies is None or (service == "sns" and receiver.type == _TOPIC):
        return False
    if service == "cloudwatch" and not policies:
        return False  # The policy that a topic has by default allows the account's alarms.
    if service == "sns" and policies and target.path[-1] == "Endpoint":
        return False  # E9800 compares the policies of queues with subscriptions.
    return all(_certainly_refuses(policy, _ACTIONS[receiver.type], service) for policy in policies)


def _policies_of(receiver: Resource) -> list[Resource] | None:
    """The policies of a queue or topic; None if it is not known what a policy is for."""
    view, types = receiver.view, _POLICY_TYPES[receiver.type]
    policies = view.cached(("delivery policies", types), lambda: _group_policies(view, types))
    found = policies.get(receiver, [])
    return None if any(policy not in found for policy in policies.get(None, ())) else found


def _group_policies(view: View, types: tuple[str, ...]) -> dict[Resource | None, list[Resource]]:
    """The policies by the resources that they are for; by None if they are or may be for others
    than those in the view."""
    policies: dict[Resource | None, list[Resource]] = {}
    for policy in view.resources_of_type(*types):
        lists = (policy["Queues"], policy["Topics"])
        nodes = [*(node for items in lists for node in items.items)]
        nodes += [node for node in (policy["Queue"], policy["TopicArn"]) if node.present]
        for resource in dict.fromkeys(node.resource for node in nodes) or (None,):
            policies.setdefault(resource, []).append(policy)
    return policies


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


def _is_not_invoked(sender: Resource, function: Resource, service: str) -> bool:
    """Whether all permissions are known, and none is for the function, the service and what the
    service sends for."""
    topic = sender["TopicArn"].resource if sender.type == _SUBSCRIPTION else None
    for permission in function.view.resources_of_type("AWS::Lambda::Permission"):
        named, principal = permission["FunctionName"], permission["Principal"]
        if named.resource is None or named.resource.type != _FUNCTION:
            return False
        is_service = principal.text is None or principal.text.startswith((service, "*"))
        source = permission["SourceArn"].resource
        is_source = source in (None, topic or sender) or source.type not in (_RULE, _TOPIC)
        if named.resource is function and is_service and is_source:
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
