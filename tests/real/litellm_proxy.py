"""A LiteLLM proxy with one model that answers by itself and may be asked twice a minute. Without a database, so it knows
no keys but its master key. It is for the tests of limits: they call the model and look at what the proxy tells of it."""

import argparse
import json
import os
import sys
import tempfile

parser = argparse.ArgumentParser()
parser.add_argument("--port", required=True)
parser.add_argument("--log", required=True)
parser.add_argument("--loud", action="store_true")
options = parser.parse_args()

# What it says while it runs is nobody's, unless somebody wants to hear it.
log = 1 if options.loud else os.open(options.log + ".proxy", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
os.dup2(log, 1)
os.dup2(log, 2)
if not options.loud:
    os.unlink(options.log + ".proxy")

folder = tempfile.mkdtemp()
os.environ.update(
    HOME=folder,
    LITELLM_LOCAL_MODEL_COST_MAP="True",
    LITELLM_TELEMETRY="False",
    NO_PROXY="*",
)
config = {
    "model_list": [
        {
            "model_name": "desk",
            "litellm_params": {
                "model": "openai/desk",
                "api_key": "none",
                "mock_response": "Noted.",
                "rpm": 2,
            },
        }
    ],
    "litellm_settings": {
        "callbacks": ["prometheus"],
        "require_auth_for_metrics_endpoint": True,
    },
    "router_settings": {"optional_pre_call_checks": ["enforce_model_rate_limits"]},
    "general_settings": {"master_key": "sk-test-1234"},
}
path = os.path.join(folder, "config.yaml")
with open(path, "w", encoding="utf-8") as file:
    json.dump(config, file)  # JSON is YAML

sys.argv = ["litellm", "--config", path, "--host", "127.0.0.1", "--port", options.port, "--telemetry", "False"]
from litellm import run_server  # noqa: E402

run_server()
