// The page's pure parts, in node: events out of any pieces of text.
import assert from "node:assert/strict";
import { EventParser } from "../../web/site/sse.js";

const tests = {
  "events are the same however the text is cut"() {
    for (const ending of ["\n", "\r\n", "\r"]) {
      const text = ["event: a", "data: 1", "", ": a comment", "data: two", "data: lines", "", "id: 7", "",
        "data:tight", "", ""].join(ending);
      const whole = collect([text]);
      assert.deepEqual(whole.events, [["a", "1"], ["message", "two\nlines"], ["message", "tight"]]);
      assert.equal(whole.comments, 1);
      for (let cut = 0; cut <= text.length; cut++)
        assert.deepEqual(collect([text.slice(0, cut), text.slice(cut)]), whole, `${JSON.stringify(ending)} at ${cut}`);
      assert.deepEqual(collect([...text]), whole);
    }
  },
  "an unfinished event is none"() {
    assert.deepEqual(collect(["event: done\ndata: {}\n"]).events, []);
  },
  "a heartbeat comment inside a stream changes nothing"() {
    assert.deepEqual(collect(["data: a\n\n: ping\ndata: b\n\n"]).events, [["message", "a"], ["message", "b"]]);
  },
};

function collect(pieces) {
  const events = [];
  let comments = 0;
  const parser = new EventParser((name, data) => events.push([name, data]), () => comments++);
  for (const piece of pieces) parser.feed(piece);
  return { events, comments };
}

let failed = 0;
for (const [name, run] of Object.entries(tests)) {
  try {
    run();
    console.log(`ok ${name}`);
  } catch (error) {
    failed++;
    console.log(`not ok ${name}\n${error.stack}`);
  }
}
process.exit(failed ? 1 : 0);
