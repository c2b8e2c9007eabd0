"""StackSets in memory, by a clock that tests turn: one region after the other, ten seconds each.

An operation stops after a region in which more accounts failed than its preferences tolerate.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fake_aws import ACCOUNT, REGION, FakeAws, RefusalError

SECONDS = 10
"""How long an operation takes in each region."""
Place = tuple[str, str]
"""An account and a region."""


@dataclass
class Operation:
    """An operation of a stack set, and what becomes of each stack."""

    id: str
    action: str
    begin: float
    stopped: bool = False
    results: dict[Place, tuple[float, float, str, str]] = field(default_factory=dict)
    """When each stack begins and ends, its status then, and the reason."""

    @property
    def end(self) -> float:
        return max([self.begin, *(end for _, end, _, _ in self.results.values())])

    def status(self, time: float) -> str:
        if time < self.end:
            return "STOPPING" if self.stopped else "RUNNING"
        if self.stopped:
            return "STOPPED"
        cancelled = any(status == "CANCELLED" for _, _, status, _ in self.results.values())
        return "FAILED" if cancelled or self.exceeded else "SUCCEEDED"

    exceeded: bool = False
    """Whether more accounts failed in a region than tolerated."""


@dataclass
class FakeSet:
    """A stack set."""

    request: dict[str, Any]
    instances: dict[Place, dict[str, Any]] = field(default_factory=dict)
    operations: list[Operation] = field(default_factory=list)


@dataclass
class FakeStackSets(FakeAws):
    """AWS with StackSets."""

    sets: dict[str, FakeSet] = field(default_factory=dict)
    failing: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)
    """Reasons why the next operations fail, by stack set, account and region."""
    organization: dict[str, list[str]] = field(default_factory=dict)
    """Accounts by organizational unit."""
    below: dict[str, list[str]] = field(default_factory=dict)
    """Organizational units by the unit around them."""
    results_late_by: float = 0
    """Seconds after which the result of a stack is listed."""
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """What was asked for that changes something."""

    def _set(self, name: str) -> FakeSet:
        if name not in self.sets:
            raise RefusalError("StackSetNotFoundException", f"StackSet {name} not found")
        return self.sets[name]

    def CreateStackSet(self, **request: Any) -> Any:  # noqa: N802
        self.requests.append(("CreateStackSet", request))
        name = request["StackSetName"]
        if name in self.sets:
            raise RefusalError("NameAlreadyExistsException")
        self.sets[name] = FakeSet(request)
        return {"StackSetId": f"{name}:1"}

    def UpdateStackSet(self, **request: Any) -> Any:  # noqa: N802
        self.requests.append(("UpdateStackSet", request))
        found = self._set(request["StackSetName"])
        self._refuse_second(found)
        execution = request.get("ManagedExecution", found.request["ManagedExecution"])
        if execution != found.request["ManagedExecution"] and "TemplateBody" in request:
            raise RefusalError("InvalidOperationException", "Cannot update ManagedExecution")
        found.request |= request
        for instance in found.instances.values():
            instance["Status"] = "OUTDATED"
        return self._begin(found, "UPDATE", list(found.instances), request)

    def CreateStackInstances(self, **request: Any) -> Any:  # noqa: N802
        self.requests.append(("CreateStackInstances", request))
        found = self._set(request["StackSetName"])
        self._refuse_second(found)
        places = []
        for account, unit in self._accounts(request):
            for region in request["Regions"]:
                instance = {"Account": account, "Region": region, "Status": "OUTDATED"}
                if unit:
                    instance["OrganizationalUnitId"] = unit
                found.instances.setdefault((account, region), instance)
                places.append((account, region))
        return self._begin(found, "CREATE", places, request)

    def DeleteStackInstances(self, **request: Any) -> Any:  # noqa: N802
        self.requests.append(("DeleteStackInstances", request))
        found = self._set(request["StackSetName"])
        self._refuse_second(found)
        accounts = [account for account, _ in self._accounts(request)]
        places = [
            place
            for place in found.instances
            if place[0] in accounts and place[1] in request["Regions"]
        ]
        return self._begin(found, "DELETE", places, request)

    def DeleteStackSet(self, StackSetName: str, **_: Any) -> Any:  # noqa: N802, N803
        self.requests.append(("DeleteStackSet", {"StackSetName": StackSetName}))
        self._settle()
        if self._set(StackSetName).instances:
            raise RefusalError("StackSetNotEmptyException")
        del self.sets[StackSetName]

    def StopStackSetOperation(self, StackSetName: str, OperationId: str, **_: Any) -> Any:  # noqa: N802, N803
        operation = self._operation(StackSetName, OperationId)
        operation.stopped = True
        for place, (begin, _, _, _) in operation.results.items():
            if begin > self.time:
                operation.results[place] = (self.time, self.time, "CANCELLED", "Cancelled")

    def _accounts(self, request: dict[str, Any]) -> list[tuple[str, str]]:
        chosen = request.get("DeploymentTargets")
        if chosen is None:
            return [(account, "") for account in request["Accounts"]]
        kind, listed = chosen.get("AccountFilterType"), chosen.get("Accounts", [])
        return [
            (account, unit)
            for unit in chosen["OrganizationalUnitIds"]
            for account in self._members(unit)
            if kind is None or (account in listed) == (kind == "INTERSECTION")
        ]

    def _members(self, unit: str) -> list[str]:
        inner = [account for below in self.below.get(unit, []) for account in self._members(below)]
        return [name for name in [*self.organization[unit], *inner] if name != self.account]

    def DescribeOrganization(self) -> Any:  # noqa: N802
        return {"Organization": {"MasterAccountId": self.account}}

    def ListAccountsForParent(self, ParentId: str) -> Any:  # noqa: N802, N803
        accounts = self.organization.get(ParentId, [])
        return {"Accounts": [{"Id": account, "Status": "ACTIVE"} for account in accounts]}

    def ListOrganizationalUnitsForParent(self, ParentId: str) -> Any:  # noqa: N802, N803
        return {"OrganizationalUnits": [{"Id": unit} for unit in self.below.get(ParentId, [])]}

    def _refuse_second(self, found: FakeSet) -> None:
        self._settle()
        if found.operations and self.time < found.operations[-1].end:
            raise RefusalError("OperationInProgressException", "Another Operation is in progress")

    def _begin(
        self, found: FakeSet, action: str, places: list[Place], request: dict[str, Any]
    ) -> dict[str, str]:
        preferences = request.get("OperationPreferences", {})
        tolerated = preferences.get("FailureToleranceCount", 0)
        operation = Operation(request["OperationId"], action, self.time)
        order = preferences.get("RegionOrder") or sorted({region for _, region in places})
        assert {*order} >= {region for _, region in places}
        begin = self.time
        for region in order:
            here = [place for place in places if place[1] == region]
            failures = 0
            for place in here:
                reasons = self.failing.get((request["StackSetName"], *place), [])
                status, reason = ("FAILED", reasons.pop(0)) if reasons else ("SUCCEEDED", "")
                if operation.exceeded:
                    status, reason = "CANCELLED", "Cancelled since failure tolerance has exceeded"
                failures += status == "FAILED"
                end = begin if operation.exceeded else begin + SECONDS
                operation.results[place] = (begin, end, status, reason)
            operation.exceeded = operation.exceeded or failures > tolerated
            begin += SECONDS if here and not operation.exceeded else 0
        found.operations.append(operation)
        return {"OperationId": operation.id}

    def _settle(self) -> None:
        """Stacks are as their last operation has left them."""
        for found in self.sets.values():
            for operation in found.operations:
                for place, (_, end, status, reason) in list(operation.results.items()):
                    if self.time < end or place not in found.instances:
                        continue
                    instance = found.instances[place]
                    if operation.action == "DELETE" and status == "SUCCEEDED":
                        del found.instances[place]
                        continue
                    instance["Status"] = "CURRENT" if status == "SUCCEEDED" else "OUTDATED"
                    if operation.action == "DELETE":
                        instance["Status"] = "INOPERABLE"
                    instance["StackInstanceStatus"] = {"DetailedStatus": status}
                    instance["StatusReason"] = reason
                    instance["LastOperationId"] = operation.id
            found.operations = [
                operation for operation in found.operations if self.time < operation.end
            ] or found.operations[-1:]

    def _operation(self, name: str, identity: str) -> Operation:
        return next(each for each in self._set(name).operations if each.id == identity)

    def ListStackSets(self, **_: Any) -> Any:  # noqa: N802
        return {"Summaries": [{"StackSetName": name, "Status": "ACTIVE"} for name in self.sets]}

    def DescribeStackSet(self, StackSetName: str, **_: Any) -> Any:  # noqa: N802, N803
        found = self._set(StackSetName)
        kept = ("PermissionModel", "AutoDeployment", "ManagedExecution", "ExecutionRoleName")
        return {
            "StackSet": {
                "StackSetName": StackSetName,
                "StackSetARN": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stackset/{StackSetName}",
                "Status": "ACTIVE",
                "TemplateBody": found.request["TemplateBody"],
                "Tags": found.request["Tags"],
                **{key: value for key, value in found.request.items() if key in kept},
            }
        }

    def ListStackInstances(self, StackSetName: str, **_: Any) -> Any:  # noqa: N802, N803
        self._settle()
        return {"Summaries": list(self._set(StackSetName).instances.values())}

    def ListStackSetOperations(self, StackSetName: str, **_: Any) -> Any:  # noqa: N802, N803
        operations = self._set(StackSetName).operations
        return {
            "Summaries": [
                {"OperationId": each.id, "Status": each.status(self.time)} for each in operations
            ]
        }

    def DescribeStackSetOperation(self, StackSetName: str, OperationId: str, **_: Any) -> Any:  # noqa: N802, N803
        self._settle()
        status = self._operation(StackSetName, OperationId).status(self.time)
        return {"StackSetOperation": {"OperationId": OperationId, "Status": status}}

    def ListStackSetOperationResults(self, StackSetName: str, OperationId: str, **_: Any) -> Any:  # noqa: N802, N803
        operation = self._operation(StackSetName, OperationId)
        return {"Summaries": [self._result(*item) for item in operation.results.items()]}

    def _result(self, place: Place, result: tuple[float, float, str, str]) -> dict[str, str]:
        begin, end, status, reason = result
        end += self.results_late_by
        item = {"Account": place[0], "Region": place[1], "Status": status, "StatusReason": reason}
        if self.time < begin:
            return item | {"Status": "PENDING", "StatusReason": ""}
        return item if self.time >= end else item | {"Status": "RUNNING", "StatusReason": ""}
