// A login as a form holds it, and as a request carries it.

export interface Login {
  how: "keep" | "none" | "token" | "basic";
  token: string;
  user: string;
  password: string;
}

export function noLogin(how: "keep" | "none" = "none"): Login {
  return { how, token: "", user: "", password: "" };
}

/** `token` and `basic` of a request; `basic` is `name:password`. Empty strings take a login away, nothing keeps it. */
export function credentials(login: Login): { token: string | null; basic: string | null } {
  switch (login.how) {
    case "keep":
      return { token: null, basic: null };
    case "none":
      return { token: "", basic: "" };
    case "token":
      return { token: login.token.trim(), basic: "" };
    case "basic":
      return { token: "", basic: `${login.user}:${login.password}` };
  }
}

/** The same for a new endpoint, which has no login to take away. */
export function newCredentials(login: Login): { token: string | null; basic: string | null } {
  const { token, basic } = credentials(login);
  return { token: token === "" ? null : token, basic: basic === "" ? null : basic };
}
