import { readEvents } from "./sse.js";
import { Prose } from "./prose.js";
import { keepKey, keyKept, showAsset, withKey } from "./key.js";

const $ = (id) => document.getElementById(id);
const page = {
  form: $("form"), question: $("question"), send: $("send"), stop: $("stop"), words: $("words"),
  pulse: $("pulse"), turns: $("turns"), welcome: $("welcome"), template: $("turn"), fresh: $("new"),
  theme: $("theme"), status: $("status"),
};

const SILENCE_MS = 30000; // after which we say that nothing comes
const HISTORY_TURNS = 8;  // sent along with a question
const conversation = [];  // {role, content}, kept in this page alone
let running = null;       // the turn being answered
let turnCount = 0;

/* ---- The status line ---- */

function say(words, kind = "") {
  page.words.textContent = words;
  page.status.dataset.kind = kind;
}

function beat() {
  page.pulse.classList.remove("beat");
  void page.pulse.offsetWidth; // lets the animation begin anew
  page.pulse.classList.add("beat");
}

const stages = {
  queued: "Waiting for a free place",
  retrieving: "Searching the documents",
  reranking: "Choosing passages",
  generating: "Answering",
};

function seconds(ms) {
  const s = Math.round(ms / 1000);
  return s < 60 ? `${s} s` : `${Math.floor(s / 60)} min ${s % 60} s`;
}

/* ---- Following the end of the page, unless the reader scrolled away ---- */

let follows = true;
addEventListener("scroll", () => {
  follows = innerHeight + scrollY >= document.documentElement.scrollHeight - 80;
}, { passive: true });

function follow() {
  if (follows) scrollTo({ top: document.documentElement.scrollHeight });
}

/* ---- One turn: a question and what comes back ---- */

class Turn {
  constructor(question) {
    this.number = ++turnCount;
    this.question = question;
    this.item = page.template.content.firstElementChild.cloneNode(true);
    this.find(".asked").textContent = question;
    this.words = this.find(".words");
    this.words.setAttribute("aria-busy", "true");
    this.prose = new Prose(this.words, (n) => this.cite(n));
    this.sources = new Map();
    this.ended = false;
    this.abort = new AbortController();
    this.lastByte = performance.now();
    page.turns.append(this.item);
  }

  find(selector) {
    return this.item.querySelector(selector);
  }

  cite(n) {
    const source = this.sources.get(n);
    if (!source) return null;
    const link = document.createElement("a");
    link.className = "cite";
    link.href = `#source-${this.number}-${n}`;
    link.textContent = n;
    link.setAttribute("aria-label", `Source ${n}: ${source.title}`);
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const details = source.element.querySelector("details");
      details.open = true;
      details.querySelector("summary").focus({ preventScroll: true });
      source.element.scrollIntoView({ block: "nearest", behavior: "smooth" });
    });
    for (const type of ["pointerenter", "focus"])
      link.addEventListener(type, () => source.element.classList.add("lit"));
    for (const type of ["pointerleave", "blur"])
      link.addEventListener(type, () => source.element.classList.remove("lit"));
    return link;
  }

  showSources(references) {
    const list = this.find(".sources ol");
    this.sources.clear();
    list.replaceChildren();
    for (const reference of references) {
      const element = sourceElement(reference, `source-${this.number}-${reference.id}`);
      this.sources.set(String(reference.id), { title: reference.title, element });
      list.append(element);
    }
    this.find(".sources").hidden = references.length === 0;
  }

  // Pictures and tables among what is cited.
  showAttachments(attachments) {
    for (const attachment of attachments) {
      const shown = attachmentElement(attachment);
      if (!shown) continue;
      const figure = document.createElement("figure");
      figure.className = "attachment";
      const words = document.createElement("figcaption");
      words.textContent = `${attachment.caption || kinds[attachment.kind]} (source ${attachment.reference})`;
      figure.append(shown, words);
      this.find(".after").append(figure);
    }
  }

  notice({ message, severity, code }) {
    const box = document.createElement("p");
    box.className = "notice";
    box.dataset.severity = severity || "info";
    box.textContent = message;
    if (severity === "urgent") box.setAttribute("role", "alert");
    // What is about the question stands before the answer; the rest where it happened.
    if (code === "safety" || code === "spelling") this.find(".notices").append(box);
    else this.find(".after").append(box);
  }

  // How the turn ended, when it did not end well. It never looks finished.
  broken(words, canRetry = true) {
    const cut = this.prose.text !== "";
    this.item.classList.add(cut ? "cut" : "failed");
    const box = document.createElement("div");
    box.className = "broken";
    const line = document.createElement("p");
    line.textContent = cut ? `The answer is incomplete. ${words}` : words;
    box.append(line);
    if (canRetry) {
      const again = document.createElement("button");
      again.type = "button";
      again.className = "quiet";
      again.textContent = "Ask again";
      again.addEventListener("click", () => ask(this.question));
      box.append(again);
    }
    this.find(".after").append(box);
    say(line.textContent, "bad");
  }

  close() {
    this.ended = true;
    this.words.removeAttribute("aria-busy");
    this.item.classList.remove("running");
  }
}

