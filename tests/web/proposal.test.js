import assert from "node:assert/strict";
import { test } from "node:test";

import { byVersion, picked } from "../../web/ui/add/proposal.js";

const choice = (more) => ({ name: "n", file: "f", dest: "loras", size_bytes: 1, status: "new", ...more });

test("files stand below their versions, in the order of the server", () => {
  const choices = [
    choice({ version_id: 2, version_name: "v2", file_id: 20 }),
    choice({ version_id: 2, version_name: "v2", file_id: 21 }),
    choice({ version_id: 1, version_name: "v1", file_id: 10 }),
  ];
  assert.deepEqual(
    byVersion(choices).map(({ name, choices: files }) => [name, files.map((each) => each.file_id)]),
    [
      ["v2", [20, 21]],
      ["v1", [10]],
    ],
  );
});

test("the folder is said only where it is another than the usual one", () => {
  const ours = choice({ version_id: 2, file_id: 20 });
  assert.equal(picked("a", ours, "loras").dest, undefined);
  assert.equal(picked("a", ours, "loras/mine").dest, "loras/mine");
  assert.equal(picked("a", choice({ dest: null, path: "x/y" }), "vae").dest, "vae");
});
