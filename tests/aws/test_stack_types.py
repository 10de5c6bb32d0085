"""Resource types of stacks, one after the other: made, what Ref and GetAtt give, changed, replaced, deleted, by effect."""
import datetime
import io
import json
import subprocess
import sys
import zipfile

import botocore.exceptions
import pytest

import clients
from harness import BUILD, Weir, get, until

pytest.importorskip("boto3")

TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
PYTHON = f"python3.{sys.version_info.minor}"


@pytest.fixture(scope="module")
def weir():
    with Weir(auth="sigv4") as running:
        yield running


@pytest.fixture(scope="module")
def stacks(weir):
    return clients.boto("cloudformation", weir)


def wait(stacks, name, want):
    until(lambda: not state(stacks, name)["StackStatus"].endswith("IN_PROGRESS"), 60, f"stack {name} at rest")
    failures = [e.get("ResourceStatusReason") for e in stacks.describe_stack_events(StackName=name)["StackEvents"]
                if e["ResourceStatus"].endswith("FAILED")]
    assert state(stacks, name)["StackStatus"] == want, failures
    return failures


def state(stacks, name):
    return stacks.describe_stacks(StackName=name)["Stacks"][0]


def put(stacks, name, resources, outputs=(), want=None):
    """Creates or changes; the outputs, or the failures' reasons."""
    template = json.dumps({"Resources": resources, "Outputs": {k: {"Value": v} for k, v in dict(outputs).items()}})
    try:
        state(stacks, name)
        stacks.update_stack(StackName=name, TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"])
        failures = wait(stacks, name, want or "UPDATE_COMPLETE")
    except botocore.exceptions.ClientError as error:
        if "does not exist" not in str(error):
            raise
        stacks.create_stack(StackName=name, TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"])
        failures = wait(stacks, name, want or "CREATE_COMPLETE")
    return failures if want else {o["OutputKey"]: o["OutputValue"] for o in state(stacks, name).get("Outputs", [])}


def drop(stacks, name):
    stack = state(stacks, name)["StackId"]
    stacks.delete_stack(StackName=name)
    wait(stacks, stack, "DELETE_COMPLETE")


def call(weir, operation, **values):
    """What this machine's boto3 may be too old for."""
    return json.loads(subprocess.run([BUILD / "weir", "call", "elbv2", operation, json.dumps(values), "--data", weir.data],
                                     capture_output=True, text=True, check=True).stdout)


def att(name, attribute):
    return {"Fn::GetAtt": [name, attribute]}


def ref(name):
    return {"Ref": name}


def package(code):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("index.py", code.replace("import cfnresponse\n", ""))
    return out.getvalue()


def missing(call, **values):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(**values)
    return "NotFound" in raised.value.response["Error"]["Code"] or "NoSuch" in raised.value.response["Error"]["Code"]


def function(code, **more):
    return {"Type": "AWS::Lambda::Function", "Properties": {
        "Runtime": PYTHON, "Handler": "index.handler", "Role": att("Role", "Arn"), "Code": {"ZipFile": code}, **more}}


def answer(word):
    return f"import os\nimport cfnresponse\ndef handler(event, context):\n    return '{word} ' + os.environ.get('WORD', 'none')\n"


ROLE = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}}


