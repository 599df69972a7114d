"""CloudWatch Logs with boto3: patterns, Insights, metric filters, a subscription to an HTTP target, Live Tail. Prints one
word for each part that stands.
"""

import gzip
import http.server
import json
import threading
import time

import boto3
from botocore.exceptions import ClientError

from cloud import until

GROUP = "/journey/logs"
logs = boto3.client("logs")


def refused(call, code, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return error.response
    raise AssertionError(f"{call} was not refused")


def put(stream, *messages):
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": message} for message in messages]
    answer = logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events, sequenceToken="old")
    assert "rejectedLogEventsInfo" not in answer, answer


def found(pattern):
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=GROUP, filterPattern=pattern)
    return [event["message"] for page in pages for event in page["events"]]


logs.create_log_group(logGroupName=GROUP)
for name in ["one", "two"]:
    logs.create_log_stream(logGroupName=GROUP, logStreamName=name)
ACCESS = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'
put("one", '{"level":"error","ms":250,"path":"/cart"}', '{"level":"info","ms":10,"path":"/"}', "plain ERROR text")
put("two", ACCESS, "plain WARN text")

assert len(found("")) == 5
assert found("{ $.level = error && $.ms > 100 }") == ['{"level":"error","ms":250,"path":"/cart"}']
assert found("[ip, ..., status = 4*, bytes > 1000]") == [ACCESS]
assert sorted(found("?ERROR ?WARN")) == ["plain ERROR text", "plain WARN text"]
assert found("plain -WARN") == ["plain ERROR text"]
assert found("%E[R]{2}OR\\stext%") == ["plain ERROR text"]
error = refused(logs.filter_log_events, "InvalidParameterException", logGroupName=GROUP, filterPattern="a:b")
assert "':' (at character 2" in error["Error"]["Message"], error
tested = logs.test_metric_filter(filterPattern="[ip, ..., size]", logEventMessages=[ACCESS])["matches"]
assert tested[0]["extractedValues"]["$size"] == "1534", tested
print("patterns")


def query(text):
    now = int(time.time())
    started = logs.start_query(logGroupName=GROUP, startTime=now - 600, endTime=now + 600, queryString=text)
    answers = []

    def complete():
        answers.append(logs.get_query_results(queryId=started["queryId"]))
        return answers[-1]["status"] == "Complete"

    until(f"{text} is complete", complete)
    rows = [{field["field"]: field["value"] for field in row} for row in answers[-1]["results"]]
    return rows, answers[-1]["statistics"]


rows, statistics = query("fields ms, path | filter level = 'error'")
assert [(row["ms"], row["path"]) for row in rows] == [("250", "/cart")], rows
assert (statistics["recordsMatched"], statistics["recordsScanned"]) == (1.0, 5.0), statistics
record = logs.get_log_record(logRecordPointer=rows[0]["@ptr"])["logRecord"]
assert record["path"] == "/cart" and record["@logStream"] == "one", record
rows, _ = query("stats count(*) as n, max(ms) as worst by @logStream | sort n desc")
assert rows == [{"@logStream": "one", "n": "3", "worst": "250"}, {"@logStream": "two", "n": "2"}], rows
now = int(time.time())
error = refused(logs.start_query, "MalformedQueryException", logGroupName=GROUP, startTime=now - 60, endTime=now,
                queryString="fields @message | filtr a")
assert error["queryCompileError"]["location"] == {"startCharOffset": 18, "endCharOffset": 23}, error
saved = logs.put_query_definition(name="errors", queryString="filter level = 'error'")["queryDefinitionId"]
assert logs.describe_query_definitions()["queryDefinitions"][0]["queryDefinitionId"] == saved
names = {field["name"] for field in logs.get_log_group_fields(logGroupName=GROUP)["logGroupFields"]}
assert {"@message", "level", "ms"} <= names, names
print("insights")

