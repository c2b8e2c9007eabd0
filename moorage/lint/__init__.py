"""Templates -> findings, one template at a time: cfn-lint, its settings, and reading texts."""