def test_a_function_and_what_hangs_on_it(weir, stacks):
    functions = clients.boto("lambda", weir)

    def resources(code, word="one", url=True, **more):
        made = {"Role": ROLE, "F": function(answer(code), Environment={"Variables": {"WORD": word}}, **more),
                "First": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": ref("F")}},
                "Live": {"Type": "AWS::Lambda::Alias", "Properties": {
                    "FunctionName": ref("F"), "Name": "live", "FunctionVersion": att("First", "Version")}},
                "Retry": {"Type": "AWS::Lambda::EventInvokeConfig", "Properties": {
                    "FunctionName": ref("F"), "Qualifier": "$LATEST", "MaximumRetryAttempts": 1}}}
        if url:
            made["Url"] = {"Type": "AWS::Lambda::Url", "Properties": {
                "TargetFunctionArn": att("F", "Arn"), "AuthType": "NONE", **(url if isinstance(url, dict) else {})}}
            made["Open"] = {"Type": "AWS::Lambda::Permission", "Properties": {
                "FunctionName": ref("F"), "Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"}}
        return made

    outputs = {"Name": ref("F"), "Arn": att("F", "Arn"), "Version": ref("First"), "Alias": ref("Live"),
               "AliasArn": att("Live", "AliasArn"), "Url": att("Url", "FunctionUrl"), "UrlRef": ref("Url")}
    pages = {"InvokeMode": "RESPONSE_STREAM", "Cors": {"AllowOrigins": ["http://app.test"], "MaxAge": 60, "AllowCredentials": True}}
    told = put(stacks, "f", resources("first", url=pages, Timeout="7"), outputs)
    assert told["Name"].startswith("f-F-") and told["Arn"].endswith(":function:" + told["Name"])
    assert told["Version"] == told["Arn"] + ":1" and told["Alias"] == told["AliasArn"] == told["Arn"] + ":live"
    assert told["UrlRef"] == told["Arn"]

    def ask(qualifier="$LATEST"):
        return json.loads(functions.invoke(FunctionName=told["Name"], Qualifier=qualifier)["Payload"].read())

    assert ask() == "first one"
    assert functions.get_function_configuration(FunctionName=told["Name"])["Timeout"] == 7
    host = told["Url"].split("/")[2].split(":")[0]
    streamed = get(weir.api_port, headers="Origin: http://app.test\r\n", host=host)
    assert streamed.body == b'"first one"', "the permission lets anybody in; what is not streamed passes as it is"
    assert streamed.headers["access-control-allow-credentials"] == "true"
    assert functions.get_function_event_invoke_config(FunctionName=told["Name"])["MaximumRetryAttempts"] == 1

    changed = put(stacks, "f", resources("second", "two", MemorySize=256), outputs)
    assert changed["Name"] == told["Name"], "changed, not replaced"
    assert ask() == "second two" and ask("live") == "first one", "the alias stays with its version"
    settings = functions.get_function_configuration(FunctionName=told["Name"])
    assert (settings["Timeout"], settings["MemorySize"]) == (3, 256), "what is no longer named goes back"
    plain = get(weir.api_port, headers="Origin: http://app.test\r\n", host=host)
    assert plain.body == b"second two" and "access-control-allow-origin" not in plain.headers

    put(stacks, "f", resources("second", "two", url=False, FunctionName="named"), {"Name": ref("F")})
    assert missing(functions.get_function, FunctionName=told["Name"]), "another name is another function"
    drop(stacks, "f")
    assert functions.list_functions()["Functions"] == []


def test_a_function_from_a_bucket_and_one_that_cannot_be(weir, stacks):
    s3, functions = clients.boto("s3", weir), clients.boto("lambda", weir)
    s3.create_bucket(Bucket="code")
    s3.put_object(Bucket="code", Key="a/f.zip", Body=package(answer("stored")))
    made = {"Role": ROLE, "F": function("", Code={"S3Bucket": "code", "S3Key": "a/f.zip"}, FunctionName="stored")}
    put(stacks, "b", made)
    assert json.loads(functions.invoke(FunctionName="stored")["Payload"].read()) == "stored none"
    drop(stacks, "b")
    made["F"]["Properties"]["Code"] = {"S3Bucket": "code", "S3Key": "none.zip"}
    reasons = put(stacks, "b", made, want="ROLLBACK_COMPLETE")
    assert any("NoSuchKey" in reason or "not exist" in reason for reason in reasons), reasons
    drop(stacks, "b")
    made["F"]["Properties"].update(Runtime="provided.al2023", Code={"ZipFile": "x"})
    assert "ZipFile can only be used when Runtime" in put(stacks, "b", made, want="ROLLBACK_COMPLETE")[-1]
    drop(stacks, "b")
    assert functions.list_functions()["Functions"] == []


def test_a_user_with_keys_and_policies(weir, stacks):
    iam = clients.boto("iam", weir)

    def resources(*actions, status="Active", attached=()):
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}
        return {"User": {"Type": "AWS::IAM::User", "Properties": {
                    "Policies": [{"PolicyName": "p", "PolicyDocument": document}], "ManagedPolicyArns": list(attached)}},
                "More": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document}},
                "Key": {"Type": "AWS::IAM::AccessKey", "Properties": {"UserName": ref("User"), "Status": status}}}

    outputs = {"User": ref("User"), "Arn": att("User", "Arn"), "Key": ref("Key"), "Secret": att("Key", "SecretAccessKey")}
    told = put(stacks, "u", resources("ec2:DescribeVpcs"), outputs)
    import boto3
    ec2 = boto3.client("ec2", region_name="us-east-1", endpoint_url=f"http://127.0.0.1:{weir.api_port}",
                       aws_access_key_id=told["Key"], aws_secret_access_key=told["Secret"])
    assert ec2.describe_vpcs()["Vpcs"]
    with pytest.raises(botocore.exceptions.ClientError):
        ec2.describe_subnets()
    put(stacks, "u", resources("ec2:DescribeSubnets", attached=[ref("More")]), outputs)
    assert ec2.describe_subnets()["Subnets"]
    assert len(iam.list_attached_user_policies(UserName=told["User"])["AttachedPolicies"]) == 1
    put(stacks, "u", resources("ec2:*", status="Inactive"), outputs)
    with pytest.raises(botocore.exceptions.ClientError):
        ec2.describe_vpcs()
    drop(stacks, "u")
    assert iam.list_users()["Users"] == [] and iam.list_policies(Scope="Local")["Policies"] == []


