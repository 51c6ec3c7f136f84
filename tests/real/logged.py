"""Writes every JSON body down before a server handles it, so that a test can count what really arrived."""

import json


class Log:
    def __init__(self, app, path):
        self.app, self.path = app, path

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http" or scope["method"] != "POST":
            return await self.app(scope, receive, send)
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        with open(self.path, "a", encoding="utf-8") as log:
            log.write(json.dumps({"path": scope["path"], "body": json.loads(body or b"{}")}) + "\n")

        bodies = [{"type": "http.request", "body": body, "more_body": False}]

        async def again():
            # What comes after the body is the client's end of it; a stream waits for that.
            return bodies.pop() if bodies else await receive()

        return await self.app(scope, again, send)
