// The one clock of the window: a tick a second while it is visible, none while it is hidden. Everything that shows an
// age or a countdown reads `clock.now`; nothing else starts an interval.

class Clock {
  /** Milliseconds, host time. */
  now = $state(Date.now());
  #offset = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Tells the clock the host's time, so that due times count down by the clock that judges them. */
  set(hostNow: string): void {
    const host = Date.parse(hostNow);
    if (Number.isFinite(host)) {
      this.#offset = host - Date.now();
      this.#tick();
    }
  }

  #tick(): void {
    this.now = Date.now() + this.#offset;
  }

  start(): () => void {
    const run = () => {
      clearInterval(this.#timer);
      if (document.hidden) return;
      this.#tick();
      this.#timer = setInterval(() => this.#tick(), 1000);
    };
    run();
    document.addEventListener("visibilitychange", run);
    return () => {
      clearInterval(this.#timer);
      document.removeEventListener("visibilitychange", run);
    };
  }
}

export const clock = new Clock();
