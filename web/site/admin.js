// The documents' view: what there is, adding and removing, jobs, reindexing.
import { keepKey, keyKept, showAsset, withKey } from "./key.js";

const $ = (id) => document.getElementById(id);
const LOOK_MS = 1500;  // between looks while something is going on
const REST_MS = 8000;  // and while nothing is
const PAGE = 50;
const shown = { cursor: null, busy: false };

/* ---- Asking the server ---- */

async function ask(method, path, body) {
  const response = await fetch(path, {
    method, cache: "no-store", body: body === undefined ? undefined : JSON.stringify(body),
    headers: withKey(body === undefined ? {} : { "Content-Type": "application/json" }),
  });
  let answer = {};
  try {
    answer = await response.json();
  } catch {
    // Something in between answered.
  }
  if (!response.ok) throw new Error(answer.error?.message ?? `The server answered ${response.status}.`);
  return answer;
}

function trouble(words) {
  $("trouble").textContent = words;
  $("trouble").hidden = !words;
}

async function attempt(work) {
  try {
    await work();
    trouble("");
    return true;
  } catch (error) {
    trouble(error instanceof TypeError ? "The server cannot be reached." : error.message);
    return false;
  }
}

// What the reader asked for; why it did not go stays to be read, until the next look in a while.
async function act(work) {
  if (await attempt(work)) refresh();
}

/* ---- Small parts ---- */

function element(name, options = {}, ...children) {
  const { dataset, ...rest } = options;
  const made = Object.assign(document.createElement(name), rest);
  Object.assign(made.dataset, dataset);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function plural(count, one) {
  return `${count.toLocaleString()} ${one}${count === 1 ? "" : "s"}`;
}

/* ---- Overview ---- */

async function look() {
  const health = await (await fetch("/health", { cache: "no-store" })).json();
  const building = health.index.building ? `, generation ${health.index.building} is being made` : "";
  $("facts").textContent = `${plural(health.index.documents, "document")}, ${plural(health.index.chunks, "passage")}, ` +
    `generation ${health.index.generation}${building}. Answers: ${health.engines.llm.kind}.`;
  return health;
}

/* ---- Jobs ---- */

const open = new Set(["queued", "running", "cancelling"]);
const kinds = { ingest: "Reading documents", sync: "Following the folder", reindex: "Reindexing" };

function jobElement(job) {
  const { total, done, failed } = job.documents;
  const is_open = open.has(job.state);
  const left = job.eta_s !== undefined ? `, about ${job.eta_s} s left` : "";
  const item = element("li", { dataset: { state: job.state } },
    element("div", { className: "line" },
      element("span", { className: "name", textContent: kinds[job.kind] ?? job.kind }),
      element("span", { className: "how", textContent: `${job.state}: ${done} of ${total}${failed ? `, ${failed} failed` : ""}${left}` }),
      is_open ? element("button", { type: "button", className: "quiet", textContent: "Cancel",
        onclick: () => act(() => ask("POST", `/jobs/${job.id}/cancel`, {})) }) :
        failed && job.kind === "ingest" ? element("button", { type: "button", className: "quiet", textContent: "Try again",
          onclick: () => act(() => ask("POST", `/jobs/${job.id}/retry`, {})) }) : null));
  if (is_open) item.append(element("progress", { max: Math.max(total, 1), value: done + failed }));
  if (job.error) item.append(element("p", { className: "wrong", textContent: job.error }));
  return item;
}

async function showJobs() {
  const { jobs } = await ask("GET", "/jobs");
  const recent = jobs.filter((job, i) => open.has(job.state) || i < 5);
  $("jobs").replaceChildren(...recent.map(jobElement));
  // The server takes one of these at a time.
  $("reindex").disabled = jobs.some((job) => open.has(job.state) && job.kind !== "ingest");
  return jobs.some((job) => open.has(job.state));
}

/* ---- The list ---- */

function removal(document) {
  const button = element("button", { type: "button", className: "quiet", textContent: "Remove" });
  button.addEventListener("click", () => {
    // Twice, so that nothing goes by a slip of the finger.
    if (button.dataset.sure) {
      act(() => ask("DELETE", `/documents/${document.id}`).then(() => list(true)));
    } else {
      button.dataset.sure = "1";
      button.textContent = "Really remove";
      setTimeout(() => {
        delete button.dataset.sure;
        button.textContent = "Remove";
      }, 4000);
    }
  });
  return button;
}

function rowElement(document) {
  const state = document.alias_of ? "same as another" : document.near_duplicate_of ?
    `${document.state}, ${document.near_duplicate_percent} % like another` : document.state;
  return element("tr", { dataset: { state: document.state, id: document.id } },
    element("td", {},
      element("button", { type: "button", className: "open", textContent: document.title, onclick: () => show(document) }),
      element("span", { className: "file", textContent: document.file }),
      document.error ? element("p", { className: "wrong", textContent: document.error.message }) : null),
    element("td", { className: "state", textContent: state }),
    element("td", { className: "n", textContent: document.pages ?? "" }),
    element("td", { className: "n", textContent: document.chunks }),
    element("td", { className: "n", textContent: size(document.bytes) }),
    element("td", { className: "n" }, removal(document)));
}

async function list(anew) {
  const query = new URLSearchParams({ limit: PAGE });
  if ($("search").value) query.set("q", $("search").value);
  if ($("state").value) query.set("state", $("state").value);
  if (!anew && shown.cursor) query.set("cursor", shown.cursor);
  const { documents, counts, next_cursor } = await ask("GET", `/documents?${query}`);
  if (anew) $("rows").replaceChildren();
  $("rows").append(...documents.map(rowElement));
  $("none").hidden = $("rows").childElementCount > 0;
  $("none").textContent = $("search").value || $("state").value ? "No document fits." : "There are no documents yet.";
  shown.cursor = next_cursor;
  $("more").hidden = !next_cursor;
  $("retry").hidden = counts.failed === 0;
}

function assetElement({ asset_id: id, caption }) {
  const image = element("img", { alt: caption ?? "" });
  showAsset(image, id);
  return image;
}

async function show(document) {
  $("shown-title").textContent = document.title;
  $("shown-file").textContent = [document.file, document.source].filter(Boolean).join(" · ");
  $("passages").replaceChildren();
  $("shown").showModal();
  await attempt(async () => {
    const { chunks } = await ask("GET", `/documents/${document.id}/chunks`);
    $("passages").append(...chunks.map((chunk) => element("article", {},
      element("p", { className: "place", textContent: [chunk.section, chunk.page && `page ${chunk.page}`, chunk.kind !== "text" && chunk.kind.replace("_", " "), chunk.code && `LOINC ${chunk.code}`].filter(Boolean).join(" · ") }),
      chunk.item?.asset_id ? assetElement(chunk.item) : null,
      element("p", { textContent: chunk.text }))));
  });
}

/* ---- Adding ---- */

function send(file, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const form = new FormData();
    form.append("file", file, file.name);
    request.open("POST", "/documents/upload");
    for (const [name, value] of Object.entries(withKey())) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => onProgress(event.loaded / Math.max(event.total, 1));
    request.onerror = () => reject(new Error("The server cannot be reached."));
    request.onload = () => {
      let answer = {};
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        // Something in between answered.
      }
      if (request.status < 300) resolve(answer);
      else reject(new Error(answer.error?.message ?? `The server answered ${request.status}.`));
    };
    request.send(form);
  });
}

