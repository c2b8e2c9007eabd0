"""What ECS needs before it starts the containers of a task: secrets, logs, volumes, roles,
network interfaces."""

from __future__ import annotations

from moorage.deploy.diagnosis.known.images import NO_ROUTE
from moorage.deploy.diagnosis.known.known_failure import (
    ECS_API_FAILURES,
    ECS_INITIALIZATION,
    ECS_START,
    KnownFailure,
)

_SECRETS = ("ContainerDefinitions.Secrets",)
_NETWORK = ("NetworkConfiguration",)
_VOLUMES = ("Volumes",)

SECRETS_AND_LOGS = (
    KnownFailure(
        id="registry-unreachable",
        title="The task cannot reach ECR, Secrets Manager or Systems Manager.",
        meaning="Before the containers start, ECS logs in to the registry and reads the secrets "
        "through the network interface of the task. The connection is not established: the subnet "
        "has no route, or a security group does not allow HTTPS.",
        check="In a public subnet, tasks on Fargate need a public IP address. In a private subnet, "
        "they need a route to a NAT gateway, or the VPC endpoints ecr.api, ecr.dkr, s3 (gateway), "
        "logs, and secretsmanager or ssm for secrets. The tasks' security groups must allow "
        "outbound HTTPS, and those of the endpoints inbound HTTPS from the tasks.",
        messages=(
            "unable to pull secrets or registry auth: ... i/o timeout",
            "ResourceInitializationError ... dial tcp ... i/o timeout",
            "unable to pull secrets or registry auth: ... There is a connection issue between the "
            "task and",
            "unable to pull secrets or registry auth: ... context deadline exceeded",
            "unable to pull secrets or registry auth: ... RequestCanceled",
            "from asm: ... retried 5 time(s)",
            "unable to pull secrets or registry auth: pull command failed: : signal: killed",
        ),
        codes=NO_ROUTE,
        properties=_NETWORK,
        sources=(ECS_INITIALIZATION, "umotif-public/terraform-aws-ecs-fargate#50"),
    ),
    KnownFailure(
        id="registry-login-denied",
        title="The execution role is not allowed to log in to ECR.",
        meaning="ECS gets a token for the registry with the execution role. "
        "ecr:GetAuthorizationToken has no resource, so a policy must allow it on `*`.",
        check="Allow the execution role ecr:GetAuthorizationToken on `*`, as the managed policy "
        "service-role/AmazonECSTaskExecutionRolePolicy does.",
        messages=(
            "unable to get ecr registry auth: ... AccessDenied",
            "is not authorized to perform: ecr:GetAuthorizationToken",
        ),
        codes=("E9765", "E9018"),
        properties=("ExecutionRoleArn",),
        sources=(ECS_INITIALIZATION,),
    ),
    KnownFailure(
        id="secret-denied",
        title="The execution role is not allowed to read a secret.",
        meaning="ECS reads the secrets of containers with the execution role, not with the task "
        "role. AmazonECSTaskExecutionRolePolicy allows no secrets.",
        check="Allow the execution role secretsmanager:GetSecretValue on the ARN of the secret, or "
        "ssm:GetParameters on the ARN of the parameter.",
        messages=(
            "registry auth: ... AccessDenied",
            "Parameter Store ... AccessDenied",
            "is not authorized to perform: secretsmanager:GetSecretValue",
            "is not authorized to perform: ssm:GetParameters",
        ),
        codes=("E9608", "E9755", "W9936"),
        properties=_SECRETS,
        sources=(ECS_INITIALIZATION, "AWS docs: Amazon ECS task execution IAM role"),
    ),
    KnownFailure(
        id="secret-key-denied",
        title="The execution role is not allowed to decrypt a secret.",
        meaning="The secret is encrypted with a customer managed KMS key, which both the role's "
        "policy and the key policy must allow.",
        check="Allow the execution role kms:Decrypt on the key: list the key below `kms_keys:`, "
        "and check its key policy.",
        messages=("is not authorized to perform: kms:Decrypt", "Access to KMS is not allowed"),
        codes=("E9755", "E9830"),
        properties=("ExecutionRoleArn.KmsKeys", "ContainerDefinitions.Secrets"),
        sources=(ECS_INITIALIZATION, "AWS docs: Amazon ECS task execution IAM role"),
    ),
    KnownFailure(
        id="secret-missing",
        title="A secret of Secrets Manager does not exist.",
        meaning="There is no secret of this name in this account and region, or it has no current "
        "version.",
        check="Create the secret, or correct its name: `aws secretsmanager create-secret --name "
        "NAME --secret-string file://secret`.",
        messages=("Secrets Manager can't find the specified secret",),
        properties=_SECRETS,
        sources=(ECS_INITIALIZATION, "AWS docs: Secrets Manager API reference, GetSecretValue"),
    ),
    KnownFailure(
        id="parameter-missing",
        title="A parameter of Systems Manager does not exist.",
        meaning="`invalid parameters` are names that Parameter Store does not know in this account "
        "and region.",
        check="Create the parameter, or correct its name: `aws ssm put-parameter --name NAME "
        "--type SecureString --value file://value`.",
        messages=(
            "invalid parameters:",
            "invalid ssm parameters:",
            "Fetching secret data from SSM Parameter Store in ...: invalid parameters",
        ),
        properties=_SECRETS,
        sources=(ECS_INITIALIZATION, "aws/amazon-ecs-agent, agent/ssm"),
    ),
    KnownFailure(
        id="secret-without-json-key",
        title="A secret does not have the JSON key that the container asks for.",
        meaning="The secret exists and is a JSON object, but this key is not in it.",
        check="Add the key to the secret, or correct the key in the container's reference.",
        messages=("did not contain json key",),
        codes=("M2609", "E9810"),
        properties=_SECRETS,
        sources=(
            ECS_INITIALIZATION,
            "AWS docs: Pass Secrets Manager secrets through Amazon ECS environment variables",
        ),
    ),
    KnownFailure(
        id="log-group-missing",
        title="The log group of a container does not exist.",
        meaning="The log driver awslogs writes to a log group, which must exist in the region that "
        "the container's options name.",
        check="Create the log group before the service starts tasks, and check its name and "
        "region.",
        messages=(
            "The specified log group does not exist",
            "The task cannot find the Amazon CloudWatch log group defined in the task definition",
        ),
        codes=("W9840",),
        properties=("ContainerDefinitions.LogConfiguration",),
        sources=(ECS_INITIALIZATION,),
    ),
    KnownFailure(
        id="logs-denied",
        title="The execution role is not allowed to write the logs of a container.",
        meaning="ECS creates the log stream of each container with the execution role before it "
        "starts the container.",
        check="Allow the execution role logs:CreateLogStream and logs:PutLogEvents on the log "
        "group, and logs:CreateLogGroup if the container has awslogs-create-group.",
        messages=(
            "failed to create Cloudwatch log stream: ... AccessDenied",
            "failed to create Cloudwatch log group: ... AccessDenied",
            "failed to validate logger args: ... AccessDenied",
            "is not authorized to perform: logs:CreateLogStream",
            "is not authorized to perform: logs:CreateLogGroup",
        ),
        codes=("E9765", "W9768"),
        properties=("ExecutionRoleArn", "ContainerDefinitions.LogConfiguration"),
        sources=(ECS_INITIALIZATION, "AWS docs: Amazon ECS task execution IAM role"),
    ),
    KnownFailure(
        id="logs-unreachable",
        title="The task cannot reach CloudWatch Logs.",
        meaning="Before the containers start, ECS opens their log streams through the network "
        "interface of the task, and the connection is not established.",
        check="The subnet needs a route to a NAT gateway or the VPC endpoint `logs`, and the "
        "security groups must allow HTTPS to it.",
        messages=(
            "failed to validate logger args",
            "There is a connection issue between the task and Amazon CloudWatch",
        ),
        codes=("E9625",),
        properties=_NETWORK,
        sources=(ECS_INITIALIZATION,),
    ),
)

