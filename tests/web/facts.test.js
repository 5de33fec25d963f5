import assert from "node:assert/strict";
import { test } from "node:test";

import { civitaiPage, day, readFacts } from "../../web/ui/picture/facts.js";

const item = { id: "1", ext: ".jpeg", starred: false, createdAt: null, meta: { width: 832, height: 1216 } };

test("what CivitAI says of the making is found under its names", () => {
  const facts = readFacts(
    {
      username: "sumi_works",
      createdAt: "2026-06-12T10:00:00Z",
      generation_data: {
        meta: { prompt: " ink ", negativePrompt: "blurry", cfgScale: 6, seed: 7, "Clip skip": "2" },
        resources: [{ modelName: "Ink", modelType: "LORA", strength: 0.8, modelId: 3, versionId: 4 }],
      },
    },
    item,
  );
  assert.equal(facts.prompt, "ink");
  assert.equal(facts.negative, "blurry");
  assert.deepEqual(Object.fromEntries(facts.settings), {
    CFG: "6",
    Seed: "7",
    "Clip skip": "2",
    Size: "832 × 1216",
  });
  assert.deepEqual(facts.resources, [
    {
      name: "Ink",
      type: "LoRA",
      strength: "0.8",
      hash: "",
      modelId: 3,
      versionId: 4,
      status: "",
      file: "",
      dest: "",
      address: "https://civitai.com/models/3?modelVersionId=4",
    },
  ]);
  assert.equal(facts.author, "sumi_works");
});

test("wrapped and missing metadata are no trouble", () => {
  assert.equal(readFacts({ generation_data: { meta: { id: 1, meta: { prompt: "x" } } } }, item).prompt, "x");
  assert.equal(readFacts({ generation_data: null, raw_meta: "text" }, item).prompt, "");
  assert.deepEqual(readFacts({ generation_data: { resources: "no list" } }, item).resources, []);
});

test("our own names are read where CivitAI says nothing", () => {
  const facts = readFacts({ prompt: "p", negative: "n", cfg: 5, loras: [{ name: "L", weight: 1 }] }, item);
  assert.equal(facts.negative, "n");
  assert.deepEqual(facts.settings[0], ["CFG", "5"]);
  assert.equal(facts.resources[0].name, "L");
});

test("a seed is told with all its digits", () => {
  const facts = readFacts({ seed: 987654321012345678n, loras: [] }, item);
  assert.equal(Object.fromEntries(facts.settings).Seed, "987654321012345678");
  assert.match(facts.raw, /"seed": 987654321012345678,/);
});

test("only pages of CivitAI become links", () => {
  assert.equal(civitaiPage("https://civitai.com/images/1"), "https://civitai.com/images/1");
  for (const text of ["javascript:alert(1)", "https://evil.example/civitai.com", "http://civitai.com/x", 5, null]) {
    assert.equal(civitaiPage(text), null);
  }
});

test("a day is a day, and nothing else", () => {
  assert.match(day("2026-06-12T10:00:00Z"), /2026/);
  assert.equal(day("not a date"), "");
  assert.equal(day(undefined), "");
});
