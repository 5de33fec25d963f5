import assert from "node:assert/strict";
import { test } from "node:test";

import { importFigures } from "../../web/ui/staging/import-report.js";

const none = { new: 0, known: 0 };
const report = {
  models: { ...none, changed: 0, unhashed: 0 },
  tags: none,
  samples: none,
  pictures: none,
  collections: none,
  problems: [],
};

test("an import is told in numbers, whatever was in it", () => {
  const some = { new: 2, known: 1 };
  const models = { ...some, changed: 3, unhashed: 4 };
  const told = importFigures({ ...report, models, samples: some, entries: { new: 5, known: 0 } });
  assert.deepEqual(told, [
    ["New models", 2],
    ["Models with something new", 3],
    ["Models without changes", 1],
    ["Models without a hash, left out", 4],
    ["New samples", 2],
    ["New entries in Wanted", 5],
  ]);
});

test("what an import finds here already is nothing new", () => {
  const known = { new: 0, known: 9 };
  assert.deepEqual(importFigures({ ...report, tags: known, samples: known, pictures: known, entries: known }), []);
});
