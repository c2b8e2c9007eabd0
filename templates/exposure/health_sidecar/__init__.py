"""The sidecar that answers TCP health checks for a UDP service."""
