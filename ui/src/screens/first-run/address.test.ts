// Addresses as people type them.
import { describe, expect, test } from "vitest";
import { readAddress, suggestName } from "./address";

describe("an address", () => {
  test.each([
    ["a bare host and port", "localhost:8123", "http://localhost:8123"],
    ["spaces around it", "  http://localhost:8123/ ", "http://localhost:8123"],
    ["a path is kept", "https://agents.example/a2a", "https://agents.example/a2a"],
  ])("is understood: %s", (_name, typed, expected) => {
    expect(readAddress(typed)).toEqual({ url: expected, problem: null });
  });

  test.each([
    "INFO:     Uvicorn running on http://127.0.0.1:8000 (Press CTRL+C to quit)",
    "- 🚀 API: http://127.0.0.1:2024\n- 📚 API Docs: http://127.0.0.1:2024/docs",
    '{"url":"http://localhost:9999/rpc"}',
  ])("may stand in more words, which the engine reads: %s", (pasted) => {
    expect(readAddress(pasted)).toEqual({ url: pasted, problem: null });
  });

  test.each([
    ["nothing typed", ""],
    ["another protocol", "file:///etc/passwd"],
    ["a password inside", "http://me:secret@localhost:8123"],
    ["not an address", "http://"],
  ])("is refused with a sentence: %s", (_name, typed) => {
    const address = readAddress(typed);
    expect(address.url).toBeNull();
    expect(address.problem).toMatch(/^[A-Z].*\.$/);
    expect(address.problem).not.toContain("secret");
  });
});

describe("a name for it", () => {
  test("comes from what the agent calls itself, else from its host", () => {
    expect(suggestName("Invoice Agent", "http://localhost:1", [])).toBe("invoice-agent");
    expect(suggestName(null, "http://localhost:8123", [])).toBe("localhost-8123");
  });

  test("is never one that is taken", () => {
    expect(suggestName("Crm", "http://x", ["crm", "crm-2"])).toBe("crm-3");
  });
});
