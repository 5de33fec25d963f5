import assert from "node:assert/strict";
import { test } from "node:test";

import { Columns, GAP, columnCount, proportion } from "../../web/ui/gallery/columns.js";

/** @param {number} seed */
function* shapes(seed, count = 1000) {
  for (let at = 0; at < count; at += 1) {
    seed = (seed * 16807) % 2147483647;
    yield 0.4 + (seed / 2147483647) * 1.6;
  }
}

function filled(width = 900, seed = 7) {
  const columns = new Columns(width);
  columns.append(shapes(seed));
  return columns;
}

test("a sidebar has two columns, a page more", () => {
  assert.equal(columnCount(200), 2);
  assert.equal(columnCount(288), 2);
  assert.equal(columnCount(1240), 5);
  assert.equal(columnCount(100), 1);
});

test("unknown proportions are square, extreme ones are cut", () => {
  assert.equal(proportion(0, 0), 1);
  assert.equal(proportion(null, 900), 1);
  assert.equal(proportion(832, 1216), 1216 / 832);
  assert.ok(proportion(100, 100_000) < 3);
  assert.ok(proportion(100_000, 100) > 0.3);
});

test("cards never overlap and stay within the width", () => {
  const { cells, members, columnWidth } = filled();
  for (const column of members) {
    for (let at = 1; at < column.length; at += 1) {
      const above = cells[column[at - 1]];
      assert.equal(cells[column[at]].y, above.y + above.height + GAP);
    }
  }
  for (const cell of cells) assert.ok(cell.x >= 0 && cell.x + columnWidth <= 900);
});

test("columns end about equally far down", () => {
  const { bottoms, columnWidth } = filled();
  assert.ok(Math.max(...bottoms) - Math.min(...bottoms) <= columnWidth * 2 + GAP);
});

test("what is appended later moves nothing", () => {
  const early = new Columns(900);
  const all = [...shapes(3)];
  early.append(all.slice(0, 400));
  const before = structuredClone(early.cells);
  early.append(all.slice(400));
  assert.deepEqual(early.cells.slice(0, 400), before);
  const once = new Columns(900);
  once.append(all);
  assert.deepEqual(early.cells, once.cells);
});

test("visible finds exactly what touches the stretch", () => {
  const columns = filled();
  for (const top of [0, 1, 777, 5000, columns.height - 10]) {
    const bottom = top + 600;
    const expected = columns.cells
      .map((cell, index) => ({ cell, index }))
      .filter(({ cell }) => cell.y <= bottom && cell.y + cell.height >= top)
      .map(({ index }) => index);
    assert.deepEqual(columns.visible(top, bottom), expected);
  }
  assert.deepEqual(new Columns(900).visible(0, 1000), []);
});

test("arrow keys stay in the column up and down, and change it sideways", () => {
  const columns = filled();
  for (let index = 0; index < 300; index += 1) {
    const here = columns.cells[index];
    const down = columns.cells[columns.neighbour(index, "down")];
    assert.equal(down.column, here.column);
    assert.ok(down.y > here.y);
    assert.equal(columns.neighbour(columns.neighbour(index, "down"), "up"), index);
    const right = columns.cells[columns.neighbour(index, "right")];
    assert.equal(right.column, Math.min(here.column + 1, columns.count - 1));
    if (right !== here) {
      assert.ok(right.y < here.y + here.height && right.y + right.height > here.y);
    }
  }
});

test("arrow keys at an edge stay where they are", () => {
  const columns = filled();
  assert.equal(columns.neighbour(0, "up"), 0);
  assert.equal(columns.neighbour(0, "left"), 0);
  const last = columns.members[0].at(-1);
  assert.equal(columns.neighbour(last, "down"), last);
});

test("what is put before changes no column and no distance", () => {
  const columns = filled();
  const before = structuredClone(columns.cells);
  const added = [1.3, 0.7, 1, 1.5, 0.6];
  const shift = columns.prepend(added);
  assert.equal(columns.cells.length, before.length + added.length);
  columns.cells.slice(added.length).forEach((cell, at) => {
    assert.deepEqual(cell, { ...before[at], y: before[at].y + shift });
  });
  assert.equal(Math.min(...columns.cells.map((cell) => cell.y)), 0);
  for (const members of columns.members) {
    for (let at = 1; at < members.length; at += 1) {
      const above = columns.cells[members[at - 1]];
      assert.equal(columns.cells[members[at]].y, above.y + above.height + GAP);
    }
  }
  assert.ok(columns.visible(0, 10).every((index) => index < added.length));
});