FILE_SYSTEMS = (
    KnownFailure(
        id="efs-unreachable",
        title="An EFS volume cannot be mounted: the connection is not established.",
        meaning="The task reaches the file system over NFS (TCP port 2049) at a mount target in "
        "its Availability Zone.",
        check="The security group of the mount targets must allow port 2049 from the tasks, and "
        "the tasks' security groups must allow it outbound. Each Availability Zone of the tasks "
        "needs a mount target.",
        messages=(
            "failed to invoke EFS utils commands",
            "Mount attempt ... failed due to timeout",
        ),
        codes=("E9715",),
        properties=_VOLUMES,
        sources=(ECS_INITIALIZATION, "AWS docs: Troubleshooting mount issues in Amazon EFS"),
    ),
    KnownFailure(
        id="efs-name-unresolved",
        title="The name of an EFS file system does not resolve.",
        meaning="The DNS name resolves only in a VPC with DNS support, and only once a mount "
        "target exists in the Availability Zone of the task.",
        check="Create a mount target in each subnet's Availability Zone, before the service starts "
        "tasks, and turn on DNS support and DNS hostnames of the VPC.",
        messages=("failed to invoke EFS utils commands ... Failed to resolve",),
        codes=("W9936",),
        properties=_VOLUMES,
        sources=(ECS_INITIALIZATION, "AWS docs: Troubleshooting mount issues in Amazon EFS"),
    ),
    KnownFailure(
        id="efs-denied",
        title="EFS does not allow the task to mount a file system.",
        meaning="With IAM authorization, EFS checks the task role and the file system policy.",
        check="Allow the task role elasticfilesystem:ClientMount, and ClientWrite to write, on the "
        "file system, and check the file system policy.",
        messages=("mount.nfs4: access denied by server while mounting",),
        codes=("E9780",),
        properties=("TaskRoleArn", "Volumes"),
        sources=(ECS_INITIALIZATION, "AWS docs: Using IAM to control access to Amazon EFS"),
    ),
    KnownFailure(
        id="efs-directory-missing",
        title="A directory of an EFS file system does not exist.",
        meaning="ECS does not create the directory that a volume names.",
        check="Use an access point, which creates its directory, or create the directory first.",
        messages=("failed, reason given by server: No such file or directory",),
        codes=("E9850",),
        properties=_VOLUMES,
        sources=(ECS_INITIALIZATION,),
    ),
)

