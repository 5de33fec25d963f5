import assert from "node:assert/strict";
import { test } from "node:test";

import { countText, leftText, rateText, sizeText } from "../../web/ui/parts/figures.js";

for (const [bytes, text] of [
  [0, "0 B"],
  [999, "999 B"],
  [13_000, "13 KB"],
  [999_600, "1.0 MB"],
  [34_000_000, "34 MB"],
  [6_938_000_000, "6.9 GB"],
  [23_800_000_000, "24 GB"],
  [2e15, "2000 TB"],
]) {
  test(`${bytes} bytes are ${text}`, () => assert.equal(sizeText(bytes), text));
}

for (const [seconds, text] of [
  [0, "1 s left"],
  [59.4, "59 s left"],
  [60, "1 min left"],
  [180, "3 min left"],
  [3600, "1 h left"],
  [7500, "2 h 5 min left"],
  [3599, "1 h left"],
  [300_000, "3 days left"],
]) {
  test(`${seconds} seconds are ${text}`, () => assert.equal(leftText(seconds), text));
}

test("rates and counts", () => {
  assert.equal(rateText(34_100_000), "34 MB/s");
  assert.equal(countText(1, "file"), "1 file");
  assert.equal(countText(1200, "entry", "entries"), "1,200 entries");
});
