// What a person types as an agent's address, made into one the engine can ask. Says in a sentence what is wrong; never
// asks the network.

export type Address = { url: string; problem: null } | { url: null; problem: string };

/** `localhost:8123` and `https://host/path` both work; passwords in addresses do not. A card or what a server printed is
 *  passed on as it is: the engine finds the address in it. */
export function readAddress(typed: string): Address {
  const text = typed.trim();
  if (text === "") return { url: null, problem: "Type the address of an agent, for example http://localhost:8123." };
  if (/\s|^\{/.test(text)) return { url: text, problem: null };
  const named = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  let url: URL;
  try {
    url = new URL(named);
  } catch {
    return { url: null, problem: "This is not an address. It should look like http://localhost:8123." };
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return { url: null, problem: "Only http and https addresses can be asked." };
  }
  if (url.username !== "" || url.password !== "") {
    return { url: null, problem: "Leave the password out of the address; there is a field for it." };
  }
  return { url: url.href.replace(/\/$/, ""), problem: null };
}

/** A name for a new endpoint, from what the probe said or else from the address. */
export function suggestName(name: string | null, url: string, taken: readonly string[]): string {
  const base = slug(name ?? "") || slug(hostOf(url)) || "agent";
  if (!taken.includes(base)) return base;
  for (let number = 2; ; number += 1) if (!taken.includes(`${base}-${number}`)) return `${base}-${number}`;
}

function hostOf(url: string): string {
  try {
    const { hostname, port } = new URL(url);
    return port === "" ? hostname : `${hostname}-${port}`;
  } catch {
    return "";
  }
}

function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 40);
}
