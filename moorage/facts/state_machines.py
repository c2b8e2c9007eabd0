"""States of Amazon States Language, and the task that Step Functions runs in ECS.

AWS Step Functions developer guide, "Using Amazon States Language to define Step Functions
workflows" and "Run Amazon ECS or Fargate tasks with Step Functions"; what AWS refuses besides, from
its error messages, reproduced by cdk-preflight.
"""

from __future__ import annotations

TERMINAL_STATES = ("Succeed", "Fail")
ALL_ERRORS = "States.ALL"

RUN_TASK = r"arn:[^:]+:states:::ecs:runTask(\.sync|\.waitForTaskToken)?"
WAITS = (".sync", ".sync:2", ".waitForTaskToken")
"""Ends of resources that wait, which state machines of the type EXPRESS cannot."""
RUN_TASK_KEYS = frozenset(
    {
        "CapacityProviderStrategy",
        "Cluster",
        "Group",
        "LaunchType",
        "NetworkConfiguration",
        "Overrides",
        "PlacementConstraints",
        "PlacementStrategy",
        "PlatformVersion",
        "PropagateTags",
        "TaskDefinition",
    }
)
"""Parameters of `ecs:runTask`. Each begins with a capital letter."""
