"""A task that runs once at a deployment, such as a migration of a database.

    migrate:
      template: one_off
      containers:
        migrate: {image: "ecr:shop/api:1.4.2", command: [bin/migrate]}
    web:
      template: service
      after: [migrate]

`deploy.sh` deploys the stack, runs its task and waits for it. If the exit code is not 0, it stops,
and the stacks that name this one in `after:` are not deployed. The task runs again if its stack has
changed, if its last run failed, or with `--run-tasks`, so it must be safe to run it more than once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field
from troposphere import Output, Ref, Template, ssm

from moorage.findings.finding import Problem
from moorage.findings.wording import near, shown
from moorage.model import Environment
from moorage.plan import Deployment, Run

from .common.fields import duration
from .common.json_text import as_json
from .tasks import run_task
from .tasks.containers import ContainerName, apply_init
from .tasks.image_builds import image_builds
from .tasks.params import TaskParams
from .tasks.task import Task, resolve_task
from .tasks.task_resources import log_group_output, security_groups, task_outputs, task_resources


class Params(TaskParams):
    """A task that `deploy.sh` runs when its stack has changed or its last run failed. It must
    succeed before the stacks that name this one in `after:` are deployed."""

    container: ContainerName | None = Field(
        None,
        description="The container whose exit code must be 0; by default the only essential one.",
    )
    timeout: Annotated[int, duration(60, 86_400)] = Field(
        3600, description="Time after which the task is stopped and has failed."
    )


def _essential_containers(params: Params) -> list[str]:
    containers = apply_init(params.containers)
    return [name for name, container in containers.items() if container.essential]


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """Problems of a one-off task, given the other stacks of the environment."""
    yield from run_task.run_problems(env.resolve(resolve_task, name, params))
    essential = _essential_containers(params)
    if params.container is None and len(essential) > 1:
        hint = f"Write `container: {essential[0]}`, or another essential container."
        message = (
            "The task has several essential containers, so `container` must say which exit code "
            "counts"
        )
        yield Problem("M3305", ("containers",), message, hint, because=[("container",)])
    elif params.container is not None and params.container not in params.containers:
        container = near(params.container, params.containers) or next(iter(params.containers))
        message = f"There is no container {shown(params.container)}"
        hint, because = f"Did you mean `{container}`?", [("containers", params.container)]
        yield Problem("M1204", ("container",), message, hint, because=because)
    elif params.container is not None and essential and params.container not in essential:
        message = f"`{params.container}` is not essential, so the task does not end with it"
        hint = f"Write `container: {essential[0]}`, or remove `essential: false` or `init` from "
        hint += f"`{params.container}`."
        yield Problem("M3306", ("container",), message, hint)


def compose(name: str, params: Params, env: Environment) -> Template:
    """The stack of a task that runs at deployments."""
    task = env.resolve(resolve_task, name, params)
    template = Template(f"{env.app} {env.name}: the task `{name}`, which runs at deployments")
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
    container = params.container or _essential_containers(params)[0]
    run = Run(container, params.timeout)
    return Deployment(after=tuple(params.after), run=run, builds=image_builds(params))


def _request(task: Task) -> ssm.Parameter:
    """The input of RunTask, as an SSM parameter. It is not an output because it contains imported
    values, which an output should not repeat (cfn-lint, W6001)."""
    request = run_task.to_camel_case(run_task.request(task))
    return ssm.Parameter("RunTask", Type="String", Value=as_json(request))


def _outputs(task: Task) -> Iterator[Output]:
    yield from task_outputs(task, "Security group of the task")
    description = "Name of the SSM parameter with the input of `aws ecs run-task --cli-input-json`"
    yield Output("RunTask", Description=description, Value=Ref("RunTask"))
    yield from log_group_output(task)
