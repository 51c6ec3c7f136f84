// The settings as a person meets them: switches act at once, thresholds when they are saved and make sense.
import { fireEvent } from "@testing-library/svelte";
import { afterEach, expect, test, vi } from "vitest";
import { button, close, keysNow, opened, page, press, says, settled } from "../../../tests/opened";
import Settings from "./Settings.svelte";

vi.setConfig({ testTimeout: 30_000 });
afterEach(close);

const field = (label: string): HTMLInputElement => {
  const found = [...document.querySelectorAll("label")].find((each) => each.textContent?.includes(label));
  return document.getElementById(found?.htmlFor ?? "") as HTMLInputElement;
};

test("theme, row height and switches are saved at once, also by key", async () => {
  const { asked } = await opened(Settings);
  await says("Safe graphics");
  await press("t");
  await press("r");
  await press("h", { altKey: true });
  expect(asked("saveSettings")).toMatchObject([{ theme: "light" }, { density: "roomy" }, { replaceHold: true }]);
  for (const label of ["Next theme", "Next row height", "Safe graphics", "Single-letter keys", "Copy the path"]) expect(keysNow()).toContain(label);
});

test("a threshold that makes no sense cannot be saved and says why", async () => {
  const { asked } = await opened(Settings);
  await says("Thresholds");
  const stalls = field("A task without any sign");
  await fireEvent.input(stalls, { target: { value: "soon" } });
  await settled();
  expect(page()).toContain("This is not a number.");
  expect(stalls.getAttribute("aria-invalid")).toBe("true");
  expect((button("Save the thresholds") as HTMLButtonElement).disabled).toBe(true);
  await fireEvent.input(stalls, { target: { value: "1200" } });
  await settled();
  expect(page()).toContain("that is 20 min");
  await press("s", { ctrlKey: true });
  expect(asked("saveSettings")).toMatchObject([{ rules: { stallAfterSeconds: 1200 } }]);
});

test("the record is checked by button and by key, and says what was found and what that proves", async () => {
  const { asked } = await opened(Settings);
  await says("It was not checked yet.");
  expect(page()).toContain("It cannot find what somebody with full use of your account computed anew");
  await fireEvent.click(button("Check the record now"));
  await says("All 214 entries are as they were written.");
  expect(page()).toMatch(/Checked at .+ No damage was found\./);
  await press("c");
  expect(asked("checkRecord")).toHaveLength(2);
  expect(keysNow()).toContain("Check the record now");
});

test("folder and versions are told", async () => {
  await opened(Settings);
  await says("/home/you/.local/share/mission-control");
  expect(page()).toContain("3.50.4");
});
