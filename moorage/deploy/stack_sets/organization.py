"""The accounts in organizational units, which StackSets itself does not list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from moorage.deploy.aws import error_code
from moorage.facts.stack_sets import UNKNOWN_ORGANIZATION
from moorage.model import Targets

if TYPE_CHECKING:
    from moorage.deploy.aws import Aws


def read_members(aws: Aws, targets: Targets) -> dict[str, frozenset[str]]:
    """The active accounts in each organizational unit and the units below it, without the
    management account, which StackSets leaves out. Empty where automatic deployment looks after
    them, or the credentials may not list them."""
    if not targets.service_managed or targets.auto_deployment:
        return {}
    client: Any = aws.other("organizations")
    try:
        management = client.describe_organization()["Organization"]["MasterAccountId"]
        return {
            unit: frozenset(_accounts(client, unit)) - {management}
            for unit in targets.organizational_units
        }
    except ClientError as error:
        if error_code(error) in UNKNOWN_ORGANIZATION:
            return {}
        raise


def _accounts(client: Any, parent: str) -> Iterator[str]:
    pages = client.get_paginator("list_accounts_for_parent").paginate(ParentId=parent)
    for page in pages:
        yield from (item["Id"] for item in page["Accounts"] if item["Status"] == "ACTIVE")
    units = client.get_paginator("list_organizational_units_for_parent")
    for page in units.paginate(ParentId=parent):
        for unit in page["OrganizationalUnits"]:
            yield from _accounts(client, unit["Id"])
