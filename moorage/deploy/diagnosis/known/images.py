"""Images that ECS cannot pull."""

from __future__ import annotations

from moorage.deploy.diagnosis.known.known_failure import ECS_PULL, WHY_STOPPED, KnownFailure

NO_ROUTE = ("E9600", "E9605", "E9610", "E9625", "E9629", "E9705", "E9710", "W9936")
"""Rules about routes, VPC endpoints and security groups between tasks and AWS's services."""

IMAGES = (
    KnownFailure(
        id="image-not-found",
        title="The image does not exist in its registry.",
        meaning="The registry has no image of this name and tag, so no task can start. Either it "
        "was never pushed, or a lifecycle policy has deleted it, or the name or the tag is wrong.",
        check="Push the image, or correct its name and tag. For an image in ECR, `aws ecr "
        "describe-images --repository-name REPOSITORY --image-ids imageTag=TAG` shows whether it "
        "is there.",
        messages=(
            "CannotPullContainerError: ... not found",
            "failed to resolve ref ...: not found",
            "manifest unknown",
        ),
        codes=("E9945",),
        properties=("ContainerDefinitions.Image",),
        sources=(ECS_PULL,),
    ),
    KnownFailure(
        id="image-not-allowed",
        title="The task is not allowed to pull the image.",
        meaning="The registry refuses the image to the role with which ECS pulls it: on Fargate "
        "the execution role, on instances the role of the instance. A repository of another "
        "account must also allow it in its repository policy.",
        check="Allow the role ecr:GetAuthorizationToken on `*`, and ecr:BatchGetImage, "
        "ecr:GetDownloadUrlForLayer and ecr:BatchCheckLayerAvailability on the repository. For "
        "another account's repository, add the same actions to its repository policy.",
        messages=(
            "CannotPullContainerError: ... 403 Forbidden",
            "pull access denied",
            "The task can't pull the image. Check that the role has the permissions to pull images "
            "from the registry",
            "is not authorized to perform: ecr:BatchGetImage",
            "is not authorized to perform: ecr:GetDownloadUrlForLayer",
        ),
        codes=("E9765", "E9702"),
        properties=("ContainerDefinitions.Image", "ExecutionRoleArn"),
        sources=(ECS_PULL,),
    ),
    KnownFailure(
        id="image-registry-unreachable",
        title="The task cannot reach the registry of its image.",
        meaning="The connection to the registry is not established: the subnet has no route to it, "
        "or a security group or network ACL does not allow HTTPS.",
        check="In a public subnet, tasks on Fargate need a public IP address. In a private subnet, "
        "they need a route to a NAT gateway, or the VPC endpoints ecr.api, ecr.dkr and, as a "
        "gateway, s3. The tasks' security groups must allow outbound HTTPS, and those of the "
        "endpoints inbound HTTPS from the tasks.",
        messages=(
            "CannotPullContainerError: ... i/o timeout",
            "CannotPullContainerError: ... net/http: request canceled",
            "CannotPullContainerError: ... context canceled",
            "The task cannot pull ... There is a connection issue between the task and Amazon ECR",
            "The task can't pull the image. Check your network configuration",
        ),
        codes=NO_ROUTE,
        properties=("NetworkConfiguration",),
        sources=(ECS_PULL,),
    ),
    KnownFailure(
        id="image-platform",
        title="The image is for another CPU architecture or operating system than the task.",
        meaning="The image was built for one platform, such as linux/arm64, and the task "
        "definition asks for another. Docker builds for the platform of the machine it runs on.",
        check="Build the image with `docker buildx build --platform linux/amd64` (or linux/arm64), "
        "or set the architecture of the task to that of the image.",
        messages=(
            "image Manifest does not contain descriptor matching platform",
            "no matching manifest for",
            "exec format error",
        ),
        codes=("W9125",),
        properties=("RuntimePlatform", "ContainerDefinitions.Image"),
        sources=(ECS_PULL, "aws/copilot-cli#6095"),
    ),
    KnownFailure(
        id="image-rate-limit",
        title="The registry refuses pulls, because there were too many.",
        meaning="Docker Hub limits the pulls of anonymous users by their IP address; all tasks "
        "behind one NAT gateway share an address.",
        check="Copy the image to ECR, use a pull through cache rule, or pull with the credentials "
        "of a registry account.",
        messages=("toomanyrequests", "You have reached your pull rate limit"),
        properties=("ContainerDefinitions.Image",),
        sources=(ECS_PULL,),
    ),
    KnownFailure(
        id="image-credentials",
        title="The registry wants credentials for the image.",
        meaning="The image is in a private registry outside of ECR, and the task definition has no "
        "credentials for it, or wrong ones.",
        check="Store user name and password in Secrets Manager and name the secret in the "
        "container's repository credentials.",
        messages=(
            "CannotPullContainerError: ... 401 Unauthorized",
            "failed to authorize: failed to fetch anonymous token",
        ),
        properties=(
            "ContainerDefinitions.RepositoryCredentials",
            "ContainerDefinitions.Image",
        ),
        sources=(ECS_PULL, "AWS docs: Using non-AWS container images in Amazon ECS"),
    ),
    KnownFailure(
        id="image-layers-unreachable",
        title="The layers of the image cannot be read from S3.",
        meaning="ECR stores layers in S3. The task reached ECR, but not S3: the gateway endpoint "
        "for S3 is missing in the route table, its policy is too narrow, or a security group does "
        "not allow the traffic.",
        check="Add the gateway endpoint for S3 to the route tables of the tasks' subnets, and "
        "allow s3:GetObject on the bucket prod-REGION-starport-layer-bucket in its policy.",
        messages=(
            "failed to copy: httpReaderSeeker: failed open",
            "pull command failed: panic: runtime error: invalid memory address",
            "error pulling image configuration",
        ),
        codes=("E9625",),
        properties=("NetworkConfiguration",),
        sources=(ECS_PULL, "AWS docs: Amazon ECR interface VPC endpoints"),
    ),
    KnownFailure(
        id="disk-full",
        title="The disk of the task or instance is full.",
        meaning="Images, containers and their files share one disk: on Fargate the ephemeral "
        "storage of the task (20 GiB by default), on instances the root volume.",
        check="Increase the ephemeral storage of the task, or the disk of the instances, or make "
        "the image smaller.",
        messages=("no space left on device",),
        properties=("EphemeralStorage", "ContainerDefinitions.Image"),
        sources=(ECS_PULL,),
    ),
    KnownFailure(
        id="image-not-pulled",
        title="The image cannot be pulled.",
        meaning="ECS could not get the image from its registry.",
        check="Check that the image exists, that the execution role is allowed to pull it, and "
        "that the subnets have a route to the registry.",
        messages=(
            "CannotPullContainerError",
            "CannotPullContainer:",
            "CannotPullECRContainerError",
        ),
        codes=("E9705",),
        properties=("ContainerDefinitions.Image",),
        general=True,
        sources=(ECS_PULL, WHY_STOPPED),
    ),
)
