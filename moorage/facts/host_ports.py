"""Ports of container instances that ECS and Docker use themselves.

Amazon ECS API reference, PortMapping, hostPort (botocore 1.44.5, read on 2026-11-27).
"""

from __future__ import annotations

DYNAMIC_HOST_PORTS = (32768, 65535)
"""The range from which Docker picks a port if a host port is 0 or left out: 32768 to 60999 on Linux
(`ip_local_port_range`), or 49153 to 65535 if that setting cannot be read."""

RESERVED_HOST_PORTS = (22, 2375, 2376, 51678, 51679, 51680)
"""The ports of SSH, Docker and the ECS agent."""
