"""Ask a deployed Forum what shows that it works: `python -m operations.smoke_test <url>`.

With a user's access token in FORUM_TOKEN, it also makes a product, reads it and deletes it again. With the
commit that was deployed, it is that one which has to answer.
"""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from time import monotonic, sleep

import httpx

TIME_OUT = 30
# Lambda may let the code of before answer for a moment after an update. How long is chosen, not measured.
OLD_CODE_SECONDS = 60
PAUSE_SECONDS = 2
NAME = "Smoke test: may be deleted"


class SmokeTestError(Exception):
    """What the deployed Forum did not do."""


def check_health(api: httpx.Client, commit: str | None) -> None:
    """The functions run, their way to the database works, and they are what was deployed.

    Not the functions of before, nor those of another stage behind the URL.
    """
    if commit is None:
        expect(api.get("/health"), 200)
        return
    until = monotonic() + OLD_CODE_SECONDS
    while (found := expect(api.get("/health"), 200).json().get("commit")) != commit:
        if monotonic() > until:
            raise SmokeTestError(f"GET /health names the commit {found}, and {commit} was deployed")
        sleep(PAUSE_SECONDS)


def check_document(api: httpx.Client) -> None:
    """The description of the API is there."""
    answer = expect(api.get("/openapi.json"), 200)
    if "/api/products" not in answer.json().get("paths", {}):
        raise SmokeTestError("GET /openapi.json describes no /api/products")


def check_sign_in(api: httpx.Client) -> None:
    """A request without a token is refused by Forum itself, not by the gateway."""
    answer = expect(api.get("/api/products"), 401)
    kind = answer.headers.get("content-type", "")
    if not kind.startswith("application/problem+json") or "www-authenticate" not in answer.headers:
        raise SmokeTestError(
            f"the 401 of GET /api/products is not one of Forum's problems but {kind or 'untyped'}"
        )


def check_cors(api: httpx.Client, origin: str) -> None:
    """A browser on the frontend's origin may call."""
    asked = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    asked["Access-Control-Request-Headers"] = "authorization"
    answer = api.options("/api/products", headers=asked)
    allowed = answer.headers.get("access-control-allow-origin")
    if not answer.is_success or allowed not in {origin, "*"}:
        raise SmokeTestError(
            f"the preflight from {origin} is answered {answer.status_code}, allowing {allowed}"
        )


def check_products(api: httpx.Client, token: str) -> None:
    """A user's product can be made, read and deleted."""
    signed_in = {"Authorization": f"Bearer {token}"}
    made = expect(api.post("/api/products", headers=signed_in, json={"name": NAME}), 201).json()
    path = f"/api/products/{made['id']}"
    try:
        if expect(api.get(path, headers=signed_in), 200).json()["name"] != NAME:
            raise SmokeTestError("a new product is read with another name")
    finally:
        expect(api.delete(path, headers=signed_in), 204)
    expect(api.get(path, headers=signed_in), 404)


def expect(answer: httpx.Response, status: int) -> httpx.Response:
    """The answer, if it has the status. Raises `SmokeTestError`, without the body: it may be a user's."""
    if answer.status_code != status:
        asked = answer.request
        raise SmokeTestError(
            f"{asked.method} {asked.url.path} is answered {answer.status_code} instead of {status}"
        )
    return answer


def run_smoke_test(
    url: str, *, origin: str | None = None, token: str | None = None, commit: str | None = None
) -> list[str]:
    """What went wrong, each in a line: nothing, where all is well."""
    with httpx.Client(base_url=url, timeout=TIME_OUT) as api:
        checks: list[Callable[[], None]] = [
            lambda: check_health(api, commit or None),
            lambda: check_document(api),
            lambda: check_sign_in(api),
        ]
        if origin:
            checks.append(lambda: check_cors(api, origin))
        if token:
            checks.append(lambda: check_products(api, token))
        return [wrong for check in checks if (wrong := run(check)) is not None]


def run(check: Callable[[], None]) -> str | None:
    """What a check found wrong."""
    try:
        check()
    except SmokeTestError as error:
        return str(error)
    except httpx.TransportError as error:
        return f"{error.request.method} {error.request.url.path} got no answer: {error!r}"
    except ValueError as error:
        return f"an answer is no JSON: {error}"
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = ArgumentParser(prog="python -m operations.smoke_test", description=__doc__)
    parser.add_argument(
        "url", help="where the API is, such as https://abc.execute-api.eu-central-1.amazonaws.com"
    )
    parser.add_argument("--origin", help="the frontend's origin, which has to be in ALLOWED_ORIGINS")
    parser.add_argument("--commit", help="the commit that was deployed, as `git rev-parse HEAD` names it")
    given = parser.parse_args(arguments)
    token = os.environ.get("FORUM_TOKEN")
    wrong = run_smoke_test(given.url, origin=given.origin, token=token, commit=given.commit)
    for line in wrong:
        print(f"FAILED: {line}", file=sys.stderr)
    if not wrong:
        print(f"{given.url} works.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
