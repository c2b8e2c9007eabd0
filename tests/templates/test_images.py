"""Images of repositories that an `ecr` stack of the environment creates, and of others."""

from __future__ import annotations

from typing import Any

from stack_bodies import build_bodies, properties, service

from templates import TEMPLATES

REGISTRY = {"template": "ecr", "repositories": {"shop/web": {}}}


def image_of(body: dict[str, Any]) -> Any:
    task_definition = properties(body["Resources"], "TaskDefinition")
    return task_definition["ContainerDefinitions"][0]["Image"]


def test_the_uri_of_a_repository_of_the_environment_is_imported() -> None:
    export = {"Fn::ImportValue": "shop-dev-registry-ShopWebRepositoryUri"}
    bodies = build_bodies(registry=REGISTRY, web=service())
    assert image_of(bodies["web"]) == {"Fn::Sub": ["${Repository}:1", {"Repository": export}]}


def test_any_other_ecr_image_is_in_the_registry_of_the_account() -> None:
    host = "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}"
    for name in ("shop/web-2", "web"):
        bodies = build_bodies(registry=REGISTRY, web=service(container={"image": f"ecr:{name}:1"}))
        assert image_of(bodies["web"]) == {"Fn::Sub": f"{host}/{name}:1"}


def test_the_permission_to_pull_is_the_same_for_both() -> None:
    roles = [
        properties(bodies["web"]["Resources"], "ExecutionRole")
        for bodies in (build_bodies(web=service()), build_bodies(registry=REGISTRY, web=service()))
    ]
    assert roles[0] == roles[1]


def test_no_kind_of_stack_has_both_repositories_and_containers() -> None:
    for kind, module in TEMPLATES.items():
        fields = module.Params.model_fields
        assert not {"repositories", "containers"} <= fields.keys(), kind
