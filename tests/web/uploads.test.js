import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "../../web/ui/data/call.js";
import {
  choices,
  difference,
  firstChoice,
  isOtherFile,
  kindOf,
  nameAt,
  partsOf,
  placeText,
  rangeOf,
  wish,
} from "../../web/ui/uploads/files.js";
import { isGoing, isQueued, newItem, newToken, stageOf } from "../../web/ui/uploads/items.js";
import { Turns } from "../../web/ui/uploads/line.js";
import { FileGone, Sending } from "../../web/ui/uploads/sending.js";
import { Uploads } from "../../web/ui/uploads/uploads.js";

const MB = 2 ** 20;

for (const [name, kind] of [
  ["ink.safetensors", "model"],
  ["Q4.GGUF", "model"],
  ["a.b.png", "image"],
  ["film.mp4", "video"],
  ["loop.flac", "audio"],
  ["chair.glb", "3d"],
  ["notes.md", "text"],
  ["safetensors", "asset"],
  ["model.zip", "asset"],
]) {
  test(`${name} is taken for ${kind}, and that can be chosen`, () => {
    assert.equal(kindOf(name), kind);
    assert.ok(choices(["loras"]).some(([value]) => value === firstChoice(kind)));
  });
}

test("a choice is a kind and a place", () => {
  assert.deepEqual(wish("model"), { kind: "model" });
  assert.deepEqual(wish("model:loras"), { kind: "model", config: { type: "loras" } });
  assert.deepEqual(wish("image:input"), { kind: "image", config: { target: "input" } });
});

test("parts cover a file of any size without gap, overlap or empty part", () => {
  for (const size of [1, 8 * MB - 1, 8 * MB, 8 * MB + 1, 20 * MB + 3, 20e9, 5e12 + 7]) {
    const count = partsOf(size);
    assert.ok(count <= 10_000);
    let end = 0;
    for (let number = 1; number <= count; number += 1) {
      const [from, to] = rangeOf(number, count, size);
      assert.equal(from, end);
      assert.ok(to > from);
      end = to;
    }
    assert.equal(end, size);
  }
});

test("another file is not taken for the one that was begun", () => {
  const upload = { fileName: "a b.bin", originalFileName: "a:b.bin", fileSize: 5 };
  const file = { name: "a:b.bin", size: 5, lastModified: 7 };
  assert.equal(difference(upload, file), "");
  assert.equal(difference(upload, file, 7), "");
  assert.match(difference(upload, { ...file, name: "c.bin" }), /Choose a:b\.bin/);
  assert.match(difference(upload, { ...file, size: 6 }), /another size/);
  assert.match(difference(upload, file, 8), /changed since/);
});

test("an address of a file that is no model is told from all others", () => {
  assert.ok(isOtherFile("https://example.org/a/lantern.png?width=5"));
  for (const text of [
    "https://example.org/x.safetensors",
    "https://example.org/page",
    "https://huggingface.co/who/what/blob/main/a.png",
    "https://civitai.com/models/1",
    "owner/name",
  ]) {
    assert.ok(!isOtherFile(text), text);
  }
  assert.equal(nameAt("https://example.org/a%20b.png?x=1"), "a b.png");
  assert.equal(nameAt("https://example.org/"), "example.org");
  assert.equal(nameAt("https://example.org/100%.png"), "100%.png");
});

test("a place is said as a person knows it", () => {
  assert.equal(placeText({ kind: "model", folder: "loras/XL", file: "a.sft" }), "In models/loras/XL/a.sft");
  assert.equal(placeText({ kind: "input", file: "a.png" }), "In input/a.png");
  assert.equal(placeText({ kind: "gallery", id: "x" }), "In the gallery");
});

