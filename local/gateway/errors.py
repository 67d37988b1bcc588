"""GoTrue's errors, in the two shapes that it answers with."""

import logging

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

VERSION_HEADER = "x-supabase-api-version"
NEW_SHAPE_SINCE = "2024-01-01"

logger = logging.getLogger("uvicorn.error")


class AuthError(Exception):
    """An answer other than success, with GoTrue's error code."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        weak_password: list[str] | None = None,
        oauth_error: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.weak_password = weak_password
        self.oauth_error = oauth_error


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


async def answer_unknown(request: Request, error: Exception) -> JSONResponse:
    """An unknown path or method, in JSON also where Supabase answers with a line of text."""
    if not isinstance(error, HTTPException):
        raise error
    if not request.url.path.startswith("/auth/v1/"):
        return JSONResponse({"message": "no Route matched with those values"}, error.status_code)
    message = f"The local Supabase has no {request.method} {request.url.path}."
    unknown = AuthError(error.status_code, "not_found", message)
    answer = await answer_auth_error(request, unknown)
    answer.headers.update(error.headers or {})
    return answer
