"""Images of repositories that an `ecr` stack of the environment creates, and of others."""

from __future__ import annotations

from typing import Any

import pytest
from stack_bodies import build_bodies, properties, service

from moorage.pipeline.compose import compose
from moorage.pipeline.load import Document
from moorage.pipeline.render import render
from moorage.pipeline.validate import validate
from templates import TEMPLATES
from templates.tasks import images

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


def statements(body: dict[str, Any]) -> dict[str, Any]:
    """The statements of the execution role by their Sid."""
    (policy,) = properties(body["Resources"], "ExecutionRole")["Policies"]
    return {one["Sid"]: one for one in policy["PolicyDocument"]["Statement"]}


def repository(name: str, account: str = "${AWS::AccountId}") -> dict[str, str]:
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:ecr:${{AWS::Region}}:{account}:repository/{name}"}


def test_images_of_a_pull_through_cache_can_be_imported() -> None:
    cached = {"image": "ecr:docker-hub/library/nginx:1.27.3"}
    rule = {"pull_through_cache": ["docker-hub", "quay"]}
    web = build_bodies(web=service(container=cached, **rule))["web"]
    assert statements(web)["ImportImages"] == {
        "Sid": "ImportImages",
        "Effect": "Allow",
        "Action": ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"],
        "Resource": [repository("docker-hub/library/nginx")],
    }
    for other in (
        service(container=cached),
        service(**rule),
        service(container={"image": "ecr:docker-hub-2/x:1"}, **rule),
    ):
        assert "ImportImages" not in statements(build_bodies(web=other)["web"])


def test_the_image_of_the_agent_of_guardduty_can_be_pulled() -> None:
    agent = repository("aws-guardduty-agent-fargate", "323658145986")
    web = build_bodies(web=service(runtime_monitoring=True))["web"]
    assert statements(web)["PullImages"]["Resource"] == [repository("shop/web"), agent]
    public = {"image": "public.ecr.aws/docker/library/busybox:1.37"}
    web = build_bodies(web=service(container=public, runtime_monitoring=True))["web"]
    assert statements(web)["PullImages"]["Resource"] == [agent]
    assert statements(web)["EcrToken"]["Action"] == ["ecr:GetAuthorizationToken"]
    assert statements(build_bodies(web=service())["web"])["PullImages"]["Resource"] == [
        repository("shop/web")
    ]


@pytest.mark.parametrize(("written", "granted"), [(None, True), (True, True), (False, False)])
def test_runtime_monitoring_at_the_top_is_the_default(written: bool | None, granted: bool) -> None:
    stack = service() if written is None else service(runtime_monitoring=written)
    stacks = {"network": {}, "cluster": {}, "web": stack}
    data = {"app": "shop", "region": "eu-central-1", "runtime_monitoring": True, "stacks": stacks}
    document = Document("dev", "params/dev.yaml", data, {})
    env, findings = validate(document, TEMPLATES)
    assert env is not None, findings
    (web,) = [stack for stack in compose(env, TEMPLATES) if stack.name == "web"]
    rendering, _ = render(web, document, "yaml")
    assert rendering is not None
    resources = statements(dict(rendering.body))["PullImages"]["Resource"]
    assert (len(resources) == 2) is granted


def test_the_agent_is_in_any_account_where_the_region_is_not_known() -> None:
    assert images.agent_repository("xx-nowhere-1").account == "*"
