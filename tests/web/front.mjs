// Stands where the balancer stands: what is ragd's goes to ragd, the rest to webd. Bytes
// pass as they come, and who leaves on one side leaves on the other.
import http from "node:http";
import { pathToFileURL } from "node:url";

export function front(webPort, ragPort) {
  return http.createServer((request, response) => {
    const path = request.url.split("?")[0];
    const toRag = /^\/(chat|health|reindex|documents|jobs|assets)(\/|$)/.test(path);
    const onward = http.request({
      host: "127.0.0.1", port: toRag ? ragPort : webPort, method: request.method,
      path: request.url, headers: request.headers, agent: false,
    }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.on("data", (data) => response.write(data));
      answer.on("end", () => response.end());
      answer.on("error", () => response.destroy());
      answer.on("aborted", () => response.destroy());
    });
    onward.setNoDelay(true);
    onward.on("error", () => {
      if (response.headersSent) response.destroy();
      else response.writeHead(502, { "Content-Type": "text/html" }).end("<h1>502 Bad Gateway</h1>");
    });
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [port, webPort, ragPort] = process.argv.slice(2).map(Number);
  front(webPort, ragPort).listen(port, "127.0.0.1");
}
