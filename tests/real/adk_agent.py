"""An agent of Google's Agent Development Kit behind its own A2A server, with a model that is a script: it pays, and
paying wants a confirmation. All protocol behaviour is the package's own."""

import argparse

import uvicorn
from google.adk.a2a.utils.agent_to_a2a import to_a2a
from google.adk.agents import LlmAgent
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_response import LlmResponse
from google.adk.tools import FunctionTool
from google.genai import types
from logged import Log

PAID = []


def pay(eur: int) -> dict:
    """Pays an invoice."""
    PAID.append(eur)
    return {"status": "paid", "eur": eur, "times": len(PAID)}


class Scripted(BaseLlm):
    """Calls the tool once, and then says what the tool gave back."""

    async def generate_content_async(self, llm_request, stream=False):
        last = llm_request.contents[-1].parts[-1]
        if last.function_response is not None:
            said = types.Part(text=f"Result: {last.function_response.response}")
        elif last.text and last.text.startswith("chat"):
            said = types.Part(text="The capital of France is Paris.")
        else:
            said = types.Part(function_call=types.FunctionCall(name="pay", args={"eur": 900}))
        yield LlmResponse(content=types.Content(role="model", parts=[said]))


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--log", required=True)
    options = options.parse_args()
    agent = LlmAgent(
        name="clerk",
        description="Pays invoices",
        model=Scripted(model="scripted"),
        tools=[FunctionTool(pay, require_confirmation=True)],
    )
    app = to_a2a(agent, host="127.0.0.1", port=options.port)
    uvicorn.run(Log(app, options.log), host="127.0.0.1", port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
