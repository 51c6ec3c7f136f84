"""A scripted A2A agent on the official Python package (a2a-sdk 1.x), for the tests of `agents`.

The first word of a new task's message chooses its story: work, dig (until its folder has a file `go`), finish, ask, form,
twice, fail, login. It holds no opinion on clients: all protocol behaviour is the package's own.
"""

import argparse
import asyncio
import json
import os

import uvicorn
from a2a.helpers.proto_helpers import (
    get_data_parts,
    get_message_text,
    new_data_part,
    new_task_from_user_message,
    new_text_part,
)
from a2a.server.agent_execution import AgentExecutor
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes, create_rest_routes
from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
from a2a.types import AgentCapabilities, AgentCard, AgentInterface, AgentSkill
from logged import Log
from starlette.applications import Starlette

ACTION = {"name": "deploy", "requestId": "r-17", "args": {"service": "shop", "cost": 1.50}}
FORM = {
    "requestId": "r-18",
    "responseSchema": {"type": "object", "properties": {"size": {"type": "integer"}}, "required": ["size"]},
}


class Scripted(AgentExecutor):
    """Moves a task on, one message at a time."""

    def __init__(self, log):
        self.go = os.path.splitext(log)[0] + ".folder/go"

    async def execute(self, context, event_queue):
        text = get_message_text(context.message) if context.message else ""
        if context.current_task is None:
            task = new_task_from_user_message(context.message)
            await event_queue.enqueue_event(task)
            await self.begin(text.split()[0], TaskUpdater(event_queue, task.id, task.context_id))
        else:
            task = context.current_task
            await self.answered(task, text, context, TaskUpdater(event_queue, task.id, task.context_id))

    async def begin(self, story, updater):
        say = lambda *parts: updater.new_agent_message(parts=list(parts))
        if story == "work":
            await updater.start_work(say(new_text_part("Reading the invoices")))
        elif story == "dig":
            await updater.start_work(say(new_text_part("Digging")))
            while not os.path.exists(self.go):
                await asyncio.sleep(0.02)
            await updater.complete(say(new_text_part("Found it")))
        elif story == "finish":
            await updater.start_work()
            await updater.add_artifact([new_text_part("Three invoices are due.")], name="report.txt")
            await updater.complete()
        elif story == "ask" or story == "twice":
            await updater.requires_input(say(new_text_part("May I deploy the shop?"), new_data_part(ACTION)))
        elif story == "words":
            await updater.requires_input(say(new_text_part("Which customer is meant?")))
        elif story == "form":
            await updater.requires_input(say(new_text_part("How large?"), new_data_part(FORM)))
        elif story == "silent":
            await updater.requires_input()
        elif story == "login":
            await updater.requires_auth(say(new_text_part("Log in to the bank")))
        else:
            await updater.failed(say(new_text_part("No such story")))

    async def answered(self, task, text, context, updater):
        say = lambda *parts: updater.new_agent_message(parts=list(parts))
        first = get_message_text(task.history[0]) if task.history else ""
        asked = any("customers" in get_message_text(m) for m in [*task.history, task.status.message])
        await updater.start_work()
        await asyncio.sleep(0.05)
        if first.startswith("twice") and not asked:
            await updater.requires_input(say(new_text_part("And may I tell the customers?")))
            return
        data = get_data_parts(context.message.parts)
        got = json.dumps({"text": text, "data": data}, sort_keys=True)
        if text.startswith("reject"):
            await updater.reject(say(new_text_part("Not done: " + got)))
        else:
            await updater.complete(say(new_text_part("Done: " + got)))

    async def cancel(self, context, event_queue):
        task = context.current_task
        await TaskUpdater(event_queue, task.id, task.context_id).cancel()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--log", required=True)
    options.add_argument("--binding", default="JSONRPC")
    options.add_argument("--token", default="")
    options.add_argument("--loud", action="store_true", help="print what a server prints")
    options.add_argument("--hold", action="store_true", help="never answer a reply to a task")
    options = options.parse_args()
    base = f"http://127.0.0.1:{options.port}"
    address = f"{base}/rpc" if options.binding == "JSONRPC" else base
    card = AgentCard(
        name="Invoice Clerk",
        description="A scripted agent",
        version="2.4.0",
        supported_interfaces=[
            AgentInterface(url=address, protocol_binding=options.binding, protocol_version="1.0")
        ],
        capabilities=AgentCapabilities(streaming=True, push_notifications=False),
        default_input_modes=["text/plain", "application/json"],
        default_output_modes=["text/plain"],
        skills=[AgentSkill(id="invoices", name="Invoices", description="Reads invoices", tags=["money"])],
    )
    handler = DefaultRequestHandler(
        agent_executor=Scripted(options.log), task_store=InMemoryTaskStore(), agent_card=card
    )
    routes = create_agent_card_routes(card) + create_jsonrpc_routes(handler, "/rpc")
    routes += create_rest_routes(handler)
    app = Log(Starlette(routes=routes), options.log, options.hold, options.token, ["/rpc"])

    if options.loud:
        os.dup2(1, 2)
    level = "info" if options.loud else "warning"
    uvicorn.run(app, host="127.0.0.1", port=options.port, log_level=level)


if __name__ == "__main__":
    main()
