"""AWS managed policies: the statements of those that containers need, and the paths of all.

From the AWS Managed Policy Reference Guide, as moto 5.2.5 contains it. AWS adds permissions to such
a policy and removes none (Amazon ECS developer guide, "AWS managed policies for Amazon Elastic
Container Service": "Services do not remove permissions from an AWS managed policy").
"""

from __future__ import annotations

from typing import Any


def _statement(actions: dict[str, Any], resources: str) -> dict[str, Any]:
    return {"Effect": "Allow", **actions, "Resource": resources.split()}


def _allow(actions: str, resources: str = "*") -> dict[str, Any]:
    return _statement({"Action": actions.split()}, resources)


def _allow_all_but(actions: str, resources: str = "*") -> dict[str, Any]:
    return _statement({"NotAction": actions.split()}, resources)


def _allow_conditionally(actions: str, resources: str = "*") -> dict[str, Any]:
    """A statement with a condition, which is not written out here."""
    return _statement({"Action": actions.split(), "Condition": {"Some": "condition"}}, resources)


STATEMENTS: dict[str, tuple[dict[str, Any], ...]] = {
    "AdministratorAccess": (_allow("*"),),
    "PowerUserAccess": (
        _allow_all_but("iam:* organizations:* account:*"),
        _allow(
            "account:GetAccountInformation account:GetGovCloudAccountInformation "
            "account:GetPrimaryEmail account:ListRegions iam:CreateServiceLinkedRole "
            "iam:DeleteServiceLinkedRole iam:ListRoles organizations:DescribeEffectivePolicy "
            "organizations:DescribeOrganization",
        ),
    ),
    "AmazonECSTaskExecutionRolePolicy": (
        _allow(
            "ecr:GetAuthorizationToken ecr:BatchCheckLayerAvailability "
            "ecr:GetDownloadUrlForLayer ecr:BatchGetImage logs:CreateLogStream logs:PutLogEvents",
        ),
    ),
    "AmazonEC2ContainerServiceRole": (
        _allow(
            "ec2:AuthorizeSecurityGroupIngress ec2:Describe* "
            "elasticloadbalancing:DeregisterInstancesFromLoadBalancer "
            "elasticloadbalancing:DeregisterTargets elasticloadbalancing:Describe* "
            "elasticloadbalancing:RegisterInstancesWithLoadBalancer "
            "elasticloadbalancing:RegisterTargets",
        ),
    ),
    "AmazonEC2ContainerServiceforEC2Role": (
        _allow(
            "ec2:DescribeTags ecs:CreateCluster ecs:DeregisterContainerInstance "
            "ecs:DiscoverPollEndpoint ecs:Poll ecs:RegisterContainerInstance "
            "ecs:StartTelemetrySession ecs:UpdateContainerInstancesState ecs:Submit* "
            "ecr:GetAuthorizationToken ecr:BatchCheckLayerAvailability "
            "ecr:GetDownloadUrlForLayer ecr:BatchGetImage logs:CreateLogStream logs:PutLogEvents",
        ),
        _allow_conditionally("ecs:TagResource"),
        _allow(
            "ecs:ListTagsForResource",
            resources="arn:aws:ecs:*:*:task/*/* arn:aws:ecs:*:*:container-instance/*/*",
        ),
    ),
    "AmazonEC2ContainerServiceEventsRole": (
        _allow("ecs:RunTask"),
        _allow_conditionally("iam:PassRole"),
        _allow_conditionally("ecs:TagResource"),
    ),
    "AmazonEC2ContainerServiceAutoscaleRole": (
        _allow("ecs:DescribeServices ecs:UpdateService"),
        _allow("cloudwatch:DescribeAlarms cloudwatch:PutMetricAlarm"),
    ),
    "AmazonECSInfrastructureRolePolicyForLoadBalancers": (
        _allow(
            "elasticloadbalancing:DescribeListeners elasticloadbalancing:DescribeRules "
            "elasticloadbalancing:DescribeTargetGroups elasticloadbalancing:DescribeTargetHealth",
        ),
        _allow(
            "elasticloadbalancing:RegisterTargets elasticloadbalancing:DeregisterTargets",
            resources="arn:aws:elasticloadbalancing:*:*:targetgroup/*/*",
        ),
        _allow(
            "elasticloadbalancing:ModifyListener",
            resources="arn:aws:elasticloadbalancing:*:*:listener/app/*/*/*",
        ),
        _allow(
            "elasticloadbalancing:ModifyListener",
            resources="arn:aws:elasticloadbalancing:*:*:listener/net/*/*/*",
        ),
        _allow(
            "elasticloadbalancing:ModifyRule",
            resources="arn:aws:elasticloadbalancing:*:*:listener-rule/app/*/*/*/*",
        ),
    ),
    "AmazonECSInfrastructureRolePolicyForManagedInstances": (
        _allow_conditionally(
            "ec2:CreateLaunchTemplate ec2:CreateLaunchTemplateVersion ec2:ModifyLaunchTemplate "
            "ec2:CreateFleet ec2:RunInstances",
            resources="arn:aws:ec2:*:*:launch-template/*",
        ),
        _allow_conditionally(
            "ec2:CreateFleet ec2:CreateTags",
            resources="arn:aws:ec2:*:*:fleet/*",
        ),
        _allow_conditionally(
            "ec2:CreateFleet ec2:RunInstances ec2:CreateTags",
            resources="arn:aws:ec2:*:*:instance/* arn:aws:ec2:*:*:network-interface/* "
            "arn:aws:ec2:*:*:volume/*",
        ),
        _allow_conditionally("ec2:CreateTags", resources="arn:aws:ec2:*:*:launch-template/*"),
        _allow(
            "ec2:CreateFleet ec2:RunInstances",
            resources="arn:aws:ec2:*:*:subnet/* arn:aws:ec2:*:*:security-group/* "
            "arn:aws:ec2:*::image/*",
        ),
        _allow("ec2:RunInstances", resources="arn:aws:resource-groups:*:*:group/*"),
        _allow_conditionally("iam:PassRole", resources="arn:aws:iam::*:role/ecsInstanceRole*"),
        _allow(
            "iam:CreateServiceLinkedRole",
            resources="arn:aws:iam::*:role/aws-service-role/spot.amazonaws.com/"
            "AWSServiceRoleForEC2Spot",
        ),
        _allow(
            "ec2:DescribeInstances ec2:DescribeInstanceTypes ec2:DescribeLaunchTemplates "
            "ec2:DescribeNetworkInterfaces ec2:DescribeInstanceTypeOfferings "
            "ec2:DescribeAvailabilityZones ec2:DescribeSecurityGroups ec2:DescribeSubnets "
            "ec2:DescribeVpcs ec2:DescribeCapacityReservations resource-groups:ListGroupResources "
            "cloudformation:DescribeStacks cloudformation:ListStackResources tag:GetResources",
        ),
    ),
    "AWSCodeDeployRole": (
        _allow(
            "autoscaling:CompleteLifecycleAction autoscaling:DeleteLifecycleHook "
            "autoscaling:DescribeAutoScalingGroups autoscaling:DescribeAutoScalingInstances "
            "autoscaling:DescribeLifecycleHooks autoscaling:PutLifecycleHook "
            "autoscaling:RecordLifecycleActionHeartbeat autoscaling:CreateAutoScalingGroup "
            "autoscaling:CreateOrUpdateTags autoscaling:UpdateAutoScalingGroup "
            "autoscaling:EnableMetricsCollection autoscaling:DescribePolicies "
            "autoscaling:DescribeScheduledActions autoscaling:DescribeNotificationConfigurations "
            "autoscaling:SuspendProcesses autoscaling:ResumeProcesses "
            "autoscaling:AttachLoadBalancers autoscaling:AttachLoadBalancerTargetGroups "
            "autoscaling:PutScalingPolicy autoscaling:PutScheduledUpdateGroupAction "
            "autoscaling:PutNotificationConfiguration autoscaling:PutWarmPool "
            "autoscaling:DescribeScalingActivities autoscaling:DeleteAutoScalingGroup "
            "ec2:DescribeInstances ec2:DescribeInstanceStatus ec2:TerminateInstances "
            "tag:GetResources sns:Publish cloudwatch:DescribeAlarms cloudwatch:PutMetricAlarm "
            "elasticloadbalancing:DescribeLoadBalancerAttributes "
            "elasticloadbalancing:DescribeTargetGroupAttributes "
            "elasticloadbalancing:DescribeLoadBalancers "
            "elasticloadbalancing:DescribeInstanceHealth "
            "elasticloadbalancing:RegisterInstancesWithLoadBalancer "
            "elasticloadbalancing:DeregisterInstancesFromLoadBalancer "
            "elasticloadbalancing:DescribeTargetGroups elasticloadbalancing:DescribeTargetHealth "
            "elasticloadbalancing:RegisterTargets elasticloadbalancing:DeregisterTargets",
        ),
    ),
    "AWSCodeDeployRoleForECS": (
        _allow(
            "ecs:DescribeServices ecs:CreateTaskSet ecs:UpdateServicePrimaryTaskSet "
            "ecs:DeleteTaskSet elasticloadbalancing:DescribeTargetGroups "
            "elasticloadbalancing:DescribeListeners elasticloadbalancing:ModifyListener "
            "elasticloadbalancing:DescribeRules elasticloadbalancing:ModifyRule "
            "lambda:InvokeFunction cloudwatch:DescribeAlarms sns:Publish s3:GetObject "
            "s3:GetObjectVersion",
        ),
        _allow_conditionally("iam:PassRole"),
    ),
    "AWSCodeDeployRoleForECSLimited": (
        _allow(
            "ecs:DescribeServices ecs:CreateTaskSet ecs:UpdateServicePrimaryTaskSet "
            "ecs:DeleteTaskSet cloudwatch:DescribeAlarms",
        ),
        _allow("sns:Publish", resources="arn:aws:sns:*:*:CodeDeployTopic_*"),
        _allow(
            "elasticloadbalancing:DescribeTargetGroups elasticloadbalancing:DescribeListeners "
            "elasticloadbalancing:ModifyListener elasticloadbalancing:DescribeRules "
            "elasticloadbalancing:ModifyRule",
        ),
        _allow("lambda:InvokeFunction", resources="arn:aws:lambda:*:*:function:CodeDeployHook_*"),
        _allow_conditionally("s3:GetObject s3:GetObjectVersion"),
        _allow_conditionally(
            "iam:PassRole",
            resources="arn:aws:iam::*:role/ecsTaskExecutionRole "
            "arn:aws:iam::*:role/ECSTaskExecution*",
        ),
    ),
    "AmazonEC2ContainerRegistryFullAccess": (
        _allow("ecr:* cloudtrail:LookupEvents"),
        _allow_conditionally("iam:CreateServiceLinkedRole"),
    ),
    "AmazonEC2ContainerRegistryPowerUser": (
        _allow(
            "ecr:GetAuthorizationToken ecr:BatchCheckLayerAvailability "
            "ecr:GetDownloadUrlForLayer ecr:GetRepositoryPolicy ecr:DescribeRepositories "
            "ecr:ListImages ecr:DescribeImages ecr:BatchGetImage ecr:GetLifecyclePolicy "
            "ecr:GetLifecyclePolicyPreview ecr:ListTagsForResource ecr:DescribeImageScanFindings "
            "ecr:InitiateLayerUpload ecr:UploadLayerPart ecr:CompleteLayerUpload ecr:PutImage",
        ),
    ),
    "AmazonEC2ContainerRegistryPullOnly": (
        _allow(
            "ecr:GetAuthorizationToken ecr:BatchGetImage ecr:GetDownloadUrlForLayer "
            "ecr:BatchImportUpstreamImage",
        ),
    ),
    "AmazonEC2ContainerRegistryReadOnly": (
        _allow(
            "ecr:GetAuthorizationToken ecr:BatchCheckLayerAvailability "
            "ecr:GetDownloadUrlForLayer ecr:GetRepositoryPolicy ecr:DescribeRepositories "
            "ecr:ListImages ecr:DescribeImages ecr:BatchGetImage ecr:GetLifecyclePolicy "
            "ecr:GetLifecyclePolicyPreview ecr:ListTagsForResource ecr:DescribeImageScanFindings",
        ),
    ),
    "SecretsManagerReadWrite": (
        _allow(
            "secretsmanager:* cloudformation:CreateChangeSet cloudformation:DescribeChangeSet "
            "cloudformation:DescribeStackResource cloudformation:DescribeStacks "
            "cloudformation:ExecuteChangeSet docdb-elastic:GetCluster docdb-elastic:ListClusters "
            "ec2:DescribeSecurityGroups ec2:DescribeSubnets ec2:DescribeVpcs kms:DescribeKey "
            "kms:ListAliases kms:ListKeys lambda:ListFunctions rds:DescribeDBClusters "
            "rds:DescribeDBInstances redshift:DescribeClusters "
            "redshift-serverless:ListWorkgroups redshift-serverless:GetNamespace "
            "tag:GetResources",
        ),
        _allow(
            "lambda:AddPermission lambda:CreateFunction lambda:GetFunction lambda:InvokeFunction "
            "lambda:UpdateFunctionConfiguration",
            resources="arn:aws:lambda:*:*:function:SecretsManager*",
        ),
        _allow(
            "serverlessrepo:CreateCloudFormationChangeSet serverlessrepo:GetApplication",
            resources="arn:aws:serverlessrepo:*:*:applications/SecretsManager*",
        ),
        _allow(
            "s3:GetObject",
            resources="arn:aws:s3:::awsserverlessrepo-changesets* "
            "arn:aws:s3:::secrets-manager-rotation-apps-*/*",
        ),
        _allow_conditionally("cloudformation:TagResource cloudformation:UntagResource"),
    ),
    "AmazonSSMFullAccess": (
        _allow(
            "cloudwatch:PutMetricData ds:CreateComputer ds:DescribeDirectories "
            "ec2:DescribeInstanceStatus logs:* ssm:* ec2messages:*",
        ),
        _allow_conditionally(
            "iam:CreateServiceLinkedRole",
            resources="arn:aws:iam::*:role/aws-service-role/ssm.amazonaws.com/AWSServiceRoleForAmazonSSM*",
        ),
        _allow(
            "iam:DeleteServiceLinkedRole iam:GetServiceLinkedRoleDeletionStatus",
            resources="arn:aws:iam::*:role/aws-service-role/ssm.amazonaws.com/AWSServiceRoleForAmazonSSM*",
        ),
        _allow(
            "ssmmessages:CreateControlChannel ssmmessages:CreateDataChannel "
            "ssmmessages:OpenControlChannel ssmmessages:OpenDataChannel",
        ),
    ),
    "AmazonSSMReadOnlyAccess": (_allow("ssm:Describe* ssm:Get* ssm:List*"),),
    "AmazonSSMManagedInstanceCore": (
        _allow(
            "ssm:DescribeAssociation ssm:GetDeployablePatchSnapshotForInstance ssm:GetDocument "
            "ssm:DescribeDocument ssm:GetManifest ssm:GetParameter ssm:GetParameters "
            "ssm:ListAssociations ssm:ListInstanceAssociations ssm:PutInventory "
            "ssm:PutComplianceItems ssm:PutConfigurePackageResult ssm:UpdateAssociationStatus "
            "ssm:UpdateInstanceAssociationStatus ssm:UpdateInstanceInformation",
        ),
        _allow(
            "ssmmessages:CreateControlChannel ssmmessages:CreateDataChannel "
            "ssmmessages:OpenControlChannel ssmmessages:OpenDataChannel",
        ),
        _allow(
            "ec2messages:AcknowledgeMessage ec2messages:DeleteMessage ec2messages:FailMessage "
            "ec2messages:GetEndpoint ec2messages:GetMessages ec2messages:SendReply",
        ),
    ),
    "CloudWatchFullAccess": (
        _allow(
            "autoscaling:Describe* cloudwatch:* logs:* sns:* iam:GetPolicy iam:GetPolicyVersion "
            "iam:GetRole oam:ListSinks",
        ),
        _allow_conditionally(
            "iam:CreateServiceLinkedRole",
            resources="arn:aws:iam::*:role/aws-service-role/events.amazonaws.com/AWSServiceRoleForCloudWatchEvents*",
        ),
        _allow("oam:ListAttachedLinks", resources="arn:aws:oam:*:*:sink/*"),
    ),
    "CloudWatchLogsFullAccess": (
        _allow(
            "logs:* cloudwatch:GenerateQuery cloudwatch:GenerateQueryResultsSummary "
            "observabilityadmin:GetS3TableIntegration observabilityadmin:ListS3TableIntegrations "
            "observabilityadmin:ListTelemetryPipelines",
        ),
    ),
    "CloudWatchLogsReadOnlyAccess": (
        _allow(
            "logs:Describe* logs:Get* logs:List* logs:StartQuery logs:StopQuery "
            "logs:TestMetricFilter logs:FilterLogEvents logs:StartLiveTail logs:StopLiveTail "
            "cloudwatch:GenerateQuery cloudwatch:GenerateQueryResultsSummary "
            "observabilityadmin:ListS3TableIntegrations observabilityadmin:GetS3TableIntegration "
            "observabilityadmin:ListTelemetryPipelines",
        ),
    ),
    "CloudWatchAgentServerPolicy": (
        _allow(
            "cloudwatch:PutMetricData ec2:DescribeVolumes ec2:DescribeTags logs:PutLogEvents "
            "logs:PutRetentionPolicy logs:DescribeLogStreams logs:DescribeLogGroups "
            "logs:CreateLogStream logs:CreateLogGroup xray:PutTraceSegments "
            "xray:PutTelemetryRecords xray:GetSamplingRules xray:GetSamplingTargets "
            "xray:GetSamplingStatisticSummaries",
        ),
        _allow("ssm:GetParameter", resources="arn:aws:ssm:*:*:parameter/AmazonCloudWatch-*"),
    ),
    "AWSXRayDaemonWriteAccess": (
        _allow(
            "xray:PutTraceSegments xray:PutTelemetryRecords xray:GetSamplingRules "
            "xray:GetSamplingTargets xray:GetSamplingStatisticSummaries",
        ),
    ),
    "AWSXrayWriteOnlyAccess": (
        _allow(
            "xray:PutTraceSegments xray:PutTelemetryRecords xray:GetSamplingRules "
            "xray:GetSamplingTargets xray:GetSamplingStatisticSummaries",
        ),
    ),
    "AmazonElasticFileSystemClientFullAccess": (
        _allow(
            "elasticfilesystem:ClientMount elasticfilesystem:ClientRootAccess "
            "elasticfilesystem:ClientWrite elasticfilesystem:DescribeMountTargets",
        ),
    ),
    "AmazonElasticFileSystemClientReadOnlyAccess": (
        _allow("elasticfilesystem:ClientMount elasticfilesystem:DescribeMountTargets"),
    ),
    "AmazonElasticFileSystemClientReadWriteAccess": (
        _allow(
            "elasticfilesystem:ClientMount elasticfilesystem:ClientWrite "
            "elasticfilesystem:DescribeMountTargets",
        ),
    ),
    "AmazonS3FullAccess": (_allow("s3:* s3-object-lambda:*"),),
    "AmazonS3ReadOnlyAccess": (
        _allow("s3:Get* s3:List* s3:Describe* s3-object-lambda:Get* s3-object-lambda:List*"),
    ),
    "AmazonSQSFullAccess": (_allow("sqs:*"),),
    "AmazonSQSReadOnlyAccess": (
        _allow(
            "sqs:GetQueueAttributes sqs:GetQueueUrl sqs:ListDeadLetterSourceQueues "
            "sqs:ListQueues sqs:ListMessageMoveTasks sqs:ListQueueTags",
        ),
    ),
    "AmazonSNSFullAccess": (
        _allow("sns:*"),
        _allow_conditionally(
            "sms-voice:DescribeVerifiedDestinationNumbers "
            "sms-voice:CreateVerifiedDestinationNumber "
            "sms-voice:SendDestinationNumberVerificationCode sms-voice:SendTextMessage "
            "sms-voice:DeleteVerifiedDestinationNumber sms-voice:VerifyDestinationNumber "
            "sms-voice:DescribeAccountAttributes sms-voice:DescribeSpendLimits "
            "sms-voice:DescribePhoneNumbers sms-voice:SetTextMessageSpendLimitOverride "
            "sms-voice:DescribeOptedOutNumbers sms-voice:DeleteOptedOutNumber",
        ),
    ),
    "AmazonSESFullAccess": (_allow("ses:*"),),
    "AmazonDynamoDBReadOnlyAccess": (
        _allow(
            "application-autoscaling:DescribeScalableTargets "
            "application-autoscaling:DescribeScalingActivities "
            "application-autoscaling:DescribeScalingPolicies cloudwatch:DescribeAlarmHistory "
            "cloudwatch:DescribeAlarms cloudwatch:DescribeAlarmsForMetric "
            "cloudwatch:GetMetricStatistics cloudwatch:ListMetrics cloudwatch:GetMetricData "
            "datapipeline:DescribeObjects datapipeline:DescribePipelines "
            "datapipeline:GetPipelineDefinition datapipeline:ListPipelines "
            "datapipeline:QueryObjects dynamodb:BatchGetItem dynamodb:Describe* dynamodb:List* "
            "dynamodb:GetAbacStatus dynamodb:GetItem dynamodb:GetResourcePolicy dynamodb:Query "
            "dynamodb:Scan dynamodb:PartiQLSelect dax:Describe* dax:List* dax:GetItem "
            "dax:BatchGetItem dax:Query dax:Scan ec2:DescribeVpcs ec2:DescribeSubnets "
            "ec2:DescribeSecurityGroups iam:GetRole iam:ListRoles kms:DescribeKey "
            "kms:ListAliases sns:ListSubscriptionsByTopic sns:ListTopics lambda:ListFunctions "
            "lambda:ListEventSourceMappings lambda:GetFunctionConfiguration "
            "resource-groups:ListGroups resource-groups:ListGroupResources "
            "resource-groups:GetGroup resource-groups:GetGroupQuery tag:GetResources "
            "kinesis:ListStreams kinesis:DescribeStream kinesis:DescribeStreamSummary",
        ),
        _allow(
            "cloudwatch:GetInsightRuleReport",
            resources="arn:aws:cloudwatch:*:*:insight-rule/DynamoDBContributorInsights*",
        ),
    ),
    "AWSAppMeshEnvoyAccess": (_allow("appmesh:StreamAggregatedResources"),),
    "AWSLambdaBasicExecutionRole": (
        _allow("logs:CreateLogGroup logs:CreateLogStream logs:PutLogEvents"),
    ),
    "AWSLambdaVPCAccessExecutionRole": (
        _allow(
            "logs:CreateLogGroup logs:CreateLogStream logs:PutLogEvents "
            "ec2:CreateNetworkInterface ec2:DescribeNetworkInterfaces ec2:DescribeSubnets "
            "ec2:DeleteNetworkInterface ec2:AssignPrivateIpAddresses "
            "ec2:UnassignPrivateIpAddresses",
        ),
    ),
    "AWSLambdaRole": (_allow("lambda:InvokeFunction"),),
    "AmazonKinesisFullAccess": (_allow("kinesis:*"),),
    "AmazonPrometheusRemoteWriteAccess": (_allow("aps:RemoteWrite"),),
}
"""The statements of a policy by its name."""

