"""A service as tests build it, and its template."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moorage.findings.finding import Finding
from moorage.pipeline.compose import compose
from moorage.pipeline.load import Document
from moorage.pipeline.render import render
from moorage.pipeline.validate import validate
from templates import TEMPLATES

REGION, ACCOUNT = "eu-central-1", "123456789012"
HERE = f"{REGION}:{ACCOUNT}"
KEY = f"arn:aws:kms:{HERE}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/old"
BOUNDARY, OTHER_BOUNDARY = (f"arn:aws:iam::{ACCOUNT}:policy/{name}" for name in ("all", "one"))
SECRET = f"arn:aws:secretsmanager:{HERE}:secret:shop/db-AbCdEf"
CERTIFICATE = f"arn:aws:acm:{HERE}:certificate/0a1b2c3d-1111-4222-8333-444455556666"
POOL = f"arn:aws:cognito-idp:{HERE}:userpool/{REGION}_AbCdEfGhI"
LISTENER = f"arn:aws:elasticloadbalancing:{HERE}:listener/app/old/50dc6c49/f2f7dc8e"
EXISTING_ALB = {"listener": LISTENER, "security_group": "sg-0123456789abcdef0"}
EXISTING_NETWORK = {
    "vpc": "vpc-0123456789abcdef0",
    "public_subnets": ["subnet-0000000000000000a", "subnet-0000000000000000b"],
    "private_subnets": ["subnet-0000000000000000c", "subnet-0000000000000000d"],
}
OIDC = {
    "issuer": "https://login.example.com",
    "authorization_endpoint": "https://login.example.com/authorize",
    "token_endpoint": "https://login.example.com/token",
    "user_info_endpoint": "https://login.example.com/user",
    "client_id": "abc",
    "client_secret": "secretsmanager:login:secret",
}

IMAGE = "public.ecr.aws/nginx/nginx:1.27.3"
WEB = {"image": IMAGE, "ports": [8080]}
ROUTE = {"via": "public", "paths": ["/*"]}

Resources = dict[str, dict[str, Any]]


def built(stacks: dict[str, Any], **header: Any) -> tuple[dict[str, Any], list[Finding]]:
    """The template of the stack `web`, and the findings."""
    all_stacks = {"network": {}, "cluster": {}, **stacks}
    data = {"app": "shop", "region": REGION, **header, "stacks": all_stacks}
    document = Document("dev", "params/dev.yaml", data, {})
    env, findings = validate(document, TEMPLATES)
    if env is None:
        return {}, findings
    stack = next(stack for stack in compose(env, TEMPLATES) if stack.name == "web")
    rendering, faults = render(stack, document, "yaml")
    assert rendering is not None, faults
    return dict(rendering.body), findings


def body(
    *,
    container: dict[str, Any] | None = None,
    stacks: dict[str, Any] | None = None,
    header: dict[str, Any] | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """The template of a service `web`, by default with one container `app`."""
    containers = {"containers": {"app": {**WEB, **(container or {})}}}
    service = {"template": "service", **containers, **fields}
    public = {"template": "alb", "certificate": []}
    every = {"public": public, **(stacks or {}), "web": service}
    result, findings = built(every, **(header or {}))
    assert findings == []
    return result


def resources(**fields: Any) -> Resources:
    """Properties by logical ID."""
    all_resources = body(**fields)["Resources"]
    return {name: resource.get("Properties", {}) for name, resource in all_resources.items()}


def of_type(kind: str, among: dict[str, Any]) -> Resources:
    matching = {
        name: resource
        for name, resource in among["Resources"].items()
        if resource["Type"].endswith(kind)
    }
    return {name: resource["Properties"] for name, resource in matching.items()}


def statements(role: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for policy in role.get("Policies", []):
        yield from policy["PolicyDocument"]["Statement"]


def allowed(role: dict[str, Any]) -> set[tuple[str, str]]:
    """Every pair of an action and a resource that the inline policies of a role allow."""
    return {
        (action, text(resource))
        for statement in statements(role)
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def text(value: Any) -> str:
    """An expression as readable text."""
    if isinstance(value, str):
        return value
    ((function, argument),) = value.items()
    if function == "Fn::GetAtt":
        return ".".join(argument)
    if function == "Fn::Sub" and isinstance(argument, list):
        template, values = argument
        for name, inner in values.items():
            template = template.replace("${" + name + "}", text(inner))
        return str(template)
    return str(argument)


def arn(service: str, rest: str) -> str:
    """The ARN of a resource in the partition, region and account of the stack."""
    return f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{rest}"


WRITE_LOGS = {("logs:CreateLogStream", "LogGroup.Arn"), ("logs:PutLogEvents", "LogGroup.Arn")}
