// Where the window is: `#/screen/rest?query`. Sixty lines instead of a framework, since there is one window and ten screens.

export type Route = { screen: string; rest: string[]; query: URLSearchParams; hash: string };

/** Reads a hash; parts are decoded, an unknown screen is the caller's business. */
export function parse(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  const parts = path.split("/").filter((part) => part !== "");
  return {
    screen: parts[0] ?? "inbox",
    rest: parts.slice(1).map(decode),
    query: new URLSearchParams(query),
    hash,
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Builds a hash; parts may hold any characters. */
export function href(screen: string, ...rest: string[]): string {
  return "#/" + [screen, ...rest].map(encodeURIComponent).join("/");
}

class Router {
  route = $state.raw<Route>(parse(globalThis.location?.hash ?? ""));
  /** The screen before this one, for the key `-`. */
  last = "#/inbox";

  start(): () => void {
    const changed = () => {
      if (this.route.hash !== location.hash) {
        if (parse(location.hash).screen !== this.route.screen) this.last = this.route.hash || "#/inbox";
        this.route = parse(location.hash);
      }
    };
    changed();
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }

  /** Goes there; `replace` for a selection inside a screen, which is no step back. */
  go(hash: string, replace = false): void {
    if (hash === location.hash) return;
    if (replace) {
      history.replaceState(history.state, "", hash);
      this.route = parse(hash);
    } else {
      location.hash = hash;
    }
  }
}

export const router = new Router();