_WITHOUT_PATH = """
    AWSAppMeshEnvoyAccess AWSAppMeshFullAccess AWSAppMeshPreviewEnvoyAccess AWSAppMeshReadOnly
    AWSCertificateManagerFullAccess AWSCertificateManagerPrivateCAAuditor
    AWSCertificateManagerPrivateCAFullAccess AWSCertificateManagerPrivateCAPrivilegedUser
    AWSCertificateManagerPrivateCAReadOnly AWSCertificateManagerPrivateCAUser
    AWSCertificateManagerReadOnly AWSCloudFormationFullAccess AWSCloudFormationReadOnlyAccess
    AWSCloudMapDiscoverInstanceAccess AWSCloudMapFullAccess AWSCloudMapReadOnlyAccess
    AWSCloudMapRegisterInstanceAccess AWSCodeBuildAdminAccess AWSCodeBuildDeveloperAccess
    AWSCodeBuildReadOnlyAccess AWSCodeCommitFullAccess AWSCodeCommitPowerUser AWSCodeCommitReadOnly
    AWSCodeDeployDeployerAccess AWSCodeDeployFullAccess AWSCodeDeployReadOnlyAccess
    AWSCodeDeployRoleForECS AWSCodeDeployRoleForECSLimited AWSCodePipelineApproverAccess
    AWSCodePipelineCustomActionAccess AWSCodePipeline_FullAccess AWSCodePipeline_ReadOnlyAccess
    AWSKeyManagementServicePowerUser AWSLambdaExecute AWSLambdaInvocation-DynamoDB
    AWSLambdaManagedEC2ResourceOperator AWSLambdaNetworkConnectorOperatorPolicy
    AWSLambda_FullAccess AWSLambda_ReadOnlyAccess AWSSecretsManagerClientReadOnlyAccess
    AWSStepFunctionsConsoleFullAccess AWSStepFunctionsFullAccess AWSStepFunctionsReadOnlyAccess
    AWSXRayDaemonWriteAccess AWSXrayCrossAccountSharingConfiguration AWSXrayFullAccess
    AWSXrayReadOnlyAccess AWSXrayWriteOnlyAccess AdministratorAccess
    AdministratorAccess-AWSElasticBeanstalk AmazonAPIGatewayAdministrator
    AmazonAPIGatewayInvokeFullAccess AmazonAthenaFullAccess AmazonDynamoDBFullAccess
    AmazonDynamoDBFullAccess_v2 AmazonDynamoDBFullAccesswithDataPipeline
    AmazonDynamoDBReadOnlyAccess AmazonEC2ContainerRegistryFullAccess
    AmazonEC2ContainerRegistryPowerUser AmazonEC2ContainerRegistryPullOnly
    AmazonEC2ContainerRegistryReadOnly AmazonEC2FullAccess AmazonEC2ImageReferencesAccessPolicy
    AmazonEC2ReadOnlyAccess AmazonEC2RolePolicyForLaunchWizard
    AmazonECSInfrastructureRoleForGatewayHostSharedALB
    AmazonECSInfrastructureRolePolicyForLoadBalancers
    AmazonECSInfrastructureRolePolicyForManagedInstances
    AmazonECSInfrastructureRolePolicyForVpcLattice AmazonECSInstanceRolePolicyForManagedInstances
    AmazonECS_FullAccess AmazonEKSBlockStoragePolicy AmazonEKSBlockStoragePolicyV2
    AmazonEKSClusterPolicy AmazonEKSComputePolicy AmazonEKSDashboardConsoleReadOnly
    AmazonEKSFargatePodExecutionRolePolicy AmazonEKSLoadBalancingPolicy
    AmazonEKSLocalOutpostClusterPolicy AmazonEKSMCPReadOnlyAccess AmazonEKSNetworkingPolicy
    AmazonEKSServicePolicy AmazonEKSVPCResourceController AmazonEKSWorkerNodeMinimalPolicy
    AmazonEKSWorkerNodePolicy AmazonEKS_CNI_Policy AmazonElastiCacheFullAccess
    AmazonElastiCacheReadOnlyAccess AmazonElasticContainerRegistryPublicFullAccess
    AmazonElasticContainerRegistryPublicPowerUser AmazonElasticContainerRegistryPublicReadOnly
    AmazonElasticFileSystemClientFullAccess AmazonElasticFileSystemClientReadOnlyAccess
    AmazonElasticFileSystemClientReadWriteAccess AmazonElasticFileSystemFullAccess
    AmazonElasticFileSystemReadOnlyAccess AmazonElasticFileSystemsUtils AmazonEventBridgeFullAccess
    AmazonEventBridgePipesFullAccess AmazonEventBridgePipesOperatorAccess
    AmazonEventBridgePipesReadOnlyAccess AmazonEventBridgeReadOnlyAccess
    AmazonEventBridgeSchedulerFullAccess AmazonEventBridgeSchedulerReadOnlyAccess
    AmazonEventBridgeSchemasFullAccess AmazonEventBridgeSchemasReadOnlyAccess
    AmazonKinesisFirehoseFullAccess AmazonKinesisFirehoseReadOnlyAccess AmazonKinesisFullAccess
    AmazonKinesisReadOnlyAccess AmazonMSKConnectReadOnlyAccess AmazonMSKFullAccess
    AmazonMSKReadOnlyAccess AmazonOpenSearchDirectQueryGlueCreateAccess
    AmazonOpenSearchIngestionFullAccess AmazonOpenSearchIngestionReadOnlyAccess
    AmazonOpenSearchServiceCognitoAccess AmazonOpenSearchServiceFullAccess
    AmazonOpenSearchServiceReadOnlyAccess AmazonPrometheusConsoleFullAccess
    AmazonPrometheusFullAccess AmazonPrometheusQueryAccess AmazonPrometheusRemoteWriteAccess
    AmazonRDSFullAccess AmazonRDSReadOnlyAccess AmazonRoute53AutoNamingFullAccess
    AmazonRoute53AutoNamingReadOnlyAccess AmazonRoute53AutoNamingRegistrantAccess
    AmazonRoute53DomainsFullAccess AmazonRoute53DomainsReadOnlyAccess AmazonRoute53FullAccess
    AmazonRoute53GlobalResolverFullAccess AmazonRoute53GlobalResolverReadOnlyAccess
    AmazonRoute53ProfilesFullAccess AmazonRoute53ProfilesReadOnlyAccess AmazonRoute53ReadOnlyAccess
    AmazonRoute53RecoveryClusterFullAccess AmazonRoute53RecoveryClusterReadOnlyAccess
    AmazonRoute53RecoveryControlConfigFullAccess AmazonRoute53RecoveryControlConfigReadOnlyAccess
    AmazonRoute53RecoveryReadinessFullAccess AmazonRoute53RecoveryReadinessReadOnlyAccess
    AmazonRoute53ResolverFullAccess AmazonRoute53ResolverReadOnlyAccess AmazonS3FullAccess
    AmazonS3ReadOnlyAccess AmazonSESFullAccess AmazonSESReadOnlyAccess AmazonSNSFullAccess
    AmazonSNSReadOnlyAccess AmazonSQSFullAccess AmazonSQSReadOnlyAccess
    AmazonSSMAutomationApproverAccess AmazonSSMDirectoryServiceAccess AmazonSSMFullAccess
    AmazonSSMManagedEC2InstanceDefaultPolicy AmazonSSMManagedInstanceCore AmazonSSMPatchAssociation
    AmazonSSMReadOnlyAccess AmazonVPCFullAccess AmazonVPCReadOnlyAccess
    AutoScalingConsoleFullAccess AutoScalingConsoleReadOnlyAccess AutoScalingFullAccess
    AutoScalingReadOnlyAccess CloudWatchAPIKeyAccess CloudWatchActionsEC2Access
    CloudWatchAgentAdminPolicy CloudWatchAgentServerPolicy CloudWatchApplicationInsightsFullAccess
    CloudWatchApplicationInsightsReadOnlyAccess CloudWatchApplicationSignalsFullAccess
    CloudWatchApplicationSignalsReadOnlyAccess CloudWatchAutomaticDashboardsAccess
    CloudWatchCrossAccountSharingConfiguration CloudWatchEventsFullAccess
    CloudWatchEventsReadOnlyAccess CloudWatchFullAccess CloudWatchFullAccessV2
    CloudWatchInternetMonitorFullAccess CloudWatchInternetMonitorReadOnlyAccess
    CloudWatchLambdaApplicationSignalsExecutionRolePolicy
    CloudWatchLambdaInsightsExecutionRolePolicy CloudWatchLogsAPIKeyAccess
    CloudWatchLogsCrossAccountSharingConfiguration CloudWatchLogsFullAccess
    CloudWatchLogsReadOnlyAccess CloudWatchNetworkFlowMonitorAgentPublishPolicy
    CloudWatchOmniAWSIntegrationPolicy CloudWatchOmniDomainAccessPolicy
    CloudWatchOmniModelInferencePolicy CloudWatchOmniSpaceAccessPolicy
    CloudWatchOpenSearchDashboardAccess CloudWatchOpenSearchDashboardsFullAccess
    CloudWatchReadOnlyAccess CloudWatchSyntheticsFullAccess CloudWatchSyntheticsReadOnlyAccess
    ElasticLoadBalancingFullAccess ElasticLoadBalancingReadOnly IAMAccessAdvisorReadOnly
    IAMAccessAnalyzerFullAccess IAMAccessAnalyzerReadOnlyAccess IAMFullAccess IAMReadOnlyAccess
    IAMSelfManageServiceSpecificCredentials IAMUserChangePassword IAMUserSSHKeys PowerUserAccess
    ReadOnlyAccess SecretsManagerReadWrite SecurityAudit
"""

