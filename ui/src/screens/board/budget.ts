// How much of its time a task has used, as the bar at the bottom of its card. Waiting for a person does not use it up;
// the engine knows that and decides about findings, this only draws what the card carries.
import type { CardView } from "../../api/generated/CardView";

export interface BudgetBar {
  /** 0 to 100, for drawing. */
  percent: number;
  level: "ok" | "near" | "over";
}

/** The amber part begins here. */
const NEAR = 0.8;

/** Nothing for tasks without a budget, not started or no longer running. */
export function budgetBar(card: Pick<CardView, "budgetSeconds" | "startedAt" | "shape">, now: number): BudgetBar | null {
  if (card.budgetSeconds === null || card.budgetSeconds <= 0 || card.startedAt === null) return null;
  if (card.shape !== "running" && card.shape !== "stalled" && card.shape !== "handed-over") return null;
  const started = Date.parse(card.startedAt);
  if (Number.isNaN(started)) return null;
  const part = Math.max(0, now - started) / 1000 / card.budgetSeconds;
  return { percent: Math.min(100, part * 100), level: part >= 1 ? "over" : part >= NEAR ? "near" : "ok" };
}
