import assert from "node:assert/strict";
import { test } from "node:test";

import {
  advice,
  applyJobs,
  canBePromoted,
  figures,
  filterEntries,
  groupRows,
  homePage,
  readEntries,
  sumJobs,
} from "../../web/ui/wanted/entries.js";
import { ENTRY, FAILED, HEAD, Layout } from "../../web/ui/wanted/layout.js";

const ALL = { text: "", only: "", category: "" };

function item(file, more = {}) {
  return {
    name: `The ${file}`,
    file,
    dest: "loras",
    status: "missing",
    base_model: "SDXL 1.0",
    on_disk_bytes: 0,
    expected_bytes: 1000,
    speed: 0,
    eta_s: null,
    error: null,
    url: "https://example.org/x",
    ...more,
  };
}

const lists = (...items) => ({
  models: { categories: [{ id: "a", name: "Alpha", models: items }], problem: null },
  loras: { categories: [], problem: null },
});

const job = (more) => ({
  id: "t1",
  kind: "transfer",
  title: "a",
  state: "running",
  done: 500,
  total: 1000,
  rate: 50,
  eta_s: 10,
  error: null,
  ...more,
});

test("both catalogs are one list, and a double entry still has a key of its own", () => {
  const both = lists(item("a"), item("a"));
  both.loras = { categories: [{ id: "l", name: "Alpha", models: [item("a")] }], problem: null };
  const entries = readEntries(both);
  assert.equal(new Set(entries.map((entry) => entry.key)).size, 3);
  assert.deepEqual(
    groupRows(entries).map((row) => (row.kind === "head" ? [row.name, row.count] : row.entry.catalog)),
    [["Alpha", 3], "models", "models", "loras"],
  );
});

test("the search looks in name, file, tags and base model, for all words", () => {
  const entries = readEntries(
    lists(item("one.safetensors", { tags: ["Ink"] }), item("two.safetensors", { base_model: "Pony" })),
  );
  const found = (text) => filterEntries(entries, { ...ALL, text }).map((entry) => entry.item.file);
  assert.deepEqual(found("ink ONE"), ["one.safetensors"]);
  assert.deepEqual(found("pony"), ["two.safetensors"]);
  assert.deepEqual(found("ink pony"), []);
});

test("what is on its way or failed is missing too; failed is narrower", () => {
  const entries = readEntries(
    lists(
      item("a", { status: "present" }),
      item("b", { status: "error" }),
      item("c", { status: "downloading" }),
      item("d", { status: "something new" }),
      item("e", { url: null }),
    ),
  );
  assert.equal(filterEntries(entries, { ...ALL, only: "missing" }).length, 4);
  assert.equal(filterEntries(entries, { ...ALL, only: "failed" }).length, 1);
  const sums = figures(entries);
  assert.deepEqual([sums.total, sums.missing, sums.failed], [5, 4, 1]);
  assert.deepEqual(sums.get.map((entry) => entry.item.file), ["d"]);
  assert.equal(sums.bytes, 1000);
});

test("a job tells its entry how it fares, and no other entry", () => {
  const entries = readEntries(lists(item("a", { transfer: "t1", status: "queued" }), item("a2")));
  applyJobs(entries, [job(), job({ id: "t2", title: "a2" })]);
  const [first, second] = entries;
  assert.deepEqual([first.state, first.done, first.rate, first.left], ["downloading", 500, 50, 10]);
  assert.equal(second.state, "missing");
  applyJobs(entries, [job({ state: "failed", error: "gone" })]);
  assert.deepEqual([first.state, first.error], ["error", "gone"]);
  applyJobs(entries, [job({ state: "done" })]);
  assert.equal(first.state, "error", "what is over is for the list to say");
});

test("jobs together: the time left is told only when every size is known", () => {
  const sum = sumJobs([job(), job({ id: "t2", state: "queued", done: 0, rate: 0 }), job({ state: "paused" })]);
  assert.deepEqual(
    [sum.going, sum.paused, sum.rate, sum.share, sum.left],
    [2, 1, 50, 0.25, 30],
  );
  assert.equal(sumJobs([job(), job({ total: null })]).left, null);
});

test("only what lies in loras and has a version can move there", () => {
  const [yes, no, elsewhere] = readEntries(
    lists(
      item("a", { civitai_version_id: 1, dest: "loras/x" }),
      item("b"),
      item("c", { civitai_version_id: 1, dest: "lorassic" }),
    ),
  );
  assert.deepEqual([yes, no, elsewhere].map(canBePromoted), [true, false, false]);
});

test("the page where an entry comes from", () => {
  const [civitai, hub, none] = readEntries(
    lists(
      item("a", { civitai_model_id: 5, civitai_version_id: 6 }),
      item("b", { hf_repo: "who/wh at" }),
      item("c"),
    ),
  );
  assert.equal(homePage(civitai)?.address, "https://civitai.com/models/5?modelVersionId=6");
  assert.equal(homePage(hub)?.address, "https://huggingface.co/who/wh%20at");
  assert.equal(homePage(none), null);
});

test("a failure for want of a key leads to the settings", () => {
  assert.ok(advice("CivitAI shows this only with a key.").settings);
  assert.ok(!advice("Wrong bytes: SHA-256 00…").settings);
});

test("rows have their places by height", () => {
  const entries = readEntries(lists(item("a"), item("b", { status: "error" }), item("c")));
  const layout = new Layout(groupRows(entries));
  assert.equal(layout.height, HEAD + ENTRY + FAILED + ENTRY);
  assert.deepEqual(
    [-5, 0, HEAD, HEAD + ENTRY - 1, HEAD + ENTRY, 1e9].map((y) => layout.at(y)),
    [0, 0, 1, 1, 2, 3],
  );
  assert.equal(new Layout([]).at(100), 0);
});
