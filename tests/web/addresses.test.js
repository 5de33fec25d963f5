import assert from "node:assert/strict";
import { test } from "node:test";

import { isSurelyMeant, readAddress, readTyped } from "../../web/ui/add/addresses.js";

const image = { kind: "image", id: "123" };
const model = (address) => ({ kind: "model", address });

for (const [text, expected] of [
  ["https://civitai.com/images/123", image],
  ["  https://civitai.com/images/123?period=AllTime#comments\n", image],
  ["http://civitai.red/images/123/", image],
  ["https://www.civitai.green/images/123", image],
  ["civitai.com/images/123", image],
  ["https://civitai.com/models/789?modelVersionId=456", model("https://civitai.com/models/789?modelVersionId=456")],
  ["civitai.com/models/789/some-name", model("https://civitai.com/models/789/some-name")],
  ["urn:air:sdxl:lora:civitai:789@456", model("urn:air:sdxl:lora:civitai:789@456")],
  ["huggingface.co/who/what", model("https://huggingface.co/who/what")],
  ["https://example.org/x.safetensors", model("https://example.org/x.safetensors")],
]) {
  test(`${text.trim()} is understood`, () => {
    assert.deepEqual(readAddress(text), expected);
    assert.ok(isSurelyMeant(text));
  });
}

for (const text of [
  "https://civitai.com/user/somebody",
  "https://civitai.com/images/abc",
  "urn:air:sdxl:lora:elsewhere:789",
]) {
  test(`${text} is refused with a reason`, () => {
    const wanted = readAddress(text);
    assert.equal(wanted?.kind, "unknown");
    assert.ok(wanted.reason.length > 10);
  });
}

for (const text of [
  "",
  "ink samurai, masterpiece",
  "123",
  "see https://civitai.com/images/123",
  "//x",
  "https://civitai.com@example.org/images/123",
]) {
  test(`${JSON.stringify(text)} is no address at all`, () => {
    assert.equal(readAddress(text), null);
    assert.ok(!isSurelyMeant(text));
  });
}

test("an address of who knows what is for the add field alone", () => {
  assert.ok(!isSurelyMeant("https://example.org/page"));
  assert.ok(!isSurelyMeant("https://civitai.com.example.org/images/123"));
  assert.equal(readAddress("who/what"), null);
  assert.deepEqual(readTyped("who/what"), model("who/what"));
});
