#!/usr/bin/env bash
# Built by Moorage. shop in prod has `targets` in its params: CloudFormation StackSets deploys it,
# to several accounts and regions. `moorage deploy` creates the stack sets; this script cannot.
set -euo pipefail
echo "prod is deployed by StackSets. Run: moorage deploy prod" >&2
exit 2
