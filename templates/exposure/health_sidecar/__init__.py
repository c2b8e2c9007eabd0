"""The health sidecar, which answers TCP health checks for a UDP service."""