const kinds = { image: "Image", table: "Table" };

// A picture only by an id that the server gave out; a table from its cells, as text.
function attachmentElement({ kind, asset_id: id, caption, rows }) {
  if (kind === "image" && /^ast_[0-9a-f]+$/.test(id ?? "")) {
    const image = document.createElement("img");
    image.alt = caption ?? "";
    showAsset(image, id);
    return image;
  }
  if (kind !== "table" || !Array.isArray(rows)) return null;
  const table = document.createElement("table");
  rows.forEach((cells, i) => {
    const row = table.insertRow();
    for (const cell of cells) {
      const made = document.createElement(i === 0 ? "th" : "td");
      made.textContent = cell;
      row.append(made);
    }
  });
  const box = document.createElement("div");
  box.className = "scroll";
  box.append(table);
  return box;
}

// Where a server wants a key, it is asked for in place of the answer.
function keyElement(question) {
  const form = document.createElement("form");
  form.className = "wants-key";
  const input = document.createElement("input");
  input.type = "password";
  input.autocomplete = "off";
  input.required = true;
  input.value = keyKept();
  input.setAttribute("aria-label", "Key");
  input.placeholder = "Key";
  const go = document.createElement("button");
  go.className = "quiet";
  go.textContent = "Ask with this key";
  form.append(input, go);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    keepKey(input.value.trim());
    ask(question);
  });
  return form;
}

function sourceElement(reference, id) {
  const item = document.createElement("li");
  item.id = id;
  item.value = Number(reference.id);
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  const number = document.createElement("span");
  number.className = "number";
  number.textContent = reference.id;
  const title = document.createElement("span");
  title.className = "title";
  title.textContent = reference.title;
  summary.append(number, title);
  if (reference.section) {
    const section = document.createElement("span");
    section.className = "section";
    section.textContent = reference.section;
    title.append(section);
  }
  const quote = document.createElement("blockquote");
  quote.textContent = reference.quote;
  const from = document.createElement("p");
  from.className = "from";
  from.textContent = reference.source ? `After ${reference.source}` : reference.file;
  const file = document.createElement("p");
  file.className = "file";
  // A page where the document has pages; else where in its text.
  const place = reference.page ? `page ${reference.page}` : `characters ${reference.span?.join("–") ?? ""}`;
  file.textContent = `${reference.file}, ${place}`;
  details.append(summary, quote, from, file);
  item.append(details);
  return item;
}

/* ---- What the stream says ---- */

const handlers = {
  start(turn, event) {
    turn.id = event.id;
  },
  status(turn, event) {
    turn.stage = event.stage;
    say(`${stages[event.stage] ?? event.stage}…`, "busy");
  },
  heartbeat(turn, event) {
    beat();
    if (turn.prose.text === "")
      say(`${stages[event.stage] ?? "Still working"}: ${seconds(event.elapsed_ms)}`, "busy");
  },
  references(turn, event) {
    turn.showSources(event.references ?? []);
    turn.showAttachments(event.attachments ?? []);
  },
  notice(turn, event) {
    turn.notice(event);
  },
  delta(turn, event) {
    turn.prose.add(event.text ?? "");
    follow();
  },
  done(turn, event) {
    turn.finish = event.finish_reason;
    turn.timings = event.timings_ms;
  },
  error(turn, event) {
    turn.error = event.error ?? {};
  },
};

function onEvent(turn, name, data) {
  let event;
  turn.lastByte = performance.now();
  try {
    event = JSON.parse(data);
  } catch {
    return; // not ours
  }
  const type = event.type ?? name;
  if (Object.hasOwn(handlers, type)) handlers[type](turn, event);
}

/* ---- Asking ---- */

async function refusal(response) {
  let message = "";
  try {
    message = (await response.json()).error?.message ?? "";
  } catch {
    // An answer of something in between, not of the service itself.
  }
  const wait = Number(response.headers.get("Retry-After"));
  if (!message)
    message = response.status >= 500 ? `The service cannot answer right now (status ${response.status}).` :
      `The question was not accepted (status ${response.status}).`;
  return wait > 0 ? `${message} Try again in ${seconds(wait * 1000)}.` : message;
}

function plural(count, one) {
  return `${count} ${one}${count === 1 ? "" : "s"}`;
}

function origin(turn) {
  const titles = new Set([...turn.sources.values()].map((source) => source.title));
  return `Answered from ${plural(turn.sources.size, "passage")} in ${plural(titles.size, "document")}.`;
}

