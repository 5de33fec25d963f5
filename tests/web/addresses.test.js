import assert from "node:assert/strict";
import { test } from "node:test";

import { readAddress } from "../../web/ui/add/addresses.js";

const image = { kind: "image", id: "123" };
const version = { kind: "version", id: "456" };
const model = { kind: "model", id: "789" };

for (const [text, expected] of [
  ["https://civitai.com/images/123", image],
  ["  https://civitai.com/images/123?period=AllTime#comments\n", image],
  ["http://civitai.red/images/123/", image],
  ["https://www.civitai.green/images/123", image],
  ["civitai.com/images/123", image],
  ["https://civitai.com/models/789?modelVersionId=456", version],
  ["https://civitai.com/models/789/some-name?modelVersionId=456&x=1", version],
  ["https://civitai.com/api/download/models/456", version],
  ["https://civitai.com/api/v1/model-versions/456", version],
  ["urn:air:sdxl:lora:civitai:789@456", version],
  ["URN:AIR:flux1:checkpoint:civitai:789@456", version],
  ["https://civitai.com/models/789/some-name", model],
]) {
  test(`${text.trim()} is the ${expected.kind} ${expected.id}`, () => {
    assert.deepEqual(readAddress(text), expected);
  });
}

for (const text of [
  "https://example.org/images/123",
  "https://civitai.com.example.org/images/123",
  "https://civitai.com@example.org/images/123",
  "https://civitai.com/user/somebody",
  "https://civitai.com/images/abc",
  "urn:air:sdxl:lora:civitai:789",
]) {
  test(`${text} is refused with a reason`, () => {
    const wanted = readAddress(text);
    assert.equal(wanted?.kind, "unknown");
    assert.ok(wanted.reason.length > 10);
  });
}

for (const text of ["", "ink samurai, masterpiece", "123", "see https://civitai.com/images/123", "//x"]) {
  test(`${JSON.stringify(text)} is no address at all`, () => assert.equal(readAddress(text), null));
}
