"""CloudWatch with the real clients: the seed's commands, the balancer's numbers, alarms that fire and recover."""
import datetime
import http.client
import http.server
import io
import json
import shlex
import struct
import threading
import time

import pytest

import harness
from harness import Target, get, until


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def minutes(count):
    return datetime.timedelta(minutes=count)


def words(text):
    return shlex.split(text.replace("\\\n", " "))[1:]


SEED_ALARMS = ["""aws cloudwatch put-metric-alarm \\
    --alarm-name "Mindr-High-Response-Time" \\
    --alarm-description "Alert when response time exceeds 30 seconds" \\
    --metric-name TargetResponseTime \\
    --namespace AWS/ApplicationELB \\
    --statistic Average \\
    --period 300 \\
    --threshold 30 \\
    --comparison-operator GreaterThanThreshold \\
    --dimensions Name=LoadBalancer,Value=app/mindr-alb Name=TargetGroup,Value=targetgroup/mindr-backend-tg \\
    --evaluation-periods 2""", """aws cloudwatch put-metric-alarm \\
    --alarm-name "Mindr-High-Connection-Count" \\
    --alarm-description "Alert when active connections exceed 100" \\
    --metric-name ActiveConnectionCount \\
    --namespace AWS/ApplicationELB \\
    --statistic Sum \\
    --period 300 \\
    --threshold 100 \\
    --comparison-operator GreaterThanThreshold \\
    --dimensions Name=LoadBalancer,Value=app/mindr-alb \\
    --evaluation-periods 2"""]


def test_the_seeds_alarms_are_put_described_and_deleted(aws):
    for command in SEED_ALARMS:
        aws(*words(command))
    alarms = {a["AlarmName"]: a for a in aws("cloudwatch", "describe-alarms")["MetricAlarms"]}
    response = alarms["Mindr-High-Response-Time"]
    assert response["Threshold"] == 30 and response["Period"] == 300 and response["EvaluationPeriods"] == 2
    assert response["StateValue"] == "INSUFFICIENT_DATA" and response["ActionsEnabled"]
    assert {d["Name"]: d["Value"] for d in response["Dimensions"]} == {
        "LoadBalancer": "app/mindr-alb", "TargetGroup": "targetgroup/mindr-backend-tg"}
    assert alarms["Mindr-High-Connection-Count"]["Statistic"] == "Sum"
    aws("cloudwatch", "set-alarm-state", "--alarm-name", "Mindr-High-Response-Time", "--state-value", "ALARM", "--state-reason", "a test")
    history = aws("cloudwatch", "describe-alarm-history", "--alarm-name", "Mindr-High-Response-Time")["AlarmHistoryItems"]
    assert [h["HistoryItemType"] for h in history] == ["StateUpdate", "ConfigurationUpdate"]
    aws("cloudwatch", "delete-alarms", "--alarm-names", *alarms)
    assert aws("cloudwatch", "describe-alarms")["MetricAlarms"] == []
    code, _, errors = aws.run("cloudwatch", "delete-alarms", "--alarm-names", "Mindr-High-Response-Time")
    assert code and "ResourceNotFound" in errors


def test_the_seeds_boto3_code_publishes_streaming_metrics(cloudwatch):
    from datetime import datetime as seed_datetime

    def publish_streaming_metrics(duration_ms, success):
        cloudwatch.put_metric_data(
            Namespace='Mindr/Streaming',
            MetricData=[
                {'MetricName': 'StreamDuration', 'Value': duration_ms, 'Unit': 'Milliseconds',
                 'Dimensions': [{'Name': 'RequestType', 'Value': 'Chat'}], 'Timestamp': seed_datetime.utcnow()},
                {'MetricName': 'StreamSuccess', 'Value': 1 if success else 0, 'Unit': 'Count',
                 'Dimensions': [{'Name': 'RequestType', 'Value': 'Chat'}], 'Timestamp': seed_datetime.utcnow()}])

    for duration in range(1, 101):
        publish_streaming_metrics(duration * 10.0, duration % 4 != 0)
    asked = {"Namespace": "Mindr/Streaming", "StartTime": now() - minutes(5), "EndTime": now() + minutes(1), "Period": 300,
             "Dimensions": [{"Name": "RequestType", "Value": "Chat"}]}
    found = cloudwatch.get_metric_statistics(MetricName="StreamDuration", Statistics=["Sum", "Minimum", "Maximum", "SampleCount"], **asked)
    points = found["Datapoints"]
    assert sum(p["SampleCount"] for p in points) == 100 and sum(p["Sum"] for p in points) == 50500
    assert min(p["Minimum"] for p in points) == 10 and max(p["Maximum"] for p in points) == 1000
    assert points[0]["Unit"] == "Milliseconds"
    found = cloudwatch.get_metric_statistics(MetricName="StreamSuccess", Statistics=["Sum"], **asked)
    assert sum(p["Sum"] for p in found["Datapoints"]) == 75
    listed = cloudwatch.list_metrics(Namespace="Mindr/Streaming")["Metrics"]
    assert sorted(m["MetricName"] for m in listed) == ["StreamDuration", "StreamSuccess"]


