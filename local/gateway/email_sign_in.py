"""/auth/v1/recover, /otp, /resend and /verify: sign-in by a mail, which here is a line in the log."""

import logging

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from local.gateway.accounts import Accounts
from local.gateway.answer import JSON, answer
from local.gateway.auth import Auth
from local.gateway.bodies import email_address, metadata, read_body, text
from local.gateway.errors import AuthError
from local.gateway.one_time_codes import SUBJECTS, OneTimeCode, OneTimeCodes
from local.gateway.pkce import Grant, read_challenge
from local.gateway.redirects import choose_redirect, with_error, with_query, with_session

METHOD = "otp"
# `signup`, `invite` and `email_change` have no mail here: addresses are confirmed at once.
TYPES = {"recovery", "magiclink", "email", "signup", "invite", "email_change"}
RESENT_TYPES = {"signup", "email_change"}

logger = logging.getLogger("uvicorn.error")


class EmailSignIn:
    """The endpoints, and the codes that have been sent."""

    def __init__(self, auth: Auth, site_url: str) -> None:
        self.auth = auth
        self.site_url = site_url
        self.sent = OneTimeCodes()

    def routes(self) -> list[Route]:
        """Where each endpoint is."""
        return [
            Route("/auth/v1/recover", self.recover, methods=["POST"]),
            Route("/auth/v1/otp", self.send_code, methods=["POST"]),
            Route("/auth/v1/magiclink", self.send_code, methods=["POST"]),
            Route("/auth/v1/resend", self.resend, methods=["POST"]),
            Route("/auth/v1/verify", self.verify_link, methods=["GET"]),
            Route("/auth/v1/verify", self.verify_code, methods=["POST"]),
        ]

    async def recover(self, request: Request) -> Response:
        """A mail for a forgotten password. The answer does not tell whether there is an account."""
        body = await read_body(request)
        if not text(body, "email"):
            raise AuthError(400, "validation_failed", "Password recovery requires an email")
        email, challenge = email_address(body), read_challenge(body)
        async with self.auth.transaction() as connection:
            account = await Accounts(connection).find("email = %s and not is_sso_user", email)
        if account is not None:
            self._send(request, OneTimeCode(account.id, email, "recovery", challenge))
        return JSONResponse({})

    async def send_code(self, request: Request) -> Response:
        """A mail to sign in with. An unknown address gets an account, unless the client says not to."""
        body = await read_body(request)
        if text(body, "phone"):
            raise AuthError(400, "phone_provider_disabled", "Unsupported phone provider")
        if not text(body, "email"):
            raise AuthError(400, "validation_failed", "One of email or phone must be set")
        email, data, challenge = email_address(body), metadata(body, "data"), read_challenge(body)
        async with self.auth.transaction() as connection:
            accounts = Accounts(connection)
            account = await accounts.find("email = %s and not is_sso_user", email)
            if account is None and body.get("create_user") is False:
                raise AuthError(422, "otp_disabled", "Signups not allowed for otp")
            account = account or await accounts.create(email, None, data)
        self._send(request, OneTimeCode(account.id, email, "magiclink", challenge))
        return JSONResponse({})

    async def resend(self, request: Request) -> Response:
        """Nothing to send again: every address is confirmed from the beginning."""
        body = await read_body(request)
        if text(body, "type") not in RESENT_TYPES:
            message = "Missing one of these types: signup, email_change, sms, phone_change"
            raise AuthError(400, "validation_failed", message)
        email_address(body)
        return JSONResponse({})

    async def verify_link(self, request: Request) -> Response:
        """A click in a mail: on to the page that asked for it, with a session, a code or a refusal."""
        query = request.query_params
        redirect_to = choose_redirect(query.get("redirect_to", ""), self.site_url)
        try:
            _require_type(query.get("type", ""))
            return RedirectResponse(await self._follow(request, query.get("token", ""), redirect_to), 303)
        except AuthError as error:
            return RedirectResponse(with_error(redirect_to, error), 303)

    async def verify_code(self, request: Request) -> Response:
        """A code that was typed, or the hash out of a link."""
        body = await read_body(request)
        _require_type(text(body, "type"))
        if token_hash := text(body, "token_hash"):
            if text(body, "email"):
                message = "Only the token_hash and type should be provided"
                raise AuthError(400, "validation_failed", message)
            code = self.sent.redeem_token(token_hash)
        elif text(body, "token"):
            code = self.sent.redeem_digits(email_address(body), text(body, "token"))
        else:
            raise AuthError(400, "validation_failed", "Verify requires a token or a token hash")
        return answer(await self._start_session(request, code))

    async def _follow(self, request: Request, token: str, redirect_to: str) -> str:
        code = self.sent.redeem_token(token)
        if code.challenge is not None:
            method = "recovery" if code.purpose == "recovery" else METHOD
            issued = self.auth.codes.issue(Grant(code.user_id, method, code.challenge))
            return with_query(redirect_to, {"code": issued})
        session = await self._start_session(request, code)
        return with_session(redirect_to, session, {"type": code.purpose})

    async def _start_session(self, request: Request, code: OneTimeCode) -> JSON:
        async with self.auth.transaction() as connection:
            return await self.auth.start_session(request, connection, code.user_id, METHOD)

    def _send(self, request: Request, code: OneTimeCode) -> None:
        self.sent.keep(code)
        redirect_to = choose_redirect(request.query_params.get("redirect_to", ""), self.site_url)
        query = {"token": code.token, "type": code.purpose, "redirect_to": redirect_to}
        link = with_query(f"{self.auth.tokens.issuer}/verify", query)
        subject = SUBJECTS[code.purpose]
        logger.info("Mail to %s, to %s: %s or the code %s", code.email, subject, link, code.digits)


def _require_type(given: str) -> None:
    if not given:
        raise AuthError(400, "validation_failed", "Verify requires a verification type")
    if given not in TYPES:
        raise AuthError(400, "validation_failed", "Invalid email verification type")
