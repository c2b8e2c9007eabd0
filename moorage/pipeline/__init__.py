"""The steps of a build, one file a step."""
