"""Starts the official development server (`langgraph dev`) with the scripted graphs, in a folder of its own.

It needs no key and no network: tracing, telemetry and the look for newer versions are off. What it keeps on disk goes
into the folder beside the log, and is found again when it is started there again.
"""

import argparse
import json
import os
import sys
from pathlib import Path

options = argparse.ArgumentParser()
options.add_argument("--port", required=True)
options.add_argument("--log", type=Path, required=True)
options.add_argument("--token")
options = options.parse_args()

folder = options.log.with_suffix(".folder")
folder.mkdir(exist_ok=True)
graphs = Path(__file__).resolve().with_name("langgraph_graphs.py")
config = {
    "dependencies": ["."],
    "graphs": {name: f"{graphs}:{name}" for name in ("clerk", "mailer", "mover")},
}
if options.token:
    config["auth"] = {"path": f"{graphs}:auth"}
(folder / "langgraph.json").write_text(json.dumps(config))

environment = {name: value for name, value in os.environ.items() if not name.startswith(("LANG", "OTEL"))}
environment |= {
    "CLERK_TOKEN": options.token or "",
    "LANGSMITH_TRACING": "false",
    "LANGCHAIN_TRACING_V2": "false",
    "LANGGRAPH_CLI_NO_ANALYTICS": "1",
    "LANGGRAPH_NO_VERSION_CHECK": "1",
    "BG_JOB_SHUTDOWN_GRACE_PERIOD_SECS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}
os.chdir(folder)
# It tells a lot, and nothing that a test reads.
with (folder / "server.txt").open("ab") as told:
    os.dup2(told.fileno(), 2)
# By the interpreter itself: the first line of the script names a folder that may have been moved since.
langgraph = Path(sys.executable).with_name("langgraph")
command = [sys.executable, str(langgraph), "dev", "--port", options.port, "--no-browser", "--no-reload", "--n-jobs-per-worker", "20"]
os.execve(command[0], command, environment)
