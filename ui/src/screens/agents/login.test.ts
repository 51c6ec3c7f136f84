// Logins from form to request.
import { expect, test } from "vitest";
import { credentials, newCredentials, noLogin } from "./login";

test("a new endpoint without a login carries none", () => {
  expect(newCredentials(noLogin())).toEqual({ token: null, basic: null, keep: null });
});

test("a token loses the spaces of copying", () => {
  expect(newCredentials({ ...noLogin(), how: "token", token: " abc\n" })).toEqual({ token: "abc", basic: null, keep: null });
});

test("keeping the login sends nothing, taking it away sends empty words", () => {
  expect(credentials(noLogin("keep"))).toEqual({ token: null, basic: null, keep: null });
  expect(credentials(noLogin("none"))).toEqual({ token: "", basic: "", keep: null });
});

test("a name and password go as one word, with their spaces", () => {
  expect(newCredentials({ ...noLogin("none"), how: "basic", user: "me", password: " p:w " })).toEqual({ token: null, basic: "me: p:w ", keep: null });
});

test("where it is kept goes with a login, and with nothing else", () => {
  const place = "file";
  expect(credentials({ ...noLogin(), how: "token", token: "abc", place })).toEqual({ token: "abc", basic: "", keep: "file" });
  expect(credentials({ ...noLogin("keep"), place }).keep).toBeNull();
  expect(newCredentials({ ...noLogin(), place }).keep).toBeNull();
});
