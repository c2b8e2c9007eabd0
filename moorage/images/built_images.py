"""The images that were built or pushed, as text, as JSON and as options."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from moorage.images.planned import PlannedImage, image_options
from moorage.records import record


@record
class BuiltImage:
    """An image that was built, or pushed if it has a digest."""

    image: PlannedImage
    uri: str
    """Its name without the tag."""
    tag: str
    digest: str = ""
    existed: bool = False
    """Whether it was in ECR already, so that it was not built."""

    @property
    def reference(self) -> str:
        return f"{self.uri}:{self.tag}"


def deploy_options(built: Sequence[BuiltImage]) -> list[str]:
    """The options that deploy the images that were pushed."""
    return image_options((each.image, each.digest) for each in built if each.digest)


def built_text(env: str, built: Sequence[BuiltImage]) -> str:
    """What was built, and the command that deploys it if it was pushed."""
    lines = []
    for each in built:
        platforms = ", ".join(each.image.build.platforms)
        what = "was in ECR already" if each.existed else f"built for {platforms}"
        lines.append(f"{each.reference}: {what}")
        if each.digest:
            lines.append(f"  {each.digest}")
    if all(each.digest for each in built):
        lines += ["To deploy:", f"  moorage deploy {env} {shlex.join(deploy_options(built))}"]
    return "\n".join(lines)


def built_json(env: str, built: Sequence[BuiltImage]) -> str:
    images = [
        {
            "containers": list(each.image.containers),
            "repository": each.image.build.repository,
            "uri": each.uri,
            "tag": each.tag,
            "digest": each.digest or None,
            "platforms": list(each.image.build.platforms),
            "existed": each.existed,
        }
        for each in built
    ]
    content = {"environment": env, "images": images, "options": deploy_options(built)}
    return json.dumps(content, indent=2)
