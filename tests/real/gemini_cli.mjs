// Gemini CLI's own A2A server, with a model that is a script: what stands here is the model (a small part of the Gemini API)
// and a log of what arrives. All protocol behaviour, and running what was allowed, is the package's own.
//
// The first words of a message choose what the model wants: "make FILE" (a command that makes it), "write FILE" (the tool
// that writes files), "two" (two commands in one turn), "dig" (speaks on and on until its folder has a file `go`), anything
// else is only answered. Arguments: --port N --log FILE.
import { appendFileSync, existsSync, mkdirSync } from "node:fs";
import { createServer, Server as HttpServer } from "node:http";
import { Server as NetServer } from "node:net";
import { fileURLToPath } from "node:url";

const option = (name) => process.argv[process.argv.indexOf(name) + 1];
const port = option("--port");
const log = option("--log");
const folder = log.replace(/\.jsonl$/, ".folder");
mkdirSync(`${folder}/home`, { recursive: true });

// It would listen on every interface of the computer.
const listen = NetServer.prototype.listen;
NetServer.prototype.listen = function (where, ...rest) {
  return listen.call(this, typeof where === "object" ? where : { port: Number(where), host: "127.0.0.1" }, ...rest);
};

const call = (name, args) => ({ functionCall: { name, args } });
const shell = (command) => call("run_shell_command", { command, description: "Makes a file" });

/** What the model says to the newest message. */
function turn(contents) {
  const newest = contents.at(-1).parts;
  const results = newest.filter((part) => part.functionResponse);
  if (results.length > 0) {
    return [{ text: `Result: ${JSON.stringify(results.map((part) => part.functionResponse.response))}` }];
  }
  const [story, file] = newest.map((part) => part.text ?? "").join(" ").split(" ");
  switch (story) {
    case "make":
      return [{ text: "I make it." }, shell(`touch ${file}`)];
    case "write":
      return [call("write_file", { file_path: `${folder}/${file}`, content: "Dear Marta\n" })];
    case "two":
      return [shell(`touch ${file}-one`), shell(`touch ${file}-two`)];
    default:
      return [{ text: "The capital of France is Paris." }];
  }
}

const model = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("end", async () => {
    const contents = JSON.parse(body || "{}").contents ?? [];
    const usageMetadata = { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 };
    const reply = (parts, finishReason) => ({
      candidates: [{ content: { role: "model", parts }, index: 0, ...(finishReason && { finishReason }) }], usageMetadata,
    });
    if (!request.url.includes("streamGenerateContent")) {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(reply([{ text: "{}" }], "STOP")));
      return;
    }
    response.setHeader("content-type", "text/event-stream");
    const send = (said) => response.write(`data: ${JSON.stringify(said)}\r\n\r\n`);
    const digs = contents.at(-1)?.parts?.some((part) => part.text?.startsWith("dig"));
    for (let step = 1; digs && !existsSync(`${folder}/go`) && !response.destroyed; step++) {
      send(reply([{ text: `Digging, step ${step}. ` }]));
      await new Promise((wake) => setTimeout(wake, 1000));
    }
    send(reply(turn(contents), "STOP"));
    response.end();
  });
});
await new Promise((ready) => model.listen(0, ready));

// Every body is written down as it arrives, before it is handled.
const emit = HttpServer.prototype.emit;
HttpServer.prototype.emit = function (event, request, ...rest) {
  if (event === "request" && this !== model && request.method === "POST") {
    const push = request.push;
    const chunks = [];
    request.push = function (chunk, ...how) {
      if (chunk) chunks.push(chunk);
      else {
        const text = Buffer.concat(chunks).toString();
        appendFileSync(log, `${JSON.stringify({ path: request.url, body: JSON.parse(text || "{}") })}\n`);
      }
      return push.call(this, chunk, ...how);
    };
  }
  return emit.call(this, event, request, ...rest);
};

Object.assign(process.env, {
  CODER_AGENT_PORT: port,
  CODER_AGENT_WORKSPACE_PATH: folder,
  GEMINI_API_KEY: "none",
  GOOGLE_GEMINI_BASE_URL: `http://127.0.0.1:${model.address().port}`,
  HOME: `${folder}/home`,
  // It keeps what it is about to change in a repository of its own.
  GIT_AUTHOR_NAME: "A", GIT_AUTHOR_EMAIL: "a@example.org", GIT_COMMITTER_NAME: "A", GIT_COMMITTER_EMAIL: "a@example.org",
});
const server = new URL("node_modules/@google/gemini-cli-a2a-server/dist/a2a-server.mjs", import.meta.url);
// It starts by itself only where it is the program that was called.
process.argv[1] = fileURLToPath(server);
await import(server);
