// What the board asks the engine for, and what it keeps.
import { describe, expect, test } from "vitest";
import type { BoardRequest } from "../../api/generated/BoardRequest";
import type { BoardView } from "../../api/generated/BoardView";
import type { CardView } from "../../api/generated/CardView";
import { BoardModel, COLUMNS } from "./model.svelte";

/** An engine with `count` running tasks that writes down what it was asked. */
function engine(count: number) {
  const state = { revision: 1, asked: [] as BoardRequest[], fail: false };
  const answer = (request: BoardRequest): Promise<BoardView> => {
    state.asked.push(structuredClone(request));
    if (state.fail) return Promise.reject(new Error("closed"));
    return Promise.resolve({
      title: "Work",
      group: request.group,
      moreColumns: 0,
      loading: [],
      revision: state.revision,
      columns: COLUMNS.map((column) => {
        const page = request.pages.find((one) => one.column === column);
        const all = column === "running" ? count : 0;
        const rows = page === undefined ? 0 : Math.max(0, Math.min(page.limit, all - page.offset));
        return {
          column,
          label: { text: column, flagged: false, marks: [] },
          count: all,
          live: all,
          offset: page?.offset ?? 0,
          cards: Array.from({ length: rows }, (_, at) => ({ task: `${request.filter}${state.revision}-${(page?.offset ?? 0) + at}` }) as CardView),
        };
      }),
    });
  };
  return { state, model: new BoardModel(answer) };
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

describe("the board's questions", () => {
  test("the first asks for a short page of each column", async () => {
    const { state, model } = engine(20_000);
    await model.refresh();
    expect(state.asked[0]?.pages).toHaveLength(COLUMNS.length);
    expect(state.asked[0]?.pages.every((page) => page.limit <= 20)).toBe(true);
    expect(model.heads.find((head) => head.column === "running")?.count).toBe(20_000);
  });

  test("scrolling asks only for that column's missing cards", async () => {
    const { state, model } = engine(20_000);
    await model.refresh();
    model.show("running", { first: 5000, end: 5016 });
    await settle();
    expect(state.asked[1]?.pages).toEqual([{ column: "running", offset: 5000, limit: 50 }]);
    expect(model.card("running", 5010)?.task).toBe("1-5010");
  });

  test("a change asks again for what is on screen, however long the column is", async () => {
    const { state, model } = engine(20_000);
    await model.refresh();
    model.show("running", { first: 5000, end: 5016 });
    await settle();
    state.revision = 2;
    await model.refresh();
    expect(state.asked[2]?.pages.find((page) => page.column === "running")).toEqual({ column: "running", offset: 5000, limit: 16 });
    expect(model.card("running", 5010)?.task).toBe("2-5010");
    expect(model.card("running", 5040)).toBeUndefined();
  });

  test("many changes during one question become one more question", async () => {
    const { state, model } = engine(10);
    const first = model.refresh();
    for (let change = 0; change < 25; change += 1) void model.refresh();
    await first;
    await settle();
    expect(state.asked).toHaveLength(2);
  });

  test("an answer to an older filter is not shown", async () => {
    const { model } = engine(10);
    const first = model.refresh();
    const second = model.setFilter("crm ");
    await Promise.all([first, second]);
    await settle();
    expect(model.card("running", 0)?.task).toBe("crm 1-0");
  });

  test("when the engine does not answer, the cards stay and the board says so", async () => {
    const { state, model } = engine(10);
    await model.refresh();
    state.fail = true;
    await model.refresh();
    expect(model.failed).toBe(true);
    expect(model.card("running", 0)?.task).toBe("1-0");
    state.fail = false;
    await model.refresh();
    expect(model.failed).toBe(false);
  });

  test("a page newer than its neighbours makes them be asked again", async () => {
    const { state, model } = engine(500);
    await model.refresh();
    state.revision = 2;
    model.show("running", { first: 100, end: 110 });
    await settle();
    expect(state.asked).toHaveLength(3);
    expect(model.card("running", 105)?.task).toBe("2-105");
    expect(model.card("running", 2)).toBeUndefined();
  });
});
