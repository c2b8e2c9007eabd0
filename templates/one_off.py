"""A stack that holds a task which runs once, at each deployment: a migration of a database.

    migrate:
      template: one_off
      containers:
        migrate: {image: "ecr:shop/api:1.4.2", command: [bin/migrate]}
    web:
      template: service
      after: [migrate]

`deploy.sh` deploys the stack, runs its task, waits for it, and ends where the task did not exit
with 0: what stands `after` it stays as it was. The task runs at every deployment, also where
nothing changed, because a run that failed must be made good by the next. So it must be one that
can run again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field
from troposphere import GetAtt, Output, Ref, Template, ssm

from moorage.findings.finding import Problem
from moorage.findings.wording import near, shown
from moorage.model import Environment, Run

from .common.exports import export_output
from .common.fields import duration
from .tasks import run_task
from .tasks.containers import ContainerName, in_order
from .tasks.launch_types import shares_instance
from .tasks.queues import with_queue_urls
from .tasks.task import TaskParams, log_group_name, security_groups, task_resources


class Params(TaskParams):
    """A task that `deploy.sh` runs, and that must succeed before other stacks are deployed: those
    that name this one in `after:`. It runs at every deployment."""

    container: ContainerName | None = Field(
        None,
        description="The container whose exit code must be 0; the essential one where there is one "
        "only.",
    )
    timeout: Annotated[int, duration(60, 86_400)] = Field(
        3600, description="How long it may take; then it is stopped, and has failed."
    )

    @property
    def run(self) -> Run:
        """What `deploy.sh` runs once the stack is there."""
        return Run(self.container or _essential(self)[0], self.timeout)


def _essential(params: Params) -> list[str]:
    return [name for name, one in in_order(params.containers).items() if one.essential]


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """What only the whole can tell."""
    yield from run_task.run_problems(params, env)
    essential = _essential(params)
    if params.container is None and len(essential) > 1:
        hint = f"Write `container: {essential[0]}`, or another one."
        message = "It is not said which container's exit code counts"
        yield Problem("M1108", ("containers",), message, hint)
    elif params.container is not None and params.container not in params.containers:
        meant = near(params.container, params.containers) or next(iter(params.containers))
        message = f"There is no container {shown(params.container)}"
        yield Problem("M1204", ("container",), message, f"Did you mean `{meant}`?")
    elif params.container is not None and essential and params.container not in essential:
        message = f"Container `{params.container}` is not essential: the task does not end with it"
        hint = f"Write `container: {essential[0]}`, or make `{params.container}` essential."
        yield Problem("M1108", ("container",), message, hint)


def compose(name: str, params: Params, env: Environment) -> Template:
    """The task and all that only it needs. Who runs it is no part of the stack."""
    template = Template(f"{env.app} {env.name}: the task `{name}`, which runs at each deployment")
    template.set_version()
    template.add_resource(
        [
            *task_resources(name, with_queue_urls(name, params, env), env),
            *security_groups(name, params, env),
            _request(params, env),
        ]
    )
    template.add_output(list(_outputs(name, params, env)))
    return template


def _request(params: Params, env: Environment) -> ssm.Parameter:
    """What ECS is asked for when the task is run. An output should not repeat what was imported
    (cfn-lint, W6001), so it is a parameter."""
    asked = run_task.as_json(run_task.camel(run_task.request(params, env)))
    return ssm.Parameter("RunTask", Type="String", Value=asked)


def _outputs(name: str, params: Params, env: Environment) -> Iterator[Output]:
    if not shares_instance(params.network_mode):
        group = GetAtt("SecurityGroup", "GroupId")
        yield export_output(env, name, "SecurityGroupId", group, "Security group of the task")
    if params.task_role.existing is None:
        arn = GetAtt("TaskRole", "Arn")
        yield export_output(env, name, "TaskRoleArn", arn, "Role of the containers")
    what = "Parameter that holds what `aws ecs run-task --cli-input-json` takes"
    yield Output("RunTask", Description=what, Value=Ref("RunTask"))
    yield Output("LogGroupName", Description="Where output goes", Value=log_group_name(params))
