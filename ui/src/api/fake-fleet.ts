// Endpoints of the recorded fleet that come and go: what a probe says, adding, pausing and removing. The probe's words are
// copied from the engine, since a recorded one would need a port of its own. It knows no rule.
import { CallError } from "./call-error";
import type { AddEndpointRequest } from "./generated/AddEndpointRequest";
import type { AgentsView } from "./generated/AgentsView";
import type { DiscoverPlan } from "./generated/DiscoverPlan";
import type { DiscoverRequest } from "./generated/DiscoverRequest";
import type { DiscoverView } from "./generated/DiscoverView";
import type { EditEndpointRequest } from "./generated/EditEndpointRequest";
import type { EndpointView } from "./generated/EndpointView";
import type { LoginPlacesView } from "./generated/LoginPlacesView";
import type { PreviewMappingRequest } from "./generated/PreviewMappingRequest";
import type { PreviewMappingView } from "./generated/PreviewMappingView";
import type { ProbeRequest } from "./generated/ProbeRequest";
import type { ProbeView } from "./generated/ProbeView";

type Answers = Record<string, unknown>;

/** Answers a command about endpoints; refuses others. */
export function answerFleet(answers: Answers, name: string, request: unknown): unknown {
  switch (name) {
    case "probe":
      return probe((request as ProbeRequest).url, (request as ProbeRequest).token);
    case "discoverPlan":
      return plan;
    case "loginPlaces":
      return places;
    case "mapping":
      return { windows: [] };
    case "saveMapping":
      return {};
    case "previewMapping":
      return previewMapping(request as PreviewMappingRequest);
    case "discover":
      return discover((request as DiscoverRequest).ports);
    case "addEndpoint":
      return add(answers, request as AddEndpointRequest);
    case "editEndpoint":
      return edit(answers, request as EditEndpointRequest);
    case "removeEndpoint": {
      const { endpoint } = request as { endpoint: string };
      change(answers, (all) => all.filter((one) => one.id !== endpoint));
      return {};
    }
    default:
      throw new CallError("not-recorded", `Nothing was recorded for ${name}.`);
  }
}

function change(answers: Answers, how: (endpoints: EndpointView[]) => EndpointView[]): void {
  const agents = answers["agents"] as AgentsView;
  const endpoints = how(agents.endpoints);
  const answering = endpoints.filter((one) => one.health === "online").length;
  answers["agents"] = { title: `${answering} of ${endpoints.length} answer`, endpoints } satisfies AgentsView;
}

function edit(answers: Answers, request: EditEndpointRequest): object {
  change(answers, (all) =>
    all.map((one) =>
      one.id !== request.endpoint
        ? one
        : {
            ...one,
            name: request.name ?? one.name,
            url: request.url ?? one.url,
            paused: request.paused ?? one.paused,
            health: request.paused === true ? "paused" : request.paused === false ? "unknown" : one.health,
            sentence: request.paused === true ? "Paused by you; it is not asked." : request.paused === false ? "It has not been asked yet." : one.sentence,
          },
    ),
  );
  return {};
}

function add(answers: Answers, request: AddEndpointRequest): EndpointView {
  const report = probe(request.url, request.token);
  const added: EndpointView = {
    id: request.name,
    name: request.name,
    kind: request.kind,
    url: request.url,
    health: "unknown",
    sentence: "It has not been asked yet.",
    detail: null,
    lastGoodAt: null,
    nextPollAt: null,
    intervalSeconds: null,
    paused: false,
    capabilities: report.can,
    cannot: report.cannot,
    warnings: report.warnings,
    credential: request.token || request.basic ? `${request.token ? "A token" : "A user name and password"}, ${kept[request.keep ?? "keychain"]}` : "none",
    agents: [],
    history: [],
    pagesLoaded: null,
    rawAvailable: false,
    deadLetters: 0,
    pushes: null,
    today: null,
  };
  change(answers, (all) => [...all, added]);
  return added;
}

const kept: Record<string, string> = {
  keychain: "kept in this computer's keychain",
  session: "kept until Mission Control is closed",
  file: "kept unencrypted in a file that only your account can read",
};

const places: LoginPlacesView = {
  keychain: true,
  sentence: "Logins are kept in this computer's keychain.",
  places: [
    { place: "keychain", name: "In this computer's keychain", hint: "Encrypted by your system, which may ask you to unlock it.", offered: true, kept: 2 },
    { place: "session", name: "Until Mission Control is closed", hint: "Only in memory; you enter it again after each start.", offered: true, kept: 0 },
    { place: "file", name: "In a file, unencrypted", hint: "Only your account can read it, but so can every program you run.", offered: true, kept: 1 },
  ],
};

/** A computer without a keychain. */
export const withoutKeychain: LoginPlacesView = {
  keychain: false,
  sentence: "Logins cannot be kept in the keychain. There is no keychain that answers on this computer.",
  places: places.places.map((one) => (one.place === "keychain" ? { ...one, offered: false, kept: 0 } : one)),
};

