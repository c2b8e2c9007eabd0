"""The stack kinds by name, as `template:` refers to them. To add a stack kind, add a module here
and a line below."""

from typing import TYPE_CHECKING

from moorage.late_modules import LateModules

if TYPE_CHECKING:
    from moorage.model import TemplateModule

    from . import (
        bucket,
        cache,
        ci_role,
        cluster,
        codebuild,
        dashboard,
        database,
        deployment_role,
        ecr,
        network,
        notifications,
        one_off,
        pipeline,
        scheduled_task,
        service,
        table,
        topic,
        worker,
    )
    from .load_balancers import alb, nlb

    # mypy checks here that each module is a stack kind.
    KINDS: tuple[TemplateModule, ...] = (
        *(alb, bucket, cache, ci_role, cluster, codebuild, dashboard, database, deployment_role),
        *(ecr, network, nlb, notifications, one_off, pipeline, scheduled_task, service, table),
        *(topic, worker),
    )

TEMPLATES = LateModules(
    __name__,
    {
        "alb": "load_balancers.alb",
        "bucket": "bucket",
        "cache": "cache",
        "ci_role": "ci_role",
        "cluster": "cluster",
        "codebuild": "codebuild",
        "dashboard": "dashboard",
        "database": "database",
        "deployment_role": "deployment_role",
        "ecr": "ecr",
        "network": "network",
        "nlb": "load_balancers.nlb",
        "notifications": "notifications",
        "one_off": "one_off",
        "pipeline": "pipeline",
        "scheduled_task": "scheduled_task",
        "service": "service",
        "table": "table",
        "topic": "topic",
        "worker": "worker",
    },
)
"""A module is imported when params name it, since importing all of them is slow. In a package of
your own, a dict of modules does as well."""
