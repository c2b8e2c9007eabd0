"""The stack kinds by name, as `template:` refers to them. To add a stack kind, add a module here
and a line below."""

from collections.abc import Mapping

from moorage.model import TemplateModule

from . import (
    cluster,
    codebuild,
    dashboard,
    ecr,
    network,
    notifications,
    one_off,
    pipeline,
    scheduled_task,
    service,
    worker,
)
from .load_balancers import alb, nlb

TEMPLATES: Mapping[str, TemplateModule] = {
    "alb": alb,
    "cluster": cluster,
    "codebuild": codebuild,
    "dashboard": dashboard,
    "ecr": ecr,
    "network": network,
    "nlb": nlb,
    "notifications": notifications,
    "one_off": one_off,
    "pipeline": pipeline,
    "scheduled_task": scheduled_task,
    "service": service,
    "worker": worker,
}
