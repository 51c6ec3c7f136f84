"""An agent behind the A2A server of the Pydantic family, with a worker that is a script: it asks before it pays. The server
begins a new task with every message, also with one that answers. All protocol behaviour is the package's own."""

import argparse
import contextlib
import uuid
import warnings

import uvicorn
from fasta2a import FastA2A, Worker
from fasta2a.broker import InMemoryBroker
from fasta2a.schema import Artifact, Message
from fasta2a.storage import InMemoryStorage
from logged import Log

# The package warns at every answer about members that it added itself.
warnings.simplefilter("ignore")


class Clerk(Worker):
    async def run_task(self, params):
        said = " ".join(part.get("text", "") for part in params["message"]["parts"])
        if "Pay" in said:
            asks = Message(
                role="agent",
                parts=[{"kind": "text", "text": "May I pay 900 euros to Ann?"}],
                kind="message",
                message_id=str(uuid.uuid4()),
                task_id=params["id"],
            )
            await self.storage.update_task(params["id"], state="input-required", new_messages=[asks])
            return
        heard = Artifact(
            artifact_id=str(uuid.uuid4()), name="Answer", parts=[{"kind": "text", "text": f"Heard: {said}"}]
        )
        await self.storage.update_task(params["id"], state="completed", new_artifacts=[heard])

    async def cancel_task(self, params):
        await self.storage.update_task(params["id"], state="canceled")

    def build_message_history(self, history):
        return history

    def build_artifacts(self, result):
        return []


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--log", required=True)
    options = options.parse_args()
    storage, broker = InMemoryStorage(), InMemoryBroker()
    clerk = Clerk(broker=broker, storage=storage)

    @contextlib.asynccontextmanager
    async def running(app):
        async with app.task_manager, clerk.run():
            yield

    address = f"http://127.0.0.1:{options.port}"
    app = FastA2A(storage=storage, broker=broker, name="Clerk", url=address, lifespan=running)
    uvicorn.run(Log(app, options.log), host="127.0.0.1", port=options.port, log_level="warning")


main()
