"""The params as JSON Schema and as a reference page."""
