"""An agent of the Strands SDK behind its own A2A server, with a model that is a script: it pays, and paying is
interrupted for a person. All protocol behaviour is the package's own."""

import argparse

import uvicorn
from logged import Log
from strands import Agent, tool
from strands.hooks import BeforeToolCallEvent, HookProvider
from strands.models import Model
from strands.multiagent.a2a import A2AServer

PAID = []


@tool
def pay(eur: int) -> str:
    """Pays an invoice.

    Args:
        eur: How much.
    """
    PAID.append(eur)
    return f"paid {eur} EUR, {len(PAID)} times"


class Ask(HookProvider):
    """A person decides about every payment."""

    def register_hooks(self, registry, **kwargs):
        registry.add_callback(BeforeToolCallEvent, self.ask)

    def ask(self, event):
        answer = event.interrupt("approval", reason=f"Pay {event.tool_use['input']}?")
        if answer.lower() != "y":
            event.cancel_tool = f"not allowed: {answer}"


class Scripted(Model):
    """Calls the tool once, and then says what the tool gave back."""

    def update_config(self, **config):
        pass

    def get_config(self):
        return {}

    async def structured_output(self, output_model, prompt, system_prompt=None, **kwargs):
        raise NotImplementedError

    async def stream(self, messages, tool_specs=None, system_prompt=None, **kwargs):
        results = [c["toolResult"] for c in messages[-1]["content"] if "toolResult" in c]
        yield {"messageStart": {"role": "assistant"}}
        if results:
            yield {"contentBlockDelta": {"delta": {"text": f"Result: {results[0]['content'][0]['text']}"}}}
            yield {"contentBlockStop": {}}
            yield {"messageStop": {"stopReason": "end_turn"}}
            return
        yield {"contentBlockStart": {"start": {"toolUse": {"name": "pay", "toolUseId": "call-1"}}}}
        yield {"contentBlockDelta": {"delta": {"toolUse": {"input": '{"eur": 900}'}}}}
        yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": "tool_use"}}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--log", required=True)
    options = options.parse_args()

    def agent(_context=None):
        return Agent(
            name="Clerk",
            description="Pays invoices",
            model=Scripted(),
            tools=[pay],
            hooks=[Ask()],
            callback_handler=None,
        )

    server = A2AServer(
        agent_factory=agent, host="127.0.0.1", port=options.port, enable_a2a_compliant_streaming=True
    )
    app = server.to_starlette_app()
    uvicorn.run(Log(app, options.log), host="127.0.0.1", port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
