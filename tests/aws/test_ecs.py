"""ECS with boto3 and both command lines: what a user or Terraform calls, the waiters, the words of refusals."""
import json
import sys

import botocore.exceptions
import pytest

import clients
from ecs_harness import program, SERVER
from harness import get, until


@pytest.fixture
def ecs(weir):
    pytest.importorskip("boto3")
    return clients.boto("ecs", weir)


@pytest.fixture
def server(tmp_path):
    return program(tmp_path, "server", SERVER)


def container(image, **more):
    return {"name": "web", "image": image, "portMappings": [{"containerPort": 8000}], **more}


def code(call, **value):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**value)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_the_usual_walk_with_boto3_and_its_waiters(weir, ecs, elbv2, server):
    group = elbv2.create_target_group(Name="tg", Protocol="HTTP", Port=8000, VpcId=vpc(weir), TargetType="ip",
                                      HealthCheckPath="/health", HealthyThresholdCount=2, HealthCheckIntervalSeconds=5,
                                      HealthCheckTimeoutSeconds=2)["TargetGroups"][0]["TargetGroupArn"]
    subnets = [s["SubnetId"] for s in clients.boto("ec2", weir).describe_subnets()["Subnets"]][:2]
    made = ecs.create_cluster(clusterName="c", tags=[{"key": "a", "value": "b"}])["cluster"]
    assert made["status"] == "ACTIVE" and made["clusterArn"].endswith(":cluster/c")
    definition = ecs.register_task_definition(
        family="web", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
        containerDefinitions=[container(server)])["taskDefinition"]
    assert definition["revision"] == 1 and definition["containerDefinitions"][0]["essential"] is True
    assert definition["containerDefinitions"][0]["portMappings"] == [{"containerPort": 8000, "hostPort": 8000, "protocol": "tcp"}]
    network = {"awsvpcConfiguration": {"subnets": subnets, "assignPublicIp": "ENABLED"}}
    service = dict(cluster="c", serviceName="web", taskDefinition="web", desiredCount=2, launchType="FARGATE", networkConfiguration=network,
                   loadBalancers=[{"targetGroupArn": group, "containerName": "web", "containerPort": 8000}], healthCheckGracePeriodSeconds=60)
    assert code(ecs.create_service, **service) == (
        "InvalidParameterException", f"The target group with targetGroupArn {group} does not have an associated load balancer.")
    balancer = elbv2.create_load_balancer(Name="lb", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    from harness import free_port
    port = free_port()
    elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=port,
                          DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
    ecs.create_service(**service)
    assert ecs.create_service(**service)["service"]["serviceName"] == "web", "the same again is the same"
    assert code(ecs.create_service, **{**service, "desiredCount": 1}) == ("InvalidParameterException", "Creation of service was not idempotent.")
    ecs.get_waiter("services_stable").wait(cluster="c", services=["web"], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    elbv2.get_waiter("target_in_service").wait(TargetGroupArn=group, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    assert get(port).status == 200

    tasks = ecs.list_tasks(cluster="c", serviceName="web")["taskArns"]
    assert len(tasks) == 2 and ecs.list_tasks(cluster="c", family="other")["taskArns"] == []
    task = ecs.describe_tasks(cluster="c", tasks=tasks)["tasks"][0]
    address = task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]
    held = interfaces(weir, "private-ip-address", address)
    assert [(i["SubnetId"], [g["GroupName"] for g in i["Groups"]]) for i in held] == [(subnets[0], ["default"])]
    assert {"name": "networkInterfaceId", "value": held[0]["NetworkInterfaceId"]} in task["attachments"][0]["details"]
    assert held[0]["PrivateIpAddresses"][0]["PrivateIpAddress"] == address and held[0]["Description"].startswith("arn:aws:ecs:")
    assert task["lastStatus"] == "RUNNING" and task["group"] == "service:web" and task["startedBy"].startswith("ecs-svc/")
    assert task["startedAt"] >= task["createdAt"]
    cluster = ecs.describe_clusters(clusters=["c"], include=["TAGS"])["clusters"][0]
    assert (cluster["runningTasksCount"], cluster["activeServicesCount"], cluster["tags"]) == (2, 1, [{"key": "a", "value": "b"}])
    assert code(ecs.delete_cluster, cluster="c")[0] == "ClusterContainsServicesException"

    shut = clients.boto("ec2", weir).create_security_group(GroupName="shut", Description="of one task", VpcId=vpc(weir))["GroupId"]
    network["awsvpcConfiguration"]["securityGroups"] = [shut]
    one = ecs.run_task(cluster="c", taskDefinition="web:1", launchType="FARGATE", networkConfiguration=network, startedBy="me")["tasks"][0]["taskArn"]
    assert len(interfaces(weir, "group-id", shut)) == 1
    ecs.get_waiter("tasks_running").wait(cluster="c", tasks=[one], WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    assert ecs.list_tasks(cluster="c", startedBy="me")["taskArns"] == [one]
    ecs.stop_task(cluster="c", task=one)
    ecs.get_waiter("tasks_stopped").wait(cluster="c", tasks=[one], WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    assert interfaces(weir, "group-id", shut) == []
    assert code(ecs.execute_command, cluster="c", task=tasks[0], command="sh", interactive=True)[0] == "InvalidParameterException"

    ecs.update_service(cluster="c", service="web", desiredCount=0)
    ecs.delete_service(cluster="c", service="web")
    ecs.get_waiter("services_inactive").wait(cluster="c", services=["web"], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    assert ecs.delete_cluster(cluster="c")["cluster"]["status"] == "INACTIVE"
    assert code(ecs.list_tasks, cluster="c") == ("ClusterNotFoundException", "Cluster not found.")


def interfaces(weir, filter, value):
    return clients.boto("ec2", weir).describe_network_interfaces(Filters=[{"Name": filter, "Values": [value]}])["NetworkInterfaces"]


def vpc(weir):
    return clients.boto("ec2", weir).describe_vpcs()["Vpcs"][0]["VpcId"]


def test_the_same_by_the_command_line(aws, server, tmp_path):
    aws("ecs", "create-cluster", "--cluster-name", "default")
    (tmp_path / "def.json").write_text(json.dumps({"family": "web", "networkMode": "bridge", "containerDefinitions": [
        {**container(server, memory=256), "portMappings": [{"containerPort": 8000, "hostPort": 0}]}]}))
    aws("ecs", "register-task-definition", "--cli-input-json", f"file://{tmp_path}/def.json")
    assert aws("ecs", "list-task-definitions")["taskDefinitionArns"][0].endswith(":task-definition/web:1")
    aws("ecs", "create-service", "--service-name", "web", "--task-definition", "web", "--desired-count", "1")
    assert until(lambda: aws("ecs", "describe-services", "--services", "web")["services"][0]["runningCount"] == 1, 20)
    arn = aws("ecs", "list-tasks", "--service-name", "web")["taskArns"][0]
    port = aws("ecs", "describe-tasks", "--tasks", arn)["tasks"][0]["containers"][0]["networkBindings"][0]["hostPort"]
    until(lambda: get(port).status == 200)
    aws("ecs", "update-service", "--service", "web", "--force-new-deployment")
    until(lambda: (s := aws("ecs", "describe-services", "--services", "web")["services"][0]) and len(s["deployments"]) == 1
          and s["runningCount"] == 1, 20, "one deployment")
    aws("ecs", "wait", "services-stable", "--services", "web")  # asks once: then it would sleep 15 s
    aws("ecs", "delete-service", "--service", "web", "--force")
    aws("ecs", "deregister-task-definition", "--task-definition", "web:1")
    assert aws("ecs", "list-task-definition-families", "--status", "ACTIVE")["families"] == []


def test_definitions_have_revisions_and_leave_in_two_steps(ecs, server):
    for _ in range(2):
        ecs.register_task_definition(family="web", containerDefinitions=[container(server, memory=64)], tags=[{"key": "k", "value": "v"}])
    assert ecs.describe_task_definition(taskDefinition="web", include=["TAGS"])["tags"] == [{"key": "k", "value": "v"}]
    assert ecs.describe_task_definition(taskDefinition="web")["taskDefinition"]["revision"] == 2
    assert len(ecs.list_task_definitions(familyPrefix="web", sort="DESC")["taskDefinitionArns"]) == 2

    if not hasattr(ecs, "delete_task_definitions"):
        pytest.skip("this boto3 is older than DeleteTaskDefinitions")

    def delete():
        return ecs.delete_task_definitions(taskDefinitions=["web:2"])
    failures = delete()["failures"]
    assert "still in ACTIVE status" in failures[0]["reason"]
    assert ecs.deregister_task_definition(taskDefinition="web:2")["taskDefinition"]["status"] == "INACTIVE"
    assert ecs.describe_task_definition(taskDefinition="web")["taskDefinition"]["revision"] == 1
    assert delete()["taskDefinitions"][0]["status"] == "DELETE_IN_PROGRESS"
    assert ecs.register_task_definition(family="web", containerDefinitions=[container(server, memory=64)])["taskDefinition"]["revision"] == 3


@pytest.mark.parametrize("change, words", [
    ({"containerDefinitions": []}, "Container list cannot be empty."),
    ({"family": ""}, "Family should not be null or empty."),
    ({"containerDefinitions": [{"name": "web", "memory": 64}]}, "Container.image should not be null or empty."),
    ({"containerDefinitions": [{"image": "weir/ragd", "memory": 64}]}, "Container.name should not be null or empty."),
    ({"containerDefinitions": [{"name": "web", "image": "weir/ragd"}]}, "At least one of 'memory' or 'memoryReservation'"),
    ({"requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "300"}, "No Fargate configuration exists for given values: 256 CPU, 300 memory."),
    ({"cpu": "nan"}, "Invalid 'cpu' setting for task: 'nan'."),
    ({"requiresCompatibilities": ["FARGATE"], "networkMode": "bridge", "cpu": "256", "memory": "512"}, "Fargate only supports network mode"),
    ({"containerDefinitions": [{"name": "web", "image": "x", "memory": 64, "privileged": True}]}, "'privileged' is not supported"),
    ({"containerDefinitions": [{"name": "web", "image": "x", "memory": 64, "essential": False}]}, "essential"),
    ({"containerDefinitions": [{"name": "a", "image": "x", "memory": 64, "dependsOn": [{"containerName": "b", "condition": "START"}]},
                               {"name": "b", "image": "x", "memory": 64, "dependsOn": [{"containerName": "a", "condition": "START"}]}]}, "cycle"),
    ({"containerDefinitions": [{"name": "a", "image": "x", "memory": 64, "logConfiguration": {"logDriver": "splunk"}}]}, "splunk"),
    ({"volumes": [{"name": "v"}]}, "'volumes' is not supported"),
])
def test_what_is_wrong_with_a_definition_is_said(ecs, change, words):
    value = {"family": "web", "containerDefinitions": [{"name": "web", "image": "weir/ragd", "memory": 64}], **change}
    got, message = code(ecs.register_task_definition, **value)
    assert got == "ClientException" and words in message, message


def test_what_is_wrong_with_a_service_or_a_task_is_said(weir, ecs, server):
    assert code(ecs.create_service, serviceName="web", taskDefinition="web", desiredCount=1)[0] == "ClusterNotFoundException"
    ecs.create_cluster()
    assert code(ecs.create_service, serviceName="web", taskDefinition="web", desiredCount=1) == ("ClientException", "TaskDefinition not found.")
    ecs.register_task_definition(family="web", networkMode="awsvpc", containerDefinitions=[container(server, memory=64)])
    service = dict(serviceName="web", taskDefinition="web", desiredCount=1)
    assert "Network Configuration must be provided" in code(ecs.create_service, **service)[1]
    bad = {"awsvpcConfiguration": {"subnets": ["subnet-00000000000000000"]}}
    assert "subnet-00000000000000000" in code(ecs.create_service, **service, networkConfiguration=bad)[1]
    subnets = [s["SubnetId"] for s in clients.boto("ec2", weir).describe_subnets()["Subnets"]][:1]
    service["networkConfiguration"] = {"awsvpcConfiguration": {"subnets": subnets}}
    assert "does not support launch_type FARGATE" in code(ecs.create_service, **service, launchType="FARGATE")[1]
    assert "cannot be 100" in code(ecs.create_service, **service, deploymentConfiguration={"minimumHealthyPercent": 100, "maximumPercent": 100})[1]
    assert "DAEMON" in code(ecs.create_service, **service, schedulingStrategy="DAEMON")[1]
    assert "CODE_DEPLOY" in code(ecs.create_service, **service, deploymentController={"type": "CODE_DEPLOY"})[1]
    assert "container port 9" in code(ecs.create_service, **service, loadBalancers=[
        {"targetGroupArn": "arn:aws:x", "containerName": "web", "containerPort": 9}])[1]
    assert "only valid for services" in code(ecs.create_service, **service, healthCheckGracePeriodSeconds=5)[1]
    assert code(ecs.update_service, service="nobody") == ("ServiceNotFoundException", "Service not found.")
    assert code(ecs.stop_task, task="0" * 32) == ("InvalidParameterException", "The referenced task was not found.")
    assert "is not a container in the TaskDefinition" in code(ecs.run_task, taskDefinition="web", networkConfiguration=service["networkConfiguration"],
                                                              overrides={"containerOverrides": [{"name": "other"}]})[1]
    assert ecs.describe_services(services=["nobody"])["failures"][0]["reason"] == "MISSING"
    assert ecs.describe_tasks(tasks=["0" * 32])["failures"][0]["reason"] == "MISSING"


def test_tags_come_and_go(ecs):
    arn = ecs.create_cluster(clusterName="c")["cluster"]["clusterArn"]
    ecs.tag_resource(resourceArn=arn, tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])
    ecs.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert ecs.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]
    assert code(ecs.tag_resource, resourceArn=arn, tags=[{"key": "aws:x", "value": "1"}])[0] == "InvalidParameterException"


# ---- Roles ----

TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}]}
ASKER = f"#!{sys.executable}" + """
import boto3, os, urllib.error, urllib.request
client = lambda name: boto3.client(name, endpoint_url=os.environ["AWS_ENDPOINT_URL"])
say = lambda *words: print(*words, flush=True)
say("arn", client("sts").get_caller_identity()["Arn"])
say("clusters", len(client("ecs").list_clusters()["clusterArns"]))
try:
    client("iam").list_users()
except Exception as why:
    say("refused", why.response["Error"]["Code"])
try:
    urllib.request.urlopen(urllib.request.Request(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"], headers={"Authorization": "0" * 32}))
except urllib.error.HTTPError as why:
    say("other token", why.code)
"""


def role(iam, name, trust=TRUST):
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecs:ListClusters", "Resource": "*"}]}))
    return arn


def test_a_task_has_its_roles_keys_and_no_more_than_they_allow(weir, ecs, tmp_path):
    arn = role(clients.boto("iam", weir), "task")
    logs = {"logDriver": "awslogs", "options": {"awslogs-group": "/roles", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p", "awslogs-create-group": "true"}}
    ecs.create_cluster(clusterName="r")
    ecs.register_task_definition(family="asker", taskRoleArn=arn, networkMode="bridge", containerDefinitions=[
        {"name": "a", "image": program(tmp_path, "asker", ASKER), "memory": 512, "logConfiguration": logs}])
    task = ecs.run_task(cluster="r", taskDefinition="asker")["tasks"][0]["taskArn"]
    until(lambda: ecs.describe_tasks(cluster="r", tasks=[task])["tasks"][0]["lastStatus"] == "STOPPED", 60, "its end")
    said = [e["message"] for e in clients.boto("logs", weir).filter_log_events(logGroupName="/roles")["events"]]
    assert said == [f"arn arn:aws:sts::000000000000:assumed-role/task/{task.split('/')[-1]}", "clusters 1", "refused AccessDenied", "other token 403"], said


def test_a_role_that_does_not_trust_ecs_starts_nothing_and_is_told(weir, ecs, server):
    other = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}]}
    arn = role(clients.boto("iam", weir), "stranger", other)
    ecs.create_cluster(clusterName="s")
    ecs.register_task_definition(family="stranger", taskRoleArn=arn, networkMode="bridge", containerDefinitions=[container(server, memory=64)])
    task = ecs.run_task(cluster="s", taskDefinition="stranger")["tasks"][0]["taskArn"]
    ended = until(lambda: (t := ecs.describe_tasks(cluster="s", tasks=[task])["tasks"][0])["lastStatus"] == "STOPPED" and t, 30, "its end")
    assert ended["stoppedReason"].startswith(f"ECS was unable to assume the role '{arn}' that was provided for this task.")


def test_who_may_not_pass_a_role_cannot_give_it_to_a_task(weir, ecs, server):
    iam = clients.boto("iam", weir)
    arn = role(iam, "high")
    ecs.create_cluster(clusterName="p")
    plain = dict(networkMode="bridge", containerDefinitions=[container(server, memory=64)])
    ecs.register_task_definition(family="high", taskRoleArn=arn, **plain)
    ecs.register_task_definition(family="low", **plain)
    iam.create_user(UserName="low")
    iam.put_user_policy(UserName="low", PolicyName="p", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecs:*", "Resource": "*"}]}))
    made = iam.create_access_key(UserName="low")["AccessKey"]
    import boto3
    low = boto3.client("ecs", region_name="us-east-1", endpoint_url=f"http://127.0.0.1:{weir.api_port}",
                       aws_access_key_id=made["AccessKeyId"], aws_secret_access_key=made["SecretAccessKey"])
    assert low.run_task(cluster="p", taskDefinition="low")["tasks"]
    for call, value in ((low.run_task, dict(cluster="p", taskDefinition="high")),
                        (low.run_task, dict(cluster="p", taskDefinition="low", overrides={"taskRoleArn": arn})),
                        (low.register_task_definition, dict(family="mine", taskRoleArn=arn, **plain))):
        refused, words = code(call, **value)
        assert "AccessDenied" in refused and "iam:PassRole" in words and arn in words, (refused, words)
