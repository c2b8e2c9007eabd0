"""The stack kinds by name, as `template:` refers to them. To add a stack kind, add a module here
and a line below."""

from collections.abc import Mapping

from moorage.model import TemplateModule

from . import (
    ci_role,
    cluster,
    dashboard,
    deployment_role,
    ecr,
    network,
    notifications,
    one_off,
    scheduled_task,
    service,
    worker,
)
from .load_balancers import alb, nlb

TEMPLATES: Mapping[str, TemplateModule] = {
    "alb": alb,
    "ci_role": ci_role,
    "cluster": cluster,
    "dashboard": dashboard,
    "deployment_role": deployment_role,
    "ecr": ecr,
    "network": network,
    "nlb": nlb,
    "notifications": notifications,
    "one_off": one_off,
    "scheduled_task": scheduled_task,
    "service": service,
    "worker": worker,
}