def test_services_scale_by_stack(weir, stacks):
    scaling, ecs = clients.boto("application-autoscaling", weir), clients.boto("ecs", weir)
    subnet = clients.boto("ec2", weir).describe_subnets()["Subnets"][0]["SubnetId"]

    def resources(most, target, at=None):
        actions = [{"ScheduledActionName": "night", "Schedule": at, "ScalableTargetAction": {"MinCapacity": 0}}] if at else []
        return {"Cluster": {"Type": "AWS::ECS::Cluster"},
                "Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": {
                    "NetworkMode": "awsvpc", "Cpu": "256", "Memory": "512", "RequiresCompatibilities": ["FARGATE"],
                    "RuntimePlatform": {"CpuArchitecture": "X86_64", "OperatingSystemFamily": "LINUX"},
                    "ContainerDefinitions": [{"Name": "rag", "Image": "weir/ragd"}]}},
                "Service": {"Type": "AWS::ECS::Service", "Properties": {
                    "Cluster": ref("Cluster"), "TaskDefinition": ref("Task"), "DesiredCount": 0, "LaunchType": "FARGATE",
                    "PlatformVersion": "LATEST", "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": [subnet]}}}},
                "Target": {"Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Properties": {
                    "ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount", "MinCapacity": 0, "MaxCapacity": most,
                    "ResourceId": {"Fn::Sub": "service/${Cluster}/${Service.Name}"}, "ScheduledActions": actions}},
                "Policy": {"Type": "AWS::ApplicationAutoScaling::ScalingPolicy", "Properties": {
                    "PolicyName": "cpu", "PolicyType": "TargetTrackingScaling", "ScalingTargetId": ref("Target"),
                    "TargetTrackingScalingPolicyConfiguration": {"TargetValue": target, "PredefinedMetricSpecification": {
                        "PredefinedMetricType": "ECSServiceAverageCPUUtilization"}}}}}

    def seen():
        [policy] = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
        [target] = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
        actions = scaling.describe_scheduled_actions(ServiceNamespace="ecs")["ScheduledActions"]
        return target["MaxCapacity"], policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"], [a["Schedule"] for a in actions]

    told = put(stacks, "scale", resources(3, 50, "cron(0 22 * * ? *)"), {"Policy": ref("Policy"), "Target": ref("Target")})
    assert told["Target"].endswith("|ecs:service:DesiredCount|ecs") and told["Policy"].startswith("arn:aws:autoscaling:")
    assert seen() == (3, 50.0, ["cron(0 22 * * ? *)"])
    put(stacks, "scale", resources(5, 60))
    assert seen() == (5, 60.0, [])
    drop(stacks, "scale")
    assert scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"] == []
    assert ecs.list_clusters()["clusterArns"] == []


def crl_and_authority():
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")])
    authority = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
                 .not_valid_before(now).not_valid_after(now + datetime.timedelta(days=2))
                 .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, hashes.SHA256()))
    revoked = x509.RevokedCertificateBuilder().serial_number(9).revocation_date(now).build()
    crl = (x509.CertificateRevocationListBuilder().issuer_name(name).last_update(now).next_update(now + datetime.timedelta(days=1))
           .add_revoked_certificate(revoked).sign(key, hashes.SHA256()))
    return authority.public_bytes(serialization.Encoding.PEM), crl.public_bytes(serialization.Encoding.PEM)


