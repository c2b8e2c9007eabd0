"""Containers that end or do not start, and tasks that ECS or EC2 stops."""

from __future__ import annotations

from moorage.deploy.diagnosis.known.known_failure import (
    ECS_LOAD_BALANCERS,
    ECS_STOPPED,
    WHY_STOPPED,
    KnownFailure,
)

_COMMAND = ("ContainerDefinitions.Command", "ContainerDefinitions.Image")
_MEMORY = ("ContainerDefinitions.Memory", "Memory")
_DOCKER = "Docker documentation: docker container run, exit status"
_SHELL = "GNU Bash manual, 3.7.5 Exit Status: 128 and the number of the signal"

EXIT_CODES = (
    KnownFailure(
        id="exit-0",
        title="The command of the container has ended, without an error.",
        meaning="A service expects that its containers run until they are stopped. The command "
        "ended by itself: it went to the background, had nothing to do, or is for a single job.",
        check="Run the server in the foreground. A job belongs in a `one_off` or "
        "`scheduled_task`; a container that only prepares something is not essential.",
        keys=("exit code 0",),
        properties=_COMMAND,
        sources=(WHY_STOPPED,),
    ),
    KnownFailure(
        id="exit-1",
        title="The application has ended with an error.",
        meaning="Exit code 1 comes from the application itself. The last lines of its log usually "
        "say why: a missing setting, a database that it cannot reach, an exception.",
        check="Read the last lines of the log. Compare the container's environment and secrets "
        "with what the application needs.",
        keys=("exit code 1",),
        properties=("ContainerDefinitions",),
        sources=(WHY_STOPPED,),
    ),
    KnownFailure(
        id="exit-2",
        title="The application or its shell has refused its command line.",
        meaning="Shells and many programs use exit code 2 for a wrong option, a missing argument "
        "or a syntax error in a script.",
        check="Check the command and the entry point of the container.",
        keys=("exit code 2",),
        properties=_COMMAND,
        sources=("GNU Bash manual, 3.7.5 Exit Status",),
    ),
    KnownFailure(
        id="exit-125",
        title="Docker itself could not run the container.",
        meaning="Exit code 125 is of Docker, not of the application.",
        check="Read the container's reason, and check its settings, such as its volumes and "
        "limits.",
        keys=("exit code 125",),
        properties=("ContainerDefinitions",),
        sources=(_DOCKER,),
    ),
    KnownFailure(
        id="exit-126",
        title="The command of the container cannot be executed.",
        meaning="The file exists, but is not executable, or the user of the container may not "
        "execute it.",
        check="Set its executable bit in the image (`chmod +x`), and check the container's user.",
        keys=("exit code 126",),
        messages=("exec: ... permission denied",),
        properties=_COMMAND,
        sources=(_DOCKER,),
    ),
    KnownFailure(
        id="exit-127",
        title="The command of the container does not exist in its image.",
        meaning="The program is missing in the image, is not in PATH, or its interpreter or a "
        "library of it is missing.",
        check="Check the command and the entry point, and that the image has the program. A script "
        "with Windows line ends looks for an interpreter that does not exist.",
        keys=("exit code 127",),
        messages=(
            "executable file not found in $PATH",
            "exec ... no such file or directory",
        ),
        properties=_COMMAND,
        sources=(_DOCKER,),
    ),
    KnownFailure(
        id="exit-134",
        title="The application has aborted itself (SIGABRT).",
        meaning="Runtimes abort when they cannot go on: a failed assertion, or no memory for the "
        "heap, such as Node.js above its heap limit.",
        check="Read the last lines of the log. If they are about memory, give the container more, "
        "or lower the limit of the runtime.",
        keys=("exit code 134",),
        properties=_MEMORY,
        sources=(_SHELL,),
    ),
    KnownFailure(
        id="exit-137",
        title="The container was killed (SIGKILL).",
        meaning="Either it used more memory than it has, or it did not end within its stop timeout "
        "after ECS had asked it to (SIGTERM).",
        check="Compare MemoryUtilization with the memory of the container. If memory is no "
        "problem, handle SIGTERM in the application, or raise the stop timeout.",
        keys=("exit code 137",),
        properties=_MEMORY,
        sources=(WHY_STOPPED, _SHELL),
    ),
    KnownFailure(
        id="exit-139",
        title="The application has accessed memory that it may not (SIGSEGV).",
        meaning="A segmentation fault comes from native code: a library for another system library "
        "(glibc or musl) or CPU, or a defect of it.",
        check="Build the image for the platform of the task, and update native libraries.",
        keys=("exit code 139",),
        properties=("ContainerDefinitions.Image",),
        sources=(WHY_STOPPED, _SHELL),
    ),
    KnownFailure(
        id="exit-143",
        title="The container was asked to end (SIGTERM) and did.",
        meaning="ECS stops tasks in this way when it replaces them, scales in, or when a health "
        "check has failed. It is not an error of the application.",
        check="Look for the reason why the task was stopped.",
        keys=("exit code 143",),
        symptom=True,
        sources=(_SHELL, "AWS docs: Amazon ECS API reference, StopTask"),
    ),
    KnownFailure(
        id="exit-255",
        title="The application has ended with exit code 255.",
        meaning="255 comes from the application or from its entry point, often because an "
        "exception was not handled or a script ended with -1.",
        check="Read the last lines of the log.",
        keys=("exit code 255",),
        properties=("ContainerDefinitions",),
        sources=(WHY_STOPPED,),
    ),
    KnownFailure(
        id="exit-other",
        title="A container has ended with an error.",
        meaning="The exit code comes from the application. The last lines of its log usually say "
        "why.",
        check="Read the last lines of the log.",
        keys=("exit code",),
        properties=("ContainerDefinitions",),
        sources=(WHY_STOPPED,),
    ),
)