def put_series(cloudwatch, name, values, unit="Count"):
    """One value a minute, the last one in the minute before this one; the time of the first."""
    start = now().replace(second=0, microsecond=0) - minutes(len(values))
    cloudwatch.put_metric_data(Namespace="Test", MetricData=[
        {"MetricName": name, "Value": value, "Unit": unit, "Timestamp": start + minutes(i)} for i, value in enumerate(values)])
    return start


def metric(id, name, stat="Sum", shown=False):
    return {"Id": id, "ReturnData": shown, "MetricStat": {"Metric": {"Namespace": "Test", "MetricName": name}, "Period": 60, "Stat": stat}}


def test_metric_math_computes_over_metrics(cloudwatch):
    start = put_series(cloudwatch, "Requests", [100, 200, 0, 400])
    put_series(cloudwatch, "Errors", [1, 10, 0, 100])
    found = cloudwatch.get_metric_data(StartTime=start, EndTime=start + minutes(4), ScanBy="TimestampAscending", MetricDataQueries=[
        metric("r", "Requests"), metric("e", "Errors"),
        {"Id": "share", "Expression": "100 * e / r", "Label": "percent"},
        {"Id": "all", "Expression": "SUM(METRICS())"},
        {"Id": "high", "Expression": "IF(r >= 200, r, 0)"},
        {"Id": "filled", "Expression": "FILL(share, -1)"}])
    values = {r["Id"]: r["Values"] for r in found["MetricDataResults"]}
    assert values == {"share": [1, 5, 25], "all": [101, 210, 0, 500], "high": [0, 200, 0, 400], "filled": [1, 5, -1, 25]}
    assert found["MetricDataResults"][0]["Label"] == "percent"
    pages = cloudwatch.get_metric_data(StartTime=start, EndTime=start + minutes(4), MaxDatapoints=3, MetricDataQueries=[metric("r", "Requests", shown=True)])
    assert pages["MetricDataResults"][0]["Values"] == [400, 0, 200] and pages["NextToken"]
    rest = cloudwatch.get_metric_data(StartTime=start, EndTime=start + minutes(4), MaxDatapoints=3, NextToken=pages["NextToken"],
                                      MetricDataQueries=[metric("r", "Requests", shown=True)])
    assert rest["MetricDataResults"][0]["Values"] == [100] and "NextToken" not in rest


def test_lists_of_series_are_searched_sorted_and_labelled(cloudwatch):
    start = now().replace(second=0, microsecond=0) - minutes(3)
    for name, host, values in (("Load", "a", [1, 2, 3]), ("Load", "b", [30, 20, 10]), ("Load", "c", [5, 5, 5]), ("Errors", "a", [1, 1, 1])):
        cloudwatch.put_metric_data(Namespace="Test", MetricData=[
            {"MetricName": name, "Value": value, "Unit": "Count", "Timestamp": start + minutes(i), "Dimensions": [{"Name": "Host", "Value": host}]}
            for i, value in enumerate(values)])

    def lines(expression, **more):
        found = cloudwatch.get_metric_data(StartTime=start, EndTime=start + minutes(3), ScanBy="TimestampAscending", MetricDataQueries=[
            {"Id": "m1", "Label": "one", "ReturnData": False, "MetricStat": {"Period": 60, "Stat": "Sum", "Metric": {
                "Namespace": "Test", "MetricName": "Load", "Dimensions": [{"Name": "Host", "Value": "a"}]}}},
            {"Id": "s", "Expression": "SEARCH('{Test,Host} MetricName=\"Load\"', 'Sum', 60)", "ReturnData": False},
            {"Id": "e", "Expression": expression, **more}])["MetricDataResults"]
        assert {r["Id"] for r in found} <= {"e"} and all(r["StatusCode"] == "Complete" for r in found)
        return [(r["Label"], r["Values"]) for r in found]

    assert lines("s") == [("a", [1, 2, 3]), ("b", [30, 20, 10]), ("c", [5, 5, 5])]
    assert lines("SORT(s, AVG, DESC, 2)", Label="top") == [("top b", [30, 20, 10]), ("top c", [5, 5, 5])]
    assert lines("SLICE(SORT(s, MAX, ASC), 1) * 2", Label="${LABEL}: ${MAX}") == [("c: 10", [10, 10, 10]), ("b: 60", [60, 40, 20])]
    assert lines("SUM(s)") == [("e", [36, 27, 18])] and lines("m1 / METRIC_COUNT(s)") == [("e", [1 / 3, 2 / 3, 1])]
    assert lines("FILL(METRICS(), 0)", Label="filled:") == [("filled: one", [1, 2, 3])]
    assert lines("SEARCH('{Test,Host} NOT b', 'Sum', 60)", Label="${PROP('MetricName')} of ${PROP('Dim.Host')}") == [
        ("Load of a", [1, 2, 3]), ("Load of c", [5, 5, 5]), ("Errors of a", [1, 1, 1])]
    assert lines("SEARCH('{Other}', 'Sum', 60)") == [] and lines("TIME_SERIES(7)", Period=60) == [("e", [7, 7, 7])]
    assert lines("EPOCH(m1)", Label="${LAST_TIME}") == [
        ((start + minutes(2)).strftime("%Y-%m-%dT%H:%M:%SZ"), [(start + minutes(i)).timestamp() for i in range(3)])]


