"""Tasks: their containers, images, secrets, volumes and sidecars, and where they run."""
