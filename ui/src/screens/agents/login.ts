// A login as a form holds it, and as a request carries it.

export interface Login {
  how: "keep" | "none" | "token" | "basic";
  token: string;
  user: string;
  password: string;
  /** Where it is to be kept; empty while that is not known. */
  place: string;
}

export interface Credentials {
  token: string | null;
  basic: string | null;
  keep: string | null;
}

export function noLogin(how: "keep" | "none" = "none"): Login {
  return { how, token: "", user: "", password: "", place: "" };
}

/** The part of a request that is the login; `basic` is `name:password`. Empty strings take a login away, nothing keeps it. */
export function credentials(login: Login): Credentials {
  const keep = login.place === "" ? null : login.place;
  switch (login.how) {
    case "keep":
      return { token: null, basic: null, keep: null };
    case "none":
      return { token: "", basic: "", keep: null };
    case "token":
      return { token: login.token.trim(), basic: "", keep };
    case "basic":
      return { token: "", basic: `${login.user}:${login.password}`, keep };
  }
}

/** The same for a new endpoint, which has no login to take away. */
export function newCredentials(login: Login): Credentials {
  const { token, basic, keep } = credentials(login);
  return { token: token === "" ? null : token, basic: basic === "" ? null : basic, keep };
}
