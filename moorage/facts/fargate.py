"""Sizes, limits and capacity providers of Fargate."""

from __future__ import annotations

from typing import Literal, get_args

_GIB = 1024

SIZES: dict[int, tuple[int, ...]] = {
    256: (512, 1 * _GIB, 2 * _GIB),
    512: tuple(range(1 * _GIB, 4 * _GIB + 1, _GIB)),
    1024: tuple(range(2 * _GIB, 8 * _GIB + 1, _GIB)),
    2048: tuple(range(4 * _GIB, 16 * _GIB + 1, _GIB)),
    4096: tuple(range(8 * _GIB, 30 * _GIB + 1, _GIB)),
    8192: tuple(range(16 * _GIB, 60 * _GIB + 1, 4 * _GIB)),
    16384: tuple(range(32 * _GIB, 120 * _GIB + 1, 8 * _GIB)),
    32768: (60 * _GIB, 120 * _GIB, 244 * _GIB),
}
"""The MiB of memory that a task can have, by its CPU units. Source: cfn-lint's schema extension
fargate_cpu_memory for AWS::ECS::TaskDefinition (1.58.0), after "Task size" in the Amazon ECS
developer guide."""

EPHEMERAL_STORAGE = (21, 200)
"""The least and the greatest size in GiB; a task without the setting has 20. Amazon ECS API
reference, EphemeralStorage (botocore 1.44.5, read on 2026-11-27)."""

MAX_STOP_TIMEOUT = 120
"""The greatest number of seconds between SIGTERM and SIGKILL. Amazon ECS API reference,
ContainerDefinition, stopTimeout (botocore 1.44.5, read on 2026-11-27)."""

MAX_START_TIMEOUT = 120
"""The greatest number of seconds that a container waits for another. Amazon ECS API reference,
ContainerDefinition, startTimeout (botocore 1.44.5, read on 2026-11-27)."""

ADDABLE_CAPABILITIES = ("SYS_PTRACE",)
"""The Linux capabilities that a container can add. Amazon ECS API reference, KernelCapabilities."""

CapacityProviderName = Literal["FARGATE", "FARGATE_SPOT"]
CAPACITY_PROVIDERS: tuple[CapacityProviderName, ...] = get_args(CapacityProviderName)
"""The capacity providers that AWS has in every account."""
