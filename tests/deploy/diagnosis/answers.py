"""Answers of AWS about a service whose update failed, by operation: for FakeAws."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 11, 27, 7, 0, tzinfo=UTC)
NAME = "kelp-dev-web"
ACCOUNT = "eu-central-1:123456789012"
SERVICE = f"arn:aws:ecs:{ACCOUNT}:service/kelp/kelp-dev-web-Service-1A2B"
TASK_DEFINITION = f"arn:aws:ecs:{ACCOUNT}:task-definition/kelp-dev-web:7"
TARGET_GROUP = f"arn:aws:elasticloadbalancing:{ACCOUNT}:targetgroup/kelp/0a1b2c3d4e5f6a7b"
DEPLOYMENT = f"arn:aws:ecs:{ACCOUNT}:service-deployment/kelp/web/0a1b"
LISTED = "The following resource(s) failed to update: [Service]. "


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def event(minutes: float, name: str, status: str, reason: str = "", **more: str) -> dict[str, Any]:
    kind = "AWS::CloudFormation::Stack" if name == NAME else more.pop("kind", "AWS::ECS::Service")
    return {
        "StackId": "arn:x",
        "EventId": f"{minutes}-{name}",
        "StackName": NAME,
        "Timestamp": at(minutes),
        "LogicalResourceId": name,
        "ResourceType": kind,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        **more,
    }


def stack(name: str, status: str, **more: Any) -> dict[str, Any]:
    return {"StackName": name, "StackStatus": status, "CreationTime": START, **more}


def resource(kind: str, name: str, physical: str) -> dict[str, Any]:
    return {
        "ResourceType": kind,
        "LogicalResourceId": name,
        "PhysicalResourceId": physical,
        "Timestamp": START,
        "ResourceStatus": "CREATE_COMPLETE",
    }


EVENTS = [
    event(9, NAME, "UPDATE_ROLLBACK_COMPLETE"),
    event(7, NAME, "UPDATE_ROLLBACK_IN_PROGRESS", LISTED),
    event(6, "Service", "UPDATE_FAILED", "ECS Deployment Circuit Breaker was triggered",
          PhysicalResourceId=SERVICE),
    event(0, NAME, "UPDATE_IN_PROGRESS", "User Initiated"),
    event(-60, "Service", "CREATE_FAILED", "an old failure"),
]  # fmt: skip
TASK = {
    "taskArn": f"arn:aws:ecs:{ACCOUNT}:task/kelp/0a1b2c3d",
    "taskDefinitionArn": TASK_DEFINITION,
    "stopCode": "EssentialContainerExited",
    "stoppedReason": "Essential container in task exited",
    "stoppedAt": at(3),
    "containers": [{"name": "web", "exitCode": 1}, {"name": "proxy", "exitCode": 137}],
}
DEFINITION = {
    "containerDefinitions": [
        {
            "name": "web",
            "essential": True,
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {"awslogs-group": "group", "awslogs-stream-prefix": "web"},
            },
        },
        {"name": "proxy", "essential": True},
    ]
}
DESCRIBED = {
    "serviceArn": SERVICE,
    "status": "ACTIVE",
    "desiredCount": 2,
    "runningCount": 1,
    "loadBalancers": [{"targetGroupArn": TARGET_GROUP}],
    "events": [{"createdAt": at(2), "message": "(service web) has started 1 tasks."}],
    "deployments": [{"status": "PRIMARY", "rolloutState": "IN_PROGRESS", "failedTasks": 1}],
}
ANSWERS: dict[str, Any] = {
    "cloudformation.describe_stacks": {"Stacks": [stack(NAME, "UPDATE_ROLLBACK_COMPLETE")]},
    "cloudformation.describe_stack_events": {"StackEvents": EVENTS},
    "cloudformation.describe_stack_resources": {
        "StackResources": [
            resource("AWS::ECS::Service", "Service", SERVICE),
            resource("AWS::ECS::TaskDefinition", "TaskDefinition", TASK_DEFINITION),
            resource("AWS::ElasticLoadBalancingV2::TargetGroup", "WebTargetGroup", TARGET_GROUP),
        ]
    },
    "ecs.describe_services": {"services": [DESCRIBED]},
    "ecs.list_service_deployments": {
        "serviceDeployments": [{"serviceDeploymentArn": DEPLOYMENT, "createdAt": at(1)}]
    },
    "ecs.describe_service_deployments": {
        "serviceDeployments": [
            {
                "status": "ROLLBACK_SUCCESSFUL",
                "deploymentCircuitBreaker": {
                    "status": "TRIGGERED",
                    "failureCount": 3,
                    "threshold": 3,
                },
                "alarms": {"status": "MONITORING"},
                "lifecycleHookDetails": [{"targetType": "PAUSE", "status": "SUCCEEDED"}],
            }
        ]
    },
    "ecs.list_tasks": {"taskArns": [TASK["taskArn"]]},
    "ecs.describe_tasks": {"tasks": [TASK]},
    "ecs.describe_task_definition": {"taskDefinition": DEFINITION},
    "logs.get_log_events": {"events": [{"message": "no DATABASE_URL"}, {"message": "bye"}]},
    "elbv2.describe_target_health": {
        "TargetHealthDescriptions": [
            {
                "Target": {"Id": "10.0.0.1"},
                "TargetHealth": {"State": "initial", "Reason": "Elb.InitialHealthChecking"},
            }
        ]
    },
}