function settle(turn) {
  if (turn.error) {
    turn.broken(turn.error.message ?? "Something went wrong.");
  } else if (turn.finish === "cancelled") {
    turn.broken("It was stopped.");
  } else if (turn.finish === "length") {
    turn.broken("The model reached its limit.", false);
  } else if (turn.finish) {
    say(turn.finish === "no_context" ? "No document answers this." : origin(turn));
  } else {
    turn.broken("The connection ended before the answer did.");
  }
}

async function run(turn) {
  try {
    const response = await fetch("/chat", {
      method: "POST",
      headers: withKey({ "Content-Type": "application/json", Accept: "text/event-stream" }),
      body: JSON.stringify({ message: turn.question, history: conversation.slice(-2 * HISTORY_TURNS) }),
      signal: turn.abort.signal,
      cache: "no-store",
    });
    if (!response.ok) {
      const wantsKey = response.status === 401;
      turn.broken(wantsKey ? "This server answers those who have a key." : await refusal(response), !wantsKey);
      if (wantsKey) turn.find(".broken").append(keyElement(turn.question));
      return;
    }
    await readEvents(response.body, (name, data) => onEvent(turn, name, data), () => {
      turn.lastByte = performance.now();
      beat();
    });
    settle(turn);
  } catch {
    if (turn.stopped) turn.broken(turn.prose.text ? "You stopped it." : "You stopped this question.");
    else if (turn.prose.text || turn.sources.size) turn.broken("The connection was lost.");
    else turn.broken(navigator.onLine === false ? "You are offline. The question was not sent." :
      "The server cannot be reached.");
  }
}

function remember(turn) {
  if (turn.prose.text === "" || (turn.finish !== "stop" && turn.finish !== "length")) return;
  conversation.push({ role: "user", content: turn.question },
    { role: "assistant", content: turn.prose.text });
}

function setBusy(busy) {
  page.send.hidden = busy;
  page.stop.hidden = !busy;
  document.body.classList.toggle("busy", busy);
}

async function ask(question) {
  if (running || !question) return;
  const turn = new Turn(question);
  running = turn;
  turn.item.classList.add("running");
  page.welcome.hidden = true;
  page.fresh.hidden = false;
  document.body.classList.add("started");
  setBusy(true);
  say("Sending…", "busy");
  follows = true;
  follow();
  await run(turn);
  turn.close();
  remember(turn);
  if (running === turn) {
    running = null;
    setBusy(false);
    follow();
  }
}

function stop() {
  if (!running) return;
  running.stopped = true;
  // Closing the connection ends the work; saying so as well ends it behind whatever still holds it open.
  if (running.id)
    fetch(`/chat/${encodeURIComponent(running.id)}/cancel`, { method: "POST", keepalive: true, headers: withKey() }).catch(() => {});
  running.abort.abort();
}

// A stream may be silent, but not this long without a word to the reader.
setInterval(() => {
  if (!running) return;
  const silent = performance.now() - running.lastByte;
  if (silent > SILENCE_MS)
    say(`Nothing has come for ${seconds(silent)}. You can wait, or stop.`, "bad");
}, 1000);

addEventListener("offline", () => say("You are offline.", "bad"));
addEventListener("online", () => say("You are online again."));

/* ---- The form ---- */

function fit() {
  page.question.style.height = "auto";
  page.question.style.height = `${Math.min(page.question.scrollHeight, innerHeight * 0.4)}px`;
}

page.form.addEventListener("submit", (event) => {
  event.preventDefault();
  const question = page.question.value.trim();
  if (!question || running) return;
  page.question.value = "";
  fit();
  ask(question);
});

page.question.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    page.form.requestSubmit();
  }
});
page.question.addEventListener("input", fit);
page.stop.addEventListener("click", () => {
  stop();
  page.question.focus();
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape") stop();
});

for (const button of page.welcome.querySelectorAll("button"))
  button.addEventListener("click", () => ask(button.textContent));

page.fresh.addEventListener("click", () => {
  stop();
  running = null;
  conversation.length = 0;
  page.turns.replaceChildren();
  page.welcome.hidden = false;
  page.fresh.hidden = true;
  document.body.classList.remove("started");
  setBusy(false);
  say("");
  page.question.focus();
});

/* ---- Colours ---- */

const themes = { auto: "as the system", light: "light", dark: "dark" };

function themeNow() {
  return document.documentElement.dataset.theme ?? "auto";
}

function showTheme() {
  page.theme.setAttribute("aria-label", `Colours: ${themes[themeNow()]}`);
  page.theme.title = `Colours: ${themes[themeNow()]}`;
}

page.theme.addEventListener("click", () => {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  // The first press always changes something to see; the third comes back to the system's.
  const order = dark ? ["auto", "light", "dark"] : ["auto", "dark", "light"];
  const next = order[(order.indexOf(themeNow()) + 1) % order.length];
  if (next === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  try {
    if (next === "auto") localStorage.removeItem("theme");
    else localStorage.setItem("theme", next);
  } catch {
    // Not kept, but shown.
  }
  showTheme();
});

showTheme();
if (matchMedia("(hover: hover)").matches) page.question.focus();
