"""`moorage ci`: files of GitHub Actions and GitLab CI that check, build and deploy a project."""
