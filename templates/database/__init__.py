"""A database: a DB instance of RDS or an Aurora cluster, with PostgreSQL or MySQL.

shop-db:
  template: database
  engine: postgresql
  instance_class: db.t4g.medium
  storage: {size: 50, max_size: 500}
  multi_az: true

The database is in the private subnets of the network. It accepts TLS only, and its security group
lets in only the tasks that name it in `uses:`. The password is generated in Secrets Manager.
"""

from __future__ import annotations

from .params import Params
from .problems import problems
from .resources import compose

__all__ = ["Params", "compose", "problems"]
