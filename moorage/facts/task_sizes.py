"""Sizes of tasks on instances.

Amazon ECS API reference, RegisterTaskDefinition, cpu and memory. Those on Fargate are in `fargate`.
"""

from __future__ import annotations

INSTANCE_TASK_CPU = (128, 196_608)
"""CPU units: 0.125 to 192 vCPUs."""

MIN_INSTANCE_TASK_MEMORY = 6
"""MiB."""
