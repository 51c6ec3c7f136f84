"""Graphs that ask in every way a LangGraph graph can ask, without a language model.

`clerk` does what its input's `story` says. `mailer` and `mover` are real LangChain agents with the real middleware for
human review, in its batched and in its per-call mode; their model is a script. Answers are kept in the thread's values,
so that a test reads there what the graph got.
"""

import asyncio
import os
from operator import add
from typing import Annotated, Any, TypedDict

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langgraph.checkpoint.memory import PersistentDict
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from langgraph_sdk import Auth
from pydantic import BaseModel

# The server writes everything down every ten seconds, in a thread that ends for good when something moves while it is
# pickled; then nothing is kept any more. The next turn writes it down as well.
write_down = PersistentDict.sync


def sync(self):
    try:
        write_down(self)
    except RuntimeError:
        pass


PersistentDict.sync = sync


class State(TypedDict, total=False):
    story: str
    messages: list[dict]
    answers: Annotated[list[Any], add]


class Payment(BaseModel):
    account: str
    amount: int


def inbox(state: State) -> State:
    got = interrupt(
        [
            {
                "action_request": {"action": "send_mail", "args": {"to": "a@example.com", "reference": 18446744073709551615}},
                "config": {"allow_ignore": True, "allow_respond": True, "allow_edit": True, "allow_accept": True},
                "description": "Send this mail?",
            }
        ]
    )
    return {"answers": [{"inbox": got}]}


def batch(state: State) -> State:
    got = interrupt(
        {
            "action_requests": [
                {"name": "delete_file", "args": {"path": "/tmp/a"}, "description": "Delete a?"},
                {"name": "move_file", "args": {"path": "/tmp/b"}},
            ],
            "review_configs": [
                {"action_name": "delete_file", "allowed_decisions": ["approve", "reject"]},
                {"action_name": "move_file", "allowed_decisions": ["approve", "edit", "reject"]},
            ],
        }
    )
    return {"answers": [{"batch": got}]}


def free(state: State) -> State:
    return {"answers": [{"free": interrupt("Which account pays?")}]}


def choose(state: State) -> State:
    got = interrupt({"question": "Which account pays?", "options": ["giro", "savings"]})
    return {"answers": [{"choose": got}]}


def form(state: State) -> State:
    got = interrupt({"question": "From which account, and how much?"}, response_schema=Payment)
    return {"answers": [{"form": got.model_dump()}]}


def twice(state: State) -> State:
    return {"answers": [{"twice": [interrupt("First?"), interrupt("Second?")]}]}


def again(state: State) -> State:
    while not isinstance(got := interrupt("A number, please?"), int):
        pass
    return {"answers": [{"again": got}]}


def fail(state: State) -> State:
    raise ValueError("The ledger is closed.")


async def work(state: State) -> State:
    for _ in range(2400):
        await asyncio.sleep(0.05)
    return {"answers": ["worked"]}


def finish(state: State) -> State:
    return {"answers": ["done"]}


async def slow(state: State) -> State:
    got = interrupt("Shall it take long?")
    await asyncio.sleep(30)
    return {"answers": [{"slow": got}]}


def route(state: State) -> list[str]:
    return ["inbox", "batch"] if state["story"] == "both" else [state["story"]]


STEPS = [inbox, batch, free, choose, form, twice, again, fail, work, finish, slow]
_clerk = StateGraph(State)
for step in STEPS:
    _clerk.add_node(step.__name__, step)
    _clerk.add_edge(step.__name__, END)
_clerk.add_conditional_edges(START, route, [step.__name__ for step in STEPS])
clerk = _clerk.compile()


class Script(BaseChatModel):
    """Calls its one tool for whatever it is told, then says what came of it."""

    calls: str

    @property
    def _llm_type(self) -> str:
        return "script"

    def bind_tools(self, tools: Any, **kwargs: Any) -> "Script":
        return self

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        last = messages[-1]
        if isinstance(last, HumanMessage):
            call = {"name": self.calls, "args": {"to": last.text}, "id": "call-1"}
            said = AIMessage(content="", tool_calls=[call])
        elif isinstance(last, ToolMessage):
            said = AIMessage(content=f"It says: {last.text}")
        else:
            said = AIMessage(content="Nothing to do.")
        return ChatResult(generations=[ChatGeneration(message=said)])


@tool
def send_mail(to: str) -> str:
    """Send a mail."""
    return f"sent to {to}"


@tool
def move_file(to: str) -> str:
    """Move the file."""
    return f"moved to {to}"


mailer = create_agent(
    Script(calls="send_mail"),
    tools=[send_mail],
    middleware=[HumanInTheLoopMiddleware(interrupt_on={"send_mail": True})],
)
mover = create_agent(
    Script(calls="move_file"),
    tools=[move_file],
    middleware=[HumanInTheLoopMiddleware(interrupt_on={"move_file": True}, interrupt_mode="per_call")],
)

auth = Auth()


@auth.authenticate
async def known(authorization: str | None) -> str:
    if authorization != "Bearer " + os.environ.get("CLERK_TOKEN", ""):
        raise Auth.exceptions.HTTPException(status_code=401, detail="Who are you?")
    return "tester"
