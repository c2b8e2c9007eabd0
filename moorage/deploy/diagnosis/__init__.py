"""Why a deployment failed: evidence from AWS -> diagnoses."""
