"""The Lambda Runtime API for Python functions: asks for work, calls the handler, answers."""
import http.client
import importlib
import json
import os
import sys
import time
import traceback

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
BASE = "/2018-06-01/runtime"


class Context:
    """What a handler is told of its invocation."""

    def __init__(self, headers):
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.client_context = json.loads(headers.get("Lambda-Runtime-Client-Context") or "null")
        self.identity = None
        self._deadline_ms = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self):
        return max(0, self._deadline_ms - int(time.time() * 1000))


def error_of(error):
    lines = traceback.format_exception(type(error), error, error.__traceback__)
    return {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": lines}


class Runtime:
    def __init__(self):
        self.connection = http.client.HTTPConnection(API)

    def post(self, path, value, **headers):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.connection.request("POST", BASE + path, body, {"Content-Type": "application/json", **headers})
        answer = self.connection.getresponse()
        answer.read()

    def next(self):
        self.connection.request("GET", f"{BASE}/invocation/next")
        answer = self.connection.getresponse()
        return answer.headers, answer.read()

    def load(self):
        module, _, name = os.environ["_HANDLER"].rpartition(".")
        sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
        try:
            return getattr(importlib.import_module(module.replace("/", ".")), name)
        except Exception as error:
            kind = "Runtime.ImportModuleError" if isinstance(error, ImportError) else \
                "Runtime.HandlerNotFound" if isinstance(error, AttributeError) else "Runtime.UserCodeSyntaxError" \
                if isinstance(error, SyntaxError) else type(error).__name__
            value = {**error_of(error), "errorType": kind}
            if kind == "Runtime.ImportModuleError":
                value["errorMessage"] = f"Unable to import module '{module}': {error}"
            print(f"[ERROR] {kind}: {value['errorMessage']}", flush=True)
            self.post("/init/error", value, **{"Lambda-Runtime-Function-Error-Type": kind})
            sys.exit(1)

    def run(self, handler):
        while True:
            headers, body = self.next()
            path = f"/invocation/{headers['Lambda-Runtime-Aws-Request-Id']}"
            os.environ["_X_AMZN_TRACE_ID"] = headers.get("Lambda-Runtime-Trace-Id", "")
            try:
                answer = json.dumps(handler(json.loads(body), Context(headers))).encode()
            except Exception as error:
                value = error_of(error)
                print(f"[ERROR] {value['errorType']}: {value['errorMessage']}\n" + "".join(value["stackTrace"]))
                sys.stdout.flush()
                self.post(f"{path}/error", value, **{"Lambda-Runtime-Function-Error-Type": value["errorType"]})
                continue
            sys.stdout.flush()
            self.post(f"{path}/response", answer)


runtime = Runtime()
runtime.run(runtime.load())
