"""What the role that deploys may do itself: what the commands `deploy`, `diff`, `status`, `why`,
`logs`, `rollback` and `run`, and `deploy.sh`, call. Everything else is done by CloudFormation.

Not `exec` and `destroy`: a shell in a container, and deleting what buckets and repositories hold,
is not a deployment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from moorage.facts.resource_arns import HERE, ROOT
from moorage.plan import DeploymentNeeds, Permission

from .statements import IN_REGION, Statement, statement, string_equals

CREATE = "cloudformation:CreateChangeSet"
PREVIEW = (
    *("cloudformation:DeleteChangeSet", "cloudformation:DescribeChangeSet"),
    *("cloudformation:DescribeStackEvents", "cloudformation:DescribeStackResources"),
    *("cloudformation:GetTemplate", "cloudformation:GetTemplateSummary"),
    *("cloudformation:ListChangeSets", "cloudformation:ListStackResources"),
    *("cloudformation:TagResource", "cloudformation:UntagResource"),
)
"""What a preview of a stack needs, together with CREATE."""
UPDATE = (
    *("cloudformation:CancelUpdateStack", "cloudformation:ContinueUpdateRollback"),
    *("cloudformation:DeleteStack", "cloudformation:ExecuteChangeSet"),
    "cloudformation:UpdateStack",
)
"""What changes a stack. A stack whose creation failed must be deleted."""
READ = (
    *("acm:DescribeCertificate", "cloudformation:DescribeEvents", "cloudformation:DescribeStacks"),
    "cloudformation:ListExports",
    *("cloudwatch:DescribeAlarms", "ec2:DescribeAddresses", "ec2:DescribeVpcs"),
    *("ecr:DescribeImages", "ecs:DescribeServiceDeployments", "ecs:DescribeServiceRevisions"),
    *("ecs:DescribeServices", "ecs:DescribeTaskDefinition", "ecs:DescribeTasks"),
    *("ecs:ListServiceDeployments", "ecs:ListTasks", "elasticloadbalancing:DescribeListeners"),
    *("elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeRules"),
    *("elasticloadbalancing:DescribeTags", "elasticloadbalancing:DescribeTargetHealth"),
    "logs:DescribeLogGroups",
    *("secretsmanager:DescribeSecret", "servicequotas:GetServiceQuota", "ssm:DescribeParameters"),
)
"""Reading in the region: configuration and states, no contents."""
READ_GLOBAL = ("iam:GetRole", "route53:GetHostedZone")
RELEASES = ("ecs:StopServiceDeployment", "ecs:UpdateService")
"""To stop a release, and to deploy the revision before."""
LOGS = ("logs:FilterLogEvents", "logs:GetLogEvents")
REQUESTS = ("ssm:GetParameter",)
"""Reading the input of RunTask or CreateDeployment, which is a parameter."""
RUNS = ("ssm:AddTagsToResource", "ssm:ListTagsForResource")
"""Keeping the result of a one-off task, as tags of that parameter."""
RUN_TASK, STOP_TASK = "ecs:RunTask", "ecs:StopTask"
CODE_DEPLOY = (
    *("codedeploy:CreateDeployment", "codedeploy:GetApplicationRevision"),
    *("codedeploy:GetDeployment", "codedeploy:GetDeploymentConfig"),
    *("codedeploy:GetDeploymentGroup", "codedeploy:ListDeployments"),
    *("codedeploy:RegisterApplicationRevision", "codedeploy:StopDeployment"),
)
"""Deployments of CodeDeploy. AWS CodeDeploy user guide, "Identity-based policies": CreateDeployment
needs the revision and the configuration as well."""


def stack_arns(names: Iterable[str]) -> list[str]:
    """The ARNs of stacks by their names in CloudFormation."""
    return [f"{ROOT}:cloudformation:{HERE}:stack/{name}/*" for name in names]


def stack_statements(stacks: Iterable[str], own: str, service_role: str) -> Iterator[Statement]:
    """What the role may do with stacks: preview all of them, and change those of the environment
    except the one with the roles. An import of resources into a stack is not allowed: the service
    role could then change resources that no stack has created."""
    arns, own_arns = stack_arns(stacks), stack_arns([own])
    everything = [*arns, *own_arns]
    no_import = {"Null": {"cloudformation:ImportResourceTypes": "true"}}
    yield statement([CREATE], everything, no_import)
    yield statement(PREVIEW, everything)
    if arns:
        yield statement(UPDATE, arns)
    yield statement(UPDATE, own_arns, effect="Deny")
    yield statement(
        ["iam:PassRole"],
        [service_role],
        string_equals("iam:PassedToService", "cloudformation.amazonaws.com"),
    )
    yield statement(READ, ["*"], IN_REGION)
    yield statement(READ_GLOBAL, ["*"])


def task_statements(needs: DeploymentNeeds, one_off: Iterable[str]) -> Iterator[Statement]:
    """What the role may do with services and tasks. `one_off` has the names of the stacks of
    one-off tasks in CloudFormation."""
    by_action = {action: _resources(needs, action) for action in _SOURCES}
    if services := by_action["ecs:UpdateService"]:
        deployments = by_action["ecs:StopServiceDeployment"]
        yield statement(RELEASES, sorted({*services, *deployments}))
    if groups := by_action["logs:CreateLogGroup"]:
        yield statement(LOGS, sorted(groups))
    tasks = list(one_off)
    if parameters := by_action["ssm:PutParameter"]:
        yield statement([*REQUESTS, *(RUNS if tasks else ())], parameters)
    if by_action["codedeploy:CreateDeploymentGroup"]:
        yield statement(CODE_DEPLOY, ["*"], IN_REGION)
    if tasks:
        families = [f"{ROOT}:ecs:{HERE}:task-definition/{name}:*" for name in tasks]
        yield statement([RUN_TASK], families)
        clusters = [name.rpartition("/")[2] for name in by_action["ecs:CreateCluster"]] or ["*"]
        yield statement([STOP_TASK], [f"{ROOT}:ecs:{HERE}:task/{name}/*" for name in clusters])
        yield statement(
            ["iam:PassRole"],
            sorted(_task_roles(needs, tasks)),
            string_equals("iam:PassedToService", "ecs-tasks.amazonaws.com"),
        )


_SOURCES = (
    *("ecs:UpdateService", "ecs:StopServiceDeployment", "ecs:CreateCluster"),
    *("logs:CreateLogGroup", "ssm:PutParameter", "codedeploy:CreateDeploymentGroup"),
)
"""Actions of CloudFormation whose resources are those of the role as well."""


def _resources(needs: DeploymentNeeds, action: str) -> list[str]:
    return [item.resource for item in needs.permissions if item.action == action]


def _task_roles(needs: DeploymentNeeds, tasks: Iterable[str]) -> Iterator[str]:
    """The roles of the tasks, which their stacks create, and those that exist already."""
    expression = "|".join(re.escape(name) for name in tasks)
    for item in needs.permissions:
        if _is_passed_to_tasks(item):
            name = item.resource.rpartition("/")[2]
            if re.match(rf"({expression})(-\*)?$", name) or not name.endswith("*"):
                yield item.resource


def _is_passed_to_tasks(item: Permission) -> bool:
    return item.action == "iam:PassRole" and (
        not item.passed_to or "ecs-tasks.amazonaws.com" in item.passed_to
    )
