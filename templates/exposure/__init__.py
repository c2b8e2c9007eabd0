"""How services are reached: listeners, target groups, security group rules and health checks."""
