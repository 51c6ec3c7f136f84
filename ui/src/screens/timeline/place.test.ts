// Where the timeline looks, as addresses and as arithmetic.
import { expect, test } from "vitest";
import { parse } from "../../router.svelte";
import { address, asked, dayOf, days, lengths, panned, shownSeconds, zoomed } from "./place";

const view = { from: "2026-11-20T08:00:00Z", to: "2026-11-20T08:15:00Z", now: "2026-11-20T09:00:00Z" };

test.each([
  { seconds: 900, until: null, pair: [], about: null },
  { seconds: null, until: null, pair: [], about: "f:stale-read\u001fpublisher/pub-12 file:a?b&c=d#e" },
  { seconds: 60, until: "2026-11-20T08:15:00.000Z", pair: ["billing host/pay&ments", "mail/100%"], about: null },
])("what is asked survives its own address: %o", (request) => {
  expect(asked(parse(address(request)))).toEqual(request);
});

test.each(["#/timeline?seconds=-5", "#/timeline?seconds=x&until=never", "#/timeline?seconds=1e999", "#/timeline/?a=&b="])(
  "nonsense in an address asks for nothing special: %s",
  (hash) => {
    expect(asked(parse(hash))).toEqual({ seconds: null, until: null, pair: [], about: null });
  },
);

test("zooming goes through the lengths and stops at both ends", () => {
  let seconds: number = lengths[lengths.length - 1] ?? 0;
  for (let n = 0; n < 20; n += 1) seconds = zoomed(seconds, true);
  expect(seconds).toBe(lengths[0]);
  expect(zoomed(900, false)).toBe(3600);
  expect(zoomed(1000, true)).toBe(900);
  expect(zoomed(604_800, false)).toBe(604_800);
});

test("panning keeps the length, and is live again when it reaches now", () => {
  expect(panned(view, -1)).toEqual({ seconds: 900, until: "2026-11-20T08:07:30.000Z" });
  expect(panned({ ...view, now: "2026-11-20T08:16:00Z" }, 1)).toEqual({ seconds: 900, until: null });
  expect(shownSeconds(view)).toBe(900);
});

test("any day since the log began can be chosen, the newest first, and no more than a list can hold", () => {
  const now = Date.parse("2026-11-20T09:00:00Z");
  const all = days("2026-11-17T10:00:00Z", now);
  expect(all.length).toBe(4);
  expect(all[0]).toBe(dayOf(now).from);
  expect([...all].sort((a, b) => b - a)).toEqual(all);
  expect(days("1999-01-01T00:00:00Z", now).length).toBe(60);
  expect(days(null, now).length).toBe(1);
});
