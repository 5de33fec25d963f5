import assert from "node:assert/strict";
import { test } from "node:test";

import { contents } from "../../web/ui/collections/collection-acts.js";
import { Members, PAGE } from "../../web/ui/collections/members.js";
import { ApiError } from "../../web/ui/data/call.js";

const ids = (items) => items.map(({ id }) => id).join("");
/** A while, or until it is so. */
const until = async (is) => {
  for (let turn = 0; turn < 100 && !is(); turn += 1) await new Promise((resolve) => setImmediate(resolve));
};
const picture = (id) => ({ kind: "picture", id });

/** A server with one collection, whose pictures are called a, b, c and so on. */
function world(letters) {
  let order = [...letters];
  const state = { reads: [], before: [], fails: null };
  const attempt = async (work) => {
    await new Promise((resolve) => setImmediate(resolve));
    if (state.fails) throw state.fails;
    return work();
  };
  const put = (moved, before) => {
    const rest = order.filter((each) => !moved.includes(each));
    const at = before ? rest.indexOf(before) : rest.length;
    if (at < 0) throw new ApiError(400, "before is not in this collection.");
    order = [...rest.slice(0, at), ...moved, ...rest.slice(at)];
  };
  const calls = {
    members: (_id, { limit, offset, kind }) =>
      attempt(() => {
        state.reads.push([offset, limit, kind]);
        const items = order.slice(offset, offset + limit).map((id) => ({ kind: "picture", id }));
        return { items, total: order.length };
      }),
    orderMembers: (_id, items, before) =>
      attempt(() => {
        state.before.push(before?.id ?? null);
        put(items.map(({ id }) => id), before?.id);
      }),
    removeMembers: (_id, items) =>
      attempt(() => {
        order = order.filter((each) => !items.some(({ id }) => id === each));
      }),
    addMembers: (_id, items, before) => attempt(() => put(items.map(({ id }) => id), before?.id)),
  };
  return { state, calls, members: new Members(calls), order: () => order.join(""), set: (now) => (order = [...now]) };
}

test("a member that is moved stands there at once, and on the server before the right one", async () => {
  const { members, order, state } = world("abcde");
  await members.open("x");
  const moves = [members.move(picture("a"), 2), members.move(picture("e"), 0), members.move(picture("b"), 4)];
  assert.equal(ids(members.items), "ecadb");
  await Promise.all(moves);
  assert.deepEqual(state.before, ["d", "b", null]);
  assert.equal(order(), "ecadb");
  await members.touch();
  assert.equal(ids(members.items), "ecadb");
});

test("changes go to the server one after the other, and nothing read meanwhile undoes them here", async () => {
  const { members, calls, state } = world("abcd");
  await members.open("x");
  const { orderMembers, members: read } = calls;
  const said = [];
  calls.orderMembers = async (...asked) => {
    said.push("begins");
    await orderMembers(...asked);
    said.push("ends");
  };
  let late;
  calls.members = async (...asked) => {
    const answer = await read(...asked);
    await new Promise((resolve) => (late = resolve));
    return answer;
  };
  const before = members.touch();
  await until(() => late);
  calls.members = read;
  const shown = new Set();
  members.addEventListener("change", () => shown.add(ids(members.items)));
  const moves = [members.move(picture("a"), 3), members.move(picture("b"), 2)];
  late();
  await before;
  state.reads.length = 0;
  await members.touch();
  assert.deepEqual(state.reads, []);
  await Promise.all(moves);
  assert.deepEqual([...shown], ["bcda", "cdba"]);
  assert.deepEqual(said, ["begins", "ends", "begins", "ends"]);
  assert.equal(ids(members.items), "cdba");
});

test("what others have changed is there after a change of one's own", async () => {
  const { members, set } = world("abc");
  await members.open("x");
  set("abcd");
  await members.move(picture("a"), 1);
  await until(() => members.total === 4);
  assert.equal(ids(members.items), "bacd");
});

test("the last one that is read is not the last one", async () => {
  const letters = Array.from({ length: PAGE + 5 }, (_, at) => String.fromCodePoint(0x4e00 + at));
  const { members, state } = world(letters);
  await members.open("x");
  assert.equal(members.items.length, PAGE);
  await members.move(picture(letters[0]), PAGE - 1);
  assert.equal(members.items.length, PAGE + 5);
  assert.deepEqual(state.before, [letters[PAGE]]);
});

