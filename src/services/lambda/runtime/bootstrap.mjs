// The Lambda Runtime API for Node.js functions: asks for work, calls the handler, answers.
import http from "node:http";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const base = "/2018-06-01/runtime";
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function ask(method, path, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, method, path: base + path, agent, headers }, (answer) => {
      const pieces = [];
      answer.on("data", (piece) => pieces.push(piece));
      answer.on("end", () => resolve({ headers: answer.headers, body: Buffer.concat(pieces) }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

function post(path, value, headers = {}) {
  const body = Buffer.from(value === undefined ? "null" : JSON.stringify(value));
  return ask("POST", path, body, { "Content-Type": "application/json", "Content-Length": body.length, ...headers });
}

const errorOf = (error) => ({
  errorType: error?.name ?? "Error",
  errorMessage: error?.message ?? String(error),
  trace: String(error?.stack ?? "").split("\n"),
});

function fail(path, error) {
  const value = errorOf(error);
  console.error("ERROR", JSON.stringify(value));
  return post(path, value, { "Lambda-Runtime-Function-Error-Type": value.errorType });
}

// A streaming handler writes into a request of its own, chunk by chunk, as it comes.
function openStream(path) {
  let type = "application/octet-stream";
  let request = null;
  const open = () => {
    request ??= http.request({
      host, port, method: "POST", path: base + path, agent,
      headers: { "Content-Type": type, "Lambda-Runtime-Function-Response-Mode": "streaming",
        "Transfer-Encoding": "chunked", Trailer: "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body" },
    });
    return request;
  };
  const ended = () => new Promise((resolve, reject) => {
    open().on("response", (answer) => answer.resume().on("end", resolve)).on("error", reject);
    open().end();
  });
  return {
    setContentType: (value) => { type = value; },
    write: (piece) => open().write(piece),
    end: (piece) => { if (piece !== undefined) open().write(piece); },
    once: (...rest) => open().once(...rest),
    on: (...rest) => open().on(...rest),
    fail: (error) => {
      const value = errorOf(error);
      open().addTrailers({ "Lambda-Runtime-Function-Error-Type": value.errorType,
        "Lambda-Runtime-Function-Error-Body": Buffer.from(JSON.stringify(value)).toString("base64") });
    },
    ended,
  };
}

globalThis.awslambda = {
  streamifyResponse: (handler) => Object.assign((...rest) => handler(...rest), { streams: true }),
  HttpResponseStream: {
    from: (stream, prelude) => {
      stream.setContentType("application/vnd.awslambda.http-integration-response");
      stream.write(JSON.stringify(prelude));
      stream.write(Buffer.alloc(8));
      return stream;
    },
  },
};

async function load() {
  const [file, name] = process.env._HANDLER.split(/\.(?=[^.]*$)/);
  const stem = path.resolve(process.env.LAMBDA_TASK_ROOT, file);
  const found = [".mjs", ".js", ".cjs"].map((end) => stem + end).find(existsSync);
  if (!found) throw Object.assign(new Error(`Cannot find module '${file}'`), { name: "Runtime.ImportModuleError" });
  const module = found.endsWith(".cjs") ? createRequire(import.meta.url)(found) : await import(pathToFileURL(found));
  const handler = module[name] ?? module.default?.[name];
  if (typeof handler !== "function")
    throw Object.assign(new Error(`${process.env._HANDLER} is undefined or not exported`), { name: "Runtime.HandlerNotFound" });
  return handler;
}

function contextOf(headers) {
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  const { env } = process;
  return {
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    clientContext: JSON.parse(headers["lambda-runtime-client-context"] ?? "null"),
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
}

function call(handler, event, context) {
  return new Promise((resolve, reject) => {
    const callback = (error, value) => (error ? reject(error) : resolve(value));
    const value = handler(event, context, callback);
    if (value?.then) value.then(resolve, reject);
    else if (handler.length < 3) resolve(value);
  });
}

const handler = await load().catch(async (error) => {
  await fail("/init/error", error);
  process.exit(1);
});
for (;;) {
  const { headers, body } = await ask("GET", "/invocation/next");
  const at = `/invocation/${headers["lambda-runtime-aws-request-id"]}`;
  process.env._X_AMZN_TRACE_ID = headers["lambda-runtime-trace-id"] ?? "";
  const stream = handler.streams ? openStream(`${at}/response`) : null;
  try {
    const event = JSON.parse(body);
    if (stream) await handler(event, stream, contextOf(headers));
    else await post(`${at}/response`, await call(handler, event, contextOf(headers)));
  } catch (error) {
    if (stream) stream.fail(error);
    else await fail(`${at}/error`, error);
  }
  if (stream) await stream.ended();
}
