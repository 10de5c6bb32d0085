// The chat page in headless Chromium, with webd and ragd behind a small front that stands where the
// balancer stands, and a scripted backend in ragd's place for what goes wrong.
//
// WEB_SHOTS=DIR keeps a screenshot of each state.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { Chrome, findChromium } from "./chrome.mjs";
import { front } from "./front.mjs";

const top = path.resolve(import.meta.dirname, "../..");
const build = path.resolve(process.env.WEIR_BUILD ?? path.join(top, "build"));
const shots = process.env.WEB_SHOTS;

function skip(reason) {
  console.log(reason);
  process.exit(77);
}

function program(name) {
  const file = path.join(build, name);
  return fs.existsSync(file) ? file : skip(`${name} is not in ${build}`);
}

const chromium = findChromium() ?? skip("chromium is not installed");
const ragd = program("ragd");
const webd = program("webd");

function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function answers(port, url) {
  for (const end = Date.now() + 15000; Date.now() < end;) {
    try {
      if ((await fetch(`http://127.0.0.1:${port}${url}`)).ok) return;
    } catch {
      // not yet
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing answers on port ${port}`);
}

/* ---- What stands behind the page ---- */

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "weir-web-data-"));
const children = [];

function start(file, environment, ...options) {
  const log = fs.openSync(path.join(scratch, `${path.basename(file)}.log`), "w");
  const child = spawn(file, options, { stdio: ["ignore", log, log],
    env: { ...process.env, RAG_PACE_MS: "15", OPENAI_BASE_URL: "", OPENAI_API_KEY: "", ...environment } });
  children.push(child);
}

const [ragPort, webPort, pagePort, fakePort, fakePagePort, lockedPort, lockedPagePort] =
  await Promise.all(Array.from({ length: 7 }, freePort));
const KEY = "a-key-of-sixteen-or-more";
start(ragd, { RAG_API_KEYS: `admin:${KEY}` }, "--port", lockedPort, "--documents", path.join(top, "rag/samples"), "--data", path.join(scratch, "locked"));
start(ragd, {}, "--port", ragPort, "--documents", path.join(top, "rag/samples"), "--data", path.join(scratch, "rag"));
start(webd, {}, "--port", webPort, "--root", path.join(top, "web/site"));

// Each test gives it what to do with the next question.
let script = (response) => response.end();
let heardClose = 0;
let heardCancel = "";
let canned = {}; // JSON by path, for the documents' view
const fake = http.createServer((request, response) => {
  const known = canned[request.url.split("?")[0]];
  if (request.method === "GET" && known) {
    response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(known));
    return;
  }
  if (request.url.endsWith("/cancel")) {
    heardCancel = request.url;
    response.writeHead(202).end("{}");
    return;
  }
  let body = "";
  request.on("data", (more) => { body += more; });
  request.on("end", () => script(response, JSON.parse(body)));
  response.on("close", () => { heardClose = Date.now(); });
}).listen(fakePort, "127.0.0.1");
const fronts = [front(webPort, ragPort).listen(pagePort, "127.0.0.1"), front(webPort, fakePort).listen(fakePagePort, "127.0.0.1"),
  front(webPort, lockedPort).listen(lockedPagePort, "127.0.0.1")];

function begin(response) {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  tell(response, "start", { id: "msg_1" });
}

function tell(response, type, data) {
  response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
}

// A red square, 8 by 8.
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEklEQVR4nGP4z8CAFWEXHbQSACj/P8Fu7N9hAAAAAElFTkSuQmCC";

async function give(port, items) {
  const response = await fetch(`http://127.0.0.1:${port}/documents/content_list`, {
    method: "POST", headers: { "Content-Type": "application/json", "X-API-Key": KEY },
    body: JSON.stringify({ content_list: items, document_id: "zantrium", wait_ms: 20000 }),
  });
  assert.equal(response.status, 200, await response.text());
}

const reference = { id: "1", title: "A title", section: "A section", file: "a.md", quote: "The quoted words.", source: "A source", span: [1, 18] };

/* ---- The tests ---- */

await Promise.all([answers(ragPort, "/readyz"), answers(lockedPort, "/readyz"), answers(webPort, "/")]);
const chrome = await Chrome.start(chromium);
const complaints = [];
chrome.on((method, params) => {
  if (method === "Runtime.exceptionThrown") complaints.push(params.exceptionDetails.exception?.description);
  if (method === "Log.entryAdded" && params.entry.source === "security") complaints.push(params.entry.text);
});

