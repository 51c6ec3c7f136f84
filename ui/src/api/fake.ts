// Serves views from files in a plain browser, for looking at screens and for the browser flows. It knows no rule: it
// answers what was recorded, remembers that something was decided or taken back, and refuses what it has no answer for.
// The files in `recorded/` are written by the engine's tests, so what is shown here is what the engine says.
import type { Answer, Backend, Name } from "./backend";
import { CallError } from "./call-error";
import { answerFleet, withoutKeychain } from "./fake-fleet";
import { answerLetters } from "./fake-letters";
import { RecordedRules } from "./fake-ownership";
import { answerSchemas } from "./fake-schemas";
import type { ArtifactBody } from "./generated/ArtifactBody";
import type { ArtifactBodyRequest } from "./generated/ArtifactBodyRequest";
import type { BoardRequest } from "./generated/BoardRequest";
import type { BoardView } from "./generated/BoardView";
import type { CardView } from "./generated/CardView";
import type { Changed } from "./generated/Changed";
import type { DecideRequest } from "./generated/DecideRequest";
import type { DecisionView } from "./generated/DecisionView";
import type { EscalationView } from "./generated/EscalationView";
import type { ExportTimelineRequest } from "./generated/ExportTimelineRequest";
import type { ExportView } from "./generated/ExportView";
import type { HitView } from "./generated/HitView";
import type { InboxView } from "./generated/InboxView";
import type { OwnershipView } from "./generated/OwnershipView";
import type { SearchView } from "./generated/SearchView";
import type { SettingsView } from "./generated/SettingsView";
import type { SettleRequest } from "./generated/SettleRequest";
import type { SettleView } from "./generated/SettleView";
import type { TaskRequest } from "./generated/TaskRequest";
import type { TaskView } from "./generated/TaskView";
import type { StatusView } from "./generated/StatusView";
import type { TimelineRequest } from "./generated/TimelineRequest";
import type { TimelineView } from "./generated/TimelineView";

/** Recorded answers by command; an escalation, finding or task is under `name:key`. */
type Recorded = { recordedAt: string; answers: Record<string, unknown> };

const files = import.meta.glob<Recorded>("./recorded/*.json", { import: "default" });

const held: DecisionView["state"] = "held";

/** What the page is about that shows the frame itself; it is answered in every state. */
const always: Name[] = ["status", "settings", "uiReady"];
const STALE_AFTER = 600;
const SLOW_MS = 4000;

/**
 * `?fleet=` chooses the recording; `?state=error` answers nothing, `?state=stale` nothing after the first moment,
 * `?state=slow` everything late.
 */
const asked = (name: string) => new URLSearchParams(globalThis.location?.search ?? "").get(name);