const plan: DiscoverPlan = {
  ports: [
    { port: 2024, usual: "LangGraph" },
    { port: 4000, usual: "LiteLLM proxy" },
    { port: 4096, usual: "OpenCode" },
    { port: 7777, usual: "Mission Control's demo" },
    { port: 8000, usual: "an agent server" },
    { port: 8080, usual: "an agent server" },
    { port: 9999, usual: "an A2A agent" },
    { port: 10000, usual: "an A2A agent" },
    { port: 41241, usual: "an A2A agent" },
  ],
};

const silent: ProbeView = {
  kind: "",
  identified: false,
  name: null,
  product: null,
  productVersion: null,
  protocolVersion: null,
  can: [],
  cannot: [],
  warnings: [],
  watched: [],
  url: "",
  sample: [],
  problem: null,
  needsCredential: false,
  wantsBasic: false,
};

const known: ProbeView = {
  ...silent,
  kind: "native",
  identified: true,
  name: "Invoice reader",
  productVersion: "1.4.2",
  protocolVersion: "1.0",
  can: [
    "Shows its tasks on the board",
    "Brings its questions to the inbox",
    "Takes approvals",
    "Takes an edited action",
    "Takes answers in words",
    "Can be asked to cancel a task",
    "Takes one decision once, also after a crash",
  ],
  cannot: ["It does not report limits", "It does not say what it holds"],
  warnings: ["It sends its whole status at every poll."],
  sample: ["Read the supplier invoices of the week", "Read the invoice of Nordwerk", "Match the bank statement"],
};

/** Ports ending in 1 answer with a web page, in 2 want a login, in 3 are silent, in 4 are watched
 * already; all others are agents. */
const metricsPage: ProbeView = {
  ...silent,
  kind: "prometheus",
  identified: true,
  name: "Metrics page",
  product: "Metrics page",
  can: ["Reports its limits"],
  warnings: [
    "It only reports limits: it has no tasks, asks nothing and takes no answer.",
    "Which of its numbers are limits is not known: say it in a mapping, or nothing is seen.",
  ],
};

/** As the engine would answer for one page, for what a first mapping needs. */
function previewMapping({ mapping }: PreviewMappingRequest): PreviewMappingView {
  const metrics = [
    { name: "gateway_requests_left", kind: "gauge", samples: 2 },
    { name: "gateway_requests_limit", kind: "gauge", samples: 1 },
  ];
  const view: PreviewMappingView = { windows: [], problems: [], metrics, page: null };
  for (const [rule, one] of mapping.windows.entries()) {
    if (one.provider === "") view.problems.push({ rule, sentence: "It does not say whose limit it is." });
    else if (one.name === "") view.problems.push({ rule, sentence: "The window has no name." });
    else if (one.remaining !== "gateway_requests_left") view.problems.push({ rule, sentence: "No metric says what is used or what remains." });
    else if (!one.account.includes("{key}")) {
      const sentence = `2 values of remaining fall together as ${one.provider}///${one.name}. Tell them apart by a label in its names.`;
      view.problems.push({ rule, sentence });
    } else {
      for (const [key, left] of [["billing", 40], ["research", 7]] as const) {
        const sentence = one.limit === "" ? `${left} left, of an unknown limit.` : `${left} of ${one.limit} left.`;
        const samples = [{ field: "remaining", text: `gateway_requests_left{key="${key}"} ${left}` }];
        view.windows.push({ rule, pool: `${one.provider}/${key}`, name: one.name, sentence, samples });
      }
    }
  }
  return view;
}

/** What is pasted around the address is the engine's to read; here the first one is taken. */
function probe(typed: string, token: string | null): ProbeView {
  const url = /https?:\/\/[^\s"]+/.exec(typed)?.[0] ?? typed;
  const port = new URL(url).port;
  if (port.endsWith("1")) return { ...silent, url, problem: "Its answer cannot be read. The body is HTML, not JSON." };
  if (port.endsWith("2") && !token) return { ...silent, url, problem: "It asks for a login.", needsCredential: true };
  if (port.endsWith("9")) return { ...metricsPage, url };
  if (port.endsWith("3")) return { ...silent, url, problem: "No connection could be made." };
  if (port.endsWith("4")) return { ...known, url, watched: ["This address is watched already, as Warehouse."] };
  return { ...known, url };
}

function discover(ports: readonly number[]): DiscoverView {
  const found: ProbeView[] = [];
  if (ports.includes(4096)) {
    const problem = "It asks for a user name and a password.";
    found.push({ ...silent, kind: "opencode", product: "OpenCode", url: "http://127.0.0.1:4096/", problem, needsCredential: true, wantsBasic: true });
  }
  if (ports.includes(7777)) found.push({ ...known, url: "http://127.0.0.1:7777/status" });
  if (ports.includes(9999)) {
    found.push({
      ...known,
      kind: "a2a",
      name: "Research",
      url: "http://127.0.0.1:9999",
      productVersion: "0.9",
      can: ["Shows its tasks on the board", "Brings its questions to the inbox", "Takes answers in words"],
      cannot: ["It takes no edited action", "It does not report limits", "Whether a decision arrived twice cannot always be told"],
      warnings: [],
      sample: [],
    });
  }
  return { found, asked: ports.length };
}
