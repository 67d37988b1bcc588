"""The Model Context Protocol's messages over HTTP, in both its eras, for a server without a state.

From 2026-07-28 on each request stands for itself, and says its version, its method and what it names in
headers as well. Before, a client introduced itself by `initialize`, of which nothing has to be remembered.

https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import pydantic_core

MODERN = "2026-07-28"
EARLIER = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
VERSIONS = (MODERN, *EARLIER)

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
HEADER_MISMATCH = -32020
UNSUPPORTED_VERSION = -32022

# Members of `_meta`.
_VERSION = "io.modelcontextprotocol/protocolVersion"
_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"

# Of what the earlier protocol knows nothing: there an error of a request is an answer like any other.
_STATUSES = {METHOD_NOT_FOUND: HTTPStatus.NOT_FOUND, INVALID_PARAMS: HTTPStatus.BAD_REQUEST}

MessageId = str | int | None


class RpcError(Exception):
    """An error of the protocol itself. What a tool fails at is none: that is its result."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        message_id: MessageId = None,
        status: int = HTTPStatus.BAD_REQUEST,
        data: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {
            "jsonrpc": "2.0",
            "id": message_id,
            "error": {"code": code, "message": message, **({"data": data} if data else {})},
        }


@dataclass(frozen=True, slots=True)
class Message:
    """A request, or a notification, which has no id and gets no answer."""

    id: MessageId
    method: str
    params: dict[str, Any]
    is_modern: bool

    def refuse(self, code: int, detail: str) -> RpcError:
        """The error to answer with."""
        status = _STATUSES[code] if self.is_modern else HTTPStatus.OK
        return RpcError(code, detail, message_id=self.id, status=status)


def read_message(body: bytes, headers: Mapping[str, str]) -> Message:
    """The message of a request. Raises `RpcError`."""
    try:
        # Not json.loads, which takes half of a surrogate pair, that no answer can repeat.
        sent = pydantic_core.from_json(body, allow_inf_nan=False)
    except ValueError:
        raise RpcError(PARSE_ERROR, "The body is not valid JSON.") from None
    message_id = _read_id(sent)
    method, params = sent.get("method"), sent.get("params", {})
    if sent.get("jsonrpc") != "2.0" or not isinstance(method, str) or not isinstance(params, dict):
        raise RpcError(
            INVALID_REQUEST, "Send a request or a notification of JSON-RPC 2.0.", message_id=message_id
        )
    version = headers.get("mcp-protocol-version")
    meta = params.get("_meta")
    named = meta.get(_VERSION) if isinstance(meta, dict) else None
    if version is not None and version not in VERSIONS:
        raise RpcError(
            UNSUPPORTED_VERSION,
            "Unsupported protocol version",
            message_id=message_id,
            data={"supported": list(VERSIONS), "requested": version},
        )
    if message_id is not None and (version == MODERN or named is not None):
        _check_headers(message_id, method, params, headers)
    return Message(message_id, method, params, version == MODERN)


def _read_id(sent: Any) -> MessageId:
    if not isinstance(sent, dict):
        raise RpcError(INVALID_REQUEST, "Send one message, as a JSON object: no batch.")
    message_id = sent.get("id")
    if "id" in sent and (not isinstance(message_id, str | int) or isinstance(message_id, bool)):
        raise RpcError(INVALID_REQUEST, "An `id` is a text or a whole number.")
    return message_id


def _check_headers(
    message_id: MessageId, method: str, params: Mapping[str, Any], headers: Mapping[str, str]
) -> None:
    """Refuse headers that say something else than the body: what stands between has gone by them."""
    meta = params.get("_meta")
    missing = [name for name in (_VERSION, _CAPABILITIES) if not isinstance(meta, dict) or name not in meta]
    if missing:
        detail = f"`params._meta` lacks {', '.join(missing)}."
        raise RpcError(INVALID_PARAMS, detail, message_id=message_id)
    told: dict[str, Any] = {"MCP-Protocol-Version": params["_meta"][_VERSION], "Mcp-Method": method}
    if method == "tools/call" and "name" in params:
        told["Mcp-Name"] = params["name"]
    for name, value in told.items():
        header = headers.get(name.lower())
        if (_decode(header) if name == "Mcp-Name" else header) != value:
            raise RpcError(
                HEADER_MISMATCH,
                f"Header mismatch: {name} is not what the body has.",
                message_id=message_id,
            )


def _decode(header: str | None) -> str | None:
    """A header whose value may be in base64, as what ASCII does not have is: `=?base64?…?=`."""
    if header is None or not (header.startswith("=?base64?") and header.endswith("?=")):
        return header
    try:
        return base64.b64decode(header[9:-2], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