ROLES_AND_NETWORK = (
    KnownFailure(
        id="role-not-assumable",
        title="ECS cannot assume a role of the task.",
        meaning="The role does not exist, or its trust policy does not name "
        "ecs-tasks.amazonaws.com. A role that was created seconds ago may not be known everywhere "
        "yet.",
        check="Check that the role exists and that its trust policy allows ecs-tasks.amazonaws.com "
        "the action sts:AssumeRole. If both are right, deploy again.",
        messages=("ECS was unable to assume the role ... that was provided for this task",),
        codes=("E9730", "W9735"),
        properties=("ExecutionRoleArn", "TaskRoleArn"),
        sources=(ECS_INITIALIZATION, "AWS docs: Amazon ECS task IAM role"),
    ),
    KnownFailure(
        id="subnet-without-addresses",
        title="A subnet has no free IP addresses for the tasks.",
        meaning="Each task in network mode awsvpc has a network interface with an address of its "
        "subnet. During a deployment, old and new tasks need addresses at the same time.",
        check="Use larger or further subnets, or lower `maximum_percent`. `aws ec2 "
        "describe-subnets --query 'Subnets[].[SubnetId,AvailableIpAddressCount]'` shows what is "
        "left.",
        messages=(
            "Unexpected EC2 error while attempting to Create Network Interface",
            "InsufficientFreeAddressesInSubnet",
            "does not have enough free addresses to satisfy the request",
        ),
        properties=_NETWORK,
        sources=(ECS_START,),
    ),
    KnownFailure(
        id="network-interface-timeout",
        title="The network interface of the task was not ready in time.",
        meaning="EC2 creates network interfaces asynchronously, and ECS does not wait longer. It "
        "is usually a short disturbance of EC2.",
        check="Deploy again. If it happens often, check the quota for network interfaces and the "
        "free addresses of the subnets.",
        messages=(
            "Timeout waiting for network interface provisioning to complete",
            "Network interface provision complete error timeout",
            "Timeout waiting for EphemeralStorage provisioning to complete",
        ),
        properties=_NETWORK,
        sources=(ECS_START, "apache/airflow, tests of the ECS executor"),
    ),
    KnownFailure(
        id="task-on-wrong-capacity",
        title="The task definition is not for the capacity that the service uses.",
        meaning="A task definition says what it can run on: Fargate, instances, or both.",
        check="Use the same launch type in the task definition and in the service.",
        messages=(
            "The selected task definition is not compatible with the selected compute strategy",
        ),
        properties=("CapacityProviderStrategy",),
        sources=(ECS_START,),
    ),
    KnownFailure(
        id="instances-without-network-interfaces",
        title="No instance has room for another network interface.",
        meaning="A task in network mode awsvpc needs a network interface of its instance, and each "
        "instance type has a limit.",
        check="Use more or larger instances, or turn on the account setting awsvpcTrunking and "
        "replace the instances.",
        messages=(
            "RESOURCE:ENI",
            "Unable to attach network interface to unused device index",
        ),
        properties=("CapacityProviderStrategy",),
        sources=(ECS_API_FAILURES, ECS_START),
    ),
)

TASK_START = (*SECRETS_AND_LOGS, *FILE_SYSTEMS, *ROLES_AND_NETWORK)
