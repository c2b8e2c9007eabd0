"""Builds by CodeBuild: what the stack kinds `codebuild` and `pipeline` share."""
