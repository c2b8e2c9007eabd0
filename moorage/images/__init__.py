"""`moorage image`: builds the images of an environment and pushes them to ECR."""