def test_alarms_that_cannot_be_are_refused(cloudwatch):
    from botocore.exceptions import ClientError
    good = {"AlarmName": "a", "Namespace": "Test", "MetricName": "M", "Statistic": "Sum", "Period": 60, "Threshold": 1, "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanThreshold"}
    for more, words in (({"Period": 1}, "Period must be"), ({"Period": 90}, "Period must be"), ({"EvaluationPeriods": 1441}, "a day"),
                        ({"Period": 3600, "EvaluationPeriods": 169}, "seven days"), ({"DatapointsToAlarm": 2}, "DatapointsToAlarm"),
                        ({"AlarmActions": ["somewhere"]}, "Invalid arn syntax"), ({"ExtendedStatistic": "p99"}, "Exactly one"),
                        ({"TreatMissingData": "x"}, "TreatMissingData"), ({"ComparisonOperator": "LessThanLowerThreshold"}, "anomaly")):
        with pytest.raises(ClientError, match=words) as caught:
            cloudwatch.put_metric_alarm(**{**good, **more})
        assert caught.value.response["Error"]["Code"] == "ValidationError", more
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []
    cloudwatch.put_metric_alarm(**{**good, "Period": 3600, "EvaluationPeriods": 168, "AlarmActions": ["arn:aws:sns:us-east-1:0:x"]})


def test_an_alarm_watches_one_series(cloudwatch):
    from botocore.exceptions import ClientError
    put_series(cloudwatch, "Requests", [1] * 5)
    put_series(cloudwatch, "Errors", [9] * 5)

    def put(expression, shown=True):
        cloudwatch.put_metric_alarm(AlarmName="math", ComparisonOperator="GreaterThanThreshold", Threshold=5, EvaluationPeriods=1, Metrics=[
            metric("r", "Requests"), metric("e", "Errors"), {"Id": "x", "Expression": expression, "ReturnData": shown}])
    for expression, words in (("METRICS()", "one series"), ("SEARCH('{Test}', 'Sum', 60)", "not supported on Metric Alarms"), ("AVG(e)", "a number"),
                              ("z", "unknown")):
        with pytest.raises(ClientError, match=words):
            put(expression)
    put("IF(HOUR(e) >= 0, FIRST(SORT(METRICS(), MAX, DESC)))")
    until(lambda: cloudwatch.describe_alarms()["MetricAlarms"][0]["StateValue"] == "ALARM", 10, "the alarm")


def test_a_state_that_was_set_is_not_overwritten_at_once(cloudwatch):
    def states():
        found = cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        return {a["AlarmName"]: a["StateValue"] for a in found["MetricAlarms"] + found["CompositeAlarms"]}

    def put(name, treat, period):
        cloudwatch.put_metric_alarm(AlarmName=name, Namespace="Test", MetricName="Nothing", Statistic="Sum", Period=period, Threshold=1,
                                    EvaluationPeriods=1, ComparisonOperator="GreaterThanThreshold", TreatMissingData=treat)
    put("fresh", "notBreaching", 60)
    cloudwatch.set_alarm_state(AlarmName="fresh", StateValue="ALARM", StateReason="by hand")
    put("child", "notBreaching", 10)
    cloudwatch.put_composite_alarm(AlarmName="any", AlarmRule="ALARM(child)")
    cloudwatch.set_alarm_state(AlarmName="any", StateValue="ALARM", StateReason="by hand")
    until(lambda: states()["child"] == "OK", 10, "an evaluation")
    put("witness", "breaching", 10)
    until(lambda: states()["witness"] == "ALARM", 10, "another evaluation")
    assert states()["fresh"] == "ALARM"
    until(lambda: states()["any"] == "OK", 10, "the change of the composite's alarm")


