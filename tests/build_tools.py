"""Stand-ins for docker, podman, finch and buildah on the PATH. They record how they are called, and
put a manifest into ECR, as a server on loopback implements it, where the real ones would push."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PROGRAM = """\
#!{python} -SE
import json, os, pathlib, sys
name, words = pathlib.Path(sys.argv[0]).name, sys.argv[1:]
settings = json.loads(pathlib.Path({settings!r}).read_text())
call = {{"words": [name, *words], "folder": os.getcwd(), "stdin": ""}}
if "--password-stdin" in words:
    call["stdin"] = sys.stdin.read()
answers = settings["answers"]
line = " ".join(call["words"])
key = max((key for key in answers if line.startswith(key)), key=len, default="")
text, code = answers.get(key, ["", 0])
if "version" not in line:
    with open({calls!r}, "a") as file:
        file.write(json.dumps(call) + "\\n")
print(text, flush=True)
if settings["sleep"] and "build" in words:
    import time
    time.sleep(settings["sleep"])
pushed = [word for word in words if ".dkr.ecr." in word and "/" in word and ":" in word][:1]
pushed = [after for word, after in zip(words, words[1:]) if word == "--tag"] or pushed
pushes = code == 0 and settings["ecr"] and ("push" in words or "--push" in words)
first = pushed[0].rpartition(":")[2] if pushed else ""
for image in pushed if pushes else ():
    import hashlib, urllib.request
    host, _, rest = image.removeprefix("docker://").partition("/")
    repository, _, tag = rest.rpartition(":")
    layer = {{"mediaType": "application/vnd.oci.image.layer.v1.tar", "size": 1,
             "digest": "sha256:" + hashlib.sha256(first.encode()).hexdigest()}}
    manifest = {{"schemaVersion": 2, "layers": [layer], "config": layer,
                "mediaType": "application/vnd.oci.image.manifest.v1+json"}}
    body = {{"repositoryName": repository, "imageTag": tag, "imageManifest": json.dumps(manifest)}}
    region = host.split(".")[3]
    scope = "Credential=test/20260101/" + region + "/ecr/aws4_request"
    request = urllib.request.Request(settings["ecr"], json.dumps(body).encode(), {{
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "AmazonEC2ContainerRegistry_V20150921.PutImage",
        "Authorization": "AWS4-HMAC-SHA256 " + scope + ", SignedHeaders=host, Signature=0",
    }})
    urllib.request.urlopen(request).read()
sys.exit(code)
"""

BUILDX = {"docker --version": ["Docker version 28.2.2", 0], "docker buildx version": ["buildx", 0]}
"""The answers of a docker that has the plugin buildx."""
NO_BUILDX = {"docker --version": ["Docker version 28.2.2", 0], "docker buildx version": ["", 1]}


@dataclass(frozen=True)
class Tools:
    """The folder with the stand-ins."""

    folder: Path

    def install(self, *names: str, **settings: Any) -> None:
        """Puts programs into the folder, which is to be the PATH, and git. The settings are those
        of `set`."""
        self.folder.mkdir(exist_ok=True)
        text = _PROGRAM.format(
            python=sys.executable,
            settings=str(self.folder / "settings.json"),
            calls=str(self.folder / "calls"),
        )
        for name in names:
            path = self.folder / name
            path.write_text(text)
            path.chmod(0o755)
        git = shutil.which("git", path=os.defpath) or "git"
        if not (self.folder / "git").exists():
            (self.folder / "git").symlink_to(git)
        self.set(**settings)

    def set(self, answers: Any = BUILDX, ecr: str = "", sleep: float = 0) -> None:
        """`answers` has the output and exit code of commands by their first words, `ecr` the
        address of ECR, and `sleep` the seconds that a build takes."""
        settings = {"answers": answers, "ecr": ecr, "sleep": sleep}
        (self.folder / "settings.json").write_text(json.dumps(settings))

    def calls(self) -> list[dict[str, Any]]:
        """The calls since the last time, apart from those that ask for versions."""
        path = self.folder / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [json.loads(line) for line in lines]

    def lines(self) -> list[str]:
        """The command lines since the last time."""
        return [" ".join(call["words"]) for call in self.calls()]


def commit(folder: Path) -> None:
    """Makes a folder a git repository with one commit."""
    author = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for words in (["init", "-q"], ["add", "."], [*author, "commit", "-qm", "initial"]):
        subprocess.run(["git", "-C", str(folder), *words], check=True)
