// Which endpoints the list shows: those that match what was typed, and with "problems only" those that need a look. The
// engine sends them all, since a person has hundreds of endpoints at most.
import type { EndpointView } from "../../api/generated/EndpointView";

/** Health words that need nobody's look. */
const FINE = ["online", "paused", "unknown"];

export function wanted(endpoints: readonly EndpointView[], filter: string, problemsOnly: boolean): EndpointView[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  return endpoints.filter((endpoint) => {
    if (problemsOnly && FINE.includes(endpoint.health) && endpoint.deadLetters === 0) return false;
    const text = [endpoint.name, endpoint.url, endpoint.kind, ...endpoint.agents.flatMap((agent) => [agent.agent, agent.name.text])].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