export function fake(scenario = asked("fleet") ?? "office", state = asked("state")): Backend {
  const listeners = new Set<(changed: Changed) => void>();
  const rules = new RecordedRules();
  let revision = 1;
  let loaded: Promise<Record<string, unknown>> | undefined;

  // A fleet is all files `<fleet>.<part>.json`. Recorded times are moved so that the recording's "now" is the real one: ages and due times stay as recorded.
  async function load(): Promise<Record<string, unknown>> {
    const parts = Object.entries(files).filter(([path]) => path.startsWith(`./recorded/${scenario}.`));
    if (parts.length === 0) throw new CallError("not-recorded", `There is no recorded fleet called ${scenario}.`);
    const answers: Record<string, unknown> = {};
    for (const [, file] of parts) {
      const recorded = await file();
      Object.assign(answers, move(recorded.answers, Date.now() - Date.parse(recorded.recordedAt)));
    }
    return answers;
  }

  function announce(...topics: Changed["topics"]): void {
    revision += 1;
    for (const listener of listeners) listener({ topics, revision });
  }

  function settle(answers: Record<string, unknown>, request: DecideRequest): DecisionView {
    const key = `e:${request.endpoint}/${request.escalation}`;
    const shown = answers[`escalation:${key}`] as EscalationView;
    if (shown.version !== request.version || shown.bindingHash !== request.bindingHash) {
      throw new CallError("changed", "The question changed after it was shown. Nothing was decided.");
    }
    const now = Date.now();
    const decision: DecisionView = {
      id: `recorded-${revision}`,
      outcome: request.outcome,
      decidedAt: new Date(now).toISOString(),
      state: held,
      sentence: "Leaves in 10 seconds.",
      heldUntil: new Date(now + 10_000).toISOString(),
      attempts: 0,
      nextAttemptAt: null,
      detail: null,
      recordedOutcome: null,
      canUndo: true,
    };
    answers[`escalation:${key}`] = { ...shown, phase: "answered", decision } satisfies EscalationView;
    const status = answers["status"] as StatusView;
    answers["status"] = {
      ...status,
      undo: { decisionId: decision.id, sentence: shown.heading, until: decision.heldUntil ?? "" },
    } satisfies StatusView;
    return decision;
  }

  function takeBack(answers: Record<string, unknown>, id: string): void {
    for (const [key, value] of Object.entries(answers)) {
      if (key.startsWith("escalation:") && (value as EscalationView).decision?.id === id) {
        answers[key] = { ...(value as EscalationView), phase: "pending", decision: null } satisfies EscalationView;
      }
    }
    answers["status"] = { ...(answers["status"] as StatusView), undo: null } satisfies StatusView;
  }

  function close(answers: Record<string, unknown>, key: string): void {
    const inbox = answers["inbox"] as InboxView;
    answers["inbox"] = {
      ...inbox,
      groups: inbox.groups.map((group) => {
        const items = group.items.filter((item) => item.key !== key);
        return { ...group, items, count: group.count - (group.items.length - items.length) };
      }),
    } satisfies InboxView;
  }

  let refusing = state === "error";
  if (state === "stale") {
    setTimeout(() => {
      refusing = true;
      announce("inbox", "board", "ownership", "limits", "agents", "letters", "context", "timeline");
    }, STALE_AFTER);
  }

  async function answer(name: Name, request: unknown): Promise<unknown> {
    if (refusing && !always.includes(name)) throw new CallError("store", "The store did not answer.");
    if (state === "slow" && !always.includes(name)) await new Promise((done) => setTimeout(done, SLOW_MS));
    loaded ??= load();
    const answers = await loaded;
    const asked = request as Record<string, string>;
    switch (name) {
      case "status":
        return { ...(answers["status"] as StatusView), now: new Date().toISOString() };
      case "escalation":
        return found(answers, `escalation:e:${asked["endpoint"]}/${asked["escalation"]}`);
      case "finding":
        return found(answers, `finding:${asked["key"]}`);
      case "task":
        return found(answers, `task:${asked["endpoint"]}/${asked["task"]}`);
      case "decide": {
        const decision = settle(answers, request as DecideRequest);
        announce("inbox", "status");
        return decision;
      }
      case "undoDecision":
        takeBack(answers, asked["decisionId"] ?? "");
        announce("inbox", "status");
        return {};
      case "actOnFinding":
        close(answers, asked["key"] ?? "");
        announce("inbox", "status");
        return { did: ["The finding is settled."] };
      case "saveSettings": {
        const given = Object.entries(request as object).filter(([, value]) => value !== null);
        answers["settings"] = { ...(answers["settings"] as SettingsView), ...Object.fromEntries(given) };
        announce("settings");
        return answers["settings"];
      }
      case "checkRecord": {
        const before = answers["settings"] as SettingsView;
        const at = (answers["status"] as StatusView).now;
        const record = { ...before.record, rows: 214, intact: true, sentence: "All 214 entries are as they were written.", checkedAt: at };
        answers["settings"] = { ...before, record: { ...record, database: "No damage was found.", databaseAt: at } };
        announce("settings");
        return answers["settings"];
      }
      case "ruledBy": {
        // No pattern is matched here: what was recorded covers itself.
        const { document } = answers["ownership"] as OwnershipView;
        return { rules: document.rules.flatMap((rule, at) => (rule.resource === asked["resource"] ? [at] : [])) };
      }
      case "editDraft":
      case "importOwnership":
      case "restoreVersion":
      case "saveDraft": {
        const done = rules.answer(answers, name, request);
        announce("ownership", "status");
        return done;
      }
      case "exportOwnership":
      case "ownershipVersion":
        return rules.answer(answers, name, request);
      case "timeline":
        return timeline(answers, request as TimelineRequest);
      case "exportTimeline": {
        const written = found(answers, name) as ExportView;
        return (request as ExportTimelineRequest).save ? { ...written, path: `/home/you/.local/share/mission-control/exports/${written.fileName}` } : written;
      }
      case "search": {
        const typed = String(asked["text"]).toLowerCase().trim();
        const kinds = { "@": ["agent"], "#": ["task"], ":": ["resource"], "!": ["decision", "finding"] }[typed.slice(0, 1)];
        const words = (kinds ? typed.slice(1) : typed).trim().split(/\s+/);
        const hits = (answers["search"] as SearchView).hits.filter((hit) => kinds?.includes(hit.kind) ?? true);
        const says = (hit: HitView) => `${hit.title.text} ${hit.subtitle}`.toLowerCase();
        return { hits: hits.filter((hit) => words.every((word) => says(hit).includes(word))) } satisfies SearchView;
      }
      case "board":
        return board(answers, request as BoardRequest);
      case "loginPlaces":
        return scenario === "trouble" ? withoutKeychain : answerFleet(answers, name, request);
      case "mapping":
      case "previewMapping":
      case "saveMapping":
      case "probe":
      case "discoverPlan":
      case "discover":
        return answerFleet(answers, name, request);
      case "addEndpoint":
      case "editEndpoint":
      case "removeEndpoint": {
        const done = answerFleet(answers, name, request);
        announce("agents", "status");
        return done;
      }
      case "draftLetter":
      case "actOnLetters": {
        const done = answerLetters(answers, name, request);
        announce("letters", "status");
        return done;
      }
      case "schema":
        return answerSchemas(answers, name, request);
      case "saveSchema":
      case "removeSchema": {
        const done = answerSchemas(answers, name, request);
        announce("ownership", "letters", "board");
        return done;
      }
      case "deadLetter":
        return found(answers, `deadLetter:${asked["endpoint"]}/${asked["list"]}/${asked["item"]}`);
      case "artifacts":
        return answers[`artifacts:${asked["endpoint"]}/${asked["task"]}`] ?? { artifacts: [] };
      case "artifactBody":
        return part(answers, request as ArtifactBodyRequest);
      case "contextDocument":
        return found(answers, `contextDocument:${asked["document"]}`);
      case "settleContext":
        return settled(request as SettleRequest);
      case "rawAnswer":
        return found(answers, `rawAnswer:${asked["endpoint"]}`);
      case "cancelTask":
        askToCancel(answers, request as TaskRequest);
        announce("board");
        return { text: "The agent was asked to cancel the task." };
      case "uiReady":
      case "startDemo":
      case "leaveDemo":
      case "openLink":
      case "pollNow":
        return {};
      default:
        return found(answers, name);
    }
  }

  return {
    async call<K extends Name>(name: K, request: unknown): Promise<Answer<K>> {
      // The browser flows watch what is asked; a page without them does not notice.
      globalThis.dispatchEvent?.(new CustomEvent("recorded-call", { detail: { name, request } }));
      return structuredClone(await answer(name, request)) as Answer<K>;
    },
    onChanged(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** What was recorded of that pair, that card, or that length of time; time is not scrubbed in a recording. */
function timeline(answers: Record<string, unknown>, request: TimelineRequest): TimelineView {
  const all = Object.entries(answers).flatMap(([key, view]) => (key.startsWith("timeline:") ? [view as TimelineView] : []));
  const wanted = [...request.pair].sort().join(" ");
  const named = answers[`timeline:${request.about}`] as TimelineView | undefined;
  const paired = all.find((view) => request.pair.length > 0 && view.pair.map((agent) => agent.key).sort().join(" ") === wanted);
  const whole = found(answers, (request.seconds ?? 0) > 3600 ? "timeline:86400" : "timeline:900") as TimelineView;
  const view = named ?? (paired && { ...paired, about: null, aboutText: null }) ?? whole;
  return request.until === null ? view : { ...view, live: false };
}

/** The entry in the shape the engine gives it; who appends it is left to the engine. */
function settled(request: SettleRequest): SettleView {
  const entry = JSON.stringify({ documentId: request.document, kind: "decision", key: request.key, value: JSON.parse(request.value) as unknown, body: request.sentence });
  const tell = { agent: "research", text: `About ${request.key} in ${request.document}: ${request.sentence}\nAppend exactly this, and read it before you go on:\n${entry}` };
  return { entry, does: [], tells: [tell], problem: null, did: request.record ? ["It is kept."] : [] };
}

/** The first part as it was recorded; further on it comes round again. */
function part(answers: Record<string, unknown>, request: ArtifactBodyRequest): ArtifactBody {
  const { endpoint, id, digest, from, asText } = request;
  const body = found(answers, `artifactBody:${endpoint}/${id}/${digest}${asText ? "/text" : ""}`) as ArtifactBody;
  const next = body.next === null || from + body.next >= body.size ? null : from + body.next;
  return { ...body, from, next };
}

/** The recorded board in the asked columns; who asks for no page gets what was recorded of each. */
function board(answers: Record<string, unknown>, request: BoardRequest): BoardView {
  const whole = found(answers, request.group === "status" ? "board" : `board:${request.group}`) as BoardView;
  const some = narrowed(whole, request);
  return request.group !== "status" && request.pages.length === 0 ? some : pages(some, request);
}

/** The agent was asked; that it stopped is for it to say, so nothing else changes. */
function askToCancel(answers: Record<string, unknown>, request: TaskRequest): void {
  const asked = (card: CardView): CardView =>
    card.endpoint === request.endpoint && card.task === request.task ? { ...card, askedAt: new Date().toISOString() } : card;
  for (const [key, value] of Object.entries(answers)) {
    if (key === "board" || key.startsWith("board:")) {
      const view = value as BoardView;
      answers[key] = { ...view, columns: view.columns.map((column) => ({ ...column, cards: column.cards.map(asked) })) };
    } else if (key === `task:${request.endpoint}/${request.task}`) {
      const view = value as TaskView;
      answers[key] = { ...view, card: asked(view.card) };
    }
  }
}

/** Only the recorded cards that match, when something is typed or only problems are asked for. */
function narrowed(board: BoardView, request: BoardRequest): BoardView {
  const words = request.filter.toLowerCase();
  if (words === "" && !request.problemsOnly) return board;
  const problems: CardView["shape"][] = ["conflict", "stalled", "failed", "needs-you", "unreachable"];
  const columns = board.columns.map((column) => {
    const cards = column.cards.filter(
      (card) =>
        (!request.problemsOnly || problems.includes(card.shape)) &&
        [card.title.text, card.task, card.agent].some((text) => text.toLowerCase().includes(words)),
    );
    return { ...column, cards, count: cards.length };
  });
  return { ...board, columns };
}

/** The asked pages. A column is recorded from its beginning; further down its cards come round again under new ids. */
function pages(board: BoardView, request: BoardRequest): BoardView {
  const columns = board.columns.map((column) => {
    const page = request.pages.find((each) => each.column === column.column);
    const cards: CardView[] = [];
    const end = Math.min(column.count, page ? page.offset + page.limit : 0);
    for (let at = page?.offset ?? 0; at < end; at += 1) {
      const card = column.cards[at % column.cards.length];
      if (card) cards.push(at < column.cards.length ? card : { ...card, task: `${card.task}/${at}` });
    }
    return { ...column, offset: page?.offset ?? 0, cards };
  });
  return { ...board, columns };
}

function found(answers: Record<string, unknown>, key: string): unknown {
  if (!(key in answers)) throw new CallError("not-recorded", `Nothing was recorded for ${key}.`);
  return answers[key];
}

const stamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

function move(value: unknown, ms: number): unknown {
  if (typeof value === "string") {
    return stamp.test(value) ? new Date(Date.parse(value) + ms).toISOString() : value;
  }
  if (Array.isArray(value)) return value.map((each) => move(each, ms));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, move(each, ms)]));
  }
  return value;
}