/** A server's side of an upload, which does with each part as `put` says. */
function world(size, count, put = () => {}) {
  const there = new Set();
  const state = { status: "pending", puts: [], looks: 0, completes: 0, waits: [], there };
  const upload = () => ({
    id: "u",
    status: state.status,
    partsCount: count,
    fileSize: size,
    parts: Array.from({ length: count }, (_, at) => ({
      number: at + 1,
      url: `look ${state.looks}`,
      received: there.has(at + 1),
    })),
  });
  const line = {
    look: async () => {
      state.looks += 1;
      return upload();
    },
    complete: async () => {
      state.completes += 1;
      if (there.size < count) throw new ApiError(409, "Parts are missing.");
      state.status = "validating";
      return upload();
    },
    put: async (_id, part, bytes, signal) => {
      state.puts.push(part.number);
      await put(part, state, signal);
      assert.equal(bytes.size, rangeOf(part.number, count, size)[1] - rangeOf(part.number, count, size)[0]);
      there.add(part.number);
    },
    wait: async (milliseconds) => void state.waits.push(milliseconds),
  };
  const file = new File([new Uint8Array(size)], "a.bin");
  return { state, sending: new Sending(file, upload(), line, () => {}), file };
}

test("every part is sent once, and then it is complete", async () => {
  const { state, sending } = world(100, 7);
  await sending.run();
  assert.deepEqual(state.puts.sort(), [1, 2, 3, 4, 5, 6, 7]);
  assert.equal(sending.state, "over");
  assert.equal(sending.done, 100);
});

