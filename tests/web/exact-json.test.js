import assert from "node:assert/strict";
import { test } from "node:test";

import { readJson, writeJson } from "../../web/ui/data/exact-json.js";

const SEED = "987654321012345678";

test("a number beyond what one can hold keeps its digits, there and back", () => {
  const text = `{"seed":${SEED},"least":-9223372036854775808,"in":[18446744073709551615]}`;
  const read = readJson(text);
  assert.equal(read.seed, BigInt(SEED));
  assert.equal(`Seed: ${read.seed}`, `Seed: ${SEED}`);
  assert.equal(writeJson(read), text);
  assert.equal(writeJson({ seed: read.seed }, 2), `{\n  "seed": ${SEED}\n}`);
});

test("all else is as JSON.parse has it", () => {
  for (const text of [
    "[9007199254740991,-9007199254740991,5,-0.12345678901234567,1e30,1234567890123456789e3]",
    `[1.25,"${SEED}","\\"${SEED}","\\\\",${"1".repeat(15)},"a: ${SEED}, \\\\\\" ${SEED}",null,true]`,
    `{"${SEED}":"${SEED}","\\u0022${SEED}":"-${SEED}"}`,
    "5",
  ]) {
    assert.deepEqual(readJson(text), JSON.parse(text));
    assert.equal(writeJson(JSON.parse(text)), JSON.stringify(JSON.parse(text)));
  }
});

test("what is no JSON is none", () => {
  for (const text of ["", "{", `{"a":${SEED}`, `"${SEED}`, `0${SEED}`, `[${SEED},]`]) {
    assert.throws(() => readJson(text), SyntaxError);
  }
});

test("megabytes of text, escapes and numbers are read", () => {
  const long = JSON.stringify("a\n\"".repeat(1e6));
  assert.equal(readJson(`[${long},${SEED}]`)[1], BigInt(SEED));
  assert.equal(readJson(`[${"9".repeat(5000)}]`)[0], Infinity);
});
