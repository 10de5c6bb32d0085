// Server-sent events out of any pieces of text (WHATWG HTML, 9.2.6), without a socket or a page.

export class EventParser {
  // onEvent(name, data) for each event with data; onComment() for each comment line.
  constructor(onEvent, onComment = () => {}) {
    this.onEvent = onEvent;
    this.onComment = onComment;
    this.line = "";
    this.afterCR = false;
    this.name = "";
    this.data = [];
  }

  feed(text) {
    for (const c of text) {
      if (c === "\n" && this.afterCR) {
        this.afterCR = false;
        continue;
      }
      this.afterCR = c === "\r";
      if (c === "\n" || c === "\r") {
        this.#line(this.line);
        this.line = "";
      } else {
        this.line += c;
      }
    }
  }

  #line(line) {
    if (line === "") {
      if (this.data.length) this.onEvent(this.name || "message", this.data.join("\n"));
      this.name = "";
      this.data = [];
      return;
    }
    if (line[0] === ":") {
      this.onComment();
      return;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value[0] === " ") value = value.slice(1);
    if (field === "event") this.name = value;
    else if (field === "data") this.data.push(value);
  }
}

// Reads a response's body into events. Resolves when the body ends; rejects when it breaks.
export async function readEvents(body, onEvent, onComment) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parser = new EventParser(onEvent, onComment);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parser.feed(decoder.decode(value, { stream: true }));
  }
  parser.feed(decoder.decode());
}
