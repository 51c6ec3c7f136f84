"""An AgentOS of Agno with its A2A interface switched on, and a model that is a script: it pays, and paying wants a
confirmation. Words that begin with "chat" are only answered, words with "dig" take until the folder has a file `go`. All
protocol behaviour is the package's own.

With `--lock key` it wants its own key, "none-but-this"; with `--lock jwt` a JWT, which the folder has in a file `token`.
"""

import argparse
import asyncio
import os
from dataclasses import dataclass

import jwt
import uvicorn
from agno.agent import Agent
from agno.db.in_memory import InMemoryDb
from agno.models.base import Model
from agno.models.response import ModelResponse
from agno.os import AgentOS
from agno.os.authz import Authorization
from agno.os.interfaces.a2a import A2A
from agno.tools import tool
from logged import Log


@tool(requires_confirmation=True)
def pay(eur: int) -> str:
    """Pays an invoice."""
    with open(FOLDER + "/paid", "a", encoding="utf-8") as paid:
        paid.write(f"{eur}\n")
    return f"paid {eur} EUR"


@dataclass
class Scripted(Model):
    """Calls the tool once, and then says what the tool gave back."""

    id: str = "scripted"

    async def answer(self, messages):
        last = messages[-1]
        text = str(last.content or "")
        if last.role == "tool":
            return ModelResponse(role="assistant", content=f"Result: {text}")
        if text.startswith("chat"):
            return ModelResponse(role="assistant", content="The capital of France is Paris.")
        if text.startswith("dig"):
            while not os.path.exists(FOLDER + "/go"):
                await asyncio.sleep(0.05)
            return ModelResponse(role="assistant", content="Found it")
        call = {"id": f"call-{len(messages)}", "type": "function", "function": {"name": "pay", "arguments": '{"eur": 900}'}}
        return ModelResponse(role="assistant", tool_calls=[call])

    def invoke(self, messages, **kwargs):
        raise NotImplementedError

    async def ainvoke(self, messages, **kwargs):
        return await self.answer(messages)

    def invoke_stream(self, messages, **kwargs):
        raise NotImplementedError

    async def ainvoke_stream(self, messages, **kwargs):
        yield await self.answer(messages)

    def _parse_provider_response(self, response, **kwargs):
        return response

    def _parse_provider_response_delta(self, response):
        return response


def main():
    global FOLDER
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--log", required=True)
    options.add_argument("--lock", choices=["key", "jwt"])
    options = options.parse_args()
    FOLDER = os.path.splitext(options.log)[0] + ".folder"
    os.makedirs(FOLDER, exist_ok=True)
    locked = {}
    if options.lock == "key":
        os.environ["OS_SECURITY_KEY"] = "none-but-this"
    elif options.lock == "jwt":
        secret = "a secret of this test, long enough"
        locked["authorization"] = Authorization(verification_keys=[secret], algorithm="HS256")
        with open(FOLDER + "/token", "w", encoding="utf-8") as token:
            token.write(jwt.encode({"sub": "ada", "scopes": ["agent_os:admin"]}, secret, algorithm="HS256"))
    agent = Agent(id="clerk", name="Clerk", model=Scripted(), tools=[pay], db=InMemoryDb(), telemetry=False)
    app = AgentOS(agents=[agent], interfaces=[A2A(agents=[agent])], telemetry=False, **locked).get_app()
    uvicorn.run(Log(app, options.log), host="127.0.0.1", port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