_OF_SERVICE_ROLES = """
    AWSAppRunnerServicePolicyForECRAccess AWSAppSyncPushToCloudWatchLogs
    AWSBackupGatewayServiceRolePolicyForVirtualMachineMetadataSync
    AWSBackupServiceRolePolicyForBackup AWSBackupServiceRolePolicyForRestores
    AWSBatchServiceEventTargetRole AWSBatchServiceRole AWSCodeDeployRole
    AWSCodeDeployRoleForCloudFormation AWSCodeDeployRoleForLambda AWSCodeDeployRoleForLambdaLimited
    AWSCodeStarServiceRole AWSConfigRoleForOrganizations AWSConfigRulesExecutionRole
    AWSCostAndUsageReportAutomationPolicy AWSDataLifecycleManagerSSMFullAccess
    AWSDataLifecycleManagerServiceRole AWSDataLifecycleManagerServiceRoleForAMIManagement
    AWSElasticBeanstalkEnhancedHealth AWSElasticBeanstalkRoleCWL AWSElasticBeanstalkRoleCore
    AWSElasticBeanstalkRoleECS AWSElasticBeanstalkRoleRDS AWSElasticBeanstalkRoleSNS
    AWSElasticBeanstalkRoleWorkerTier AWSElasticBeanstalkService
    AWSFaultInjectionSimulatorEC2Access AWSFaultInjectionSimulatorECSAccess
    AWSFaultInjectionSimulatorEKSAccess AWSFaultInjectionSimulatorNetworkAccess
    AWSFaultInjectionSimulatorRDSAccess AWSFaultInjectionSimulatorSSMAccess
    AWSGlueDataBrewServiceRole AWSGlueServiceNotebookRole AWSGlueServiceRole
    AWSLambdaBasicDurableExecutionRolePolicy AWSLambdaBasicExecutionRole
    AWSLambdaDynamoDBExecutionRole AWSLambdaENIManagementAccess AWSLambdaKinesisExecutionRole
    AWSLambdaMSKExecutionRole AWSLambdaRole AWSLambdaSQSQueueExecutionRole
    AWSLambdaVPCAccessExecutionRole AWSLicenseManagerConsumptionPolicy
    AWSMSKReplicatorExecutionRole AWSShieldDRTAccessPolicy AWSTransferLoggingAccess AWS_ConfigRole
    AmazonAPIGatewayPushToCloudWatchLogs AmazonEBSCSIDriverPolicy
    AmazonEC2ContainerServiceAutoscaleRole AmazonEC2ContainerServiceEventsRole
    AmazonEC2ContainerServiceRole AmazonEC2ContainerServiceforEC2Role AmazonEC2RoleforAWSCodeDeploy
    AmazonEC2RoleforAWSCodeDeployLimited AmazonEC2RoleforDataPipelineRole AmazonEC2RoleforSSM
    AmazonEC2SpotFleetAutoscaleRole AmazonEC2SpotFleetTaggingRole
    AmazonECSInfrastructureRolePolicyForServiceConnectTransportLayerSecurity
    AmazonECSInfrastructureRolePolicyForVolumes
    AmazonECSInfrastructureRoleforExpressGatewayServices AmazonECSTaskExecutionRolePolicy
    AmazonEFSCSIDriverPolicy AmazonElasticMapReduceEditorsRole AmazonElasticMapReduceRole
    AmazonElasticMapReduceforAutoScalingRole AmazonElasticMapReduceforEC2Role
    AmazonElasticTranscoderRole AmazonGrafanaAthenaAccess AmazonGrafanaCloudWatchAccess
    AmazonGrafanaRedshiftAccess AmazonRDSDirectoryServiceAccess AmazonRDSEnhancedMonitoringRole
    AmazonS3FilesCSIDriverPolicy AmazonS3ObjectLambdaExecutionRolePolicy AmazonSNSRole
    AmazonSSMAutomationRole AmazonSSMMaintenanceWindowRole AutoScalingNotificationAccessRole
    CloudWatchEventsBuiltInTargetExecutionAccess CloudWatchEventsInvocationAccess
    VMImportExportRoleForAWSConnector
"""

_OF_JOB_FUNCTIONS = """
    AWSManagementConsoleAdministratorAccess Billing DataScientist DatabaseAdministrator
    NetworkAdministrator SupportUser SystemAdministrator ViewOnlyAccess
"""

PATHS: dict[str, str] = {
    name: path
    for path, names in (
        ("", _WITHOUT_PATH),
        ("service-role/", _OF_SERVICE_ROLES),
        ("job-function/", _OF_JOB_FUNCTIONS),
    )
    for name in names.split()
}
"""The path of each policy: the part of its ARN between `policy/` and the name."""
