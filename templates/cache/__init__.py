"""A cache with Valkey: serverless, or with nodes.

sessions:
  template: cache
  limits: {storage: 10}

The cache is in the private subnets of the network. It accepts TLS only, and its security group lets
in only the tasks that name it in `uses:`; there are no users and passwords.
"""

from __future__ import annotations

from .params import Params
from .problems import problems
from .resources import compose

__all__ = ["Params", "compose", "problems"]
