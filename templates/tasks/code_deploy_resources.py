"""The resources of blue/green deployments by CodeDeploy, and the request that starts one.

CloudFormation creates the service, but must not change its task definition: ECS refuses that for a
service that CodeDeploy deploys. So the service names only the family of its task definition, which
never changes, and `deploy.sh` creates a CodeDeploy deployment of the new revision.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from troposphere import GetAtt, Output, Ref, Sub, codedeploy, iam, ssm

from moorage.facts.codedeploy import CONFIGURATIONS
from moorage.records import record

from ..common.iam import aws_managed_policy_arn, role
from ..common.json_text import json_text
from .code_deploy import CodeDeploy, OwnConfiguration
from .placement import capacity_properties
from .task import Task

_MINUTE = 60


@record
class TrafficRoute:
    """The target groups that CodeDeploy shifts traffic between, and the listener that forwards."""

    listener: Any
    """Its ARN."""
    container: str
    port: int
    test_listener: Any | None
    """ARN of the listener for test traffic."""
    target_groups: tuple[str, str]
    """Logical IDs: that of the service, and the alternate one."""


def code_deploy_resources(
    params: CodeDeploy, task: Task, route: TrafficRoute, alarms: Sequence[Any]
) -> Iterator[Any]:
    """The application, the deployment group with its role and configuration, and the request that
    deploys the task definition. `alarms` are names of alarms that roll a deployment back."""
    yield codedeploy.Application("CodeDeployApplication", ComputePlatform="ECS")
    if not isinstance(params.configuration, str):
        yield _own_configuration(params.configuration)
    yield _role(task)
    yield _deployment_group(params, task, route, alarms)
    yield _request(params, task, route)


def code_deploy_outputs() -> Iterator[Output]:
    """The outputs that `deploy.sh` reads."""
    yield Output(
        "CodeDeployApplication",
        Description="Name of the CodeDeploy application",
        Value=Ref("CodeDeployApplication"),
    )
    yield Output(
        "CodeDeployDeploymentGroup",
        Description="Name of the CodeDeploy deployment group",
        Value=Ref("CodeDeployDeploymentGroup"),
    )
    yield Output(
        "CodeDeployRequest",
        Description="Name of the SSM parameter with the input of `aws deploy create-deployment "
        "--cli-input-json`",
        Value=Ref("CodeDeployRequest"),
    )
    yield Output(
        "TaskDefinitionArn",
        Description="ARN of the task definition that the request deploys",
        Value=Ref("TaskDefinition"),
    )


def _own_configuration(params: OwnConfiguration) -> codedeploy.DeploymentConfig:
    """The custom deployment configuration. It has no name because a change replaces it."""
    minutes = params.interval // _MINUTE
    if params.kind == "canary":
        canary = codedeploy.TimeBasedCanary(CanaryPercentage=params.percent, CanaryInterval=minutes)
        routing = codedeploy.TrafficRoutingConfig(Type="TimeBasedCanary", TimeBasedCanary=canary)
    else:
        linear = codedeploy.TimeBasedLinear(LinearPercentage=params.percent, LinearInterval=minutes)
        routing = codedeploy.TrafficRoutingConfig(Type="TimeBasedLinear", TimeBasedLinear=linear)
    return codedeploy.DeploymentConfig(
        "CodeDeployConfiguration", ComputePlatform="ECS", TrafficRoutingConfig=routing
    )


def _role(task: Task) -> iam.Role:
    """A role with an AWS managed policy, which AWS keeps up to date. The policy
    AWSCodeDeployRoleForECSLimited does not allow passing roles with names that CloudFormation
    generates (rule E9795)."""

    return role(
        "CodeDeployRole",
        "codedeploy.amazonaws.com",
        {},
        task.env,
        managed=[aws_managed_policy_arn("AWSCodeDeployRoleForECS")],
        permissions_boundary=task.params.permissions_boundary,
    )


def _deployment_group(
    params: CodeDeploy, task: Task, route: TrafficRoute, alarms: Sequence[Any]
) -> codedeploy.DeploymentGroup:
    return codedeploy.DeploymentGroup(
        "CodeDeployDeploymentGroup",
        ApplicationName=Ref("CodeDeployApplication"),
        ServiceRoleArn=GetAtt("CodeDeployRole", "Arn"),
        DeploymentConfigName=CONFIGURATIONS[params.configuration][0]
        if isinstance(params.configuration, str)
        else Ref("CodeDeployConfiguration"),
        DeploymentStyle=codedeploy.DeploymentStyle(
            DeploymentType="BLUE_GREEN", DeploymentOption="WITH_TRAFFIC_CONTROL"
        ),
        ECSServices=[
            codedeploy.ECSService(
                ClusterName=task.placement.cluster_name, ServiceName=GetAtt("Service", "Name")
            )
        ],
        LoadBalancerInfo=codedeploy.LoadBalancerInfo(
            TargetGroupPairInfoList=[
                codedeploy.TargetGroupPairInfo(
                    ProdTrafficRoute=codedeploy.TrafficRoute(ListenerArns=[route.listener]),
                    **_test_route(route),
                    TargetGroups=[
                        codedeploy.TargetGroupInfo(Name=GetAtt(group, "TargetGroupName"))
                        for group in route.target_groups
                    ],
                )
            ]
        ),
        BlueGreenDeploymentConfiguration=codedeploy.BlueGreenDeploymentConfiguration(
            DeploymentReadyOption=_ready_option(params),
            TerminateBlueInstancesOnDeploymentSuccess=codedeploy.BlueInstanceTerminationOption(
                Action="TERMINATE",
                TerminationWaitTimeInMinutes=params.terminate_after // _MINUTE,
            ),
        ),
        AutoRollbackConfiguration=_rollback(params),
        AlarmConfiguration=codedeploy.AlarmConfiguration(
            Enabled=bool(alarms), Alarms=[codedeploy.Alarm(Name=name) for name in alarms]
        ),
    )


def _test_route(route: TrafficRoute) -> dict[str, codedeploy.TrafficRoute]:
    if route.test_listener is None:
        return {}
    return {"TestTrafficRoute": codedeploy.TrafficRoute(ListenerArns=[route.test_listener])}


def _ready_option(params: CodeDeploy) -> codedeploy.DeploymentReadyOption:
    if params.wait is None:
        return codedeploy.DeploymentReadyOption(ActionOnTimeout="CONTINUE_DEPLOYMENT")
    return codedeploy.DeploymentReadyOption(
        ActionOnTimeout="STOP_DEPLOYMENT", WaitTimeInMinutes=params.wait // _MINUTE
    )


def _rollback(params: CodeDeploy) -> codedeploy.AutoRollbackConfiguration:
    events = [
        *(["DEPLOYMENT_FAILURE"] if "failure" in params.rollback else []),
        *(["DEPLOYMENT_STOP_ON_ALARM"] if params.rollback_on else []),
        *(["DEPLOYMENT_STOP_ON_REQUEST"] if "request" in params.rollback else []),
    ]
    optional = {"Events": events} if events else {}
    return codedeploy.AutoRollbackConfiguration(Enabled=bool(events), **optional)


def _request(params: CodeDeploy, task: Task, route: TrafficRoute) -> ssm.Parameter:
    """The request that deploys the task definition of the stack. It is an SSM parameter because an
    output should not repeat imported values (cfn-lint, W6001)."""
    content, imports = json_text(app_spec(params, task, route), compact=True)
    request = {
        "applicationName": Ref("CodeDeployApplication"),
        "deploymentGroupName": Ref("CodeDeployDeploymentGroup"),
        "revision": {"revisionType": "AppSpecContent", "appSpecContent": {"content": content}},
    }
    whole, _ = json_text(request)
    value = Sub(whole, **imports) if imports else Sub(whole)
    return ssm.Parameter("CodeDeployRequest", Type="String", Value=value)


def app_spec(params: CodeDeploy, task: Task, route: TrafficRoute) -> dict[str, Any]:
    """The AppSpec of a deployment (CodeDeploy user guide, "AppSpec File example for an Amazon ECS
    deployment").

    It names the platform version and the capacity providers, which CodeDeploy would otherwise
    choose itself. It does not name the network, so CodeDeploy keeps that of the service.
    """
    capacity = capacity_properties(task.placement)
    optional = {
        key: capacity[key]
        for key in ("PlatformVersion", "CapacityProviderStrategy")
        if key in capacity
    }
    hooks = [{event: function} for event, function in params.hooks.by_event.items()]
    return {
        "version": 0.0,
        "Resources": [
            {
                "TargetService": {
                    "Type": "AWS::ECS::Service",
                    "Properties": {
                        "TaskDefinition": Ref("TaskDefinition"),
                        "LoadBalancerInfo": {
                            "ContainerName": route.container,
                            "ContainerPort": route.port,
                        },
                        **optional,
                    },
                }
            }
        ],
        **({"Hooks": hooks} if hooks else {}),
    }
