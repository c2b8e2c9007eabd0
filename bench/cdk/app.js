// 20 stacks, each with what Moorage's service in bench/environments.py has: tasks on Fargate, four
// ports with target groups and routes of a load balancer, alarms for each of them, and scaling.
// Network, cluster, load balancer and topic are those of other stacks.
const { App, Duration, Stack } = require('aws-cdk-lib');
const { MathExpression, TreatMissingData } = require('aws-cdk-lib/aws-cloudwatch');
const { SnsAction } = require('aws-cdk-lib/aws-cloudwatch-actions');
const ec2 = require('aws-cdk-lib/aws-ec2');
const { Repository } = require('aws-cdk-lib/aws-ecr');
const ecs = require('aws-cdk-lib/aws-ecs');
const elb = require('aws-cdk-lib/aws-elasticloadbalancingv2');
const { Rule } = require('aws-cdk-lib/aws-events');
const { SnsTopic } = require('aws-cdk-lib/aws-events-targets');
const { LogGroup, RetentionDays } = require('aws-cdk-lib/aws-logs');
const { Topic } = require('aws-cdk-lib/aws-sns');
const { StringParameter } = require('aws-cdk-lib/aws-ssm');

const STACKS = 20;
const PORTS = [8080, 8081, 8082, 8083];
const env = { account: '123456789012', region: 'eu-central-1' };
const listenerArn = `arn:aws:elasticloadbalancing:${env.region}:${env.account}:listener/app/public/50dc6c495c0c9188/f2f7dc8efc522ab2`;
const minute = Duration.minutes(1);

class Service extends Stack {
  constructor(scope, number) {
    super(scope, `service-${number}`, { env });
    this.number = number;
    this.topic = Topic.fromTopicArn(this, 'Topic', `arn:aws:sns:${env.region}:${env.account}:alarms`);
    const service = this.addService();
    PORTS.forEach((port, index) => this.addRoute(service, port, index));
    this.addAlarm('Cpu', service.metricCpuUtilization({ period: minute }), 90);
    this.addAlarm('Memory', service.metricMemoryUtilization({ period: minute }), 90);
    service.autoScaleTaskCount({ minCapacity: 2, maxCapacity: 10 })
      .scaleOnCpuUtilization('Cpu', { targetUtilizationPercent: 60 });
    for (const detailType of ['ECS Deployment State Change', 'ECS Task State Change']) {
      new Rule(this, detailType.replaceAll(' ', ''), {
        eventPattern: { source: ['aws.ecs'], detailType: [detailType], resources: [service.serviceArn] },
        targets: [new SnsTopic(this.topic)],
      });
    }
  }

  addService() {
    const vpc = ec2.Vpc.fromVpcAttributes(this, 'Vpc', {
      vpcId: 'vpc-0123456789abcdef0',
      availabilityZones: ['eu-central-1a', 'eu-central-1b'],
      privateSubnetIds: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
      privateSubnetRouteTableIds: ['rtb-0123456789abcdef0', 'rtb-0123456789abcdef1'],
    });
    const taskDefinition = new ecs.FargateTaskDefinition(this, 'Task', { cpu: 512, memoryLimitMiB: 1024 });
    const repository = Repository.fromRepositoryName(this, 'Repository', `service-${this.number}`);
    const password = StringParameter.fromSecureStringParameterAttributes(this, 'Password', {
      parameterName: `/service-${this.number}/db_password`,
    });
    taskDefinition.addContainer('web', {
      image: ecs.ContainerImage.fromEcrRepository(repository, '1.0'),
      logging: ecs.LogDrivers.awsLogs({
        streamPrefix: 'web',
        logGroup: new LogGroup(this, 'LogGroup', { retention: RetentionDays.ONE_MONTH }),
      }),
      secrets: { DB_PASSWORD: ecs.Secret.fromSsmParameter(password) },
      portMappings: PORTS.map((containerPort) => ({ containerPort })),
    });
    return new ecs.FargateService(this, 'Service', {
      cluster: ecs.Cluster.fromClusterAttributes(this, 'Cluster', { clusterName: 'bench', vpc }),
      taskDefinition,
      circuitBreaker: { rollback: true },
      minHealthyPercent: 100,
    });
  }

  addRoute(service, port, index) {
    const securityGroup = ec2.SecurityGroup.fromSecurityGroupId(this, `Balancer${port}`, 'sg-0123456789abcdef0', {
      allowAllOutbound: false,
    });
    const listener = elb.ApplicationListener.fromApplicationListenerAttributes(this, `Listener${port}`, {
      listenerArn, securityGroup,
    });
    const targetGroup = new elb.ApplicationTargetGroup(this, `Targets${port}`, {
      vpc: service.cluster.vpc,
      port,
      protocol: elb.ApplicationProtocol.HTTP,
      targets: [service.loadBalancerTarget({ containerName: 'web', containerPort: port })],
      deregistrationDelay: Duration.seconds(60),
    });
    service.connections.allowFrom(securityGroup, ec2.Port.tcp(port));
    new elb.ApplicationListenerRule(this, `Rule${port}`, {
      listener,
      priority: 1 + this.number * PORTS.length + index,
      conditions: [elb.ListenerCondition.hostHeaders([`service-${this.number}-${port}.example.com`])],
      targetGroups: [targetGroup],
    });
    const { metrics } = targetGroup;
    const requests = metrics.requestCount({ period: minute });
    const share = (errors) => new MathExpression({
      expression: '100 * errors / requests', usingMetrics: { errors, requests }, period: minute,
    });
    const { TARGET_5XX_COUNT } = elb.HttpCodeTarget;
    this.addAlarm(`Errors${port}`, share(metrics.httpCodeTarget(TARGET_5XX_COUNT, { period: minute })), 5);
    this.addAlarm(`Connections${port}`, share(metrics.targetConnectionErrorCount({ period: minute })), 5);
    this.addAlarm(`Latency${port}`, metrics.targetResponseTime({ period: minute }), 2);
    this.addAlarm(`Unhealthy${port}`, metrics.unhealthyHostCount({ period: minute }), 1);
    this.addAlarm(`Healthy${port}`, metrics.healthyHostCount({ period: minute }), 1);
  }

  addAlarm(id, metric, threshold) {
    metric.createAlarm(this, `${id}Alarm`, {
      threshold, evaluationPeriods: 5, treatMissingData: TreatMissingData.NOT_BREACHING,
    }).addAlarmAction(new SnsAction(this.topic));
  }
}

const app = new App();
for (let number = 0; number < STACKS; number += 1) new Service(app, number);
