"""The stack kinds by name, as `template:` refers to them. To add a stack kind, add a module here
and a line below."""

from collections.abc import Mapping

from moorage.model import TemplateModule

from . import (
    bucket,
    cache,
    cluster,
    dashboard,
    database,
    ecr,
    network,
    notifications,
    one_off,
    scheduled_task,
    service,
    table,
    topic,
    worker,
)
from .load_balancers import alb, nlb

TEMPLATES: Mapping[str, TemplateModule] = {
    "alb": alb,
    "bucket": bucket,
    "cache": cache,
    "cluster": cluster,
    "dashboard": dashboard,
    "database": database,
    "ecr": ecr,
    "network": network,
    "nlb": nlb,
    "notifications": notifications,
    "one_off": one_off,
    "scheduled_task": scheduled_task,
    "service": service,
    "table": table,
    "topic": topic,
    "worker": worker,
}
