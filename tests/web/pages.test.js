import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "../../web/ui/data/api.js";
import { PAGE, Pages, mergeStretch } from "../../web/ui/gallery/pages.js";

const item = (id, changes = {}) => ({ id: String(id), starred: false, meta: {}, ...changes });
const ids = (items) => items.map((each) => each.id).join(" ");

/** A gallery as the server keeps it, newest first: the cursor is the id it goes on after. */
class Server {
  constructor(count) {
    this.items = Array.from({ length: count }, (_, at) => item(count - at));
    this.asked = [];
    this.list = async (filter, { limit, before }) => {
      this.asked.push(before ?? "");
      if (this.failure) throw this.failure;
      const start = before ? this.items.findIndex((each) => Number(each.id) < Number(before)) : 0;
      const images = start < 0 ? [] : this.items.slice(start, start + limit);
      const more = start >= 0 && start + limit < this.items.length;
      return { images, total: this.items.length, next: more ? images.at(-1).id : null };
    };
  }
}

async function opened(count) {
  const server = new Server(count);
  const pages = new Pages(server.list);
  await pages.reset();
  return { server, pages };
}

test("a stretch replaces what lies within it and keeps what comes after", () => {
  const known = [5, 4, 3, 2, 1].map((id) => item(id));
  const fresh = { images: [item(6), item(5), item(3)], total: 5, next: "3" };
  const { items, connected } = mergeStretch(known, 0, fresh);
  assert.equal(ids(items), "6 5 3 2 1");
  assert.ok(connected);
});

test("a stretch that meets nothing known drops the rest, for nobody knows what is between", () => {
  const known = [3, 2, 1].map((id) => item(id));
  const fresh = { images: [item(9), item(8)], total: 9, next: "8" };
  assert.deepEqual(mergeStretch(known, 0, fresh), { items: fresh.images, connected: false });
});

test("the last stretch ends the list", () => {
  const known = [5, 4, 3, 2, 1].map((id) => item(id));
  const { items } = mergeStretch(known, 3, { images: [item(2)], total: 4, next: null });
  assert.equal(ids(items), "5 4 3 2");
});

test("pages follow each other to the end", async () => {
  const { server, pages } = await opened(250);
  assert.equal(pages.items.length, PAGE);
  await pages.more();
  await pages.more();
  assert.equal(pages.items.length, 250);
  assert.ok(pages.complete);
  await pages.more();
  assert.equal(server.asked.length, 3);
});

test("what is added elsewhere appears at the head, once", async () => {
  const { server, pages } = await opened(250);
  await pages.more();
  server.items.unshift(item(252), item(251));
  pages.touch();
  await pages.refresh(0, 10);
  assert.equal(ids(pages.items.slice(0, 3)), "252 251 250");
  assert.equal(new Set(pages.items.map((each) => each.id)).size, pages.items.length);
  assert.equal(pages.total, 252);
});

test("what is removed and changed elsewhere is so here, also deep in the list", async () => {
  const { server, pages } = await opened(450);
  for (let page = 0; page < 4; page += 1) await pages.more();
  server.items = server.items
    .filter((each) => each.id !== "120")
    .map((each) => (each.id === "118" ? item(118, { starred: true }) : each));
  pages.touch();
  await pages.refresh(325, 340);
  assert.ok(!pages.items.some((each) => each.id === "120"));
  assert.ok(pages.items.find((each) => each.id === "118")?.starred);
  assert.equal(pages.items.length, 449);
});

test("a refresh asks only for the head and for what is in sight", async () => {
  const { server, pages } = await opened(1000);
  for (let page = 0; page < 9; page += 1) await pages.more();
  server.asked = [];
  pages.touch();
  await pages.refresh(500, 520);
  await pages.refresh(500, 520);
  assert.equal(server.asked.length, 2);
});

test("everything removed leaves an empty list", async () => {
  const { server, pages } = await opened(30);
  server.items = [];
  pages.touch();
  await pages.refresh(0, 10);
  assert.equal(pages.items.length, 0);
  assert.equal(pages.total, 0);
});

test("a failed page keeps what is there and can be tried again", async () => {
  const { server, pages } = await opened(150);
  server.failure = new ApiError(502, "CivitAI failed.");
  await pages.more();
  assert.equal(pages.state, "failed");
  assert.equal(pages.items.length, PAGE);
  server.failure = null;
  await pages.retry();
  assert.equal(pages.state, "ready");
  assert.equal(pages.items.length, 150);
});

test("a failed refresh leaves what is shown", async () => {
  const { server, pages } = await opened(50);
  server.failure = new ApiError(503, "busy");
  pages.touch();
  await pages.refresh(0, 10);
  assert.equal(pages.state, "ready");
  assert.equal(pages.items.length, 50);
});

test("an answer to an older filter is thrown away", async () => {
  const server = new Server(10);
  let free;
  const slow = new Promise((resolve) => (free = resolve));
  const pages = new Pages(async (filter, page) => {
    if (filter.q === "slow") await slow;
    return filter.q === "slow" ? { images: [item(99)], total: 1, next: null } : server.list(filter, page);
  });
  const first = pages.reset({ q: "slow" });
  await pages.reset({});
  free();
  await first;
  assert.equal(pages.items.length, 10);
});

test("a change is shown at once and can be taken back", async () => {
  const { pages } = await opened(3);
  const undo = pages.change("2", { starred: true });
  assert.ok(pages.items[1].starred);
  undo();
  assert.ok(!pages.items[1].starred);
});
