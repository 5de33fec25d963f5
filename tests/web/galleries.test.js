import assert from "node:assert/strict";
import { test } from "node:test";

import { galleries, modelsNamed, versionsOf } from "../../web/ui/gallery/galleries.js";
import { levelName } from "../../web/ui/gallery/levels.js";
import { adoptionFigures, cleanupWords } from "../../web/ui/intake/reports.js";
import { entryOf } from "../../web/ui/picture/made-with.js";

const entry = (/** @type {Record<string, unknown>} */ item) => ({ item: { dest: "loras", ...item } });
const entries = [
  entry({ name: "Zebra", file: "z.safetensors", civitai_model_id: 3, civitai_version_id: 31 }),
  entry({ name: "Ink v2", file: "ink2.safetensors", civitai_model_id: 1, civitai_version_id: 12 }),
  entry({ name: "Ink v1", file: "ink1.safetensors", civitai_model_id: 1, civitai_version_id: 11 }),
  entry({ name: "Alder", file: "a.safetensors", dest: "loras/sdxl", civitai_model_id: 2 }),
  entry({ name: "Mix", file: "m.safetensors", dest: "checkpoints", civitai_model_id: 9 }),
  entry({ name: "Nameless", file: "n.safetensors" }),
];

test("models with pictures come first, then LoRAs of the catalog that could have some", () => {
  const models = [
    { model_id: 1, name: "", count: 5, thumb: "x" },
    { model_id: 0, name: "", count: 2, thumb: "y" },
    { model_id: 7, name: "", count: 1, thumb: "z" },
  ];
  const found = galleries(models, entries).map(({ model_id, name, count }) => [model_id, name, count]);
  assert.deepEqual(found, [
    [1, "Ink v2", 5],
    [0, "No known LoRA", 2],
    [7, "Model 7", 1],
    [2, "Alder", 0],
    [3, "Zebra", 0],
  ]);
});

test("versions have the catalog's names, newest first, and those of pictures their number", () => {
  assert.deepEqual(versionsOf(1, entries, [{ versions: [13, 11] }, {}]), [
    { id: 13, name: "Version 13" },
    { id: 12, name: "Ink v2" },
    { id: 11, name: "Ink v1" },
  ]);
});

test("a model is found by every word of its name", () => {
  const models = [{ model_id: 1, name: "Ink Samurai Style", count: 1, thumb: null }];
  assert.equal(modelsNamed(models, "style INK").length, 1);
  assert.equal(modelsNamed(models, "ink castle").length, 0);
});

test("a level goes by the highest bit in it", () => {
  assert.deepEqual([0, 1, 3, 4, 28, 32, null].map(levelName), ["", "PG", "PG-13", "R", "XXX", "Blocked", ""]);
});

test("what a picture was made with is found in the catalog by file, else by version", () => {
  const resource = { name: "", file: "", dest: "", versionId: null };
  assert.equal(entryOf({ ...resource, file: "ink1.safetensors", dest: "loras" }, entries), entries[2]);
  assert.equal(entryOf({ ...resource, file: "ink1.safetensors", dest: "other" }, entries), undefined);
  assert.equal(entryOf({ ...resource, versionId: 12 }, entries), entries[1]);
  assert.equal(entryOf(resource, entries), undefined);
});

test("reports say what there is and keep quiet about what is not", () => {
  const report = { dry_run: true, found: 9, new: 0, known: 9, stars: 0, previews: 0, bytes: 0, failed: 0 };
  assert.deepEqual(adoptionFigures({ ...report, problems: [] }), [
    ["Found", "9"],
    ["New", "none"],
    ["Here already", "9"],
  ]);
  const found = { dry_run: true, pictures: 1, files: 2, bytes: 3000, models: [] };
  assert.equal(cleanupWords(found), "1 picture and 2 left-over files, 3 KB");
  assert.equal(cleanupWords({ ...found, files: 0 }), "1 picture, 3 KB");
});
