import { expect, test } from "vitest";
import { stretch } from "./stretch";

test("rows of different heights add up too", () => {
  const heights = Array.from({ length: 300 }, (_, n) => (n % 10 ? 62 : 36));
  const whole = heights.reduce((sum, height) => sum + height, 0);
  for (const scrollTop of [0, 500, 9000, 1e6]) {
    const view = stretch(heights, scrollTop, 700);
    const drawn = heights.slice(view.first, view.last).reduce((sum, height) => sum + height, 0);
    expect(view.before + drawn + view.after).toBe(whole);
    expect(drawn).toBeLessThan(1700);
  }
});
