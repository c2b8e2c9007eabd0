"""What a task is made of: containers, images, secrets, volumes, sidecars, and where it runs."""
