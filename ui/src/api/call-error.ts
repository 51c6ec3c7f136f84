// The one error of a call to the host. Screens show its message where it happened; only a few read its code.

/** What a refused call throws. A code exists only where a screen acts on it. */
export class CallError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = "CallError";
  }

  /** Whatever was thrown, as an error a person can read. */
  static from(thrown: unknown): CallError {
    if (thrown instanceof CallError) return thrown;
    if (thrown && typeof thrown === "object" && "message" in thrown) {
      const { code, message } = thrown as { code?: unknown; message: unknown };
      return new CallError(typeof code === "string" ? code : "unknown", String(message));
    }
    return new CallError("unknown", String(thrown));
  }
}
