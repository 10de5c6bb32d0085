// An answer's words as paragraphs and lists, growing while they stream. Text becomes text nodes
// only, so nothing a document or a model says can become markup of the page.

const CITE = /\[(\d{1,2})\]/g;
const WORD_JOINER = "\u2060";
const ITEM = /^\s*(?:[-*•]|\d{1,2}[.)])\s+/;

export class Prose {
  // makeCite(n) gives the element that stands for [n], or null when there is no such source.
  constructor(root, makeCite) {
    this.root = root;
    this.makeCite = makeCite;
    this.text = "";
    this.blocks = []; // {source, element}
  }

  add(words) {
    this.text += words;
    const parts = this.text.split(/\n{2,}/);
    parts.forEach((source, i) => {
      const block = this.blocks[i];
      if (block && block.source === source) return;
      const element = this.#render(source, i === parts.length - 1);
      if (block) block.element.replaceWith(element);
      else this.root.append(element);
      this.blocks[i] = { source, element };
    });
  }

  #render(source, last) {
    const lines = source.split("\n");
    const start = lines.findIndex((line) => ITEM.test(line));
    if (start < 0) return this.#element("p", lines.join(" "), last);

    const box = document.createElement("div");
    if (start > 0) box.append(this.#element("p", lines.slice(0, start).join(" "), false));
    const list = document.createElement(/^\s*\d/.test(lines[start]) ? "ol" : "ul");
    for (const line of lines.slice(start)) {
      if (ITEM.test(line)) list.append(this.#element("li", line.replace(ITEM, ""), false));
      else if (list.lastChild) this.#fill(list.lastChild, " " + line, false);
    }
    box.append(list);
    return box;
  }

  #element(name, text, last) {
    const element = document.createElement(name);
    this.#fill(element, text, last);
    return element;
  }

  #fill(element, text, last) {
    // "[1" may be the beginning of a citation: it waits for its end.
    const open = last ? text.match(/\s?\[\d{0,2}$/) : null;
    const whole = open ? text.slice(0, open.index) : text;
    let at = 0;
    for (const match of whole.matchAll(CITE)) {
      const cite = this.makeCite(match[1]);
      if (!cite) continue;
      this.#plain(element, whole.slice(at, match.index).replace(/\s+$/, ""));
      element.append(WORD_JOINER, cite); // a number never begins a line
      at = match.index + match[0].length;
    }
    this.#plain(element, whole.slice(at));
  }

  #plain(element, text) {
    text.split("**").forEach((part, i, parts) => {
      if (part === "") return;
      if (i % 2 === 1 && i < parts.length - 1) {
        const strong = document.createElement("strong");
        strong.textContent = part;
        element.append(strong);
      } else {
        element.append(part);
      }
    });
  }
}
