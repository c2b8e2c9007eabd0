// A CDK app with the patterns of aws-ecs-patterns, references between stacks, a stage and a nested
// stack. tests/cdk/synthesize.py writes its cloud assembly.
const cdk = require('aws-cdk-lib');
const { Stack, Stage, NestedStack, Duration } = cdk;
const ec2 = require('aws-cdk-lib/aws-ec2');
const ecs = require('aws-cdk-lib/aws-ecs');
const patterns = require('aws-cdk-lib/aws-ecs-patterns');
const appscaling = require('aws-cdk-lib/aws-applicationautoscaling');

const image = () => ecs.ContainerImage.fromRegistry('public.ecr.aws/nginx/nginx:1.27');
const app = new cdk.App();

class Network extends Stack {
  constructor(scope, id, props) {
    super(scope, id, props);
    this.vpc = new ec2.Vpc(this, 'Vpc', { maxAzs: 2, natGateways: 1 });
    this.cluster = new ecs.Cluster(this, 'Cluster', { vpc: this.vpc });
  }
}
class Web extends Stack {
  constructor(scope, id, props) {
    super(scope, id, props);
    const web = new patterns.ApplicationLoadBalancedFargateService(this, 'Web', {
      cluster: props.cluster, cpu: 256, memoryLimitMiB: 512,
      taskImageOptions: { image: image(), containerPort: 80 },
      minHealthyPercent: 100,
    });
    web.service.autoScaleTaskCount({ maxCapacity: 4 }).scaleOnCpuUtilization('Cpu', { targetUtilizationPercent: 60 });
  }
}
class Jobs extends Stack {
  constructor(scope, id, props) {
    super(scope, id, props);
    const tcp = new patterns.NetworkLoadBalancedFargateService(this, 'Tcp', {
      cluster: props.cluster, minHealthyPercent: 100,
      taskImageOptions: { image: image(), containerPort: 80 },
    });
    tcp.service.connections.allowFromAnyIpv4(ec2.Port.tcp(80)); // the pattern allows nobody
    new patterns.QueueProcessingFargateService(this, 'Worker', {
      cluster: props.cluster, image: image(), minHealthyPercent: 100,
    });
    new patterns.ScheduledFargateTask(this, 'Nightly', {
      cluster: props.cluster, schedule: appscaling.Schedule.rate(Duration.hours(12)),
      scheduledFargateTaskImageOptions: { image: image(), memoryLimitMiB: 512 },
    });
  }
}
class Inner extends NestedStack {
  constructor(scope, id, props) {
    super(scope, id, props);
    this.web = new patterns.ApplicationLoadBalancedFargateService(this, 'Api', {
      cluster: props.cluster, minHealthyPercent: 100,
      taskImageOptions: { image: image(), containerPort: 80 },
    });
  }
}
class Outer extends Stack {
  constructor(scope, id, props) {
    super(scope, id, props);
    const vpc = new ec2.Vpc(this, 'Vpc', { maxAzs: 2 });
    const cluster = new ecs.Cluster(this, 'Cluster', { vpc });
    const inner = new Inner(this, 'Inner', { cluster });
    new cdk.CfnOutput(this, 'Url', { value: inner.web.loadBalancer.loadBalancerDnsName });
  }
}
const net = new Network(app, 'Network');
new Web(app, 'Web', { cluster: net.cluster });
new Jobs(app, 'Jobs', { cluster: net.cluster });
new Outer(app, 'Outer');
class Prod extends Stage {
  constructor(scope, id, props) {
    super(scope, id, props);
    const net = new Network(this, 'Network');
    new Web(this, 'Web', { cluster: net.cluster });
  }
}
new Prod(app, 'Prod', { env: { account: '111122223333', region: 'eu-central-1' } });
app.synth();
