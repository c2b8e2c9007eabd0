"""Registries whose images ECR caches.

Amazon ECR API reference, CreatePullThroughCacheRule, upstreamRegistry and upstreamRegistryUrl
(botocore 1.44.5, read on 2026-11-27).
"""

from __future__ import annotations

UPSTREAM_REGISTRIES = {
    "ecr": r"[0-9]{12}\.dkr\.ecr(?:-fips)?\.[a-z0-9-]+\.amazonaws\.[a-z.]+",
    "ecr-public": r"public\.ecr\.aws",
    "quay": r"quay\.io",
    "k8s": r"registry\.k8s\.io",
    "docker-hub": r"registry-1\.docker\.io",
    "github-container-registry": r"ghcr\.io",
    "azure-container-registry": r"[a-z0-9]+\.azurecr\.(?:io|us|cn)",
    "gitlab-container-registry": r"registry\.gitlab\.com",
    "chainguard": r"cgr\.dev",
}
"""The hosts of each kind of registry, as regular expressions."""

OPEN = ("public.ecr.aws", "quay.io", "registry.k8s.io")
"""Hosts without login."""

WITH_SECRET = ("registry-1.docker.io", "ghcr.io", "registry.gitlab.com", "cgr.dev")
"""Hosts to which ECR logs in with a secret."""
