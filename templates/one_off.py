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
from troposphere import Output, Ref, Template, ssm

from moorage.findings.finding import Problem
from moorage.findings.wording import near, shown
from moorage.model import Deployment, Environment, Run

from .common.fields import duration
from .tasks import run_task
from .tasks.containers import ContainerName, apply_init
from .tasks.params import TaskParams
from .tasks.task import Task, resolve_task
from .tasks.task_resources import log_group_output, security_groups, task_outputs, task_resources


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


def _essential(params: Params) -> list[str]:
    return [name for name, one in apply_init(params.containers).items() if one.essential]


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """What only the whole can tell."""
    yield from run_task.run_problems(env.resolve(resolve_task, name, params))
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
    task = env.resolve(resolve_task, name, params)
    template = Template(f"{env.app} {env.name}: the task `{name}`, which runs at each deployment")
    template.set_version()
    template.add_resource(
        [
            *task_resources(task),
            *security_groups(task),
            _request(task),
        ]
    )
    template.add_output(list(_outputs(task)))
    return template


def deployment(name: str, params: Params, env: Environment) -> Deployment:
    container = params.container or _essential(params)[0]
    return Deployment(after=tuple(params.after), run=Run(container, params.timeout))


def _request(task: Task) -> ssm.Parameter:
    """What ECS is asked for when the task is run. An output should not repeat what was imported
    (cfn-lint, W6001), so it is a parameter."""
    asked = run_task.as_json(run_task.camel(run_task.request(task)))
    return ssm.Parameter("RunTask", Type="String", Value=asked)


def _outputs(task: Task) -> Iterator[Output]:
    yield from task_outputs(task, "Security group of the task")
    description = "Parameter that holds what `aws ecs run-task --cli-input-json` takes"
    yield Output("RunTask", Description=description, Value=Ref("RunTask"))
    yield log_group_output(task)
