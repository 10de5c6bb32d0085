// A small application as users write it: a container behind a balancer, a function with a URL, alarms, scaling.
const cdk = require('aws-cdk-lib');
const ec2 = require('aws-cdk-lib/aws-ec2');
const ecs = require('aws-cdk-lib/aws-ecs');
const elbv2 = require('aws-cdk-lib/aws-elasticloadbalancingv2');
const lambda = require('aws-cdk-lib/aws-lambda');

const app = new cdk.App({ analyticsReporting: true });
const stack = new cdk.Stack(app, 'SmallApp', { env: { region: 'us-east-1' } });

const vpc = new ec2.Vpc(stack, 'Vpc', {
  availabilityZones: ['us-east-1a', 'us-east-1b'],
  natGateways: 0,
  subnetConfiguration: [{ name: 'public', subnetType: ec2.SubnetType.PUBLIC, cidrMask: 24 }],
});
const cluster = new ecs.Cluster(stack, 'Cluster', { vpc });
const task = new ecs.FargateTaskDefinition(stack, 'Task', { cpu: 256, memoryLimitMiB: 512 });
task.addContainer('web', {
  image: ecs.ContainerImage.fromRegistry('weir/webd'),
  portMappings: [{ containerPort: 8080 }],
  logging: ecs.LogDrivers.awsLogs({ streamPrefix: 'web' }),
});
const service = new ecs.FargateService(stack, 'Service', {
  cluster,
  taskDefinition: task,
  desiredCount: 1,
  assignPublicIp: true,
  circuitBreaker: { rollback: true },
  minHealthyPercent: 50,
});
const balancer = new elbv2.ApplicationLoadBalancer(stack, 'Balancer', { vpc, internetFacing: true });
const listener = balancer.addListener('Http', { port: 80 });
const group = listener.addTargets('Web', {
  port: 8080,
  protocol: elbv2.ApplicationProtocol.HTTP,
  targets: [service],
  deregistrationDelay: cdk.Duration.seconds(10),
  healthCheck: { path: '/', healthyHttpCodes: '200' },
});
listener.addAction('Hello', {
  priority: 5,
  conditions: [elbv2.ListenerCondition.pathPatterns(['/hello'])],
  action: elbv2.ListenerAction.fixedResponse(200, { contentType: 'text/plain', messageBody: 'hello' }),
});
const scaling = service.autoScaleTaskCount({ minCapacity: 1, maxCapacity: 3 });
scaling.scaleOnCpuUtilization('Cpu', { targetUtilizationPercent: 60 });
scaling.scaleOnRequestCount('Requests', { requestsPerTarget: 1000, targetGroup: group });

const fn = new lambda.Function(stack, 'Greeter', {
  runtime: lambda.Runtime.PYTHON_3_11,
  handler: 'index.handler',
  code: lambda.Code.fromInline('import os\ndef handler(event, context):\n    return "hello from " + os.environ["WHO"]\n'),
  environment: { WHO: 'cdk' },
  timeout: cdk.Duration.seconds(10),
});
fn.addFunctionUrl({ authType: lambda.FunctionUrlAuthType.NONE });
const alias = new lambda.Alias(stack, 'Live', { aliasName: 'live', version: fn.currentVersion });
fn.metricErrors().createAlarm(stack, 'Errors', { threshold: 1, evaluationPeriods: 1 });

new cdk.CfnOutput(stack, 'Address', { value: balancer.loadBalancerDnsName });
new cdk.CfnOutput(stack, 'Function', { value: fn.functionName });
new cdk.CfnOutput(stack, 'Alias', { value: alias.functionArn });
app.synth();
