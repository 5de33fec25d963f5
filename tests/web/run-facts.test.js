import assert from "node:assert/strict";
import { test } from "node:test";

import { readChoice, runBody, runWords, share, USUAL } from "../../web/ui/run/run-facts.js";

const facts = {
  status: "downloading",
  downloaded: 0,
  skipped: 0,
  failed: 0,
  total: null,
  images_total: 0,
  default_preview: null,
  custom_preview: null,
};

test("what is asked of a run is what was chosen, within what the server takes", () => {
  const body = runBody({ ...USUAL, count: 5000, type: "video", withMeta: true }, 7);
  assert.equal(body.action, "start:1000");
  assert.deepEqual(body.types, ["video"]);
  assert.equal(body.with_meta, true);
  assert.equal(body.version_id, 7);
  assert.equal(runBody({ ...USUAL, count: Number.NaN }).action, "start:200");
  assert.equal(runBody({ ...USUAL, count: -3 }).action, "start:1");
  assert.equal(runBody({ ...USUAL, from: "cards" }).action, "start:cards");
  assert.equal("version_id" in runBody(USUAL), false);
});

test("a choice that was kept by another version or by nobody is as usual where it must be", () => {
  assert.deepEqual(readChoice(null), USUAL);
  assert.deepEqual(readChoice("{broken"), USUAL);
  assert.deepEqual(readChoice("null"), USUAL);
  assert.deepEqual(readChoice('{"count":"12","sort":"Oldest","other":1}'), { ...USUAL, sort: "Oldest" });
});

test("a run tells how far it is, and what came of it", () => {
  assert.equal(runWords({ ...facts }), "Asking CivitAI …");
  const going = { ...facts, downloaded: 10, skipped: 2, failed: 1, total: 26 };
  assert.equal(runWords(going), "13 of 26 · 1 failed");
  assert.equal(share(going), 0.5);
  assert.equal(share(facts), 0);
  // Those without metadata are among the pictures that are here.
  assert.equal(share({ ...going, downloaded: 12, failed: 3, untold: 2 }), 15 / 26);
  assert.equal(runWords({ ...going, status: "stopping" }), "Stopping …");
  assert.equal(runWords({ ...going, status: "done" }), "10 new pictures · 2 known · 1 failed");
  assert.equal(runWords({ ...facts, status: "done", skipped: 4 }), "Nothing new · 4 known");
  const untold = { ...going, status: /** @type {const} */ ("done"), failed: 3, untold: 2 };
  assert.equal(runWords(untold), "10 new pictures · 2 known · 1 failed · 2 without metadata");
  assert.equal(runWords({ ...going, status: "stopped", failed: 0 }), "Stopped: 10 new pictures · 2 known");
  assert.equal(runWords({ ...facts, status: "done", error: "No such model." }), "No such model.");
  assert.equal(runWords({ ...facts, status: "idle" }), "");
});
