"""Routes through an Application Load Balancer."""
