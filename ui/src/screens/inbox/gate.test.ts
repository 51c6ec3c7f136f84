import { describe, expect, test } from "vitest";
import type { GestureView } from "../../api/generated/GestureView";
import { held, isArmed, letGo, opened, press, rebound, seenEnd, visible, type Gate } from "./gate";

function gesture(over: Partial<GestureView> = {}): GestureView {
  return {
    outcome: "approve",
    optionId: null,
    label: "Do it",
    key: "a",
    reads: true,
    arm: false,
    hold: false,
    safest: false,
    needsMessage: false,
    needsPayload: false,
    cannot: null,
    ...over,
  };
}

const reversible = gesture();
const outward = gesture({ arm: true });
const destructive = gesture({ arm: true, hold: true });
const refuse = gesture({ outcome: "reject", key: "d", reads: false });
/** What the agent calls a no, on an outward action. */
const offeredNo = gesture({ outcome: "reject", optionId: "no", arm: true });

type Step = ["press", GestureView, number] | ["end"] | ["change", string, number] | ["hide", number] | ["show", number] | ["go"];

/** Plays the steps on an item opened at 0 and answers what each press was told. */
function check(steps: Step[]): string[] {
  let gate: Gate = opened("item@1", 0);
  const told: string[] = [];
  for (const step of steps) {
    if (step[0] === "press") {
      const result = press(gate, step[1], step[2]);
      gate = result.gate;
      told.push(result.verdict.kind === "wait" ? result.verdict.why : result.verdict.kind);
    } else if (step[0] === "end") gate = seenEnd(gate);
    else if (step[0] === "change") gate = rebound(gate, step[1], step[2]);
    else if (step[0] === "hide") gate = visible(gate, false, step[1]);
    else if (step[0] === "show") gate = visible(gate, true, step[1]);
    else gate = letGo(gate);
  }
  return told;
}

describe("reversible", () => {
  test("one press acts when the end was in view", () => {
    expect(check([["end"], ["press", reversible, 400]])).toEqual(["act"]);
  });
  test("nothing is approved unread", () => {
    expect(check([["press", reversible, 60_000]])).toEqual(["unread"]);
  });
  test("the second tap of a double tap does not decide the item that came up", () => {
    expect(check([["end"], ["press", reversible, 120]])).toEqual(["changed"]);
  });
});

describe("outward", () => {
  test("the first press arms, the second acts", () => {
    expect(check([["end"], ["press", outward, 900], ["press", outward, 1600]])).toEqual(["armed", "act"]);
  });
  test("it is on screen for 0.8 seconds before it can be armed", () => {
    expect(check([["end"], ["press", outward, 700], ["press", outward, 1400]])).toEqual(["early", "armed"]);
  });
  test("two fast presses do not act", () => {
    expect(check([["end"], ["press", outward, 900], ["press", outward, 1000], ["press", outward, 1400]])).toEqual([
      "armed",
      "again",
      "again",
    ]);
  });
  test("it cannot be armed unread", () => {
    expect(check([["press", outward, 900], ["press", outward, 1600]])).toEqual(["unread", "unread"]);
  });
  test("content that changes lets go and keeps still for a second", () => {
    expect(
      check([
        ["end"],
        ["press", outward, 900],
        ["change", "item@2", 1000],
        ["press", outward, 1700],
        ["press", outward, 2100],
        ["end"],
        ["press", outward, 2200],
        ["press", outward, 2900],
      ]),
    ).toEqual(["armed", "changed", "unread", "armed", "act"]);
  });
  test("an escape lets go", () => {
    expect(check([["end"], ["press", outward, 900], ["go"], ["press", outward, 1600]])).toEqual(["armed", "armed"]);
  });
  test("hiding the window lets go, and the time hidden is not time shown", () => {
    expect(
      check([["end"], ["hide", 300], ["show", 9000], ["press", outward, 9200], ["press", outward, 9600]]),
    ).toEqual(["early", "armed"]);
    expect(
      check([["end"], ["press", outward, 900], ["hide", 1000], ["show", 5000], ["press", outward, 5700]]),
    ).toEqual(["armed", "armed"]);
  });
  test("what was armed long ago has to be armed again", () => {
    expect(check([["end"], ["press", outward, 900], ["press", outward, 61_500]])).toEqual(["armed", "armed"]);
  });
  test("arming one answer does not arm another", () => {
    const other = gesture({ outcome: "approve-always", optionId: "x", arm: true });
    expect(check([["end"], ["press", outward, 900], ["press", other, 2000], ["press", outward, 3000]])).toEqual([
      "armed",
      "armed",
      "armed",
    ]);
  });
});

describe("destructive", () => {
  test("armed, read a second time, and only then held", () => {
    expect(
      check([
        ["end"],
        ["press", destructive, 900],
        ["press", destructive, 2000],
        ["end"],
        ["press", destructive, 3000],
        ["press", destructive, 6000],
      ]),
    ).toEqual(["armed", "unread", "again", "hold"]);
  });
  test("no number of presses acts", () => {
    const presses = Array.from({ length: 200 }, (_, n): Step => ["press", destructive, 1000 + n * 300]);
    expect(check([["end"], ...presses.flatMap((each): Step[] => [each, ["end"]])])).not.toContain("act");
  });
  test("a short hold, an early hold and a hold after a change do not act", () => {
    let gate = seenEnd(press(seenEnd(opened("a", 0)), destructive, 1000).gate);
    expect(held(gate, destructive, 1199, 9000)).toBe(false);
    expect(held(gate, destructive, 1300, 5500)).toBe(false);
    expect(held(gate, destructive, 1200, 9000)).toBe(true);
    gate = rebound(gate, "b", 8900);
    expect(held(gate, destructive, 5000, 20_000)).toBe(false);
  });
});

test("saying no needs no reading and no second press", () => {
  expect(check([["press", refuse, 400]])).toEqual(["act"]);
});

test("whatever the order of presses, changes and readings, nothing unread or changed is approved", () => {
  // A small random walk with its own generator: the same every time.
  let seed = 7;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  for (let round = 0; round < 2000; round += 1) {
    let gate = opened("0", 0);
    let now = 0;
    let version = 0;
    let read = false;
    let changedAt = 0;
    let armedAt: number | undefined;
    for (let step = 0; step < 30; step += 1) {
      now += Math.floor(random() * 900);
      const what = random();
      if (what < 0.15) {
        version += 1;
        gate = rebound(gate, String(version), now);
        read = false;
        armedAt = undefined;
        changedAt = now;
      } else if (what < 0.4) {
        gate = seenEnd(gate);
        read = true;
      } else {
        const which = random() < 0.5 ? outward : destructive;
        const wasArmed = isArmed(gate, which, now);
        const { gate: after, verdict } = press(gate, which, now);
        if (verdict.kind === "act") {
          expect(which).toBe(outward);
          expect(read && wasArmed && now - (armedAt ?? now) >= 600 && now - changedAt >= 800).toBe(true);
        }
        if (verdict.kind === "armed") armedAt = now;
        if (verdict.kind === "armed" && which.hold) read = false;
        gate = after;
      }
    }
  }
});

test("what an agent calls a no among its choices is read and armed like a yes", () => {
  expect(check([["press", offeredNo, 2000]])).toEqual(["unread"]);
  expect(check([["end"], ["press", offeredNo, 2000]])).toEqual(["armed"]);
  expect(check([["press", refuse, 2000]])).toEqual(["act"]);
});
