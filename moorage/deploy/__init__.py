"""What follows a build: deployments, and why they fail."""
