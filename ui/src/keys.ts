// The key registry: who listens to which key, in which scope, with what words. The palette and the key sheet read it,
// so a key that is not listed here does not exist. Single letters act only outside fields, can be switched off
// (WCAG 2.1.4), and never on auto-repeat unless a binding asks for it.

export type Scope = "anywhere" | "list" | "detail" | "screen";

export type Binding = {
  /** `a`, `Enter`, `ArrowDown`, `?`, `mod+k` (Ctrl or Cmd), `shift+x`, or a sequence `g i`. */
  key: string;
  scope: Scope;
  /** What it does, as the palette and the key sheet say it. */
  label: string;
  run: (event: KeyboardEvent | undefined) => void;
  /** Not bound while this answers false. */
  when?: () => boolean;
  /** Held keys fire again: only for moving about. */
  repeat?: boolean;
  /** Not offered in the palette: keys that need the thing under the cursor, or decide something. */
  hidden?: boolean;
};

export type Region = "list" | "detail" | undefined;

const bindings = new Set<Binding>();
const watchers = new Set<() => void>();
let single = true;
let pending = "";
let pendingTimer: ReturnType<typeof setTimeout> | undefined;
let showPending: (keys: string) => void = () => undefined;

/** Adds bindings; answers the function that takes them away. Later ones win over earlier ones of the same scope. */
export function bind(...added: Binding[]): () => void {
  for (const binding of added) bindings.add(binding);
  for (const watcher of watchers) watcher();
  return () => {
    for (const binding of added) bindings.delete(binding);
    for (const watcher of watchers) watcher();
  };
}

/** All bindings in force now, for the palette and the key sheet. */
export function listed(): Binding[] {
  return [...bindings].filter((binding) => binding.when?.() ?? true);
}

/** Switches single-letter keys and sequences on or off; keys with Ctrl or Cmd and named keys stay. */
export function setSingleKeys(on: boolean): void {
  single = on;
}

export function singleKeys(): boolean {
  return single;
}

/** Who shows a sequence that has begun (`g …`). */
export function onPending(show: (keys: string) => void): void {
  showPending = show;
}

/** The name of a key press as bindings write it. */
export function nameOf(event: KeyboardEvent): string {
  const parts: string[] = [];
  if (event.ctrlKey || event.metaKey) parts.push("mod");
  if (event.altKey) parts.push("alt");
  const key = event.key === " " ? "Space" : event.key;
  // A shifted sign (`?`, `!`) is its own name; a shifted letter or named key says so.
  const letter = /^\p{L}$/u.test(key);
  if (event.shiftKey && (letter || key.length > 1)) parts.push("shift");
  parts.push(letter ? key.toLowerCase() : key);
  return parts.join("+");
}

/** True where typing belongs to the field. */
export function inField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable) return true;
  if (target instanceof HTMLInputElement) {
    return !["checkbox", "radio", "button", "submit", "range"].includes(target.type);
  }
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

function regionOf(target: EventTarget | null): Region {
  if (!(target instanceof Element)) return undefined;
  const region = target.closest("[data-region]")?.getAttribute("data-region");
  return region === "list" || region === "detail" ? region : undefined;
}

/** The nearer scope wins, whichever was bound first: a screen's undo is not the whole window's. */
const nearness: Record<Scope, number> = { detail: 0, list: 0, screen: 1, anywhere: 2 };

function isSingle(key: string): boolean {
  return [...key].length === 1 || key.includes(" ");
}

function reaches(binding: Binding, region: Region, onHeading: boolean, inDialog: boolean): boolean {
  if (!(binding.when?.() ?? true)) return false;
  if (!single && isSingle(binding.key)) return false;
  if (inDialog) return false;
  // A new screen begins at its heading; what only moves about leads from there into its list.
  if (onHeading && binding.repeat) return true;
  switch (binding.scope) {
    case "anywhere":
    case "screen":
      return true;
    case "list":
      return region === "list";
    case "detail":
      // The list and its detail are one place for the hand: the item under the cursor is the one shown.
      return region !== undefined;
  }
}

/** Handles one key press; answers whether it was used. */
export function press(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.isComposing) return false;
  const name = nameOf(event);
  const field = inField(event.target);
  const inDialog = event.target instanceof Element && event.target.closest("dialog[open]") !== null;
  if (field && !name.startsWith("mod+") && name !== "Escape" && !/^F\d+$/.test(name)) return false;
  // Taking back what was just typed belongs to the field.
  if (field && /^mod\+(shift\+)?z$/.test(name)) return false;
  // Enter and Space belong to the control that has the focus.
  if (
    (name === "Enter" || name === "Space") &&
    event.target instanceof Element &&
    event.target.closest("button, a, summary, [role=button]")
  ) {
    return false;
  }
  const region = regionOf(event.target);
  const onHeading = event.target instanceof HTMLHeadingElement;
  const open = [...bindings]
    .filter((binding) => reaches(binding, region, onHeading, inDialog))
    .reverse()
    .sort((one, other) => nearness[one.scope] - nearness[other.scope]);
  const sequence = pending ? `${pending} ${name}` : name;
  const exact = open.find((binding) => binding.key === sequence);
  const starts = !pending && open.some((binding) => binding.key.startsWith(`${name} `));
  const hadPending = pending !== "";
  setPending("");
  if (exact) {
    event.preventDefault();
    if (event.repeat && !exact.repeat) return true;
    exact.run(event);
    return true;
  }
  if (starts) {
    event.preventDefault();
    if (!event.repeat) setPending(name);
    return true;
  }
  // A broken-off sequence swallows its second key: `g d` must not refuse anything.
  if (hadPending) {
    event.preventDefault();
    return true;
  }
  return false;
}

function setPending(keys: string): void {
  clearTimeout(pendingTimer);
  if (keys === pending) return;
  pending = keys;
  showPending(keys);
  if (keys) pendingTimer = setTimeout(() => setPending(""), 1500);
}

/** Starts listening; answers the function that stops it. */
export function start(): () => void {
  const listener = (event: KeyboardEvent) => void press(event);
  const blur = () => setPending("");
  addEventListener("keydown", listener);
  addEventListener("blur", blur);
  return () => {
    removeEventListener("keydown", listener);
    removeEventListener("blur", blur);
  };
}

/** Told when bindings come or go. */
export function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

const mac = /mac/i.test(globalThis.navigator?.platform ?? "");
const signs: Record<string, string> = {
  ArrowDown: "↓",
  ArrowUp: "↑",
  ArrowLeft: "←",
  ArrowRight: "→",
  Escape: "Esc",
  Delete: "Del",
};

/** How a key is drawn: `mod+k` → `Ctrl K`, `g i` → `g i`. */
export function drawn(key: string): string {
  return key
    .split(" ")
    .map((step) =>
      step
        .split("+")
        .map((part) => {
          if (part === "mod") return mac ? "⌘" : "Ctrl";
          if (part === "shift") return "Shift";
          if (part === "alt") return mac ? "⌥" : "Alt";
          return signs[part] ?? (step.includes("+") ? part.toUpperCase() : part);
        })
        .join(" "),
    )
    .join(" ");
}