const over = new Set(["indexed", "failed"]);

async function follow(id, how) {
  for (;;) {
    const document = await ask("GET", `/documents/${id}`);
    how.textContent = document.state === "indexed" ? plural(document.chunks, "passage") : document.state;
    if (over.has(document.state)) return document;
    await new Promise((resolve) => setTimeout(resolve, 400));
  }
}

async function upload(file) {
  const how = element("span", { className: "how", textContent: "sending" });
  const bar = element("progress", { max: 1, value: 0 });
  const item = element("li", {}, element("div", { className: "line" },
    element("span", { className: "name", textContent: `${file.name}, ${size(file.size)}` }), how), bar);
  $("uploads").prepend(item);
  try {
    const { result } = await send(file, (share) => { bar.value = share; });
    bar.removeAttribute("value");
    const document = await follow(result.id, how);
    if (document.state === "failed") throw new Error(document.error.message);
    if (result.outcome !== "accepted") how.textContent = { unchanged: "unchanged", alias: "same as another", exists: "left as it was" }[result.outcome];
  } catch (error) {
    how.textContent = "failed";
    item.append(element("p", { className: "wrong", textContent: error.message }));
  }
  bar.remove();
}

// One after another: a hundred files are a hundred requests, not one of a hundred files.
let sending = Promise.resolve();

function add(files) {
  for (const file of files) sending = sending.then(() => upload(file)).then(refresh);
  sending.then(() => attempt(() => list(true)));
}

/* ---- Going on ---- */

let timer = 0;

async function refresh() {
  clearTimeout(timer);
  let busy = false;
  await attempt(async () => {
    await look();
    busy = await showJobs();
    if (shown.busy && !busy) await list(true);
    shown.busy = busy;
  });
  clearTimeout(timer);
  timer = setTimeout(refresh, busy ? LOOK_MS : REST_MS);
}

$("files").addEventListener("change", () => {
  add([...$("files").files]);
  $("files").value = "";
});
for (const type of ["dragover", "dragenter"])
  $("drop").addEventListener(type, (event) => {
    event.preventDefault();
    $("drop").classList.add("over");
  });
for (const type of ["dragleave", "drop"])
  $("drop").addEventListener(type, (event) => {
    event.preventDefault();
    $("drop").classList.remove("over");
  });
$("drop").addEventListener("drop", (event) => add([...event.dataTransfer.files]));

$("reindex").addEventListener("click", () => act(() => ask("POST", "/reindex", { reason: "asked for on the page" })));
$("retry").addEventListener("click", () => act(() => ask("POST", "/reindex", { scope: "failed" })));
$("more").addEventListener("click", () => attempt(() => list(false)));
$("filter").addEventListener("submit", (event) => event.preventDefault());
let typing = 0;
$("search").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => attempt(() => list(true)), 200);
});
$("state").addEventListener("change", () => attempt(() => list(true)));
$("key").value = keyKept();
$("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  keepKey($("key").value);
  attempt(() => list(true)).then(refresh);
});

attempt(() => list(true)).then(refresh);
