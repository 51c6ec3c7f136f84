"""An agent of Pydantic AI behind the A2A server that its makers have for it (FastA2A), with a model that is a script. Paying
wants leave, by the package's own approvals: the turn ends, and its result names the calls that wait. All protocol behaviour
is the package's own.

The first word of a conversation chooses its story. "pay": the tool wants leave each time, which words never give. "heed":
the tool takes a person's word for it. "talk": the model says after any answer that all is done, and calls nothing. "dig":
takes until the folder has a file `go`. Anything else is only answered. What was paid stands in the folder, by story."""

import argparse
import asyncio
import os

import uvicorn
from fasta2a.pydantic_ai import agent_to_a2a
from logged import Log
from pydantic_ai import Agent, ApprovalRequired, DeferredToolRequests, RunContext
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart, ToolReturnPart, UserPromptPart
from pydantic_ai.models.function import FunctionModel


def said(messages):
    """What the person has said, in order."""
    return [str(p.content) for m in messages for p in m.parts if isinstance(p, UserPromptPart)]


async def scripted(messages, info):
    words = said(messages)
    story, last = words[0].split()[0], messages[-1].parts[-1]
    if story == "dig":
        while not os.path.exists(FOLDER + "/go"):
            await asyncio.sleep(0.05)
        return ModelResponse(parts=[TextPart("Found it")])
    if story not in ("pay", "heed", "talk"):
        return ModelResponse(parts=[TextPart("The capital of France is Paris.")])
    if isinstance(last, ToolReturnPart):
        return ModelResponse(parts=[TextPart(f"Result: {last.content}")])
    if len(words) > 1 and (story == "talk" or not words[-1].startswith("approve")):
        return ModelResponse(parts=[TextPart("All done." if story == "talk" else "Then not.")])
    # A model writes its calls anew, and not always with the same arguments.
    return ModelResponse(parts=[ToolCallPart("pay", {"eur": 900, "try": len(words)})])


agent = Agent(FunctionModel(scripted), output_type=[str, DeferredToolRequests], name="clerk")


@agent.tool(name="pay")
def pay(ctx: RunContext, eur: int, **more: int) -> str:
    """Pays an invoice."""
    words = said(ctx.messages)
    heeds = words[0].startswith("heed") and words[-1].startswith("approve")
    if not ctx.tool_call_approved and not heeds:
        raise ApprovalRequired()
    with open(FOLDER + "/paid", "a", encoding="utf-8") as paid:
        paid.write(words[0] + "\n")
    return f"paid {eur} EUR"


def main():
    global FOLDER
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--log", required=True)
    options = options.parse_args()
    FOLDER = os.path.splitext(options.log)[0] + ".folder"
    os.makedirs(FOLDER, exist_ok=True)
    app = agent_to_a2a(agent, url=f"http://127.0.0.1:{options.port}")
    uvicorn.run(Log(app, options.log), host="127.0.0.1", port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
