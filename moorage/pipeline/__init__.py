"""The steps of a build, and what they share."""
