"""StackSets: stacks of stack sets are stacks like others, and can fail."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from moto.cloudformation.models import StackInstance, StackInstances, StackSet
from moto.cloudformation.models import cloudformation_backends as backends
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult

from moorage.deploy.rehearsal.resources import acting_in

_SETTLED = ("CREATE_COMPLETE", "UPDATE_COMPLETE")


def correct_stack_sets() -> None:
    """Replaces in moto how the stacks of a stack set are created, updated and described."""
    instance: Any = StackInstance
    instance.__init__ = _create
    instance.delete = _delete
    instance.to_dict = _describe
    instances: Any = StackInstances
    instances.get_instance = _find
    sets: Any = StackSet
    create_operation, update = sets._create_operation, sets.update

    def record(self: Any, operation_id: str, action: str, *args: Any, **kwargs: Any) -> Any:
        """An operation, which has failed if a stack has."""
        operation = create_operation(self, operation_id, action, *args, **kwargs)
        operation["Results"] = [
            _result(self.instances.get_instance(account, region), account, region)
            for each in operation["Instances"]
            for account, region in each.items()
        ]
        if any(item["Status"] == "FAILED" for item in operation["Results"]):
            operation["Status"] = "FAILED"
        return operation

    def update_all(self: Any, *args: Any, **kwargs: Any) -> Any:
        """Updates the stacks as well: all of them where the request names none."""
        self.template = kwargs["template"] or self.template
        self.instances.template = self.template
        for each in self.instances.stack_instances:
            _apply(
                each, self.template, "UPDATE" if each.stack_id in each.backend.stacks else "CREATE"
            )
        operation = update(self, *args, **kwargs)
        operation["Results"] = [
            _result(each, each.account_id, each.region_name)
            for each in self.instances.stack_instances
        ]
        failed = any(item["Status"] == "FAILED" for item in operation["Results"])
        operation["Status"] = "FAILED" if failed else "SUCCEEDED"
        return operation

    sets._create_operation, sets.update = record, update_all
    responses: Any = CloudFormationResponse
    responses.list_stack_set_operation_results = _list_results


def _create(
    self: Any, account_id: str, region_name: str, stackset_id: str, name: str, **rest: Any
) -> None:
    self.account_id, self.region_name = account_id, region_name
    self.stackset_id, self.name = stackset_id, name
    self.parameters = []
    self.backend = backends[account_id][region_name]
    self.stack_name = f"StackSet-{name}-{uuid4()}"
    self.stack_id, self.reason = "", ""
    _apply(self, rest["template"], "CREATE")


def _apply(self: Any, template: str, kind: str) -> None:
    """Creates or updates the stack. One whose creation failed is created again."""
    with acting_in(self.account_id):
        identity, self.stack_id = self.backend.create_change_set(
            self.stack_name, f"set-{uuid4()}", template, {}, "", kind, tags={}
        )
        change_set = self.backend.describe_change_set(identity)
        if change_set.execution_status == "AVAILABLE":
            self.backend.execute_change_set(identity)
    stack = self.backend.get_stack(self.stack_id)
    failed = stack.status not in _SETTLED
    self.reason = _find_reason(stack) if failed else ""
    if failed and kind == "CREATE":
        del self.backend.stacks[self.stack_id]


def _find_reason(stack: Any) -> str:
    """What failed first, in the form in which StackSets reports it."""
    for event in stack.events:
        if event.resource_status.endswith("_FAILED"):
            return (
                f"ResourceLogicalId:{event.logical_resource_id}, "
                f"ResourceType:{event.resource_type}, "
                f"ResourceStatusReason:{event.resource_status_reason}."
            )
    return str(stack.status)


def _delete(self: Any) -> None:
    with acting_in(self.account_id):
        if self.stack_id in self.backend.stacks:
            self.backend.delete_stack(self.stack_id)


def _describe(self: Any) -> dict[str, Any]:
    return {
        "StackId": self.stack_id,
        "StackSetId": self.stackset_id,
        "Region": self.region_name,
        "Account": self.account_id,
        "Status": "OUTDATED" if self.reason else "CURRENT",
        "StatusReason": self.reason,
        "StackInstanceStatus": {"DetailedStatus": "FAILED" if self.reason else "SUCCEEDED"},
    }


def _find(self: Any, account: str, region: str) -> Any:
    for each in self.stack_instances:
        if (each.account_id, each.region_name) == (account, region):
            return each
    return None


def _result(instance: Any, account: str, region: str) -> dict[str, Any]:
    reason = instance.reason if instance else ""
    status = "FAILED" if reason else "SUCCEEDED"
    return {"Account": account, "Region": region, "Status": status, "StatusReason": reason}


def _list_results(response: Any) -> ActionResult:
    operation = response.cloudformation_backend.list_stack_set_operation_results(
        response._get_param("StackSetName"), response._get_param("OperationId")
    )
    return ActionResult({"Summaries": operation["Results"]})
