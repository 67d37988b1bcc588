"""The path that a domain may put before the API's own, as in https://forum.example/backend/api/products.

API Gateway maps it to the API and leaves it in the event. The API's own address has none, and goes on to
answer beside the domain's.
"""

import os

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BasePath:
    """Around an application, takes the base path off requests and puts it before `Location`.

    What the setting has to look like is said in shared/settings.py. It is read here by itself, as not every
    function has a use for the others.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        base = os.environ.get("API_BASE_PATH", "")
        if not base or not f"{scope['path']}/".startswith(f"{base}/"):
            await self._app(scope, receive, send)
            return

        async def send_located(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [_locate(base, *header) for header in message["headers"]]}
            await send(message)

        await self._app({**scope, "path": scope["path"].removeprefix(base) or "/"}, receive, send_located)


def _locate(base: str, name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """A header, with the base path where it is a path of the API's."""
    return name, base.encode() + value if name.lower() == b"location" and value.startswith(b"/") else value
