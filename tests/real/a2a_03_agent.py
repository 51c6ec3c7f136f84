"""A scripted A2A 0.3 agent on the official Python package (a2a-sdk 0.3.x), for the tests of `agents`.

The first word of a new task's message chooses its story: work, dig (until its folder has a file `go`), ask, twice. It
serves JSON-RPC at /rpc and HTTP+JSON at /v1; `--binding` says which one its card prefers.
"""

import argparse
import asyncio
import json
import os

import uvicorn
from a2a.server.agent_execution import AgentExecutor
from a2a.server.apps import A2ARESTFastAPIApplication, A2AStarletteApplication
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
from a2a.types import AgentCapabilities, AgentCard, AgentSkill, DataPart, Part, TaskState, TextPart
from a2a.utils import get_message_text, new_task
from a2a.utils.parts import get_data_parts
from logged import Log


class Scripted(AgentExecutor):
    """Moves a task on, one message at a time."""

    def __init__(self, log):
        self.go = os.path.splitext(log)[0] + ".folder/go"

    async def execute(self, context, event_queue):
        text = get_message_text(context.message)
        task = context.current_task
        if task is None:
            task = new_task(context.message)
            await event_queue.enqueue_event(task)
            await self.begin(text.split()[0], TaskUpdater(event_queue, task.id, task.context_id))
            return
        updater = TaskUpdater(event_queue, task.id, task.context_id)
        first = get_message_text(task.history[0])
        asked = any("customers" in get_message_text(m) for m in task.history)
        await updater.start_work()
        await asyncio.sleep(0.05)
        if first.startswith("twice") and not asked:
            await self.ask(updater, "And may I tell the customers?")
            return
        got = json.dumps({"text": text, "data": get_data_parts(context.message.parts)}, sort_keys=True)
        said = updater.new_agent_message([Part(root=TextPart(text="Done: " + got))])
        await updater.complete(said)

    async def ask(self, updater, text):
        action = {"name": "deploy", "requestId": "r-17", "args": {"service": "shop"}}
        parts = [Part(root=TextPart(text=text)), Part(root=DataPart(data=action))]
        await updater.update_status(TaskState.input_required, updater.new_agent_message(parts), final=True)

    async def begin(self, story, updater):
        if story == "work":
            await updater.start_work()
        elif story == "dig":
            await updater.start_work()
            since = 0
            while not os.path.exists(self.go):
                await asyncio.sleep(0.2)
                since += 1
                # Nothing but the time of its state is new of it: every five seconds, so that it does not move with every
                # look at it as a clock does.
                if since % 25 == 0:
                    await updater.start_work()
            await updater.complete()
        else:
            await self.ask(updater, "May I deploy the shop?")

    async def cancel(self, context, event_queue):
        task = context.current_task
        await TaskUpdater(event_queue, task.id, task.context_id).cancel()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--log", required=True)
    options.add_argument("--binding", default="JSONRPC")
    options.add_argument("--token", default="")
    options.add_argument("--hold", action="store_true", help="never answer a reply to a task")
    options = options.parse_args()
    base = f"http://127.0.0.1:{options.port}"
    card = AgentCard(
        name="Old Clerk",
        description="A scripted agent",
        version="1.9.0",
        url=f"{base}/rpc" if options.binding == "JSONRPC" else base,
        preferred_transport=options.binding,
        capabilities=AgentCapabilities(streaming=True),
        default_input_modes=["text/plain", "application/json"],
        default_output_modes=["text/plain"],
        skills=[AgentSkill(id="invoices", name="Invoices", description="Reads invoices", tags=["money"])],
    )
    handler = DefaultRequestHandler(agent_executor=Scripted(options.log), task_store=InMemoryTaskStore())
    app = A2ARESTFastAPIApplication(agent_card=card, http_handler=handler).build()
    A2AStarletteApplication(agent_card=card, http_handler=handler).add_routes_to_app(app, rpc_url="/rpc")
    app = Log(app, options.log, options.hold, options.token, ["/rpc", "/v1"])
    uvicorn.run(app, host="127.0.0.1", port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
