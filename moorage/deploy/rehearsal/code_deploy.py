"""CodeDeploy: moto 5.2 knows deployments, but none of them ever does anything.

Here a deployment to ECS takes what AWS's user guide says of an AppSpec and nothing else, starts a
task set, shifts the weights of the listener rule and ends at the second look. It fails if the first
container of the task definition has the variable EXIT_CODE.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from moto.codedeploy import responses
from moto.codedeploy.models import CodeDeployBackend

Properties = Mapping[str, Any]
Api = Callable[[str], Any]

EVENTS = (
    "BeforeInstall",
    "AfterInstall",
    "AfterAllowTestTraffic",
    "BeforeAllowTraffic",
    "AfterAllowTraffic",
)


# Resources of a stack ------------------------------------------------------------------------


def application(api: Api, name: str, request: Properties) -> str:
    api("codedeploy").create_application(applicationName=name, **_small(request))
    return name


def deployment_config(api: Api, name: str, request: Properties) -> str:
    """moto has no API for it; a deployment group takes any name."""
    assert request["ComputePlatform"] == "ECS"
    return name


def deployment_group(api: Api, name: str, request: Properties) -> str:
    renamed = {"ECSServices": "ecsServices"}
    properties = {renamed.get(key, key): value for key, value in request.items()}
    api("codedeploy").create_deployment_group(deploymentGroupName=name, **_small(properties))
    return name


def _small(value: Any) -> Any:
    """With names that begin with a small letter, as CodeDeploy's API has them."""
    if isinstance(value, Mapping):
        return {key[0].lower() + key[1:]: _small(item) for key, item in value.items()}
    return [_small(item) for item in value] if isinstance(value, list) else value


def start_task_set(api: Api, cluster: str, service: str, revision: str) -> None:
    """A primary task set, which ECS creates with a service and CodeDeploy with a deployment."""
    ecs = api("ecs")
    (described,) = ecs.describe_services(cluster=cluster, services=[service])["services"]
    created = ecs.create_task_set(
        cluster=cluster,
        service=service,
        taskDefinition=revision,
        loadBalancers=described["loadBalancers"],
    )
    ecs.update_service_primary_task_set(
        cluster=cluster, service=service, primaryTaskSet=created["taskSet"]["taskSetArn"]
    )


# Deployments ---------------------------------------------------------------------------------


def install(api_of: Callable[[str], Api]) -> None:
    """Makes deployments do what they say; `api_of` gives the APIs of a region."""
    create, describe = CodeDeployBackend.create_deployment, CodeDeployBackend.get_deployment
    shown = responses._deployment_info
    errors: dict[str, str] = {}

    def create_deployment(backend: CodeDeployBackend, *args: Any, **kwargs: Any) -> str:
        identity = create(backend, *args, **kwargs)
        deployment = backend.deployments[identity]
        error = _deploy(api_of(backend.region_name), deployment)
        deployment.status = "InProgress"
        if error:
            errors[identity] = error
        return identity

    def get_deployment(backend: CodeDeployBackend, deployment_id: str) -> Any:
        deployment = describe(backend, deployment_id)
        looks = getattr(deployment, "looks", 0)
        deployment.looks = looks + 1  # type: ignore[attr-defined]
        if looks:
            deployment.status = "Failed" if deployment_id in errors else "Succeeded"
        return deployment

    def info(deployment: Any) -> dict[str, Any]:
        details: dict[str, Any] = shown(deployment)
        if deployment.status == "Failed":
            message = errors[deployment.deployment_id]
            details["errorInformation"] = {"code": "HEALTH_CONSTRAINTS", "message": message}
            details["rollbackInfo"] = {"rollbackMessage": "The rollback is in progress."}
        return details

    backends: Any = CodeDeployBackend
    backends.create_deployment = create_deployment
    backends.get_deployment = get_deployment
    responses._deployment_info = info


def _deploy(api: Api, deployment: Any) -> str | None:
    """Does what the AppSpec says; returns why it failed."""
    revision = deployment.revision
    assert revision["revisionType"] == "AppSpecContent"
    properties = checked_app_spec(revision["appSpecContent"]["content"])
    task = api("ecs").describe_task_definition(taskDefinition=properties["TaskDefinition"])
    containers = task["taskDefinition"]["containerDefinitions"]
    names = [container["name"] for container in containers]
    assert properties["LoadBalancerInfo"]["ContainerName"] in names
    variables = [variable["name"] for variable in containers[0].get("environment", [])]
    if "EXIT_CODE" in variables:
        return "The deployment timed out while waiting for the replacement task set to be healthy."
    group = deployment.deployment_group
    service = group.ecs_services[0]
    start_task_set(
        api, service["clusterName"], service["serviceName"], properties["TaskDefinition"]
    )
    _shift(api, group.load_balancer_info["targetGroupPairInfoList"][0])
    return None


def checked_app_spec(content: str) -> dict[str, Any]:
    """The properties of the service in an AppSpec, which has the structure that CodeDeploy takes
    (CodeDeploy user guide, "AppSpec 'resources' section" and "AppSpec 'hooks' section")."""
    spec = json.loads(content)
    assert spec.keys() <= {"version", "Resources", "Hooks"}
    assert spec["version"] == 0.0
    ((name, resource),) = spec["Resources"][0].items()
    assert (len(spec["Resources"]), name) == (1, "TargetService")
    assert resource.keys() == {"Type", "Properties"}
    assert resource["Type"] == "AWS::ECS::Service"
    properties: dict[str, Any] = resource["Properties"]
    optional = {"PlatformVersion", "NetworkConfiguration", "CapacityProviderStrategy"}
    assert {"TaskDefinition", "LoadBalancerInfo"} <= properties.keys()
    assert properties.keys() <= {"TaskDefinition", "LoadBalancerInfo", *optional}
    assert properties["LoadBalancerInfo"].keys() == {"ContainerName", "ContainerPort"}
    assert isinstance(properties["LoadBalancerInfo"]["ContainerPort"], int)
    hooks = [event for hook in spec.get("Hooks", []) for event in hook]
    assert hooks == [event for event in EVENTS if event in hooks]
    return properties


def _shift(api: Api, pair: Properties) -> None:
    """Exchanges the weights of the two target groups in the rules of the production listener."""
    elb = api("elbv2")
    names = [group["name"] for group in pair["targetGroups"]]
    groups = elb.describe_target_groups(Names=names)["TargetGroups"]
    arns = {group["TargetGroupArn"] for group in groups}
    (listener,) = pair["prodTrafficRoute"]["listenerArns"]
    for rule in elb.describe_rules(ListenerArn=listener)["Rules"]:
        for action in rule["Actions"]:
            weighted = action.get("ForwardConfig", {}).get("TargetGroups", [])
            if {group["TargetGroupArn"] for group in weighted} == arns:
                for group in weighted:
                    group["Weight"] = 100 - group["Weight"]
                config = {"TargetGroups": weighted}
                shifted = [{"Type": "forward", "ForwardConfig": config}]
                elb.modify_rule(RuleArn=rule["RuleArn"], Actions=shifted)
