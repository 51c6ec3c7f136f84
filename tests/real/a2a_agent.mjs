// A scripted A2A agent on the official JavaScript package (@a2a-js/sdk 1.x), for the tests of `agents`.
//
// The first word of a new task's message chooses its story: work, dig (until its folder has a file `go`), ask, twice.
// Arguments: --port N --log FILE --binding B --token T (asked for at /rpc) --hold (never answer a reply to a task). Every
// request body is written to the log file before it is handled.
import { randomUUID } from "node:crypto";
import { appendFileSync, existsSync } from "node:fs";

import { Role, TaskState } from "@a2a-js/sdk";
import { AgentEvent, DefaultRequestHandler, InMemoryTaskStore } from "@a2a-js/sdk/server";
import { agentCardHandler, jsonRpcHandler, restHandler, UserBuilder } from "@a2a-js/sdk/server/express";
import express from "express";

const option = (name, otherwise) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : process.argv[at + 1];
};
const port = Number(option("--port"));
const base = `http://127.0.0.1:${port}`;
const go = option("--log").replace(/\.jsonl$/, ".folder/go");
const binding = option("--binding", "JSONRPC");

const text = (value) => ({ content: { $case: "text", value }, metadata: undefined, filename: "", mediaType: "" });
const data = (value) => ({ content: { $case: "data", value }, metadata: undefined, filename: "", mediaType: "" });
const words = (message) =>
  (message?.parts ?? []).map((part) => (part.content?.$case === "text" ? part.content.value : "")).join("");

class Scripted {
  async execute(context, bus) {
    const { taskId, contextId, userMessage } = context;
    const say = (...parts) => ({
      messageId: randomUUID(), taskId, contextId, role: Role.ROLE_AGENT, parts, extensions: [], referenceTaskIds: [], metadata: undefined,
    });
    const status = (state, message) => ({ state, message, timestamp: new Date().toISOString() });
    const move = (state, message) =>
      bus.publish(AgentEvent.statusUpdate({ taskId, contextId, status: status(state, message), metadata: undefined }));
    const known = context.task;
    const history = known ? known.history : [userMessage];
    bus.publish(
      AgentEvent.task(
        known ?? { id: taskId, contextId, status: status(TaskState.TASK_STATE_SUBMITTED), artifacts: [], history, metadata: undefined },
      ),
    );
    const story = words(history[0]).split(" ")[0];
    const asked = [...history, known?.status?.message].some((m) => words(m).includes("customers"));
    if (!known && story === "work") {
      move(TaskState.TASK_STATE_WORKING, say(text("Reading the invoices")));
    } else if (!known && story === "dig") {
      move(TaskState.TASK_STATE_WORKING, say(text("Digging")));
      while (!existsSync(go)) await new Promise((wake) => setTimeout(wake, 20));
      move(TaskState.TASK_STATE_COMPLETED, say(text("Found it")));
    } else if (!known) {
      const action = { name: "deploy", requestId: "r-17", args: { service: "shop" } };
      move(TaskState.TASK_STATE_INPUT_REQUIRED, say(text("May I deploy the shop?"), data(action)));
    } else if (story === "twice" && !asked) {
      move(TaskState.TASK_STATE_WORKING);
      move(TaskState.TASK_STATE_INPUT_REQUIRED, say(text("And may I tell the customers?")));
    } else {
      const got = userMessage.parts.filter((part) => part.content?.$case === "data").map((part) => part.content.value);
      const said = JSON.stringify({ text: words(userMessage), data: got }).replaceAll('":', '": ');
      move(TaskState.TASK_STATE_COMPLETED, say(text(`Done: ${said}`)));
    }
    bus.finished();
  }

  async cancelTask(taskId, bus) {
    const status = { state: TaskState.TASK_STATE_CANCELED, message: undefined, timestamp: new Date().toISOString() };
    bus.publish(AgentEvent.statusUpdate({ taskId, contextId: "", status, metadata: undefined }));
    bus.finished();
  }
}

const card = {
  name: "Script Clerk",
  description: "A scripted agent",
  version: "3.1.0",
  supportedInterfaces: [binding, "JSONRPC"].map((protocolBinding) => ({
    url: protocolBinding === "JSONRPC" ? `${base}/rpc` : base, protocolBinding, protocolVersion: "1.0", tenant: "",
  })),
  capabilities: { streaming: true, pushNotifications: false, extensions: [] },
  securitySchemes: {},
  securityRequirements: [],
  defaultInputModes: ["text/plain", "application/json"],
  defaultOutputModes: ["text/plain"],
  skills: [{ id: "invoices", name: "Invoices", description: "Reads invoices", tags: ["money"], examples: [], inputModes: [], outputModes: [], securityRequirements: [] }],
  signatures: [],
};
const handler = new DefaultRequestHandler(card, new InMemoryTaskStore(), new Scripted());
const app = express();
const anybody = UserBuilder.noAuthentication;
app.use(express.json({ type: () => true }));
app.use((request, response, next) => {
  const token = option("--token");
  if (token && request.path.startsWith("/rpc") && request.headers.authorization !== `Bearer ${token}`) {
    response.status(401).set("WWW-Authenticate", "Bearer").send("no");
    return;
  }
  if (request.method === "POST") {
    const body = request.body ?? {};
    appendFileSync(option("--log"), `${JSON.stringify({ path: request.path, body })}\n`);
    const message = body.message ?? body.params?.message;
    if (process.argv.includes("--hold") && message?.taskId) return;
  }
  next();
});
app.use("/.well-known/agent-card.json", agentCardHandler({ agentCardProvider: handler }));
app.use("/rpc", jsonRpcHandler({ requestHandler: handler, userBuilder: anybody }));
app.use("/", restHandler({ requestHandler: handler, userBuilder: anybody }));
app.listen(port, "127.0.0.1");
