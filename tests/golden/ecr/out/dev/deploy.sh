#!/usr/bin/env bash
# Built by Moorage: deploys every stack of crates in dev, in order.
# Arguments are passed on to the AWS CLI, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# Stops if an image is not in its repository yet: tasks of the next stack could not start.
# Arguments: the repository, the image's tag or digest, and those of this script.
check_image() {
  if { aws ecr describe-images --region eu-west-1 \
    --repository-name "$1" --image-ids "$2" "${@:3}" 2>&1 >/dev/null || true
  } | grep ImageNotFoundException >&2; then
    echo "Push the image, then run this script again." >&2
    exit 1
  fi
}

aws cloudformation deploy \
  --region eu-west-1 \
  --stack-name crates-dev-cluster \
  --template-file cluster.yaml \
  --no-fail-on-empty-changeset \
  --tags app=crates env=dev stack=cluster \
  "$@"

aws cloudformation deploy \
  --region eu-west-1 \
  --stack-name crates-dev-ecr \
  --template-file ecr.yaml \
  --no-fail-on-empty-changeset \
  --tags app=crates env=dev stack=ecr \
  "$@"

aws cloudformation deploy \
  --region eu-west-1 \
  --stack-name crates-dev-network \
  --template-file network.yaml \
  --no-fail-on-empty-changeset \
  --tags app=crates env=dev stack=network \
  "$@"

aws cloudformation deploy \
  --region eu-west-1 \
  --stack-name crates-dev-scratch \
  --template-file scratch.yaml \
  --no-fail-on-empty-changeset \
  --tags app=crates env=dev stack=scratch \
  "$@"

check_image api/dev/php imageDigest=sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa "$@"

check_image api/nginx imageTag=1.25.3 "$@"

aws cloudformation deploy \
  --region eu-west-1 \
  --stack-name crates-dev-api \
  --template-file api.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=crates env=dev stack=api \
  "$@"
