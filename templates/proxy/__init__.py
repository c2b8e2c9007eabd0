"""The reverse proxy of a service: params, nginx configuration, and the checks of it."""