const real = `http://127.0.0.1:${pagePort}/`, scripted = `http://127.0.0.1:${fakePagePort}/`,
  locked = `http://127.0.0.1:${lockedPagePort}/`;
const idle = "!document.body.classList.contains('busy')";
const text = (selector) => chrome.value(`document.querySelector(${JSON.stringify(selector)})?.innerText ?? ""`);
const count = (selector) => chrome.value(`document.querySelectorAll(${JSON.stringify(selector)}).length`);

async function ask(question) {
  await chrome.value("document.getElementById('question').focus()");
  await chrome.type(question);
  await chrome.key("Enter", 13, "\r");
}

async function shot(name) {
  if (shots) await chrome.screenshot(path.join(shots, `${name}.png`));
}

const tests = {
  async "a question asked by keyboard is answered word by word, with sources"() {
    await chrome.size(1280, 860);
    await chrome.open(real);
    await shot("welcome");
    await ask("Tell me about sleep hygiene");
    const lengths = new Set();
    await chrome.until("document.querySelector('.words')?.innerText.length > 20", "the first words");
    await shot("streaming");
    for (let i = 0; i < 6; i++) {
      lengths.add((await text(".words")).length);
      await new Promise((resolve) => setTimeout(resolve, 80));
    }
    assert.ok(lengths.size >= 4, `the answer grew in ${lengths.size} steps`);
    assert.equal(await chrome.value("document.querySelector('.words').getAttribute('aria-busy')"), "true");
    await chrome.until(idle, "the end of the answer", 20000);
    assert.match(await text(".words"), /^Sleep hygiene means/);
    assert.match(await text("#words"), /^Answered from \d passages? in 1 document\.$/);
    assert.equal(await chrome.value("document.querySelector('.words').hasAttribute('aria-busy')"), false);
    assert.ok(await count(".cite") >= 3 && await count(".sources li") >= 3);
    assert.equal(await chrome.value("document.activeElement.id"), "question");
  },

  async "a citation opens its source with the quote"() {
    assert.equal(await count(".sources details[open]"), 0);
    await chrome.click(".cite");
    assert.equal(await count(".sources details[open]"), 1);
    assert.match(await text(".sources details[open] blockquote"), /Sleep hygiene means the habits/);
    assert.match(await text(".sources details[open] .from"), /Centers for Disease Control/);
    assert.equal(await chrome.value("document.activeElement.tagName"), "SUMMARY");
    await shot("source");
  },

  async "a follow-up keeps its topic, and the conversation stays on the page"() {
    await ask("And for how long is a nap in it good?");
    await chrome.until(`${idle} && document.querySelectorAll('.turn').length === 2`, "the second answer", 20000);
    assert.match(await text(".turn:last-child .sources"), /Sleep hygiene/);
    assert.equal(await count(".turn"), 2);
  },

  async "stop ends the answer and it looks unfinished"() {
    await ask("Tell me about ibuprofen");
    await chrome.until("document.querySelector('.turn:last-child .words').innerText.length > 20", "the first words");
    await chrome.click("#stop");
    await chrome.until(idle, "the stop");
    const length = (await text(".turn:last-child .words")).length;
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal((await text(".turn:last-child .words")).length, length);
    assert.match(await text(".turn:last-child .broken"), /incomplete.*You stopped it/s);
    assert.ok(await chrome.value("document.querySelector('.turn:last-child').classList.contains('cut')"));
    const health = await (await fetch(`http://127.0.0.1:${ragPort}/health`)).json();
    assert.equal(health.chats.running, 0);
    await shot("stopped");
  },

  async "escape stops too, and asking again answers in full"() {
    await ask("How much caffeine is safe?");
    await chrome.until("document.querySelector('.turn:last-child .words').innerText.length > 5", "the first words");
    await chrome.key("Escape", 27);
    await chrome.until(idle, "the stop");
    await chrome.click(".turn:last-child .broken button");
    await chrome.until(`${idle} && document.querySelector('#words').innerText.startsWith('Answered')`, "the full answer", 20000);
    assert.match(await text(".turn:last-child .words"), /400 mg of caffeine/);
    assert.equal(await count(".turn:last-child .broken"), 0);
  },

  async "an emergency is told first, as an alert"() {
    await ask("I took too much paracetamol");
    await chrome.until("document.querySelector('.turn:last-child [role=alert]')", "the alert");
    assert.match(await text(".turn:last-child [role=alert]"), /emergency number/);
    await chrome.until(idle, "the end", 20000);
    await shot("emergency");
  },

  async "a new conversation starts empty"() {
    await chrome.click("#new");
    assert.equal(await count(".turn"), 0);
    assert.equal(await chrome.value("document.getElementById('welcome').hidden"), false);
  },

  async "what no document says is said plainly"() {
    await ask("What is the capital of France?");
    await chrome.until(idle, "the end");
    assert.match(await text(".words"), /found nothing/);
    assert.equal(await text("#words"), "No document answers this.");
    assert.equal(await chrome.value("document.querySelector('.sources').hidden"), true);
  },

  async "heartbeats show while nothing else comes"() {
    await chrome.open(scripted);
    script = (response) => {
      begin(response);
      tell(response, "status", { stage: "generating" });
      setTimeout(() => tell(response, "heartbeat", { elapsed_ms: 15000, stage: "generating" }), 100);
      setTimeout(() => response.write(": ping\n"), 200);
      setTimeout(() => { tell(response, "delta", { text: "At last." }); tell(response, "done", { finish_reason: "stop" }); response.end(); }, 600);
    };
    await ask("slow");
    await chrome.until("document.getElementById('pulse').classList.contains('beat')", "the pulse");
    assert.equal(await text("#words"), "Answering: 15 s");
    await chrome.until(idle, "the end");
    assert.equal(await text(".words"), "At last.");
  },

  async "a stream that breaks looks broken and says so"() {
    for (const [name, end] of [["reset", (response) => response.destroy()], ["closed without done", (response) => response.end()]]) {
      script = (response) => {
        begin(response);
        tell(response, "references", { references: [reference] });
        tell(response, "delta", { text: "Half of an answer [1], and" });
        setTimeout(() => end(response), 150);
      };
      await ask(name);
      await chrome.until(idle, "the end");
      assert.match(await text(".turn:last-child .broken"), /incomplete.*connection/s, name);
      assert.ok(await chrome.value("document.querySelector('.turn:last-child').classList.contains('cut')"), name);
    }
    await shot("cut");
  },

  async "an error event is shown in its own words"() {
    script = (response) => {
      begin(response);
      tell(response, "delta", { text: "Some words" });
      tell(response, "error", { error: { code: "deadline", message: "The answer took longer than it may." } });
      response.end();
    };
    await ask("error");
    await chrome.until(idle, "the end");
    assert.match(await text(".turn:last-child .broken"), /took longer than it may/);
  },

  async "refusals are shown with their reason"() {
    for (const [status, headers, body, words] of [
      [429, { "Retry-After": "2" }, { error: { message: "Too many answers are in progress." } }, /Too many answers are in progress\. Try again in 2 s\./],
      [422, {}, { error: { message: "message is empty." } }, /message is empty/],
      [503, { "Content-Type": "text/html" }, null, /cannot answer right now \(status 503\)/],
    ]) {
      script = (response) => response.writeHead(status, headers).end(body ? JSON.stringify(body) : "<html>503</html>");
      await ask("refuse me");
      await chrome.until(idle, "the refusal");
      assert.match(await text(".turn:last-child .broken"), words);
      assert.ok(await chrome.value("document.querySelector('.turn:last-child').classList.contains('failed')"));
    }
    await shot("refused");
  },

  async "without a network the page says so"() {
    await chrome.page("Network.emulateNetworkConditions", { offline: true, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
    await ask("offline");
    await chrome.until(idle, "the failure");
    assert.match(await text(".turn:last-child .broken"), /offline|cannot be reached/);
    await chrome.page("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
  },

  async "stopping closes the connection upstream"() {
    script = (response) => begin(response);
    heardClose = 0;
    await ask("long thinking");
    await chrome.until("document.getElementById('stop').hidden === false", "the stop button");
    await new Promise((resolve) => setTimeout(resolve, 200));
    const stopped = Date.now();
    await chrome.click("#stop");
    for (const end = Date.now() + 2000; !heardClose && Date.now() < end;) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.ok(heardClose && heardClose - stopped < 1000, "the backend heard it");
    assert.equal(heardCancel, "/chat/msg_1/cancel");
  },

  async "the history of complete answers goes along, nothing of broken ones"() {
    await chrome.open(scripted);
    const seen = [];
    script = (response, body) => {
      seen.push(body);
      begin(response);
      tell(response, "delta", { text: "Fine." });
      if (body.message !== "breaks") tell(response, "done", { finish_reason: "stop" });
      response.end();
    };
    for (const [i, question] of ["first", "breaks", "third"].entries()) {
      await ask(question);
      await chrome.until(`${idle} && document.querySelectorAll('.turn').length === ${i + 1}`, question);
    }
    assert.deepEqual(seen[2].history, [{ role: "user", content: "first" }, { role: "assistant", content: "Fine." }]);
  },

  async "pictures and tables that are cited are shown with the answer"() {
    const items = [
      { type: "text", text: "Zantrium levels", text_level: 1, page_idx: 0 },
      { type: "image", data: PNG, img_caption: "The Zantrium curve over a day", page_idx: 0 },
      { type: "table", table_body: "<table><tr><td>Hour of Zantrium</td><td>mg/l</td></tr><tr><td>1</td><td><b>8</b></td></tr></table>", table_caption: ["Zantrium levels by hour"], page_idx: 1 },
    ];
    await give(ragPort, items);
    await chrome.open(real);
    await ask("Zantrium curve and Zantrium levels by hour");
    await chrome.until(idle, "the end of the answer", 20000);
    await chrome.until("document.querySelector('.attachment img')?.naturalWidth > 0", "the picture");
    assert.match(await text(".attachment:has(img) figcaption"), /The Zantrium curve over a day.*\(source \d+\)/);
    assert.equal(await text(".attachment th"), "Hour of Zantrium");
    assert.equal(await text(".attachment:has(table) td:last-child"), "8");
    await shot("attachments");
  },

  async "a server that wants a key gets it from the reader, for pictures too"() {
    await give(lockedPort, [{ type: "image", data: PNG, img_caption: "The Zantrium curve over a day", page_idx: 0 }]);
    await chrome.open(locked);
    await ask("Zantrium curve over a day");
    await chrome.until("document.querySelector('.wants-key')", "the question for a key");
    assert.match(await text(".broken"), /answers those who have a key/);
    await shot("key");
    await chrome.value(`(document.querySelector(".wants-key input").value = "${KEY}", document.querySelector(".wants-key").requestSubmit())`);
    await chrome.until("document.querySelector('.attachment img')?.naturalWidth > 0", "the picture");
    await chrome.until(idle, "the end of the answer", 20000);
    assert.match(await text("#words"), /^Answered from/);
    await chrome.value("sessionStorage.clear()");
  },

  async "stages are told as they come"() {
    script = (response) => {
      begin(response);
      tell(response, "status", { stage: "retrieving" });
      setTimeout(() => tell(response, "status", { stage: "reranking" }), 300);
      setTimeout(() => tell(response, "status", { stage: "generating" }), 600);
      setTimeout(() => {
        tell(response, "delta", { text: "Said." });
        tell(response, "done", { finish_reason: "stop" });
        response.end();
      }, 900);
    };
    await chrome.open(scripted);
    await chrome.value(`(window.told = [], new MutationObserver(() => told.push(document.getElementById("words").textContent))
      .observe(document.getElementById("words"), { childList: true, characterData: true, subtree: true }))`);
    await ask("In stages?");
    await chrome.until("told.some((t) => t.startsWith('Answered'))", "the end");
    const told = await chrome.value("told.join('|')");
    assert.match(told, /Searching the documents….*Choosing passages….*Answering…/);
  },

  async "markup in an answer, a title or a quote stays text"() {
    script = (response) => {
      begin(response);
      tell(response, "references", { references: [{ ...reference, title: "<b>bold</b>", quote: "<script>alert(1)</script>" }] });
      for (const part of ["<img src=x onerror=alert(1)> **strong** words [", "1", "] and [7]\n\n- one\n- t", "wo\n\nEnd."])
        tell(response, "delta", { text: part });
      tell(response, "done", { finish_reason: "stop" });
      response.end();
    };
    await ask("<i>hostile</i>");
    await chrome.until(idle, "the end");
    assert.equal(await count(".turn:last-child :is(img, script, i, b)"), 0);
    assert.equal(await text(".turn:last-child .asked"), "<i>hostile</i>");
    assert.match(await text(".turn:last-child .words"), /<img src=x onerror=alert\(1\)> strong words\u20601 and \[7\]/);
    assert.equal(await count(".turn:last-child .words li"), 2);
    assert.equal(await count(".turn:last-child .words strong"), 1);
    assert.equal(await count(".turn:last-child .cite"), 1);
  },

  async "colours follow the system, and the button overrides them and is remembered"() {
    const paper = () => chrome.value("getComputedStyle(document.documentElement).backgroundColor");
    await chrome.open(real);
    await chrome.colours("light");
    const light = await paper();
    await chrome.colours("dark");
    const dark = await paper();
    assert.notEqual(light, dark);
    await ask("ibuprofen dose");
    await chrome.until(idle, "the end", 20000);
    await shot("dark");
    await chrome.click("#theme");
    assert.equal(await paper(), light);
    assert.equal(await chrome.value("document.getElementById('theme').getAttribute('aria-label')"), "Colours: light");
    await chrome.open(real);
    assert.equal(await paper(), light);
    await chrome.click("#theme");
    await chrome.click("#theme");
    assert.equal(await chrome.value("localStorage.getItem('theme')"), null);
    await chrome.colours("light");
  },

  async "everything fits a phone of 320 pixels"() {
    await chrome.size(320, 568, true);
    await chrome.open(real);
    await shot("phone-welcome");
    assert.equal(await chrome.value("document.documentElement.scrollWidth"), 320);
    await ask("What are the side effects of metformin?");
    await chrome.until(idle, "the end", 20000);
    await chrome.click(".cite");
    assert.equal(await chrome.value("document.documentElement.scrollWidth"), 320);
    const small = await chrome.value(`[...document.querySelectorAll("button:not([hidden]), summary")].filter((e) => {
      const box = e.getBoundingClientRect(); return box.width > 0 && box.height < 24; }).map((e) => e.outerHTML)`);
    assert.deepEqual(small, [], "everything to tap is at least 24 pixels high");
    await shot("phone-answer");
    await chrome.size(1280, 860);
  },

  async "every control has a name, and the status is announced"() {
    await chrome.open(real);
    const { nodes } = await chrome.page("Accessibility.getFullAXTree");
    const role = (node) => node.role?.value, name = (node) => node.name?.value;
    for (const node of nodes.filter((n) => ["button", "textbox", "link"].includes(role(n)) && !n.ignored))
      assert.ok(name(node), `a ${role(node)} without a name`);
    assert.ok(nodes.some((n) => role(n) === "status") && nodes.some((n) => role(n) === "main"));
  },

  async "what is not there is a 404 page, and nothing leads outside"() {
    const answer = await fetch(`${real}nothing`);
    assert.equal(answer.status, 404);
    assert.match(await answer.text(), /There is nothing at this address/);
    const raw = await new Promise((resolve) => {
      const socket = net.connect(webPort, "127.0.0.1", () =>
        socket.write("GET /../server/main.c HTTP/1.1\r\nHost: t\r\n\r\nGET /%2e%2e/README.md HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"));
      let data = "";
      socket.on("data", (more) => { data += more; });
      socket.on("close", () => resolve(data));
    });
    assert.equal(raw.match(/^HTTP\/1\.1 404/gm)?.length, 2, raw.slice(0, 300));
  },

  async "files say what they are and are not sent twice"() {
    const first = await fetch(`${real}app.js`);
    assert.equal(first.headers.get("content-type"), "text/javascript; charset=utf-8");
    assert.match(first.headers.get("content-security-policy"), /script-src 'self'/);
    const length = Number(first.headers.get("content-length"));
    assert.equal((await first.arrayBuffer()).byteLength, length);
    const again = await fetch(`${real}app.js`, { headers: { "If-None-Match": first.headers.get("etag") } });
    assert.equal(again.status, 304);
    const head = await fetch(`${real}style.css`, { method: "HEAD" });
    assert.ok(head.ok && Number(head.headers.get("content-length")) > 1000 && (await head.text()) === "");
    assert.equal((await fetch(real, { method: "POST", body: "x" })).status, 405);
  },

  async "the documents' view lists, takes in, shows and removes documents"() {
    await chrome.size(1280, 900);
    await chrome.open(`${real}admin.html`);
    await chrome.until("document.querySelectorAll('#rows tr').length > 10", "the list of documents");
    await chrome.until("/^\\d+ documents, \\d+ passages, generation 1/.test(document.getElementById('facts').innerText)", "the overview");
    await chrome.until("/Following the folder/.test(document.getElementById('jobs').innerText)", "the jobs");
    await shot("admin");
    await chrome.value(`(() => {
      window.bars = 0;
      new MutationObserver((records) => {
        bars += records.filter((r) => [...r.addedNodes].some((n) => n.querySelector?.("progress"))).length;
      }).observe(document.getElementById("uploads"), { childList: true });
      const files = new DataTransfer();
      files.items.add(new File(["# Zebras\\n\\nZebras have stripes <img src=x onerror=alert(1)> that confuse flies."], "zebra <b>.md"));
      files.items.add(new File(["no pdf"], "broken.pdf"));
      document.getElementById("files").files = files.files;
      document.getElementById("files").dispatchEvent(new Event("change"));
    })()`);
    await chrome.until("[...document.querySelectorAll('#uploads .how')].map((e) => e.innerText).sort().join() === '1 passage,failed'", "both uploads to end", 15000);
    assert.match(await text("#uploads .wrong"), /none of the formats/);
    assert.equal(await chrome.value("bars"), 2, "each file had a bar while it was sent and read");
    assert.equal(await count("#uploads progress"), 0);
    await shot("admin-uploads");
    await chrome.value("(document.getElementById('search').value = 'zebra', document.getElementById('search').dispatchEvent(new Event('input')))");
    await chrome.until("document.querySelectorAll('#rows tr').length === 1 && document.querySelector('#rows .open').innerText === 'Zebras'", "the search");
    await chrome.value("document.querySelector('#rows .open').click()");
    await chrome.until("document.querySelector('#passages article')", "its passages");
    assert.match(await text("#passages"), /Zebras have stripes <img/);
    await shot("admin-shown");
    await chrome.value("document.getElementById('shown').close()");
    for (let i = 0; i < 2; i++) await chrome.value("[...document.querySelectorAll('#rows button')].at(-1).click()");
    await chrome.until("document.querySelectorAll('#rows tr').length === 0", "the removal");
    await chrome.until("document.getElementById('none').innerText === 'No document fits.'", "a word about the empty list");
  },

  async "a reindex asked for in the documents' view makes the next generation"() {
    await chrome.value("document.getElementById('reindex').click()");
    await chrome.until("/generation 2\\. /.test(document.getElementById('facts').innerText)", "generation 2", 20000);
    await chrome.until("/Reindexing\\s*(succeeded|partial)/.test(document.getElementById('jobs').innerText)", "the job's end");
    await chrome.size(360, 740);
    assert.ok(await chrome.value("document.documentElement.scrollWidth <= 360"), "nothing is wider than a phone");
    await shot("admin-phone");
  },

  async "a job that runs shows how far it is and can be cancelled"() {
    const job = { id: "job_1", kind: "reindex", state: "running", documents: { total: 40, done: 10, failed: 1 }, eta_s: 12 };
    canned = {
      "/health": { index: { documents: 3, chunks: 9, generation: 4, building: 5 }, engines: { llm: { kind: "extractive" } } },
      "/jobs": { jobs: [job] }, "/documents": { documents: [], counts: { failed: 0 }, next_cursor: null },
    };
    await chrome.size(1280, 900);
    await chrome.open(`${scripted}admin.html`);
    await chrome.until("document.querySelector('#jobs progress')", "the job");
    assert.match(await text("#facts"), /generation 4, generation 5 is being made/);
    assert.match(await text("#jobs li"), /Reindexing\s*running: 10 of 40, 1 failed, about 12 s left/);
    assert.equal(await chrome.value("document.querySelector('#jobs progress').position"), 11 / 40);
    await shot("admin-job");
    heardCancel = "";
    await chrome.click("#jobs button");
    await chrome.until("true", "a turn");
    for (const end = Date.now() + 5000; !heardCancel && Date.now() < end;) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(heardCancel, "/jobs/job_1/cancel");
    assert.equal(await chrome.value("document.getElementById('reindex').disabled"), true);
    assert.equal(await text("#none"), "There are no documents yet.");
  },

  async "nothing threw, and the content policy had nothing to refuse"() {
    assert.deepEqual(complaints, []);
  },
};

let failed = 0;
for (const [name, run] of Object.entries(tests)) {
  try {
    await run();
    console.log(`ok ${name}`);
  } catch (error) {
    failed++;
    console.log(`not ok ${name}\n${error.stack}`);
  }
}

await chrome.stop();
for (const server of [fake, ...fronts]) {
  server.closeAllConnections();
  server.close();
}
for (const child of children) {
  const code = await new Promise((resolve) => {
    child.on("exit", resolve);
    child.kill("SIGTERM");
  });
  if (code !== 0) {
    failed++;
    console.log(`not ok ${child.spawnfile} ended with code ${code}`);
    console.log(fs.readFileSync(path.join(scratch, `${path.basename(child.spawnfile)}.log`), "utf8").slice(-4000));
  }
}
fs.rmSync(scratch, { recursive: true, force: true });
process.exit(failed ? 1 : 0);
