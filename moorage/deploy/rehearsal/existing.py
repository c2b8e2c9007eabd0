"""Creates what templates expect to exist: certificates, and the images of repositories."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from moto.acm.models import acm_backends

from moorage.deploy.aws import Aws
from moorage.deploy.target import Target

_CERTIFICATE = re.compile(
    r"arn:aws[a-z-]*:acm:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12}):certificate/[0-9a-f-]{36}"
)
_IMAGE = re.compile(
    r"(?:[0-9]{12}|\$\{AWS::AccountId\})\.dkr\.ecr\.[^/\s]+/(?P<name>[a-z0-9._/-]+):(?P<tag>[\w.-]+)",
    re.ASCII,
)
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def create_what_exists(aws: Aws, target: Target) -> list[str]:
    """Creates the certificates and images that the templates name, in the server of this process.
    Returns what they are, for the user."""
    made = []
    for match in _find(target, _CERTIFICATE):
        _create_certificate(match["account"], match["region"], match[0])
        made.append(f"certificate {match[0]}")
    for match in _find(target, _IMAGE):
        _push_image(aws, match["name"], match["tag"])
        made.append(f"image {match['name']}:{match['tag']}")
    return made


def _find(target: Target, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
    seen = set()
    for stack in target.stacks:
        for match in pattern.finditer(json.dumps(stack.body, default=str)):
            if match[0] not in seen:
                seen.add(match[0])
                yield match


def _create_certificate(account: str, region: str, arn: str) -> None:
    """ACM chooses the ARN of a certificate, so it is put at the one that the template has."""
    backend: Any = acm_backends[account][region]
    created = backend.request_certificate("rehearsal.example", None, [], [])
    backend._certificates[arn] = backend._certificates[created]


def _push_image(aws: Aws, name: str, tag: str) -> None:
    ecr: Any = aws.session.client("ecr", endpoint_url=aws.endpoint_url)
    with suppress(ecr.exceptions.RepositoryAlreadyExistsException):
        ecr.create_repository(repositoryName=name)
    manifest = {"schemaVersion": 2, "mediaType": _MANIFEST, "config": {}, "layers": [], "tag": tag}
    ecr.put_image(repositoryName=name, imageTag=tag, imageManifest=json.dumps(manifest))