STOPPED_TASKS = (
    KnownFailure(
        id="out-of-memory",
        title="A container used more memory than it has, and was killed.",
        meaning="The limit is that of the container, or that of the task if the container has "
        "none. Runtimes such as the JVM need more than their heap.",
        check="Give the container or the task more memory, or limit the heap of the runtime.",
        messages=("OutOfMemoryError", "container killed due to memory usage"),
        codes=("E9109",),
        properties=_MEMORY,
        sources=(
            "AWS docs: Troubleshooting Amazon ECS OutOfMemoryError errors",
            WHY_STOPPED,
        ),
    ),
    KnownFailure(
        id="container-unhealthy",
        title="The health check of a container has failed.",
        meaning="ECS runs the command of the health check inside of the container. It failed as "
        "often as its retries allow: the application does not answer yet, or the image lacks the "
        "program of the command, such as curl.",
        check="Run the command in the container. Raise the start period if the application needs "
        "longer to start.",
        messages=("Task failed container health checks", "failed container health checks"),
        codes=("E9115", "W9125"),
        properties=("ContainerDefinitions.HealthCheck", "ContainerDefinitions"),
        sources=(ECS_STOPPED, WHY_STOPPED),
    ),
    KnownFailure(
        id="load-balancer-health-check",
        title="The load balancer found a task unhealthy, so ECS stopped it.",
        meaning="The task did not pass the health check of its target group after the grace "
        "period.",
        check="Check the path, the port and the expected status codes of the health check, and "
        "that security groups allow the load balancer to reach the port. Raise the grace period "
        "if the application needs longer to start.",
        messages=("Task failed ELB health checks", "failed ELB health checks in"),
        codes=("W9250",),
        properties=("HealthCheckPath", "HealthCheckGracePeriodSeconds"),
        symptom=True,
        sources=(ECS_STOPPED, ECS_LOAD_BALANCERS, WHY_STOPPED),
    ),
    KnownFailure(
        id="essential-container-ended",
        title="An essential container of the task has ended.",
        meaning="When an essential container ends, ECS stops the whole task.",
        check="The exit code and the log of the container say why it ended.",
        messages=("Essential container in task exited",),
        properties=("ContainerDefinitions",),
        symptom=True,
        sources=(ECS_STOPPED, WHY_STOPPED),
    ),
    KnownFailure(
        id="container-not-started",
        title="A container could not be started.",
        meaning="The container runtime refused the container: its command, a volume, a limit or "
        "the log driver.",
        check="Read the rest of the message, and check the settings that it names.",
        messages=(
            "CannotStartContainerError",
            "CannotCreateContainerError",
            "ContainerRuntimeError",
        ),
        properties=("ContainerDefinitions",),
        general=True,
        sources=(
            "AWS docs: Troubleshooting Amazon ECS CannotStartContainerError errors",
            "AWS docs: Troubleshooting Amazon ECS ContainerRuntimeError errors",
        ),
    ),
    KnownFailure(
        id="container-timeout",
        title="The container runtime did not start or stop a container in time.",
        meaning="The instance is overloaded, most often by reading and writing its disk.",
        check="Use larger instances or faster disks, or start fewer tasks at the same time.",
        messages=("DockerTimeoutError", "ContainerRuntimeTimeoutError"),
        sources=("AWS docs: Troubleshooting Amazon ECS ContainerRuntimeTimeoutError errors",),
    ),
    KnownFailure(
        id="spot-interruption",
        title="AWS took back the Spot capacity of a task.",
        meaning="Fargate Spot and Spot Instances end with two minutes of warning. During a "
        "deployment it counts as a failed task.",
        check="Let a part of the tasks run on FARGATE, with a `base` in the capacity provider "
        "strategy, and deploy again.",
        messages=("Your Spot Task was interrupted",),
        keys=("SpotInterruption",),
        properties=("CapacityProviderStrategy",),
        sources=("AWS docs: Troubleshooting Amazon ECS SpotInterruption errors",),
    ),
    KnownFailure(
        id="instance-ended",
        title="The instance of a task was stopped or terminated.",
        meaning="Tasks end together with their instance: by scale-in, by a Spot interruption, by "
        "hand or because the instance was unhealthy.",
        check="Look at the activity history of the Auto Scaling group. With managed draining, ECS "
        "moves tasks before an instance ends.",
        messages=(
            "Host EC2 (instance ...) stopped/terminated",
            "Host EC2 (instance ...) terminated",
        ),
        keys=("TerminationNotice", "InfrastructureHealth"),
        properties=("CapacityProviderStrategy",),
        sources=(ECS_STOPPED,),
    ),
)

CONTAINERS = (*EXIT_CODES, *STOPPED_TASKS)