test("what the line loses is sent again, after ever longer waits", async () => {
  let losses = 8;
  const { state, sending } = world(100, 3, ({ number }) => {
    if (number === 2 && losses-- > 0) throw new ApiError(0, "lost");
  });
  await sending.run();
  assert.equal(sending.state, "over");
  assert.equal(state.puts.filter((each) => each === 2).length, 9);
  assert.deepEqual(state.waits, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
});

test("an expired address is renewed", async () => {
  const { state, sending } = world(100, 2, ({ url }) => {
    if (url === "look 1") throw new ApiError(401, "expired");
  });
  await sending.run();
  assert.equal(sending.state, "over");
  assert.equal(state.there.size, 2);
});

test("what a full disk refuses is not sent on and on, and goes on when asked", async () => {
  let full = true;
  const { state, sending } = world(100, 6, () => {
    if (full) throw new ApiError(507, "The disk is full.");
  });
  await sending.run();
  assert.equal(sending.state, "paused");
  assert.equal(sending.problem.message, "The disk is full.");
  assert.ok(state.puts.length <= 4);
  full = false;
  await sending.run();
  assert.equal(sending.state, "over");
  assert.equal(sending.problem, null);
});

test("a pause ends what is under way, and parts that are there are not sent again", async () => {
  let reached;
  const far = new Promise((resolve) => (reached = resolve));
  const { state, sending } = world(100, 10, async ({ number }, now, signal) => {
    if (number < 5 || now.again) return;
    reached();
    await new Promise((_, reject) => signal.addEventListener("abort", () => reject(new ApiError(0, "lost"))));
  });
  const run = sending.run();
  await far;
  sending.pause();
  await run;
  assert.equal(sending.state, "paused");
  assert.equal(sending.problem, null);
  const before = new Set(state.there);
  state.puts.length = 0;
  state.again = true;
  await sending.run();
  assert.equal(sending.state, "over");
  assert.ok(before.size > 0);
  assert.ok(state.puts.every((number) => !before.has(number)));
});

test("a part that the server has lost meanwhile is sent again at the end", async () => {
  const { state, sending } = world(100, 3);
  const { complete } = sending.line;
  sending.line.complete = async (id) => {
    if (!state.completes) state.there.delete(1);
    return complete(id);
  };
  await sending.run();
  assert.equal(sending.state, "over");
  assert.equal(state.puts.filter((number) => number === 1).length, 2);
});

test("a file that cannot be read any more is said to be so", async () => {
  const { sending, file } = world(100, 3, () => {
    throw new ApiError(0, "lost");
  });
  const whole = file.slice.bind(file);
  file.slice = (from, to) => ({
    size: whole(from, to).size,
    arrayBuffer: () => Promise.reject(new DOMException("gone", "NotReadableError")),
  });
  await sending.run();
  assert.equal(sending.state, "paused");
  assert.ok(sending.problem instanceof FileGone);
});

test("files of one page share the line: so many parts at once, in the order they were asked for", async () => {
  const turns = new Turns(2);
  const { signal } = new AbortController();
  const began = [];
  let now = 0;
  let most = 0;
  const work = (name) =>
    turns.take(signal, async () => {
      began.push(name);
      most = Math.max(most, (now += 1));
      await new Promise((resolve) => setImmediate(resolve));
      now -= 1;
    });
  await Promise.all(["a1", "a2", "a3", "b1", "b2"].map(work));
  assert.equal(most, 2);
  assert.deepEqual(began, ["a1", "a2", "a3", "b1", "b2"]);
});

test("who is paused while waiting for a turn takes none away", async () => {
  const turns = new Turns(1);
  const stays = new AbortController();
  const leaves = new AbortController();
  let end;
  const first = turns.take(stays.signal, () => new Promise((resolve) => (end = resolve)));
  const paused = turns.take(leaves.signal, async () => "sent");
  const second = turns.take(stays.signal, async () => "sent");
  leaves.abort();
  await assert.rejects(paused, { name: "AbortError" });
  end();
  await first;
  assert.equal(await second, "sent");
  assert.equal(await turns.take(stays.signal, async () => "sent"), "sent");
  await assert.rejects(turns.take(leaves.signal, async () => "sent"), { name: "AbortError" });
  const busy = turns.take(stays.signal, () => new Promise((resolve) => (end = resolve)));
  await assert.rejects(turns.take(leaves.signal, async () => "sent"), { name: "AbortError" });
  end();
  await busy;
  await assert.rejects(turns.take(stays.signal, () => Promise.reject(new Error("no"))), /no/);
  assert.equal(await turns.take(stays.signal, async () => "sent"), "sent");
});

test("an upload waits, begins, and is refused where no answer came", () => {
  const item = newItem({ key: "1", name: "a", size: 1, body: {}, file: null });
  assert.deepEqual([stageOf(item), isQueued(item), isGoing(item)], ["queued", true, false]);
  item.begins = true;
  assert.deepEqual([stageOf(item), isQueued(item), isGoing(item)], ["begins", false, true]);
  Object.assign(item, { begins: false, error: new ApiError(0, "No answer.") });
  assert.deepEqual([stageOf(item), isQueued(item), isGoing(item)], ["refused", false, false]);
  assert.match(newToken(), /^[0-9a-f]{32}$/);
  assert.notEqual(newToken(), newToken());
});

test("one that is tried again is never gone in between: the list would close over it", async (context) => {
  const tokens = [];
  context.mock.method(globalThis, "fetch", async (_address, { headers }) => {
    tokens.push(headers.get("Idempotency-Key"));
    throw new TypeError("No answer.");
  });
  const uploads = new Uploads();
  context.after(() => uploads.drawing.stop());
  const over = () => uploads.items.every(({ begins }) => !begins);
  const wait = async () => {
    for (let turn = 0; turn < 100 && !over(); turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  uploads.fetch("a.bin", { url: "https://example.org/a.bin" });
  await wait();
  assert.equal(stageOf(uploads.items[0]), "refused");
  // Each change is told at once.
  uploads.drawing.stop();
  uploads.drawing = { ask: () => uploads.dispatchEvent(new Event("change")), stop: () => {} };
  const seen = [];
  uploads.addEventListener("change", () => seen.push(uploads.items.length));
  uploads.retry(uploads.items[0]);
  await wait();
  assert.ok(seen.length);
  assert.ok(seen.every((count) => count === 1));
  assert.equal(new Set(tokens).size, 1);
  assert.equal(tokens.length, 2);
});
