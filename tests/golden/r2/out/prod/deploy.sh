#!/usr/bin/env bash
# Built by Moorage: deploys every stack of api in prod, in order.
# Arguments are passed on to the AWS CLI, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# Stops if an image is not in its repository yet: tasks of the next stack could not start.
# Arguments: the repository, the image's tag or digest, and those of this script.
check_image() {
  if { aws ecr describe-images --region ap-northeast-1 \
    --repository-name "$1" --image-ids "$2" "${@:3}" 2>&1 >/dev/null || true
  } | grep ImageNotFoundException >&2; then
    echo "Push the image, then run this script again." >&2
    exit 1
  fi
}

aws cloudformation deploy \
  --region ap-northeast-1 \
  --stack-name api-prod-cluster \
  --template-file cluster.yaml \
  --no-fail-on-empty-changeset \
  --tags app=api env=prod stack=cluster system=r2 \
  "$@"

aws cloudformation deploy \
  --region ap-northeast-1 \
  --stack-name api-prod-images \
  --template-file images.yaml \
  --no-fail-on-empty-changeset \
  --tags app=api env=prod stack=images system=r2 \
  "$@"

aws cloudformation deploy \
  --region ap-northeast-1 \
  --stack-name api-prod-network \
  --template-file network.yaml \
  --no-fail-on-empty-changeset \
  --tags app=api env=prod stack=network system=r2 \
  "$@"

aws cloudformation deploy \
  --region ap-northeast-1 \
  --stack-name api-prod-public \
  --template-file public.yaml \
  --no-fail-on-empty-changeset \
  --tags app=api env=prod stack=public system=r2 \
  "$@"

check_image api/nginx imageTag=1.27.3-7 "$@"

check_image api/php imageTag=2026.11.2 "$@"

aws cloudformation deploy \
  --region ap-northeast-1 \
  --stack-name api-prod-api \
  --template-file api.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=api env=prod stack=api system=r2 \
  "$@"
