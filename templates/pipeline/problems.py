"""Problems of a pipeline."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.facts.codebuild import MAX_PROJECT_NAME
from moorage.facts.codepipeline import (
    MAX_ACTION_NAME,
    MAX_CONFIGURATION_VALUE,
    MAX_PIPELINE_NAME,
    MAX_STAGE_NAME,
)
from moorage.findings.finding import Path, Problem
from moorage.model import Environment, logical_id

from .. import notifications
from ..builds.filters import pipeline_trigger_problems, trigger_problems
from ..builds.params import build_problems
from ..builds.source import source_problems
from ..common.regions import key_region_problems
from ..common.stack_lookup import find_stack_problems
from .params import Params
from .stages import image_namespace, project_id, pushed_image_options, variables_text

_DAY = 86_400


def pipeline_problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """Problems of a pipeline."""
    yield from _name_problems(env.stack_name(name), params)
    yield from source_problems(params.source, ("source",))
    yield from build_problems(params, env)
    yield from key_region_problems(params.artifact_key, ("artifact_key",), env)
    if params.expire_artifacts_after % _DAY:
        message = "S3 counts the age of objects in days"
        hint = f"Write `{params.expire_artifacts_after // _DAY + 1}d`."
        yield Problem("M3705", ("expire_artifacts_after",), message, hint)
    yield from _trigger_problems(params)
    yield from _environment_problems(name, params, env)
    yield from _image_problems(params)
    if params.execution_mode == "PARALLEL":
        message = "Executions that run in parallel would deploy the same stacks at once"
        hint = "Write `execution_mode: QUEUED` or `SUPERSEDED`."
        yield Problem("M3715", ("execution_mode",), message, hint)
    if params.notify:
        yield from find_stack_problems(
            env, notifications.Params, params.notify.to, ("notify", "to"), "notifications"
        )


def _name_problems(pipeline: str, params: Params) -> Iterator[Problem]:
    """Names that are too long, or that are the same for two entries."""
    yield from _length_problems("pipeline", pipeline, MAX_PIPELINE_NAME, ())
    titles: dict[str, str] = {}
    for index, name in enumerate(params.deployed):
        path: Path = ("environments", index)
        project = f"{pipeline}-preview-{name}"
        if len(pipeline) <= MAX_PIPELINE_NAME:
            yield from _length_problems("project", project, MAX_PROJECT_NAME, path)
        yield from _length_problems("stage", f"Approve-{name}", MAX_STAGE_NAME, path)
        yield from _repeat_problems(project_id("Deploy", name), name, titles, path)
    for target in params.pushed_images:
        path = ("pushed_images", target)
        action = image_namespace(target)
        yield from _length_problems("action", action, MAX_ACTION_NAME, path)
        yield from _repeat_problems(logical_id(action, "Rule"), target, titles, path)


def _length_problems(kind: str, name: str, limit: int, path: Path) -> Iterator[Problem]:
    if len(name) > limit:
        message = f"The name of the {kind}, `{name}`, has {len(name)} characters"
        yield Problem("M3714", path, message, f"Shorten it: AWS accepts {limit}.")


def _repeat_problems(
    title: str, name: str, titles: dict[str, str], path: Path
) -> Iterator[Problem]:
    if title in titles:
        message = f"`{titles[title]}` and `{name}` result in the same logical ID {title}"
        yield Problem("M1302", path, message, "Rename one of them.")
    titles.setdefault(title, name)


def _trigger_problems(params: Params) -> Iterator[Problem]:
    if params.source.codecommit:
        for key in ("triggers", "pull_requests"):
            if getattr(params, key):
                message = (
                    f"`{key}` needs a repository on GitHub, GitLab or Bitbucket; in CodeCommit "
                )
                message += "a push to the branch of the source starts the pipeline"
                yield Problem("M3712", (key,), message, f"Remove `{key}`.")
        return
    for index, trigger in enumerate(params.triggers):
        yield from trigger_problems(trigger, ("triggers", index))
    yield from pipeline_trigger_problems(params.triggers, ("triggers",))


def _environment_problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    for index, (other, deployed) in enumerate(params.deployed.items()):
        path: Path = ("environments", index)
        if other == env.name and (not deployed.stacks or name in deployed.stacks):
            message = f"The pipeline would update itself while it deploys `{other}`"
            hint = "Name the other stacks in `stacks:`, or move the pipeline to a params file of "
            hint += "its own in another folder."
            yield Problem("M3716", path, message, hint)
        if deployed.approval and deployed.approval.timeout % 60:
            message = "CodePipeline counts the timeout of an approval in minutes"
            hint = f"Write `{deployed.approval.timeout // 60 + 1}m`."
            yield Problem("M3705", (*path, "approval", "timeout"), message, hint)
        if deployed.preview_role and not deployed.approval:
            message = "There is no preview without an approval"
            hint = "Write `approval: true`, or remove `preview_role`."
            because = [(*path, "approval")]
            yield Problem("M3718", (*path, "preview_role"), message, hint, because=because)


def _image_problems(params: Params) -> Iterator[Problem]:
    """Images that come from two places, or that are too many for one value."""
    for target in params.pushed_images:
        if params.build and target.split("/")[0] in params.build.stacks:
            message = f"The image of `{target}` is built by the pipeline and also pushed to it"
            because = [("build", "stacks")]
            hint = "Remove one of the two."
            yield Problem("M3717", ("pushed_images", target), message, hint, because=because)
    length = len(variables_text({"IMAGES": pushed_image_options(params)}))
    if length > MAX_CONFIGURATION_VALUE:
        message = f"Their digests would take {length} characters of the configuration of an action,"
        message += f" which has at most {MAX_CONFIGURATION_VALUE}"
        yield Problem("M3719", ("pushed_images",), message, "Split them over several pipelines.")
