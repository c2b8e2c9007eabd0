"""The stack kinds by name, as `template:` refers to them. To add a stack kind, add a module here
and a line below."""

from collections.abc import Mapping

from moorage.late_modules import LateModules
from moorage.model import TemplateModule

TEMPLATES: Mapping[str, TemplateModule] = LateModules(
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
"""The modules are imported when they are needed, since importing all of them is slow. A plain dict
of modules does as well."""
