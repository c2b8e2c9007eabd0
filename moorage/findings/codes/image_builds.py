"""M1800 to M1899: images that are built."""

from __future__ import annotations

from moorage.findings.codes.code import Code

_DOCKER = 'Docker documentation, "docker buildx build"'

CODES: tuple[Code, ...] = (
    Code(
        "M1801",
        "The value is not a path in the project.",
        "Images are built from files below the folder that contains `params/`. A path that leads "
        "out of it would put files of the machine that builds into an image. Commas, colons and "
        "quotes separate options of the programs that build.",
        "Write a path relative to the folder of the project. For code in another folder, "
        "`moorage image` has the option `--project DIR`.",
        """\
containers:
  web:
    image: ecr:shop/web
    build: {context: services/web, dockerfile: docker/web.Dockerfile}  # no `..`, no leading `/`
""",
    ),
    Code(
        "M1802",
        "The value is not the place of a build secret.",
        "Params never contain the secret itself. They name an environment variable of the machine "
        "that builds, or a file of the project that is not committed.",
        "Write `env:NAME` or `file:PATH`.",
        """\
containers:
  web:
    image: ecr:shop/web
    build:
      context: .
      secrets: {npm: "env:NPM_TOKEN"}  # RUN --mount=type=secret,id=npm in the Dockerfile
""",
        (_DOCKER,),
    ),
    Code(
        "M1803",
        "The value is not a cache for the layers of images.",
        "Layers of earlier builds are kept in an image of their own in a registry, in the cache of "
        "GitHub Actions, or inside the image (`type=inline`). Other caches write to the machine "
        "that builds.",
        "Write an image, `type=gha` or `type=inline`.",
        """\
containers:
  web:
    image: ecr:shop/web
    build:
      context: .
      cache_from: [ecr:shop/web:cache]
      cache_to: [ecr:shop/web:cache]  # an image with the layers
""",
        ('Docker documentation, "Cache storage backends"',),
    ),
    Code(
        "M1804",
        "The image has `build:` and is not in ECR.",
        "`moorage image push` logs in to ECR and pushes what it builds to the repository of "
        "`image:`. It cannot push to other registries.",
        "Write a repository of ECR in `image:`, or remove `build:`.",
        """\
containers:
  web:
    image: ecr:shop/web  # or 123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop/web
    build: .
""",
    ),
    Code(
        "M1805",
        "The image is not built for the CPU of the tasks.",
        "An image contains programs for a CPU architecture. On another one, the container ends "
        "with `exec format error`.",
        "Add the platform of `cpu_architecture`, or remove `platforms:`, whose default it is.",
        """\
stacks:
  network: {}
  cluster: {}
  web:
    template: service
    cpu_architecture: ARM64
    containers:
      web:
        image: ecr:shop/web:1.4.2
        build: {context: ., platforms: [linux/amd64, linux/arm64]}  # ARM64 is linux/arm64
""",
    ),
    Code(
        "M1806",
        "Two different images are built for one repository.",
        "With `--tag`, all images of an environment are pushed under the same tag, so the second "
        "one would replace the first, or be refused by a repository whose tags cannot be moved. "
        "And `--image` of one container would fit the other.",
        "Write the same `build:` for both containers, or another repository for each.",
        """\
stacks:
  network: {}
  cluster: {}
  web:
    template: service
    containers:
      web:
        image: ecr:shop/web:1.4.2
        build: {context: ., target: web}
  mailer:
    template: worker
    containers:
      mailer:
        image: ecr:shop/mailer:1.4.2  # a repository of its own
        build: {context: ., target: mailer}
""",
    ),
)