def test_bad_expressions_are_refused_in_words(cloudwatch):
    from botocore.exceptions import ClientError
    for expression, words in (("r +", "a value is missing"), ("SEARCH('{Test} x', 'Some')", "the statistic 'Some'"),
                              ("SEARCH('{Test', 'Sum')", "closing brace"), ("nobody * 2", "unknown"), ("BOGUS(r)", "not available"),
                              ("AVG(r)", "TIME_SERIES"), ("x + 1", "circle"), ("FIRST(r)", "a list of series"),
                              ("ANOMALY_DETECTION_BAND(r)", "not available here"), ("SELECT AVG(x) FROM Test", "SEARCH is")):
        with pytest.raises(ClientError, match=words) as caught:
            cloudwatch.get_metric_data(StartTime=now() - minutes(5), EndTime=now(),
                                       MetricDataQueries=[metric("r", "Requests"), {"Id": "x", "Expression": expression}])
        assert caught.value.response["Error"]["Code"] == "ValidationError"
    for more, words in (({"Label": "${NOBODY}"}, "unknown"), ({"AccountId": "123456789012"}, "not linked")):
        with pytest.raises(ClientError, match=words):
            cloudwatch.get_metric_data(StartTime=now() - minutes(5), EndTime=now(), MetricDataQueries=[{**metric("r", "Requests"), **more}])


def test_sets_values_and_percentiles_and_a_restart(weir, cloudwatch):
    at = now()
    cloudwatch.put_metric_data(Namespace="Test", MetricData=[
        {"MetricName": "Latency", "Values": [float(v) for v in range(1, 101)], "Counts": [2.0] * 100, "Unit": "Seconds", "Timestamp": at, "StorageResolution": 1},
        {"MetricName": "Set", "StatisticValues": {"SampleCount": 4, "Sum": 20, "Minimum": 2, "Maximum": 8}, "Timestamp": at}])
    asked = {"Namespace": "Test", "StartTime": at - minutes(2), "EndTime": at + minutes(2)}

    def check():
        latency = cloudwatch.get_metric_statistics(MetricName="Latency", Period=1, ExtendedStatistics=["p50", "p99"], **asked)["Datapoints"]
        assert len(latency) == 1 and latency[0]["Timestamp"] == at.replace(microsecond=0)
        assert abs(latency[0]["ExtendedStatistics"]["p50"] - 50) <= 1 and abs(latency[0]["ExtendedStatistics"]["p99"] - 99) <= 1.5
        points = cloudwatch.get_metric_statistics(MetricName="Set", Period=60, Statistics=["Average", "SampleCount"], **asked)["Datapoints"]
        assert [(p["Average"], p["SampleCount"]) for p in points] == [(5, 4)]
    check()
    weir.kill()
    weir.start()
    check()


def test_statistics_of_a_part_of_the_samples(cloudwatch):
    from botocore.exceptions import ClientError
    at = now() - minutes(2)
    cloudwatch.put_metric_data(Namespace="Test", MetricData=[{"MetricName": "Latency", "Values": [float(v) for v in range(1, 101)], "Timestamp": at}])
    wanted = {"tm90": 45.5, "TM(10%:90%)": 50.5, "wm90": 49.95, "IQM": 50.5, "tc90": 90, "TS(:10.5)": 55, "PR(:50.5)": 50, "p50": 50}
    asked = {"Namespace": "Test", "MetricName": "Latency", "StartTime": at - minutes(2), "EndTime": at + minutes(2)}
    found = cloudwatch.get_metric_statistics(Period=60, ExtendedStatistics=list(wanted), **asked)["Datapoints"][0]["ExtendedStatistics"]
    assert found == {name: pytest.approx(value, rel=0.011) for name, value in wanted.items()}
    found = cloudwatch.get_metric_data(StartTime=at - minutes(2), EndTime=at + minutes(2), MetricDataQueries=[metric("m", "Latency", "TM(:90%)", True)])
    assert found["MetricDataResults"][0]["Values"] == [pytest.approx(45.5, rel=0.011)]
    with pytest.raises(ClientError, match="TM\\(9:5\\)"):
        cloudwatch.get_metric_statistics(Period=60, ExtendedStatistics=["TM(9:5)"], **asked)


