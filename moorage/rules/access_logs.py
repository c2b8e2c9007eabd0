"""Access logs of load balancers, and the bucket policies that allow them.

Statements of a bucket policy are compared as texts with marks for what only the deployment knows.
Comparisons return None if the answer depends on that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from moorage.cfn import ecs
from moorage.cfn.networks import may_be_modified_elsewhere
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.values import Attr, Unknown, as_text
from moorage.cfn.view import View
from moorage.facts.elb_attributes import APPLICATION, NETWORK
from moorage.facts.elb_log_delivery import ALB_LOG_ACCOUNTS, LOG_DELIVERY_SERVICES
from moorage.facts.wildcards import wildcard_expression
from moorage.rules.load_balancers import LOAD_BALANCER_NAMES
from moorage.rules.rule import Problem, problem, rule

_UNKNOWN = "\0"
_ACCOUNT = "<account>"
_BUCKET = "<bucket>"


@rule(
    "E9430",
    "The bucket policy does not allow a load balancer to write its access logs.",
    error_messages=("Access Denied for bucket: <bucket>. Please check S3bucket permission",),
    fix="Allow `s3:PutObject` on `<bucket>/<prefix>/AWSLogs/<account>/*`: for an Application Load "
    "Balancer to `logdelivery.elasticloadbalancing.amazonaws.com` or to the Elastic Load Balancing "
    "account of the region, for a Network Load Balancer to `delivery.logs.amazonaws.com`.",
    sources=(
        "terraform-aws-modules/terraform-aws-s3-bucket#185",
        "terraform-aws-modules/terraform-aws-s3-bucket#183",
        "terraform-aws-modules/terraform-aws-s3-bucket#98",
        "kubernetes-sigs/aws-load-balancer-controller#1956",
        "hashicorp/terraform-provider-aws internal/service/elb/service_account_data_source.go",
    ),
    failure_ids=("lb-access-logs-wrong-principal",),
)
def access_logs_not_allowed(view: View) -> Iterator[Problem]:
    """Elastic Load Balancing writes a test file when access logs are enabled. Application and
    Network Load Balancers write as different principals. If the bucket policy does not allow the
    principal of the load balancer, or not the keys that it writes, enabling the logs fails."""
    for load_balancer in view.resources_of_type(ecs.LOAD_BALANCER):
        kind = ecs.load_balancer_type(load_balancer)
        attributes = ecs.attributes(load_balancer, "LoadBalancerAttributes")
        enabled = attributes.get("access_logs.s3.enabled")
        name = attributes.get("access_logs.s3.bucket")
        if kind in LOG_DELIVERY_SERVICES and enabled is not None and enabled.flag and name:
            bucket = name.resource
            if bucket is not None and bucket.type == "AWS::S3::Bucket":
                prefix = attributes.get("access_logs.s3.prefix")
                yield from _logs_not_allowed(load_balancer, kind, name, bucket, prefix)


def _logs_not_allowed(
    load_balancer: Resource, kind: str, name: Node, bucket: Resource, prefix: Node | None
) -> Iterator[Problem]:
    policies = _policies_of_bucket(bucket)
    if policies is None or not all(_statements(policy).all_known for policy in policies):
        return
    folder = (_text_of(prefix, bucket) if prefix is not None and prefix.present else "").strip("/")
    folder = f"{folder}/" if folder else ""
    key = f"arn:aws:s3:::{_BUCKET}/{folder}AWSLogs/{_ACCOUNT}/x"
    region = load_balancer.stack.template.region
    matches = [
        (
            statement,
            _includes_principal(statement, kind, region),
            _includes_key(statement, key, bucket),
        )
        for policy in policies
        for statement in _allow_statements(policy)
        if _includes_put(statement) is not False
    ]
    if any(principal is not False and fits is not False for _, principal, fits in matches):
        return
    principal_name = f"`{LOG_DELIVERY_SERVICES[kind][0]}`"
    keys = f"`<bucket>/{'<prefix>/' if _UNKNOWN in folder else folder}AWSLogs/<account>/*`"
    owner = f"{LOAD_BALANCER_NAMES[kind]} `{load_balancer.id}`"
    message = f"The policy of bucket `{bucket.id}` does not allow {owner} to write its access logs"
    other_principals = [statement for statement, _, fits in matches if fits]
    other_keys = [statement for statement, principal, _ in matches if principal]
    if other_principals:
        yield problem(
            other_principals[0]["Principal"],
            message,
            f"Write `Service: {LOG_DELIVERY_SERVICES[kind][0]}`.",
        )
    elif other_keys:
        yield problem(
            other_keys[0]["Resource"], f"{message} to {keys}", f"Allow s3:PutObject on {keys}."
        )
    elif policies or _has_no_policy(bucket, load_balancer, kind):
        place = policies[0]["PolicyDocument"] if policies else name
        if not policies:
            message = f"Bucket `{bucket.id}` has no policy that allows {owner} to write access logs"
        yield problem(place, message, f"Allow {principal_name} the action s3:PutObject on {keys}.")


def _has_no_policy(bucket: Resource, load_balancer: Resource, kind: str) -> bool:
    """Whether a bucket certainly has no policy when an Application Load Balancer writes to it."""
    return (
        kind == APPLICATION
        and bucket.stack is load_balancer.stack
        and not may_be_modified_elsewhere(bucket)
    )


# Statements ----------------------------------------------------------------------------------


def _policies_of_bucket(bucket: Resource) -> list[Resource] | None:
    """The policies of a bucket; None if there may be others."""
    policies = []
    for policy in bucket.view.resources_of_type("AWS::S3::BucketPolicy"):
        node = policy["Bucket"]
        belongs = node.resource is bucket or (
            node.resource is None and node.is_same_as(bucket["BucketName"])
        )
        if belongs is None:
            return None
        if belongs:
            policies.append(policy)
    return policies


def _statements(policy: Resource) -> Node:
    return policy.props.at("PolicyDocument", "Statement")


def _allow_statements(policy: Resource) -> list[Node]:
    """The statements that allow something, or may."""
    return [
        statement
        for statement in _statements(policy).as_list
        if not statement["Effect"].is_none_of("Allow")
    ]


def _includes_put(statement: Node) -> bool | None:
    """Whether a statement is for s3:PutObject."""
    if statement["Action"].absent:
        return None
    return _any_of(
        _matches(action.text, "s3:putobject") if action.text is not None else None
        for action in statement["Action"].as_list
    )


def _includes_key(statement: Node, key: str, bucket: Resource) -> bool | None:
    """Whether a statement is for the ARN of an object."""
    if statement["Resource"].absent:
        return None
    results: list[bool | None] = []
    for resource in statement["Resource"].as_list:
        pattern = re.sub(r"(?<=AWSLogs/)[0-9]{12}(?=/)", _ACCOUNT, _text_of(resource, bucket))
        if bucket["BucketName"].present:
            name = _text_of(bucket["BucketName"], None)
            pattern = pattern.replace(f":::{name}/", f":::{_BUCKET}/")
        fits = _matches(pattern.replace(_UNKNOWN, "*"), key.replace(_UNKNOWN, "\1"))
        is_uncertain = _UNKNOWN in pattern or _UNKNOWN in key
        results.append(None if is_uncertain else fits)
    return _any_of(results)


def _includes_principal(statement: Node, kind: str, region: str | None) -> bool | None:
    """Whether a statement is for a principal that writes the logs of a type of load balancer."""
    principal = statement["Principal"]
    if principal.absent or principal.unknown:
        return None
    if principal.text is not None:
        return principal.text == "*"
    results: list[bool | None] = []
    for principal_type, names in principal.entries:
        for name in names.as_list:
            if principal_type == "Service":
                is_known = name.text is not None
                results.append(name.text in LOG_DELIVERY_SERVICES[kind] if is_known else None)
            elif principal_type == "AWS":
                results.append(_is_log_account(name, kind, region))
    return _any_of(results)


def _is_log_account(name: Node, kind: str, region: str | None) -> bool | None:
    """Whether an AWS principal is `*`, or the account that writes the logs of ALBs in a region."""
    if name.text == "*":
        return True
    if isinstance(name.value, Attr):
        return False
    account = re.search(r"(?:^|::)([0-9]{12})(?:$|:)", _text_of(name, None))
    if account is None:
        return False if _ACCOUNT in _text_of(name, None) else None
    if account[1] not in ALB_LOG_ACCOUNTS.values():
        return None
    if kind != APPLICATION:
        return False
    return region not in ALB_LOG_ACCOUNTS or ALB_LOG_ACCOUNTS[region] == account[1]


# Texts ---------------------------------------------------------------------------------------


def _text_of(node: Node, bucket: Resource | None) -> str:
    """A text with marks for the bucket, its ARN, the account and unknown parts."""
    return "".join(_text_of_part(part, bucket) for part in node.parts) if node.parts else _UNKNOWN


def _text_of_part(part: object, bucket: Resource | None) -> str:
    if isinstance(part, Attr) and part.resource is bucket:
        return f"arn:aws:s3:::{_BUCKET}" if part.name == "Arn" else _BUCKET
    if isinstance(part, Unknown) and part.token in ("AWS::AccountId", "AWS::Partition"):
        return _ACCOUNT if part.token == "AWS::AccountId" else "aws"
    return as_text(part) or (_UNKNOWN if as_text(part) is None else "")


def _matches(pattern: str, text: str) -> bool:
    """Whether an IAM pattern with `*` and `?` matches a text."""
    regex = wildcard_expression(pattern)
    return re.fullmatch(regex, text, re.DOTALL | re.IGNORECASE) is not None


def _any_of(results: Iterable[bool | None]) -> bool | None:
    known = list(results)
    return True if True in known else None if None in known else False


@rule(
    "W9388",
    "A Network Load Balancer without a TLS listener has access logs.",
    fix="Remove the access logs. Flow logs of the VPC have connections of other listeners.",
    sources=("AWS docs: User guide for Network Load Balancers, Access logs",),
)
def logs_without_tls_listener(view: View) -> Iterator[Problem]:
    """A Network Load Balancer logs connections to TLS listeners only, so no log is ever written."""
    for load_balancer in view.resources_of_type(ecs.LOAD_BALANCER):
        enabled = ecs.attributes(load_balancer, "LoadBalancerAttributes").get(
            "access_logs.s3.enabled"
        )
        listeners = ecs.listeners_of_load_balancer(load_balancer)
        if (
            enabled is not None
            and enabled.flag
            and ecs.load_balancer_type(load_balancer) == NETWORK
            and listeners
            and all(listener["Protocol"].is_none_of("TLS") for listener in listeners)
        ):
            yield problem(
                enabled,
                f"Network Load Balancer `{load_balancer.id}` has access logs, but no TLS listener, "
                "so it writes none",
                "Remove the access logs, or add a TLS listener.",
            )


RULES = (access_logs_not_allowed, logs_without_tls_listener)
