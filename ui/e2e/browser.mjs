// A page of the built interface in a real browser, served under the app's own content security policy, with everything
// that leaves this machine refused and every complaint of the page collected.
import { existsSync, readFileSync } from "node:fs";
import { build, preview } from "vite";
import { chromium } from "playwright-core";

const settings = JSON.parse(readFileSync(new URL("../../src-tauri/tauri.conf.json", import.meta.url), "utf8"));
// The recorded views are scripts of the page itself; only the preview's own host is added.
const policy = settings.app?.security?.csp ?? "default-src 'self'";

export async function serve() {
  // Beside the app's own bundle, which has no recorded views in it.
  const outDir = "node_modules/.recorded";
  await build({ mode: "recorded", logLevel: "warn", build: { outDir } });
  const server = await preview({
    mode: "recorded",
    build: { outDir },
    preview: { host: "127.0.0.1", port: 0, headers: { "Content-Security-Policy": policy } },
    logLevel: "warn",
  });
  const address = server.httpServer.address();
  return { url: `http://127.0.0.1:${address.port}/`, close: () => new Promise((done) => server.httpServer.close(done)) };
}

const places = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

export async function launch() {
  const executablePath = places.find((place) => place && existsSync(place));
  if (!executablePath) throw new Error("Chromium was not found. Install it, or name its file in CHROMIUM.");
  return chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-gpu", "--font-render-hinting=none"],
  });
}

/** Opens a route; `calls` collects what the page asks of the host, `complaints` what must not happen. */
export async function open(browser, url, route = "#/inbox", { fleet = "", state = "", ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: "en-GB", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints = [];
  const calls = [];
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(`${message.type()}: ${message.text()}`);
  });
  await page.route("**", (request) => {
    if (request.request().url().startsWith(url)) return request.continue();
    complaints.push(`left the machine: ${request.request().url()}`);
    return request.abort();
  });
  await page.exposeFunction("recordedCall", (call) => void calls.push(call));
  await page.addInitScript(() => {
    addEventListener("recorded-call", (event) => globalThis.recordedCall(event.detail));
  });
  if (options.language) {
    await page.addInitScript((language) => {
      Object.defineProperty(Navigator.prototype, "language", { get: () => language, configurable: true });
    }, options.language);
  }
  const query = Object.entries({ fleet, state }).filter(([, value]) => value);
  await page.goto(`${url}${query.length > 0 ? `?${new URLSearchParams(query)}` : ""}${route}`);
  await page.waitForSelector("h1, [role=alert]");
  return { page, calls, complaints, close: () => context.close() };
}