def test_data_that_cannot_be_are_refused(cloudwatch):
    from botocore.exceptions import ClientError
    good = {"MetricName": "M", "Value": 1.0}
    for datum, code in [({"MetricName": "M"}, "MissingParameter"), ({**good, "StorageResolution": 30}, "InvalidParameterValue"),
                        ({**good, "Timestamp": now() - datetime.timedelta(days=30)}, "InvalidParameterValue"),
                        ({**good, "Timestamp": now() + datetime.timedelta(hours=3)}, "InvalidParameterValue"),
                        ({**good, "Values": [1.0]}, "InvalidParameterCombination"), ({**good, "Unit": "Furlongs"}, "ValidationError"),
                        ({**good, "Dimensions": [{"Name": "a", "Value": "1"}, {"Name": "a", "Value": "2"}]}, "InvalidParameterValue")]:
        with pytest.raises(ClientError) as caught:
            cloudwatch.put_metric_data(Namespace="Test", MetricData=[good, datum])
        assert caught.value.response["Error"]["Code"] == code, datum
    assert cloudwatch.list_metrics(Namespace="Test")["Metrics"] == [], "nothing of a refused call is kept"


def test_large_data_come_gzipped(cloudwatch):
    cloudwatch.put_metric_data(Namespace="Test", MetricData=[
        {"MetricName": f"Metric{i}", "Value": float(i), "Dimensions": [{"Name": "Number", "Value": str(i)}]} for i in range(600)])
    found = list(cloudwatch.get_paginator("list_metrics").paginate(Namespace="Test"))
    assert [len(page["Metrics"]) for page in found] == [500, 100]
    assert cloudwatch.list_metrics(Namespace="Test", OwningAccount="123456789012")["Metrics"] == []
    owned = cloudwatch.list_metrics(Namespace="Test", MetricName="Metric1", OwningAccount=harness.ACCOUNT, IncludeLinkedAccounts=True)
    assert len(owned["Metrics"]) == 1 and owned["OwningAccounts"] == [harness.ACCOUNT]


def to_cbor(value):
    """RFC 8949, as much of it as requests need."""
    def head(major, count):
        size = next(n for n in (0, 1, 2, 3, 4) if count < (24 if not n else 256 ** (1 << (n - 1))))
        return bytes([major << 5 | (23 + size if size else count)]) + (count.to_bytes(1 << (size - 1), "big") if size else b"")
    if isinstance(value, dict):
        return head(5, len(value)) + b"".join(to_cbor(k) + to_cbor(v) for k, v in value.items())
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(to_cbor, value))
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, datetime.datetime):
        return head(6, 1) + to_cbor(value.timestamp())
    return b"\xfb" + struct.pack(">d", value) if isinstance(value, float) else head(0, value)


def from_cbor(data):
    """What to_cbor makes, and what else answers may hold: shorter floats, words, lengths left open."""
    stream = io.BytesIO(data)

    def items(count):
        while count is None or count > 0:
            item = read()
            if item is BREAK:
                return
            yield item
            count = count if count is None else count - 1

    def read():
        first = stream.read(1)[0]
        major, low = first >> 5, first & 31
        if major == 7:
            if low in (25, 26, 27):
                return struct.unpack({25: ">e", 26: ">f", 27: ">d"}[low], stream.read(1 << (low - 24)))[0]
            return {20: False, 21: True, 22: None, 31: BREAK}[low]
        count = low if low < 24 else None if low == 31 else int.from_bytes(stream.read(1 << (low - 24)), "big")
        if major == 2 or major == 3:
            return stream.read(count).decode() if major == 3 else stream.read(count)
        if major == 4:
            return list(items(count))
        if major == 5:
            return {key: read() for key in items(count)}
        return datetime.datetime.fromtimestamp(read(), datetime.timezone.utc) if major == 6 else count if major == 0 else -1 - count
    BREAK = object()
    return read()


