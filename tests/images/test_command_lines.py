"""What the command lines of each program have, and which images there are."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from moorage.images.command_lines import (
    Tool,
    UnsupportedError,
    build_commands,
    ignored_caches,
)
from moorage.images.planned import image_options, name_tag, plan_images
from moorage.plan import ImageBuild

BUILD = ImageBuild(
    container="web",
    repository="shop/web",
    account=None,
    region=None,
    context="services/web",
    dockerfile="services/web/Dockerfile",
    target=None,
    args=(),
    secrets=(),
    platforms=("linux/amd64",),
    cache_from=(),
    cache_to=(),
)
BUILDX = Tool("docker", "docker", buildx=True)
DOCKER = Tool("docker", "docker")
TOOLS = [BUILDX, DOCKER, *(Tool(name, name) for name in ("podman", "finch", "buildah"))]  # type: ignore[arg-type]


def lines(tool: Tool, build: ImageBuild, *, push: bool = True) -> list[str]:
    return [" ".join(each.words) for each in build_commands(tool, build, "r:1", push=push)]


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: f"{tool.name}-{tool.buildx}")
def test_a_simple_build(tool: Tool) -> None:
    command, *rest = lines(tool, BUILD, push=False)
    assert rest == []
    assert "--platform linux/amd64 --file ./services/web/Dockerfile --tag r:1" in command
    assert command.endswith(" ./services/web")
    assert "push" not in command
    assert "push" in " ".join(lines(tool, BUILD))


@pytest.mark.parametrize(
    "change",
    [
        {"args": (("A", "x y; rm -rf /"), ("B", "--help"))},
        {"secrets": (("npm", "env:NPM_TOKEN"), ("rc", "file:-x/.npmrc"))},
        {"context": "-", "dockerfile": "--file"},
    ],
)
def test_values_are_never_options(change: dict[str, Any]) -> None:
    (command,) = build_commands(BUILDX, replace(BUILD, **change), "r:1", push=True)
    options = command.words[3:-1]
    names = [word for word in options if word.startswith("--")]
    known = {"--platform", "--file", "--tag", "--build-arg", "--secret", "--provenance=false"}
    assert set(names) <= known | {"--push"}
    assert command.words[-1].startswith("./")
    assert all(isinstance(word, str) for word in command.words)


def test_a_target_and_secrets() -> None:
    secrets = (("npm", "env:NPM_TOKEN"), ("rc", "file:web/.npmrc"))
    build = replace(BUILD, target="final", secrets=secrets)
    expected = "--target final --secret id=npm,env=NPM_TOKEN --secret id=rc,src=./web/.npmrc"
    for tool in TOOLS:
        if tool is DOCKER:
            with pytest.raises(UnsupportedError, match="plugin buildx for build secrets"):
                lines(tool, build)
        else:
            assert expected in lines(tool, build)[0]


def test_caches() -> None:
    cache = "localhost:5000/shop/web:cache"
    build = replace(BUILD, cache_from=(cache, "type=gha"), cache_to=(cache, "type=gha"))
    assert f"--cache-from {cache} " in lines(DOCKER, build)[0]
    assert "--cache-to" not in lines(DOCKER, build)[0]
    assert ignored_caches(DOCKER, build) == ["type=gha", cache]
    podman = Tool("podman", "podman")
    name = "localhost:5000/shop/web"
    assert f"--layers --cache-from {name} --cache-to {name} ." in lines(podman, build)[0]
    assert ignored_caches(podman, build) == ["type=gha"]
    assert ignored_caches(BUILDX, build) == []
    assert "--cache-to type=gha" in lines(BUILDX, build)[0]


def test_images_of_several_platforms_need_a_builder_that_has_them() -> None:
    build = replace(BUILD, platforms=("linux/amd64", "linux/arm64"))
    with pytest.raises(UnsupportedError, match="plugin buildx for several platforms"):
        lines(DOCKER, build)
    assert "--load" in lines(BUILDX, BUILD, push=False)[0]
    assert "--load" not in lines(BUILDX, build, push=False)[0]


def test_containers_share_an_image() -> None:
    arm = replace(BUILD, container="app", platforms=("linux/arm64",), cache_from=("type=gha",))
    other = replace(BUILD, container="tools", repository="shop/tools")
    stacks = {"web": [BUILD, other], "mailer": [arm]}
    sizes = {"web": 2, "mailer": 1}
    tools, web = plan_images(stacks, sizes)
    assert web.containers == ("mailer", "web")
    assert web.build.platforms == ("linux/amd64", "linux/arm64")
    assert web.build.cache_from == ("type=gha",)
    assert tools.containers == ("web/tools",)
    assert plan_images(stacks, sizes, ["mailer"]) == (web,), "also for the stacks not chosen"
    assert image_options([(tools, "7"), (web, "8")]) == [
        *("--image", "mailer=8"),
        *("--image", "web=8"),
        *("--image", "web/tools=7"),
    ]
    far = replace(BUILD, account="210987654321")
    assert len(plan_images({"web": [BUILD], "far": [far]}, {"web": 1, "far": 1})) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"platforms": ("linux/arm64",)},
        {"target": "final"},
        {"args": (("MODE", "prod"),)},
        {"context": "services"},
        {"dockerfile": "Dockerfile"},
    ],
)
def test_another_build_of_a_commit_has_another_tag(change: dict[str, Any]) -> None:
    tag = name_tag("0123456789ab", BUILD)
    assert re.fullmatch("0123456789ab-[0-9a-f]{8}", tag)
    assert name_tag("0123456789ab", replace(BUILD, **change)) != tag
    same = replace(BUILD, container="other", cache_from=("type=gha",))
    assert name_tag("0123456789ab", same) == tag
