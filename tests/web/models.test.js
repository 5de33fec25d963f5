/** The parts of the tab Models that need no page. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { CardLayout } from "../../web/ui/models/card-layout.js";
import { loadingOf } from "../../web/ui/models/loaders.js";
import { ModelRows, PAGE } from "../../web/ui/models/model-rows.js";
import { stateKind } from "../../web/ui/models/model-states.js";
import { hueOf, parameterText, shortBase, titleOf, typeName } from "../../web/ui/models/names.js";
import { recommended } from "../../web/ui/models/strengths.js";
import { readWords, wordsText } from "../../web/ui/models/trigger-words.js";
import { Conflict, ModelRecord } from "../../web/ui/models/model-record.js";

const model = (more) => ({ sha256: "a", status: "present", file: "x/ink.safetensors", types: ["loras"], ...more });

test("cards are 3:4, two in a sidebar, more on a page", () => {
  const narrow = new CardLayout(200, 5);
  assert.deepEqual([narrow.columns, narrow.width, narrow.cardHeight], [2, 96, 128]);
  assert.equal(narrow.height, 3 * 128 + 2 * 8);
  assert.deepEqual(narrow.place(3), { x: 104, y: 136 });
  assert.equal(new CardLayout(1160, 5).columns, 6);
  assert.equal(new CardLayout(120, 5).columns, 1);
  assert.equal(new CardLayout(200, 0).height, 0);
});

test("only cards within a stretch are drawn", () => {
  const layout = new CardLayout(200, 10_000);
  assert.deepEqual(layout.within(0, 100), { first: 0, last: 1 });
  const { first, last } = layout.within(13_600, 14_000);
  assert.deepEqual([first, last], [200, 205]);
  assert.equal(layout.within(-500, -400).first, 0);
  assert.equal(layout.within(0, 1e9).last, 9999);
});

test("arrow keys lead to the neighbours and never out", () => {
  const layout = new CardLayout(200, 5);
  assert.equal(layout.neighbour(0, "ArrowDown"), 2);
  assert.equal(layout.neighbour(3, "ArrowDown"), 4, "to the last card below");
  assert.equal(layout.neighbour(4, "ArrowDown"), 4);
  assert.equal(layout.neighbour(4, "ArrowRight"), 4);
  assert.equal(layout.neighbour(0, "ArrowUp"), 0);
});

test("trigger words as text and back are the same", () => {
  const words = [
    { text: "1girl, solo", group: "" },
    { text: "red coat", group: "Outfit" },
  ];
  assert.equal(wordsText(words), "1girl, solo\n# Outfit\nred coat");
  assert.deepEqual(readWords(wordsText(words)), words);
  assert.deepEqual(readWords(" a \n\na\n#B\na"), [
    { text: "a", group: "" },
    { text: "a", group: "B" },
  ]);
});

test("the strength to begin with is what is recommended", () => {
  assert.equal(recommended([]), 1);
  assert.equal(recommended([{ name: "", min: 0.5, recommended: null, max: 0.8 }]), 0.65);
  assert.equal(recommended([{ name: "", min: null, recommended: 0.3, max: 1 }]), 0.3);
});

test("each kind of file has its loader, told by where it lies", () => {
  const lora = loadingOf(model({}), 0.8);
  assert.equal(lora?.nodes[0], "LoraLoader");
  assert.deepEqual(lora?.numbers, { strength_model: 0.8, strength_clip: 0.8 });
  assert.equal(loadingOf(model({ types: ["checkpoints"] }))?.nodes[0], "CheckpointLoaderSimple");
  assert.equal(loadingOf(model({ types: ["unet"], file: "a.gguf" }))?.nodes[0], "UnetLoaderGGUF");
  assert.equal(loadingOf(model({ types: ["embeddings"] })), null);
  assert.equal(loadingOf(model({ status: "missing" })), null);
  const labelled = model({ types: ["checkpoints"], places: [{ file: "y.safetensors", types: ["loras"] }] });
  assert.equal(loadingOf(labelled)?.file, "y.safetensors");
  assert.equal(loadingOf(labelled)?.nodes[0], "LoraLoader");
});

test("names are short and stay the same", () => {
  assert.equal(shortBase("SDXL 1.0"), "XL");
  assert.equal(shortBase("Flux.1 D"), "F1·D");
  assert.equal(shortBase("Something Else"), "Somethin");
  assert.equal(titleOf({ name: "", file: "a/b.c.safetensors" }), "b.c");
  assert.equal(typeName("loras"), "LoRA");
  assert.equal(typeName("my_own"), "my_own");
  assert.equal(hueOf("x"), hueOf("x"));
  assert.equal(parameterText(3_500_000_000), "3.5 B");
});

/** A list of so many, whose pages were asked for in this order. */
function library(total) {
  const asked = [];
  const list = async (_filter, { limit, offset }) => {
    asked.push(offset);
    const count = Math.max(0, Math.min(limit, total - offset));
    return { models: Array.from({ length: count }, (_, at) => model({ sha256: `k${offset + at}` })), total, complete: true };
  };
  return { asked, rows: new ModelRows(list) };
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

test("only pages that somebody looks at are read, once", async () => {
  const { asked, rows } = library(10_000);
  await rows.reset({});
  rows.look(0, 40);
  rows.look(5 * PAGE, 5 * PAGE + 40);
  rows.look(5 * PAGE, 5 * PAGE + 40);
  await settled();
  assert.deepEqual(asked, [0, 5 * PAGE]);
  assert.equal(rows.at(5 * PAGE + 3)?.sha256, `k${5 * PAGE + 3}`);
  assert.equal(rows.at(3 * PAGE), undefined);
  assert.equal(rows.indexOf(`k${5 * PAGE + 3}`), 5 * PAGE + 3);
});

test("after a change what is in sight is read again, the rest when it is looked at", async () => {
  const { asked, rows } = library(10_000);
  await rows.reset({});
  rows.look(4 * PAGE, 4 * PAGE + 10);
  await settled();
  rows.touch();
  await settled();
  assert.deepEqual(asked, [0, 4 * PAGE, 4 * PAGE]);
  rows.look(0, 10);
  await settled();
  assert.equal(asked.at(-1), 0);
});

test("an empty list is no empty library while the folders are still being looked through", async () => {
  let complete = false;
  const rows = new ModelRows(async () => ({ models: [], total: 0, complete }));
  await rows.reset({});
  assert.equal(stateKind(rows, { isEmpty: true }), "looking");
  complete = true;
  rows.touch();
  await settled();
  assert.equal(stateKind(rows, { isEmpty: true }), "empty");
});

test("what was read stays when reading it again fails", async () => {
  let fail = false;
  const rows = new ModelRows(async () => {
    if (fail) throw Object.assign(new Error("gone"));
    return { models: [model({})], total: 1 };
  });
  const { error } = console;
  console.error = () => {};
  await rows.reset({});
  fail = true;
  rows.touch();
  await settled();
  assert.equal(rows.state, "ready");
  await rows.reset({ q: "x" });
  assert.equal(rows.state, "failed");
  console.error = error;
});

test("who was slower is told what stands there now, also when others look at it meanwhile", async (context) => {
  const waiting = [];
  context.mock.method(globalThis, "fetch", (address, { method, signal }) => {
    if (method === "PATCH") return Promise.resolve(Response.json({ error: "Too late." }, { status: 412 }));
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      waiting.push((notes) => resolve(Response.json({ notes })));
    });
  });
  const record = new ModelRecord();
  const opened = record.open("key");
  waiting.shift()("old");
  await opened;
  const saved = record.save({ notes: "mine" });
  while (!waiting.length) await new Promise((resolve) => setImmediate(resolve));
  let told = false;
  saved.catch(() => (told = true));
  const other = record.read();
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(told, false);
  waiting.at(-1)("theirs");
  await assert.rejects(saved, Conflict);
  assert.equal(record.model.notes, "theirs");
  await other;
});