def signed(weir, path, body, **headers):
    """(status, headers, body) of bytes that no client at hand may send."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
    request = AWSRequest("POST", f"http://127.0.0.1:{weir.api_port}{path}", {k.replace("_", "-"): v for k, v in headers.items()}, body)
    SigV4Auth(Credentials(*weir.keys()), "monitoring", harness.REGION).add_auth(request)
    connection = http.client.HTTPConnection("127.0.0.1", weir.api_port, timeout=20)
    connection.request("POST", path, body, dict(request.headers))
    answer = connection.getresponse()
    body, headers = answer.read(), {k.lower(): v for k, v in answer.getheaders()}
    connection.close()
    return answer.status, headers, body


def cbor_call(weir, operation, **value):
    """Smithy RPC v2 CBOR: (status, headers, parsed)."""
    status, headers, body = signed(weir, f"/service/GraniteServiceVersion20100801/operation/{operation}", to_cbor(value),
                                   Smithy_Protocol="rpc-v2-cbor", Content_Type="application/cbor", Accept="application/cbor", X_Amzn_Query_Mode="true")
    return status, headers, from_cbor(body) if body else None


def json_call(weir, operation, **value):
    """JSON 1.0 of a service that once spoke query: (status, headers, parsed)."""
    status, headers, body = signed(weir, "/", json.dumps(value).encode(), X_Amz_Target=f"GraniteServiceVersion20100801.{operation}",
                                   Content_Type="application/x-amz-json-1.0", X_Amzn_Query_Mode="true")
    return status, headers, json.loads(body or "null")


def test_the_same_operations_in_cbor(weir):
    pytest.importorskip("botocore")  # signs
    at = now().replace(microsecond=0)
    status, headers, _ = cbor_call(weir, "PutMetricData", Namespace="Test", MetricData=[{"MetricName": "M", "Value": 2.5, "Timestamp": at}])
    assert status == 200 and headers["smithy-protocol"] == "rpc-v2-cbor" and headers["content-type"] == "application/cbor"
    status, _, found = cbor_call(weir, "GetMetricStatistics", Namespace="Test", MetricName="M", StartTime=at - minutes(2), EndTime=at + minutes(2),
                                 Period=60, Statistics=["Sum"])
    assert status == 200 and [p["Sum"] for p in found["Datapoints"]] == [2.5]
    assert found["Datapoints"][0]["Timestamp"] == at.replace(second=0)
    status, headers, found = cbor_call(weir, "GetMetricStatistics", Namespace="Test", MetricName="M", StartTime=at, EndTime=at, Period=60, Statistics=["Sum"])
    assert status == 400 and headers["x-amzn-query-error"] == "InvalidParameterCombination;Sender"
    assert "InvalidParameterCombination" in found["__type"]


def test_the_same_operations_in_json_1_0(weir):
    pytest.importorskip("botocore")  # signs
    at = now().replace(microsecond=0)
    status, headers, _ = json_call(weir, "PutMetricData", Namespace="Test", MetricData=[{"MetricName": "M", "Value": 2.5, "Timestamp": at.timestamp()}])
    assert status == 200 and headers["content-type"] == "application/x-amz-json-1.0"
    asked = {"Namespace": "Test", "MetricName": "M", "StartTime": at.timestamp() - 120, "Period": 60, "Statistics": ["Sum"]}
    status, _, found = json_call(weir, "GetMetricStatistics", EndTime=at.timestamp() + 120, **asked)
    assert status == 200 and [(p["Sum"], p["Timestamp"]) for p in found["Datapoints"]] == [(2.5, at.replace(second=0).timestamp())]
    status, headers, found = json_call(weir, "GetMetricStatistics", EndTime=at.timestamp() - 120, **asked)
    assert status == 400 and headers["x-amzn-query-error"] == "InvalidParameterCombination;Sender"
    assert "InvalidParameterCombination" in found["__type"]


def statistic(weir, name, balancer, group=None, stat="Sum", **more):
    dimensions = [{"Name": "LoadBalancer", "Value": balancer}] + ([{"Name": "TargetGroup", "Value": group}] if group else []) + [
        {"Name": k, "Value": v} for k, v in more.items()]
    found = weir.call("cloudwatch", "GetMetricStatistics", Namespace="AWS/ApplicationELB", MetricName=name, Dimensions=dimensions, Period=300,
                      StartTime=(now() - minutes(10)).isoformat(), EndTime=(now() + minutes(5)).isoformat(), Statistics=[stat])
    return [p[stat] for p in found["Datapoints"] if stat in p]


def test_the_balancers_numbers_equal_what_was_sent():
    with harness.Weir() as weir, Target(lambda c: c.answer("fine")) as one, Target(lambda c: c.answer("fine")) as two:
        port, group_arn, balancer_arn = weir.behind(one, two)
        balancer, group = balancer_arn.split("loadbalancer/")[1], group_arn.split(":")[-1]
        for _ in range(20):
            assert get(port).status == 200
        until(lambda: sum(statistic(weir, "RequestCount", balancer)) == 20, 10, "20 requests")
        assert sum(statistic(weir, "RequestCount", balancer, group)) == 20
        assert sum(statistic(weir, "RequestCount", balancer, group, AvailabilityZone="us-east-1a")) == 20
        assert sum(statistic(weir, "HTTPCode_Target_2XX_Count", "app/lb", "targetgroup/tg")) == 20, "names without their ids"
        assert sum(statistic(weir, "HTTPCode_Target_2XX", balancer_arn, group_arn)) == 20, "ARNs and spellings"
        assert sum(statistic(weir, "RequestCountPerTarget", balancer, group)) == 10
        assert sum(statistic(weir, "TargetResponseTime", balancer, group, "SampleCount")) == 20
        assert statistic(weir, "HealthyHostCount", balancer, group, "Maximum")[-1] == 2
        assert statistic(weir, "UnHealthyHostCount", balancer, group, "Minimum")[-1] == 0
        assert statistic(weir, "HTTPCode_ELB_5XX_Count", balancer) == [], "what did not happen is absent"
        assert statistic(weir, "RequestCount", balancer, AvailabilityZone="us-east-1b") == []
        listed = weir.call("cloudwatch", "ListMetrics", Namespace="AWS/ApplicationELB", MetricName="RequestCount")["Metrics"]
        assert len(listed) == 4, "L, ZL, TL, TZL"


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.seen.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def test_an_overload_raises_the_alarm_and_its_end_clears_it():
    slow = [0.8]

    def answer(c):
        time.sleep(slow[0])
        c.answer("late")
    hook = http.server.HTTPServer(("127.0.0.1", 0), Hook)
    hook.seen = []
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{hook.server_port}/alarm"
    with harness.Weir() as weir, Target(answer) as target:
        port, _, _ = weir.behind(target)
        weir.call("cloudwatch", "PutMetricAlarm", AlarmName="slow", MetricName="TargetResponseTime", Namespace="AWS/ApplicationELB",
                  Statistic="Average", Period=10, Threshold=0.5, ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=1,
                  Dimensions=[{"Name": "LoadBalancer", "Value": "app/lb"}], AlarmActions=[url, "arn:aws:sns:us-east-1:0:x"],
                  OKActions=[f"arn:aws:weir:us-east-1:0:webhook:{url}"])
        weir.call("cloudwatch", "PutCompositeAlarm", AlarmName="any", AlarmRule='ALARM("slow") OR FALSE')
        stop = threading.Event()

        def load():
            while not stop.is_set():
                get(port)
                time.sleep(0.05)

        def state(name):
            found = weir.call("cloudwatch", "DescribeAlarms", AlarmTypes=["MetricAlarm", "CompositeAlarm"])
            return {a["AlarmName"]: a["StateValue"] for a in found["MetricAlarms"] + found["CompositeAlarms"]}[name]
        loader = threading.Thread(target=load)
        loader.start()
        try:
            until(lambda: state("slow") == "ALARM", 25, "the alarm")
            until(lambda: state("any") == "ALARM", 3, "the composite alarm")
            slow[0] = 0.01
            until(lambda: state("slow") == "OK", 35, "the end of the alarm")
            until(lambda: state("any") == "OK", 3, "the end of the composite alarm")
        finally:
            stop.set()
            loader.join()
        until(lambda: len(hook.seen) >= 2, 5, "both webhooks")
        values = [e["detail"]["state"]["value"] for e in hook.seen]
        assert values[0] == "ALARM" and values[1] == "OK" and "Threshold Crossed" in hook.seen[0]["detail"]["state"]["reason"]
        history = weir.call("cloudwatch", "DescribeAlarmHistory", AlarmName="slow", HistoryItemType="Action")["AlarmHistoryItems"]
        assert any("Successfully executed" in h["HistorySummary"] for h in history)
        assert any("Failed to execute" in h["HistorySummary"] and "sns" in h["HistorySummary"] for h in history)
    hook.shutdown()
    hook.server_close()


def test_a_suppressor_holds_the_actions_of_a_composite_alarm_back(cloudwatch):
    from botocore.exceptions import ClientError
    hook = http.server.HTTPServer(("127.0.0.1", 0), Hook)
    hook.seen = []
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    for name in ("down", "deploying"):
        cloudwatch.put_metric_alarm(AlarmName=name, Namespace="Test", MetricName="Nothing", Statistic="Sum", Period=60, Threshold=1,
                                    EvaluationPeriods=1, ComparisonOperator="GreaterThanThreshold", TreatMissingData="ignore")

    def put(**more):
        cloudwatch.put_composite_alarm(AlarmName="page", AlarmRule="ALARM(down)", AlarmActions=[f"http://127.0.0.1:{hook.server_port}/page"], **more)

    def described():
        return cloudwatch.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"][0]

    def become(name, state):
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="the test")
    for more, words in (({"ActionsSuppressor": "deploying"}, "given together"), ({"ActionsSuppressorWaitPeriod": 1}, "given together"),
                        ({"ActionsSuppressor": "nobody", "ActionsSuppressorWaitPeriod": 0, "ActionsSuppressorExtensionPeriod": 0}, "does not exist")):
        with pytest.raises(ClientError, match=words):
            put(**more)
    try:
        put(ActionsSuppressor="deploying", ActionsSuppressorWaitPeriod=60, ActionsSuppressorExtensionPeriod=1)
        become("down", "ALARM")
        until(lambda: described().get("ActionsSuppressedBy") == "WaitPeriod", 10, "the wait")
        become("deploying", "ALARM")
        until(lambda: described().get("ActionsSuppressedBy") == "Alarm", 10, "the suppressor")
        assert described()["StateValue"] == "ALARM" and described()["ActionsSuppressorExtensionPeriod"] == 1 and not hook.seen
        become("deploying", "OK")
        until(lambda: hook.seen, 10, "the action after the extension")
        assert "ActionsSuppressedBy" not in described() and hook.seen[0]["detail"]["state"]["value"] == "ALARM"
        told = [h["HistorySummary"] for h in cloudwatch.describe_alarm_history(AlarmName="page", HistoryItemType="Action")["AlarmHistoryItems"]]
        assert any("ActionsSuppressorExtensionPeriod" in t for t in told) and any("held back" in t for t in told)
    finally:
        hook.shutdown()
        hook.server_close()


def test_dashboards_and_tags(aws):
    body = json.dumps({"widgets": [{"type": "text", "x": 0, "y": 0, "width": 3, "height": 3, "properties": {"markdown": "hello"}}]})
    aws("cloudwatch", "put-dashboard", "--dashboard-name", "Mindr", "--dashboard-body", body)
    assert json.loads(aws("cloudwatch", "get-dashboard", "--dashboard-name", "Mindr")["DashboardBody"]) == json.loads(body)
    entries = aws("cloudwatch", "list-dashboards")["DashboardEntries"]
    assert [(e["DashboardName"], e["Size"]) for e in entries] == [("Mindr", len(body))]
    code, _, errors = aws.run("cloudwatch", "put-dashboard", "--dashboard-name", "Mindr", "--dashboard-body", "{")
    assert code and "InvalidParameterInput" in errors
    code, _, errors = aws.run("cloudwatch", "put-dashboard", "--dashboard-name", "Mindr", "--dashboard-body", body.replace('"width": 3', '"width": 25'))
    assert code and "InvalidParameterInput" in errors and "/widgets/0/width" in errors
    aws("cloudwatch", "delete-dashboards", "--dashboard-names", "Mindr")
    code, _, errors = aws.run("cloudwatch", "get-dashboard", "--dashboard-name", "Mindr")
    assert code and "ResourceNotFound" in errors

    aws(*words(SEED_ALARMS[1] + " --tags Key=team,Value=mindr"))
    arn = aws("cloudwatch", "describe-alarms")["MetricAlarms"][0]["AlarmArn"]
    aws("cloudwatch", "tag-resource", "--resource-arn", arn, "--tags", "Key=tier,Value=1")
    aws("cloudwatch", "untag-resource", "--resource-arn", arn, "--tag-keys", "team")
    assert aws("cloudwatch", "list-tags-for-resource", "--resource-arn", arn)["Tags"] == [{"Key": "tier", "Value": "1"}]
    for switch, enabled in (("disable", False), ("enable", True)):
        aws("cloudwatch", f"{switch}-alarm-actions", "--alarm-names", "Mindr-High-Connection-Count")
        assert aws("cloudwatch", "describe-alarms")["MetricAlarms"][0]["ActionsEnabled"] is enabled
    found = aws("cloudwatch", "describe-alarms-for-metric", "--namespace", "AWS/ApplicationELB", "--metric-name", "ActiveConnectionCount",
                "--dimensions", "Name=LoadBalancer,Value=app/mindr-alb")
    assert len(found["MetricAlarms"]) == 1
