"""Instances that CloudFormation waits for, but that send no signal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.values import Text
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule

_GROUP, _INSTANCE = "AWS::AutoScaling::AutoScalingGroup", "AWS::EC2::Instance"
_TEMPLATE, _CONFIGURATION = "AWS::EC2::LaunchTemplate", "AWS::AutoScaling::LaunchConfiguration"
_SIGNALS = ("cfn-signal", "cfn_signal", "signal-resource", "signal_resource", "SignalResource")


@rule(
    "W9968",
    "CloudFormation waits for signals that no instance sends.",
    error_messages=(
        "Failed to receive 1 resource signal(s) within the specified duration",
        "Received 0 SUCCESS signal(s) out of 1",
    ),
    fix="Call cfn-signal at the end of the user data, or remove the CreationPolicy and "
    "WaitOnResourceSignals.",
    sources=("AWS CloudFormation template reference: CreationPolicy attribute",),
)
def no_signal_is_sent(view: View) -> Iterator[Problem]:
    """With CreationPolicy or WaitOnResourceSignals the stack waits until instances call cfn-signal,
    and fails when none does in time. It is a warning, as an image may contain the call."""
    for resource in view.resources_of_type(_GROUP, _INSTANCE):
        place = _place_of_waiting(resource)
        data = _user_data(resource) if place is not None else None
        if place is None or data is None or data.stack is not resource.stack:
            continue
        text = json.dumps(resource.stack.template.body, default=str)
        if _is_written(data) and not any(signal in text for signal in _SIGNALS):
            yield problem(
                place,
                f"`{resource.id}` waits for signals, but its user data sends none",
                "Call `cfn-signal` at the end of the user data, or do not wait for signals.",
            )


def _place_of_waiting(resource: Resource) -> Node | None:
    """What makes a resource wait for signals."""
    signal = resource.body.at("CreationPolicy", "ResourceSignal")
    update = resource.body.at("UpdatePolicy", "AutoScalingRollingUpdate", "WaitOnResourceSignals")
    if signal.certainly_present:
        return signal
    return update if update.flag else None


def _user_data(resource: Resource) -> Node | None:
    """The user data of a resource, or of its launch template; None if the template is unknown."""
    if resource.type == _INSTANCE and resource["LaunchTemplate"].absent:
        return resource["UserData"]
    launch = resource["LaunchTemplate"]["LaunchTemplateId"].resource
    if launch is not None and launch.type == _TEMPLATE:
        return launch["LaunchTemplateData"]["UserData"]
    configuration = resource["LaunchConfigurationName"].resource
    if configuration is not None and configuration.type == _CONFIGURATION:
        return configuration["UserData"]
    return None


def _is_written(data: Node) -> bool:
    """Whether the template itself has the user data, or there are none."""
    if not isinstance(data.raw, Mapping) or "Fn::Base64" not in data.raw:
        # A text that is no argument of Fn::Base64 is encoded already.
        return data.absent
    text = data.stack.node(data.raw["Fn::Base64"], data.path)
    return bool(text.choices) or isinstance(text.value, Text)


RULES = (no_signal_is_sent,)
