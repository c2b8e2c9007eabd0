"""Scaling, alarms, dashboards and schedules."""

from __future__ import annotations

import json

from moorage.deploy.rehearsal.resources import (
    Api,
    Properties,
    Resource,
    camel,
    check_request,
    without,
)

_SCALED = ("ResourceId", "ScalableDimension", "ServiceNamespace")


def scalable_target(api: Api, name: str, request: Properties) -> Resource:
    client = api("application-autoscaling")
    client.register_scalable_target(**without(request, "ScheduledActions"))
    scaled = {key: request[key] for key in _SCALED}
    for action in request.get("ScheduledActions", ()):
        client.put_scheduled_action(**scaled, **action)
    return Resource("|".join(request[key] for key in _SCALED), Id=name)


def scaling_policy(api: Api, name: str, request: Properties) -> Resource:
    scaled = dict(zip(_SCALED, request["ScalingTargetId"].split("|"), strict=True))
    properties = scaled | without(request, "ScalingTargetId")
    client = api("application-autoscaling")
    if request["PolicyType"] == "PredictiveScaling":  # moto has none
        check_request(client, "PutScalingPolicy", properties)
        return Resource(name, Arn=name)
    created = client.put_scaling_policy(**properties)["PolicyARN"]
    return Resource(created, Arn=created)


def alarm(api: Api, name: str, request: Properties) -> Resource:
    cloudwatch = api("cloudwatch")
    cloudwatch.put_metric_alarm(AlarmName=name, **request)
    (created,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return Resource(name, Arn=created["AlarmArn"])


def composite_alarm(api: Api, name: str, request: Properties) -> Resource:
    """moto has none, so only the request is checked."""
    check_request(api("cloudwatch"), "PutCompositeAlarm", {"AlarmName": name, **request})
    return Resource(name, Arn=name)


def dashboard(api: Api, name: str, request: Properties) -> Resource:
    name = request.get("DashboardName", name)
    json.loads(request["DashboardBody"])  # CloudWatch refuses what is not JSON, moto does not
    api("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=request["DashboardBody"])
    return Resource(name)


def event_rule(api: Api, name: str, request: Properties) -> Resource:
    events = api("events")
    pattern = json.dumps(request["EventPattern"])
    properties = without(request, "EventPattern", "Targets")
    created = events.put_rule(Name=name, EventPattern=pattern, **properties)["RuleArn"]
    events.put_targets(Rule=name, Targets=request["Targets"])
    return Resource(name, Arn=created)


def schedule(api: Api, name: str, request: Properties) -> Resource:
    """EventBridge Scheduler's API writes some names of ECS's small."""
    target = dict(request["Target"])
    if parameters := target.get("EcsParameters"):
        small = {
            key: camel({"item": parameters[key]})["item"]
            for key in ("CapacityProviderStrategy",)
            if key in parameters
        }
        net = parameters["NetworkConfiguration"]["AwsvpcConfiguration"]
        small["NetworkConfiguration"] = {"awsvpcConfiguration": net}
        target["EcsParameters"] = {**parameters, **small}
    created = api("scheduler").create_schedule(Name=name, **{**request, "Target": target})
    return Resource(name, Arn=created["ScheduleArn"])


def state_machine(api: Api, name: str, request: Properties) -> Resource:
    created = api("stepfunctions").create_state_machine(
        name=name, definition=request["DefinitionString"], roleArn=request["RoleArn"]
    )["stateMachineArn"]
    return Resource(created, Arn=created, Name=name)


def delete_event_rule(api: Api, resource: Resource) -> None:
    """With its targets, as CloudFormation does."""
    events, name = api("events"), resource.physical_resource_id
    targets = events.list_targets_by_rule(Rule=name)["Targets"]
    events.remove_targets(Rule=name, Ids=[target["Id"] for target in targets])
    events.delete_rule(Name=name)


def deregister_scalable_target(api: Api, resource: Resource) -> None:
    scaled = dict(zip(_SCALED, resource.physical_resource_id.split("|"), strict=True))
    api("application-autoscaling").deregister_scalable_target(**scaled)
