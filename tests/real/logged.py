"""Stands before a server: writes every JSON body down before it is handled, so that a test can count what really arrived.
It can ask for a token at some paths, and can take an answer and never say that it did."""

import asyncio
import json


def read(body):
    """As JSON, or (a form) as it came."""
    try:
        return json.loads(body or b"{}")
    except ValueError:
        return body.decode("utf-8", "replace")


class Log:
    def __init__(self, app, path, hold=False, token="", guarded=()):
        """`hold`: never answer a message to a task. `token`: who asks below the `guarded` paths must have it."""
        self.app, self.path, self.hold, self.token, self.guarded = app, path, hold, token, tuple(guarded)

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        said = dict(scope.get("headers") or []).get(b"authorization")
        if self.token and scope["path"].startswith(self.guarded) and said != f"Bearer {self.token}".encode():
            await send({"type": "http.response.start", "status": 401, "headers": [(b"www-authenticate", b"Bearer")]})
            return await send({"type": "http.response.body", "body": b"no"})
        if scope["method"] != "POST":
            return await self.app(scope, receive, send)
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        with open(self.path, "a", encoding="utf-8") as log:
            log.write(json.dumps({"path": scope["path"], "body": read(body)}) + "\n")
        if self.hold and b'"taskId"' in body and b"essage" in body:
            await asyncio.sleep(600)

        bodies = [{"type": "http.request", "body": body, "more_body": False}]

        async def again():
            # What comes after the body is the client's end of it; a stream waits for that.
            return bodies.pop() if bodies else await receive()

        return await self.app(scope, again, send)
