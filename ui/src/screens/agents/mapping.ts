// The mapping of a metrics page as a form holds it, and as a request carries it.
import type { MappingRule } from "../../api/generated/MappingRule";
import type { MappingView } from "../../api/generated/MappingView";

export function emptyRule(): MappingRule {
  return {
    provider: "",
    account: "",
    scope: "",
    name: "",
    unit: "",
    windowSeconds: null,
    limit: "",
    remaining: "",
    used: "",
    usedPercent: "",
    resetsAt: "",
    resetsIn: "",
    countsUp: false,
    movedBy: "",
    several: "",
  };
}

/** Whether the person has begun to fill it in. */
export function isBegun(rule: MappingRule): boolean {
  return JSON.stringify(rule) !== JSON.stringify(emptyRule());
}

/** What is sent: rules that nobody began to fill in are none. */
export function wanted(mapping: MappingView): MappingView {
  return { windows: mapping.windows.filter(isBegun).map((rule) => ({ ...rule, windowSeconds: rule.windowSeconds || null })) };
}