def test_certificates_and_capacity_providers(weir, stacks):
    iam, ecs = clients.boto("iam", weir), clients.boto("ecs", weir)
    certificate, key = identity()

    def resources(*providers):
        return {"Certificate": {"Type": "AWS::IAM::ServerCertificate", "Properties": {"CertificateBody": certificate, "PrivateKey": key}},
                "Cluster": {"Type": "AWS::ECS::Cluster"},
                "Providers": {"Type": "AWS::ECS::ClusterCapacityProviderAssociations", "Properties": {
                    "Cluster": ref("Cluster"), "CapacityProviders": list(providers), "DefaultCapacityProviderStrategy": [
                        {"CapacityProvider": providers[0], "Weight": 1}]}}}

    outputs = {"Arn": att("Certificate", "Arn"), "Name": ref("Certificate"), "Cluster": ref("Cluster")}
    for providers in [("FARGATE",), ("FARGATE", "FARGATE_SPOT")]:
        told = put(stacks, "c", resources(*providers), outputs)
        assert tuple(sorted(ecs.describe_clusters(clusters=[told["Cluster"]])["clusters"][0]["capacityProviders"])) == providers
    assert told["Arn"].endswith(":server-certificate/" + told["Name"])
    assert iam.get_server_certificate(ServerCertificateName=told["Name"])["ServerCertificate"]["CertificateBody"].strip() == certificate.strip()
    drop(stacks, "c")
    assert iam.list_server_certificates()["ServerCertificateMetadataList"] == [] and ecs.list_clusters()["clusterArns"] == []


def identity():
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization as as_
    from cryptography.hazmat.primitives.asymmetric import ec
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests.localhost")])
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(2)
            .not_valid_before(now).not_valid_after(now + datetime.timedelta(days=2)).sign(key, hashes.SHA256()))
    return (made.public_bytes(as_.Encoding.PEM).decode(),
            key.private_bytes(as_.Encoding.PEM, as_.PrivateFormat.PKCS8, as_.NoEncryption()).decode())


def test_trust_stores_and_what_they_revoke(weir, stacks):
    authority, crl = crl_and_authority()
    s3 = clients.boto("s3", weir)
    s3.create_bucket(Bucket="trust")
    s3.put_object(Bucket="trust", Key="ca.pem", Body=authority)
    s3.put_object(Bucket="trust", Key="more.pem", Body=authority)
    s3.put_object(Bucket="trust", Key="crl.pem", Body=crl)

    def resources(bundle, revoked=True):
        made = {"Store": {"Type": "AWS::ElasticLoadBalancingV2::TrustStore", "Properties": {
            "Name": "clients", "CaCertificatesBundleS3Bucket": "trust", "CaCertificatesBundleS3Key": bundle}}}
        if revoked:
            made["Revoked"] = {"Type": "AWS::ElasticLoadBalancingV2::TrustStoreRevocation", "Properties": {
                "TrustStoreArn": ref("Store"), "RevocationContents": [
                    {"S3Bucket": "trust", "S3Key": "crl.pem", "RevocationType": "CRL"}]}}
        return made

    told = put(stacks, "t", resources("ca.pem"), {"Arn": ref("Store"), "Count": att("Store", "NumberOfCaCertificates"),
                                                  "Id": att("Revoked", "RevocationId")})
    revocations = call(weir, "DescribeTrustStoreRevocations", TrustStoreArn=told["Arn"])["TrustStoreRevocations"]
    assert told["Count"] == "1" and [str(r["RevocationId"]) for r in revocations] == [told["Id"]]
    again = put(stacks, "t", resources("more.pem", revoked=False), {"Arn": ref("Store")})
    assert again["Arn"] == told["Arn"]
    assert call(weir, "DescribeTrustStoreRevocations", TrustStoreArn=told["Arn"])["TrustStoreRevocations"] == []
    drop(stacks, "t")
    assert call(weir, "DescribeTrustStores")["TrustStores"] == []


def test_buckets_close_and_secrets_make_themselves_up(weir, stacks):
    s3, secrets = clients.boto("s3", weir), clients.boto("secretsmanager", weir)

    def resources(closed):
        closing = {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True, "RestrictPublicBuckets": True}} if closed else {}
        return {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {
                    "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}, **closing}},
                "Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": {"GenerateSecretString": {
                    "SecretStringTemplate": '{"user": "neo4j"}', "GenerateStringKey": "password", "PasswordLength": 20,
                    "ExcludePunctuation": True}}}}

    told = put(stacks, "s", resources(True), {"Bucket": ref("Bucket"), "Secret": ref("Secret")})
    assert s3.get_public_access_block(Bucket=told["Bucket"])["PublicAccessBlockConfiguration"]["BlockPublicAcls"] is True
    made = json.loads(secrets.get_secret_value(SecretId=told["Secret"])["SecretString"])
    assert made["user"] == "neo4j" and len(made["password"]) == 20 and made["password"].isalnum()
    put(stacks, "s", resources(False))
    assert missing(s3.get_public_access_block, Bucket=told["Bucket"])
    assert json.loads(secrets.get_secret_value(SecretId=told["Secret"])["SecretString"]) == made, "an update keeps it"
    drop(stacks, "s")
