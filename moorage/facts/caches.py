"""Caches of Amazon ElastiCache.

Amazon ElastiCache API reference, CreateServerlessCache and CreateReplicationGroup (botocore 1.44.8,
read on 2026-11-27), where no other source is named.
"""

from __future__ import annotations

from collections.abc import Mapping

VALKEY_VERSIONS: Mapping[str, str] = {"9": "9.0", "8": "8.2", "7": "7.2"}
"""The version of node-based caches by the major version, which serverless caches take. Amazon
ElastiCache user guide, "Engine specific parameters"."""

DEFAULT_VALKEY_VERSION = "8"

VALKEY_PORT = 6379
READER_PORT = 6380
"""Port of a serverless cache for reads that may be older. Amazon ElastiCache user guide, "Create a
Valkey serverless cache": both must be open."""

MAX_NAME = 40
"""Characters of the name of a serverless cache or a replication group."""

SERVERLESS_ZONES = (2, 3)
"""The least and the greatest number of subnets of a serverless cache, each in another Availability
Zone."""

MAX_REPLICAS = 5

MAX_SNAPSHOT_DAYS = 35

ECPUS = (1_000, 15_000_000)
"""The least and the greatest limit of ElastiCache processing units per second of a serverless
cache. hashicorp/terraform-provider-aws, aws_elasticache_serverless_cache (read on 2026-11-27)."""

NODE_TYPE = r"cache\.[a-z][a-z0-9]+\.(micro|small|medium|x?large|[0-9]{1,2}xlarge)"
