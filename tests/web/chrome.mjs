// Headless Chromium by its own debugging protocol over a pipe: no driver, no library.
import { spawn, execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

export function findChromium() {
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    try {
      return execFileSync("which", [name], { encoding: "utf8" }).trim();
    } catch {
      // the next one, then
    }
  }
  return null;
}

export class Chrome {
  static async start(program) {
    const chrome = new Chrome();
    chrome.folder = fs.mkdtempSync(path.join(os.tmpdir(), "weir-web-"));
    chrome.process = spawn(program, ["--headless", "--remote-debugging-pipe", "--no-sandbox",
      "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--hide-scrollbars", `--user-data-dir=${chrome.folder}`, "about:blank"],
    { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    chrome.waiting = new Map();
    chrome.listeners = new Set();
    chrome.last = 0;
    let text = "";
    chrome.process.stdio[4].setEncoding("utf8").on("data", (more) => {
      text += more;
      for (let end; (end = text.indexOf("\0")) >= 0; text = text.slice(end + 1))
        chrome.#heard(JSON.parse(text.slice(0, end)));
    });
    const { targetInfos } = await chrome.send("Target.getTargets");
    const target = targetInfos.find((info) => info.type === "page");
    const { sessionId } = await chrome.send("Target.attachToTarget", { targetId: target.targetId, flatten: true });
    chrome.session = sessionId;
    for (const domain of ["Page", "Runtime", "Network", "Log"]) await chrome.page(`${domain}.enable`);
    return chrome;
  }

  #heard(message) {
    if (message.id) {
      const { resolve, reject } = this.waiting.get(message.id);
      this.waiting.delete(message.id);
      if (message.error) reject(new Error(message.error.message));
      else resolve(message.result);
    } else {
      for (const listener of this.listeners) listener(message.method, message.params);
    }
  }

  send(method, params = {}, sessionId = undefined) {
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  page(method, params) {
    return this.send(method, params, this.session);
  }

  on(listener) {
    this.listeners.add(listener);
  }

  // The value of an expression in the page; promises are awaited.
  async value(expression) {
    const { result, exceptionDetails } = await this.page("Runtime.evaluate",
      { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  // Until the expression is true; fails with what was awaited.
  async until(expression, what, ms = 10000) {
    const end = Date.now() + ms;
    while (!(await this.value(expression))) {
      if (Date.now() > end) throw new Error(`${what} did not come true in ${ms} ms`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  async open(url) {
    await this.page("Page.navigate", { url });
    await this.until("document.readyState === 'complete' && location.href !== 'about:blank'", `opening ${url}`);
  }

  async size(width, height, mobile = false) {
    await this.page("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile });
  }

  async colours(scheme) {
    await this.page("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
  }

  async key(name, code, text = "") {
    const key = { key: name, code: name, windowsVirtualKeyCode: code };
    await this.page("Input.dispatchKeyEvent", { type: text ? "keyDown" : "rawKeyDown", text, ...key });
    await this.page("Input.dispatchKeyEvent", { type: "keyUp", ...key });
  }

  // A click where the element really is, as a hand would.
  async click(selector) {
    const point = await this.value(`(() => {
      const element = document.querySelector(${JSON.stringify(selector)});
      element.scrollIntoView({ block: "nearest" });
      const box = element.getBoundingClientRect();
      return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    })()`);
    for (const type of ["mousePressed", "mouseReleased"])
      await this.page("Input.dispatchMouseEvent", { type, ...point, button: "left", clickCount: 1 });
  }

  async type(text) {
    await this.page("Input.insertText", { text });
  }

  async screenshot(file) {
    const { data } = await this.page("Page.captureScreenshot", { format: "png" });
    fs.writeFileSync(file, Buffer.from(data, "base64"));
  }

  async stop() {
    const gone = new Promise((resolve) => this.process.on("exit", resolve));
    await this.send("Browser.close").catch(() => {});
    const late = setTimeout(() => this.process.kill("SIGKILL"), 5000);
    await gone;
    clearTimeout(late);
    fs.rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
