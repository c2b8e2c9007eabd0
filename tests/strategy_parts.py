"""Settings, ARNs, names and small strategies for drawn params."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from moorage.facts.secret_values import is_secret_name

Params = dict[str, Any]

REGION, ACCOUNT = "eu-central-1", "123456789012"
ARN = f"arn:aws:{{service}}:{REGION}:{ACCOUNT}:{{rest}}"
CERTIFICATES = [
    ARN.format(service="acm", rest=f"certificate/0a1b2c3d-0000-4000-8000-00000000000{number}")
    for number in range(3)
]
USER_POOL = ARN.format(service="cognito-idp", rest=f"userpool/{REGION}_AbCdEfGhI")
KMS_KEY = ARN.format(service="kms", rest="key/1234abcd-12ab-34cd-56ef-1234567890ab")
SECRET = ARN.format(service="secretsmanager", rest="secret:shop/db-AbCdEf")
WEB_ACL = ARN.format(service="wafv2", rest="regional/webacl/shop/0a1b2c3d-0000-4000-8000-000000000")
LISTENER_ARNS = [
    ARN.format(service="elasticloadbalancing", rest=f"listener/app/old/0a1b2c3d4e5f6a7b/{number}")
    for number in ("8c9d0e1f2a3b4c5d", "8c9d0e1f2a3b4c5e")
]
NAMESPACE = ARN.format(service="servicediscovery", rest="namespace/ns-abcdefghijklmnop")
CERTIFICATE_AUTHORITY = ARN.format(
    service="acm-pca", rest="certificate-authority/1234abcd-12ab-34cd-56ef-1234567890ab"
)
PERMISSIONS_BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"

LOWER_CASE = "abcdefghijklmnopqrstuvwxyz"
WORDS = st.text(LOWER_CASE, min_size=2, max_size=9)
LABELS = WORDS.filter(lambda word: not is_secret_name(word))
SERVICE_NAMES = ["api", "web-shop", "mail", "search-2", "ntp", "staff"]
CONTAINER_NAMES = ["app", "nginx", "side_car", "Metrics"]

steady = partial(
    settings,
    deadline=None,  # a shared machine is slow now and then, which says nothing about the code
    derandomize="EXPLORE" not in os.environ,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],  # explaining takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def some_of(choices: list[Any], least: int, most: int) -> SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(choices), min_size=least, max_size=most, unique_by=repr)


def optional_fields(**fields: SearchStrategy[Any]) -> SearchStrategy[Params]:
    """A map with some of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


LOGS = optional_fields(
    retention=st.sampled_from(["1d", "14d", "365d"]), keep=st.booleans(), kms_key=st.just(KMS_KEY)
)


def resource_ids(kind: str, first: int, count: int) -> list[str]:
    return [f"{kind}-{number:017x}" for number in range(first, first + count)]


def has_https(balancer: Params) -> bool:
    created = {"protocol": "HTTPS" if "certificate" in balancer else "HTTP"}
    return bool(balancer.get("existing", created).get("protocol", "HTTPS") == "HTTPS")


def can_log_in(balancer: Params) -> bool:
    reaches_provider = "existing" in balancer or balancer.get("authentication", False)
    return has_https(balancer) and reaches_provider


CAPACITY_SHARES = st.sampled_from(
    [
        {"FARGATE": {"weight": 1}},
        {"FARGATE_SPOT": {"weight": 2}},
        {"FARGATE": {"base": 1, "weight": 1}, "FARGATE_SPOT": {"weight": 3}},
    ]
)
