"""What the builds of a pipeline run, as buildspecs."""

from __future__ import annotations

from collections.abc import Sequence

from ..builds.buildspec import buildspec_text
from .params import Params

SUMMARY = 700
"""Characters of a preview in an approval. With the address of the log, its text stays below what
the configuration of an action accepts."""

IMAGES = "IMAGES"
"""The variable with the options of `moorage deploy` for the new images."""

PUSHED = "PUSHED_IMAGES"
"""The same for images that are pushed to the pipeline, for the step that builds the others."""

_PROFILE = """\
export AWS_CONFIG_FILE="$HOME/deploy-config"
printf '[profile deploy]\\nrole_arn = %s\\ncredential_source = EcsContainer\\n' \\
  "$DEPLOY_ROLE" > "$AWS_CONFIG_FILE"
"""
"""A profile that assumes the role of the environment with the credentials of the build (AWS SDKs
and Tools reference guide, "Assume role credential provider"). They are renewed during a long
deployment."""


MOORAGE = "python3 -m moorage"
"""The image of CodeBuild finds a program of a package only after `pyenv rehash`."""


def _text(params: Params, commands: Sequence[str], exported: Sequence[str] = ()) -> str:
    folder = "" if params.directory == "." else f"/{params.directory}"
    enter = f'cd "$CODEBUILD_SRC_DIR{folder}"'
    phases = {"install": [enter, *params.install], "build": [enter, *commands]}
    return buildspec_text(phases, python=params.environment_image is None, exported=exported)


def test_buildspec(params: Params) -> str:
    """Tests and checks, for pushes and pull requests."""
    return _text(params, [*params.test, *params.check])


def images_buildspec(params: Params) -> str:
    """Builds and pushes the images, and builds and checks all environments with them, before the
    first one is deployed. CodePipeline passes the options for the images on."""
    assert params.build is not None
    tag = 'TAG=$(printf %s "$CODEBUILD_RESOLVED_SOURCE_VERSION" | cut -c 1-12) && test -n "$TAG"'
    project = params.build.project
    folder = f'--project "$CODEBUILD_SRC_DIR/{project}" ' if project else ""
    push = f"""\
IMAGES=$({MOORAGE} image push {params.build.environment} {" ".join(params.build.stacks)} \\
  --params {params.params} {folder}--tag "$TAG" --format options) && export IMAGES
"""
    return _text(params, [tag, push, _build_all(params)], exported=[IMAGES])


def _build_all(params: Params) -> str:
    names = " ".join(params.deployed)
    images = f"${PUSHED} ${IMAGES}"
    return f'{MOORAGE} build {names} --params {params.params} --out "$HOME/out" {images}'


def preview_buildspec(params: Params) -> str:
    """Shows what would change, and passes on a summary of it in one line, for the approval: the
    stacks, then what is replaced, then the rest as far as there is space.

    The summary has no characters with a meaning in JSON or in CodePipeline's variables."""
    diff = _command(params, "diff", "")
    summary = f"""\
PREVIEW=$({{ sed '/^ /d; /^$/d' "$HOME/preview"; sed -n '/REPLACED/p' "$HOME/preview"
    sed -n '/REPLACED/d; /^ /p' "$HOME/preview"; }} | sed 's/$/ |/' | tr -s '\\n ' ' ' \\
  | tr -cd 'A-Za-z0-9 .,:;|+~()/_=>@*-' | cut -c 1-{SUMMARY}) && export PREVIEW
export LOG="$CODEBUILD_BUILD_URL"
"""
    show = f'set -o pipefail\n{diff} | tee "$HOME/preview"'
    return _text(params, [_PROFILE, show, summary], exported=["PREVIEW", "LOG"])


def deploy_buildspec(params: Params) -> str:
    """Deploys the environment."""
    return _text(params, [_PROFILE, _command(params, "deploy", "--yes ")])


def _command(params: Params, command: str, options: str) -> str:
    words = f'{MOORAGE} {command} "$ENVIRONMENT" $STACKS {options}--profile deploy'
    return f"{words} --params {params.params} $IMAGES"
