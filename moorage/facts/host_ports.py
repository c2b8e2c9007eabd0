"""Ports of container instances that ECS and Docker use themselves.

Amazon ECS API reference, PortMapping, hostPort (botocore 1.44.5, read on 2026-11-27).
"""

from __future__ import annotations

DYNAMIC_HOST_PORTS = (32768, 65535)
"""The first and the last of the ports from which Docker picks one where a host port is 0 or left
out. Linux has 32768 to 60999 for it (`ip_local_port_range`), and where that cannot be read Docker
picks from 49153 to 65535."""

RESERVED_HOST_PORTS = (22, 2375, 2376, 51678, 51679, 51680)
"""The ports of SSH, Docker and the ECS agent."""