metric = {"metricName": "errors", "metricNamespace": "Journey", "metricValue": "1", "defaultValue": 0.0, "unit": "Count"}
logs.put_metric_filter(logGroupName=GROUP, filterName="errors", filterPattern="ERROR", metricTransformations=[metric])
described = logs.describe_metric_filters(logGroupName=GROUP)["metricFilters"]
assert described[0]["metricTransformations"] == [metric], described
assert logs.describe_log_groups(logGroupNamePattern="journey")["logGroups"][0]["metricFilterCount"] == 1
refused(logs.put_metric_filter, "InvalidParameterException", logGroupName=GROUP, filterName="x", filterPattern="ERROR",
        metricTransformations=[{"metricName": "m", "metricNamespace": "n", "metricValue": "$.a"}])
print("filters")


class Target(http.server.BaseHTTPRequestHandler):
    taken, refusals = [], 2

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        assert self.headers["content-encoding"] == "gzip"
        message = json.loads(gzip.decompress(body))
        # The first deliveries fail: they come again.
        if message["messageType"] == "DATA_MESSAGE" and Target.refusals > 0:
            Target.refusals -= 1
            self.send_response(503)
        else:
            Target.taken.append(message)
            self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Target)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/in"
arguments = {"logGroupName": GROUP, "filterName": "to-http", "filterPattern": "ERROR"}
logs.put_subscription_filter(destinationArn=url, **arguments)
assert Target.taken[0]["messageType"] == "CONTROL_MESSAGE", Target.taken
refused(logs.put_subscription_filter, "InvalidParameterException",
        destinationArn="arn:aws:lambda:us-east-1:000000000000:function:f", **arguments)
for number in range(5):
    put("one", f"ERROR {number}", "fine")


def delivered():
    return [event["message"] for message in Target.taken[1:] for event in message["logEvents"]]


until("the target has all lines", lambda: len(delivered()) >= 5)
assert delivered() == [f"ERROR {number}" for number in range(5)], delivered()
assert Target.taken[1]["logGroup"] == GROUP and Target.taken[1]["subscriptionFilters"] == ["to-http"]
logs.delete_subscription_filter(logGroupName=GROUP, filterName="to-http")
print("subscription")

arn = logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"][0]["logGroupArn"]
stream = logs.start_live_tail(logGroupIdentifiers=[arn], logEventFilterPattern="LIVE")["responseStream"]
threading.Timer(1.5, put, ["two", "LIVE 1", "DEAD 1"]).start()
seen = []
for event in stream:
    if "sessionStart" in event:
        assert event["sessionStart"]["logGroupIdentifiers"] == [arn], event
        seen.append("start")
    elif event["sessionUpdate"]["sessionResults"]:
        seen += [result["message"] for result in event["sessionUpdate"]["sessionResults"]]
        break
stream.close()
assert seen == ["start", "LIVE 1"], seen
print("live tail")

# From lines to a number, from the number to an alarm, from the alarm to whoever is to hear of it.
watch = boto3.client("cloudwatch")


class Duty(http.server.BaseHTTPRequestHandler):
    called = []

    def do_POST(self):
        Duty.called.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


phone = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Duty)
threading.Thread(target=phone.serve_forever, daemon=True).start()
watch.put_metric_alarm(
    AlarmName="errors", Namespace="journey", MetricName="Broken", Statistic="Sum", Period=60, EvaluationPeriods=1, Threshold=3,
    ComparisonOperator="GreaterThanOrEqualToThreshold", TreatMissingData="notBreaching",
    AlarmActions=[f"http://127.0.0.1:{phone.server_port}/"])
logs.put_metric_filter(
    logGroupName=GROUP, filterName="broken", filterPattern='{ $.level = "error" && $.status >= 500 }',
    metricTransformations=[{"metricNamespace": "journey", "metricName": "Broken", "metricValue": "1"}])
for status in (500, 404, 503, 502):
    put("one", json.dumps({"level": "error", "status": status}))
until("the alarm", lambda: Duty.called, 90)
assert Duty.called[0]["AlarmName"] == "errors" and Duty.called[0]["NewStateValue"] == "ALARM", Duty.called
assert "[3.0 (" in Duty.called[0]["NewStateReason"], Duty.called[0]["NewStateReason"]
watch.delete_alarms(AlarmNames=["errors"])
print("alarm")
logs.delete_log_group(logGroupName=GROUP)
assert not logs.describe_metric_filters()["metricFilters"]
