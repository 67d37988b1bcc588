"""GoTrue's errors, in the two shapes that it answers with."""

import logging

from starlette.requests import Request
from starlette.responses import JSONResponse

VERSION_HEADER = "x-supabase-api-version"
NEW_SHAPE_SINCE = "2024-01-01"

logger = logging.getLogger("uvicorn.error")


class AuthError(Exception):
    """An answer other than success, with GoTrue's error code."""

    def __init__(self, status: int, code: str, message: str, weak_password: list[str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.weak_password = weak_password


async def answer_auth_error(request: Request, error: Exception) -> JSONResponse:
    """The newer shape for clients that ask for it, as supabase-js does, else the older one."""
    if not isinstance(error, AuthError):
        raise error
    if error.status >= 500:  # noqa: PLR2004 - HTTP's own numbers
        logger.error("%s %s", request.method, request.url.path, exc_info=error)
    extra = {} if error.weak_password is None else {"weak_password": {"reasons": error.weak_password}}
    if request.headers.get(VERSION_HEADER, "") >= NEW_SHAPE_SINCE:
        body = {"code": error.code, "message": error.message, **extra}
        return JSONResponse(body, error.status, {VERSION_HEADER: NEW_SHAPE_SINCE})
    return JSONResponse(
        {"code": error.status, "error_code": error.code, "msg": error.message, **extra}, error.status
    )
