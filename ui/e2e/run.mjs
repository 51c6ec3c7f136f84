// Runs the browser flows: `npm run e2e [-- words of a name]`. Each flow is a file beside this one that exports `flows`.
import { launch, serve } from "./browser.mjs";
import * as board from "./board.mjs";
import * as decisions from "./decisions.mjs";
import * as hand from "./hand.mjs";
import * as ownership from "./ownership.mjs";
import * as screens from "./screens.mjs";
import * as starts from "./starts.mjs";
import * as timeline from "./timeline.mjs";

const wanted = process.argv.slice(2).join(" ").toLowerCase();
const flows = { ...screens.flows, ...decisions.flows, ...ownership.flows, ...timeline.flows, ...starts.flows, ...board.flows, ...hand.flows };
const server = await serve();
const browser = await launch();
let failed = 0;
let run = 0;
try {
  for (const [name, flow] of Object.entries(flows)) {
    if (!name.toLowerCase().includes(wanted)) continue;
    run += 1;
    const begun = Date.now();
    try {
      await flow({ browser, url: server.url });
      console.log(`ok      ${name} (${Date.now() - begun} ms)`);
    } catch (error) {
      failed += 1;
      console.log(`failed  ${name}\n${String(error.stack ?? error).replace(/^/gm, "        ")}`);
    }
  }
} finally {
  await browser.close();
  await server.close();
}
console.log(`${run - failed} of ${run} flows passed.`);
process.exit(failed === 0 && run > 0 ? 0 : 1);