test("pages follow each other, and what is shown is read again in one go", async () => {
  const letters = Array.from({ length: 3 * PAGE }, (_, at) => String.fromCodePoint(0x4e00 + at));
  const { members, state } = world(letters);
  await members.open("x", "picture");
  await Promise.all([members.more(), members.more()]);
  await members.more();
  await members.more();
  assert.equal(ids(members.items), letters.join(""));
  const pages = [0, 1, 2].map((page) => [page * PAGE, PAGE, "picture"]);
  assert.deepEqual(state.reads, pages);
  state.reads.length = 0;
  await members.touch();
  assert.deepEqual(state.reads, [[0, 3 * PAGE, "picture"]]);
});

test("the one that is meant is moved, although others have come before it while more was read", async () => {
  const letters = Array.from({ length: PAGE + 5 }, (_, at) => String.fromCodePoint(0x4e00 + at));
  const { members, order, set } = world(letters);
  await members.open("x");
  const moved = members.move(picture(letters[1]), PAGE - 1);
  members.items = [members.items[1], members.items[0], ...members.items.slice(2)];
  set([letters[1], letters[0], ...letters.slice(2)]);
  await moved;
  assert.equal(members.items[PAGE - 1].id, letters[1]);
  assert.equal([...order()].indexOf(letters[1]), PAGE - 1);
});

test("what was asked for first does not take the place of what came sooner, nor of a page that came meanwhile", async () => {
  const letters = Array.from({ length: 2 * PAGE }, (_, at) => String.fromCodePoint(0x4e00 + at));
  const { members, set, calls } = world(letters);
  await members.open("x");
  const late = [];
  const { members: read } = calls;
  const held = async (...asked) => {
    const answer = await read(...asked);
    await new Promise((resolve) => late.push(resolve));
    return answer;
  };
  calls.members = held;
  const first = members.touch();
  calls.members = read;
  await members.more();
  assert.equal(members.items.length, 2 * PAGE);
  late[0]();
  await first;
  assert.equal(members.items.length, 2 * PAGE);
  calls.members = held;
  const old = members.touch();
  calls.members = read;
  await until(() => late.length === 2);
  set([...letters].reverse());
  await members.touch();
  late[1]();
  await old;
  assert.equal(ids(members.items), letters.toReversed().join(""));
});

test("what was taken out comes back to its place, also when its neighbour has gone", async () => {
  const { members, order } = world("abcd");
  await members.open("x");
  const undo = await members.remove(picture("b"));
  assert.equal(ids(members.items), "acd");
  assert.equal(members.total, 3);
  const undoNext = await members.remove(picture("c"));
  assert.equal(order(), "ad");
  await undo();
  assert.equal(order(), "adb");
  await undoNext();
  assert.equal(order(), "acdb");
  await members.touch();
  assert.equal(ids(members.items), "acdb");
});

test("the last one that was read comes back to its place too, before those that were not", async () => {
  const letters = Array.from({ length: PAGE + 5 }, (_, at) => String.fromCodePoint(0x4e00 + at));
  const { members, order } = world(letters);
  await members.open("x");
  const undo = await members.remove(picture(letters[PAGE - 1]));
  await until(() => members.items.length === PAGE);
  const undone = undo();
  assert.equal(members.indexOf(picture(letters[PAGE - 1])), PAGE - 1);
  await undone;
  assert.equal(order(), letters.join(""));
});

test("what the server refuses is as it was", async () => {
  const { members, state } = world("abc");
  await members.open("x");
  state.fails = new ApiError(507, "The disk is full.");
  await assert.rejects(members.move(picture("a"), 2), /disk is full/);
  state.fails = null;
  await members.touch();
  assert.equal(ids(members.items), "abc");
  assert.equal(members.state, "ready");
});

test("what cannot be read says so; what is shown stays unless the collection is gone", async () => {
  const { members, state, set } = world("abc");
  state.fails = new ApiError(0, "No answer.");
  await members.open("x");
  assert.equal(members.state, "failed");
  state.fails = null;
  await members.touch();
  assert.equal(members.state, "ready");
  set("cab");
  state.fails = new ApiError(0, "No answer.");
  await members.touch();
  assert.equal(`${members.state} ${ids(members.items)}`, "ready abc");
  state.fails = new ApiError(404, "No such collection.");
  await members.touch();
  assert.equal(members.state, "failed");
});

test("what is in a collection is said in words", () => {
  assert.equal(contents({ models: 1, pictures: 1200 }), "1 model · 1,200 pictures");
  assert.equal(contents({ models: 0, pictures: 2 }), "2 pictures");
  assert.equal(contents({ models: 0, pictures: 0 }), "empty");
});
