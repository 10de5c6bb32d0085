"""Application Auto Scaling with boto3: what scales an ECS service, and what the service then does."""
import time

import botocore.exceptions
import pytest

import clients
from ecs_harness import SERVER, program
from harness import until

RESOURCE = dict(ServiceNamespace="ecs", ResourceId="service/c/web", ScalableDimension="ecs:service:DesiredCount")


@pytest.fixture
def scaling(weir):
    pytest.importorskip("boto3")
    return clients.boto("application-autoscaling", weir)


@pytest.fixture
def ecs(weir, tmp_path):
    ecs = clients.boto("ecs", weir)
    ecs.create_cluster(clusterName="c")
    ecs.register_task_definition(family="web", networkMode="awsvpc", containerDefinitions=[
        {"name": "web", "image": program(tmp_path, "server", SERVER), "memory": 64, "portMappings": [{"containerPort": 8000}]}])
    subnets = [s["SubnetId"] for s in clients.boto("ec2", weir).describe_subnets()["Subnets"]][:1]
    ecs.create_service(cluster="c", serviceName="web", taskDefinition="web", desiredCount=1,
                       networkConfiguration={"awsvpcConfiguration": {"subnets": subnets}})
    return ecs


def desired(ecs):
    return ecs.describe_services(cluster="c", services=["web"])["services"][0]["desiredCount"]


def fault(call, **value):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**value)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_targets_policies_and_actions_are_kept_and_described(scaling, ecs):
    assert fault(scaling.register_scalable_target, **{**RESOURCE, "ResourceId": "service/c/none"}, MinCapacity=1, MaxCapacity=4)[0] == "ValidationException"
    assert fault(scaling.put_scaling_policy, **RESOURCE, PolicyName="p", PolicyType="StepScaling")[0] == "ObjectNotFoundException"
    scaling.register_scalable_target(**RESOURCE, MinCapacity=1, MaxCapacity=4)
    scaling.register_scalable_target(**RESOURCE, MaxCapacity=5)
    target, = scaling.describe_scalable_targets(ServiceNamespace="ecs", ResourceIds=["service/c/web"])["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 5)
    tracking = {"TargetValue": 100.0, "PredefinedMetricSpecification": {
        "PredefinedMetricType": "ALBRequestCountPerTarget", "ResourceLabel": "app/lb/1/targetgroup/tg/2"}}
    arn = scaling.put_scaling_policy(**RESOURCE, PolicyName="p", PolicyType="TargetTrackingScaling",
                                     TargetTrackingScalingPolicyConfiguration=tracking)["PolicyARN"]
    policy, = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    assert policy["PolicyARN"] == arn and policy["TargetTrackingScalingPolicyConfiguration"] == tracking
    bad = {"TargetValue": 1.0, "PredefinedMetricSpecification": {"PredefinedMetricType": "ALBRequestCountPerTarget"}}
    assert "ResourceLabel" in fault(scaling.put_scaling_policy, **RESOURCE, PolicyName="q", PolicyType="TargetTrackingScaling",
                                    TargetTrackingScalingPolicyConfiguration=bad)[1]
    scaling.put_scheduled_action(**RESOURCE, ScheduledActionName="a", Schedule="cron(0 9 * * ? *)", ScalableTargetAction={"MinCapacity": 2})
    assert scaling.describe_scheduled_actions(ServiceNamespace="ecs")["ScheduledActions"][0]["Schedule"] == "cron(0 9 * * ? *)"
    assert "is not valid" in fault(scaling.put_scheduled_action, **RESOURCE, ScheduledActionName="b", Schedule="daily",
                                   ScalableTargetAction={"MinCapacity": 2})[1]
    scaling.delete_scheduled_action(**RESOURCE, ScheduledActionName="a")
    scaling.deregister_scalable_target(**RESOURCE)
    assert scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"] == []


def test_a_metric_above_its_target_makes_the_service_grow_up_to_its_maximum(weir, scaling, ecs, cloudwatch):
    scaling.register_scalable_target(**RESOURCE, MinCapacity=1, MaxCapacity=3)
    now = time.time()
    cloudwatch.put_metric_data(Namespace="Mine", MetricData=[
        {"MetricName": "OpenStreams", "Value": 50, "Timestamp": now - 60 * i} for i in range(5)])
    scaling.put_scaling_policy(**RESOURCE, PolicyName="streams", PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration={
        "TargetValue": 10.0, "CustomizedMetricSpecification": {"Namespace": "Mine", "MetricName": "OpenStreams", "Statistic": "Average", "Dimensions": []}})
    assert until(lambda: desired(ecs) == 3, 15, "three wanted: five would be, three may be")
    activity = scaling.describe_scaling_activities(ServiceNamespace="ecs", ResourceId="service/c/web")["ScalingActivities"][0]
    assert activity["StatusCode"] == "Successful" and "policy streams" in activity["Cause"]


def test_an_alarm_drives_a_step_policy_and_a_scheduled_action_moves_the_bounds(weir, scaling, ecs, cloudwatch):
    scaling.register_scalable_target(**RESOURCE, MinCapacity=0, MaxCapacity=4)
    arn = scaling.put_scaling_policy(**RESOURCE, PolicyName="step", PolicyType="StepScaling", StepScalingPolicyConfiguration={
        "AdjustmentType": "ChangeInCapacity", "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 2}]})["PolicyARN"]
    cloudwatch.put_metric_alarm(AlarmName="busy", Namespace="Mine", MetricName="Load", Statistic="Maximum", Period=60, EvaluationPeriods=1,
                                Threshold=1, ComparisonOperator="GreaterThanThreshold", AlarmActions=[arn])
    now = time.time()
    cloudwatch.put_metric_data(Namespace="Mine", MetricData=[{"MetricName": "Load", "Value": 5, "Timestamp": now - 60 * i} for i in range(3)])
    until(lambda: desired(ecs) == 3, 15, "two more, once per cooldown")
    cloudwatch.delete_alarms(AlarmNames=["busy"])
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 4))
    scaling.put_scheduled_action(**RESOURCE, ScheduledActionName="night", Schedule=f"at({at})", ScalableTargetAction={"MinCapacity": 0, "MaxCapacity": 1})
    until(lambda: desired(ecs) == 1, 15, "one at night")
