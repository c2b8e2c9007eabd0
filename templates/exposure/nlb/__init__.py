"""Listeners of a Network Load Balancer."""
