"""Projects of CodeBuild and pipelines of CodePipeline. Requests are checked against the models of
their APIs, which have more than moto accepts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.codebuild import responses

from moorage.deploy.rehearsal.resources import Api, Properties, Resource, check_request, without

_RENAMED = {"BuildSpec": "buildspec"}
_KEPT = ("Configuration",)
"""Maps whose keys are not names of the API."""


def correct_builds() -> None:
    """moto requires a location of sources and artifacts that have none, and knows fewer sources and
    sizes than CodeBuild. Requests are checked before they reach it."""
    patched: Any = responses
    for part in ("source", "artifacts", "environment"):
        setattr(patched, f"_validate_required_params_{part}", lambda _: None)


def project(api: Api, name: str, request: Properties) -> Resource:
    """A project. moto has no webhooks, so only the request for one is checked."""
    codebuild = api("codebuild")
    name = request.get("Name", name)
    properties = {"name": name, **_for_api(without(request, "Name", "Triggers"))}
    if triggers := _for_api(request.get("Triggers", {})):
        triggers = without(triggers, "webhook")
        check_request(codebuild, "CreateWebhook", {"projectName": name, **triggers})
    created = codebuild.create_project(**properties)["project"]
    return Resource(name, Arn=created["arn"], Id=name)


def updated_project(api: Api, old: Resource, request: Properties) -> Resource:
    """The project with other properties, for which moto has no request."""
    api("codebuild").delete_project(name=old.physical_resource_id)
    return project(api, old.physical_resource_id, request)


def pipeline(api: Api, name: str, request: Properties) -> Resource:
    properties = {"name": request.get("Name", name), **_pipeline(request)}
    api("codepipeline").create_pipeline(pipeline=properties)
    return Resource(properties["name"], Version="1")


def updated_pipeline(api: Api, old: Resource, request: Properties) -> Resource:
    name = old.physical_resource_id
    version = api("codepipeline").update_pipeline(pipeline={"name": name, **_pipeline(request)})
    return Resource(name, Version=str(version["pipeline"]["version"]))


def _pipeline(request: Properties) -> dict[str, Any]:
    properties: dict[str, Any] = _for_api(without(request, "Name", "RestartExecutionOnUpdate"))
    return properties


def _for_api(value: Any) -> Any:
    """Properties by the names of the APIs, which begin with a small letter."""
    if isinstance(value, Mapping):
        return {
            _RENAMED.get(key, key[0].lower() + key[1:]): item if key in _KEPT else _for_api(item)
            for key, item in value.items()
        }
    return [_for_api(item) for item in value] if isinstance(value, list) else value
