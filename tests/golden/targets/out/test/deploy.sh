#!/usr/bin/env bash
# Built by Moorage. shop in test has `targets` in its params: CloudFormation StackSets deploys it,
# to several accounts and regions. `moorage deploy` creates the stack sets; this script cannot.
set -euo pipefail
echo "test is deployed by StackSets. Run: moorage deploy test" >&2
exit 2
