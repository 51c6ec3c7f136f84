// Logins from form to request.
import { expect, test } from "vitest";
import { credentials, newCredentials, noLogin } from "./login";

test("a new endpoint without a login carries none", () => {
  expect(newCredentials(noLogin())).toEqual({ token: null, basic: null });
});

test("a token loses the spaces of copying", () => {
  expect(newCredentials({ ...noLogin(), how: "token", token: " abc\n" })).toEqual({ token: "abc", basic: null });
});

test("keeping the login sends nothing, taking it away sends empty words", () => {
  expect(credentials(noLogin("keep"))).toEqual({ token: null, basic: null });
  expect(credentials(noLogin("none"))).toEqual({ token: "", basic: "" });
});

test("a name and password go as one word, with their spaces", () => {
  expect(newCredentials({ how: "basic", token: "", user: "me", password: " p:w " })).toEqual({ token: null, basic: "me: p:w " });
});
