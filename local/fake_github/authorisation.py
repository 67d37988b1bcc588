"""GET and POST /login/oauth/authorize: the page on which a person lets the GitHub App in, or does not.

What comes back to the App is as documented (docs.github.com, "Using the web application flow"). The page is
not GitHub's: there is nobody to sign in, so it asks which of the fake's users somebody is.
"""

from collections.abc import Sequence
from html import escape
from urllib.parse import urlencode, urlsplit

from local.fake_github.account import Account
from local.fake_github.oauth import App
from local.fake_github.reply import Reply
from local.ports import LOOPBACK_HOSTS

PATH = "/login/oauth/authorize"

STYLE = """
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
  body { max-width: 26rem; margin: 12vh auto; padding: 0 1.25rem }
  h1 { font-size: 1.4rem; line-height: 1.3 }
  form { display: grid; gap: .75rem; margin-top: 1.5rem }
  button { font: inherit; padding: .6rem 1rem; border: 1px solid; border-radius: .5rem; cursor: pointer }
  button[name=login] { background: #1f883d; border-color: #1f883d; color: #fff; font-weight: 600 }
"""


def show_page(app: App, accounts: Sequence[Account], parameters: dict[str, str]) -> Reply:
    """The question, with the request's parameters carried along in the form."""
    if (problem := find_problem(app, parameters)) is not None:
        return _page("This sign-in cannot go on", f"<p>{escape(problem)}</p>", 400)
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in parameters.items()
    )
    buttons = "".join(
        f'<button name="login" value="{escape(account.user.login)}">'
        f"Authorize as {escape(account.user.login)}</button>"
        for account in accounts
    )
    return _page(
        "Sign in to Forum with the fake GitHub",
        "<p>This page stands in for GitHub on your machine. Forum will see the repositories of the account"
        " that you choose.</p>"
        f'<form method="post" action="{PATH}">{fields}{buttons}'
        '<button name="cancel" value="1">Cancel</button></form>',
    )


def take_answer(app: App, accounts: Sequence[Account], parameters: dict[str, str]) -> Reply:
    """Sends the person back to the App: with a code, or with the refusal."""
    if (problem := find_problem(app, parameters)) is not None:
        return _page("This sign-in cannot go on", f"<p>{escape(problem)}</p>", 400)
    callback = parameters["redirect_uri"]
    account = next((a for a in accounts if a.user.login == parameters.get("login")), None)
    if account is None:
        answer = {
            "error": "access_denied",
            "error_description": "The user has denied your application access.",
        }
    else:
        answer = {"code": account.authorise(callback)}
    if state := parameters.get("state"):
        answer["state"] = state
    return Reply(302, b"", {"location": f"{callback}?{urlencode(answer)}"})


def find_problem(app: App, parameters: dict[str, str]) -> str | None:
    """Why nobody may be sent to the address that is asked for: a code would go to a stranger."""
    if parameters.get("client_id") != app.client_id:
        return "No GitHub App has this client_id."
    callback = urlsplit(parameters.get("redirect_uri", ""))
    if callback.scheme != "http" or callback.hostname not in LOOPBACK_HOSTS:
        return "The redirect_uri is not associated with this application: the fake sends to loopback only."
    return None


def _page(title: str, content: str, status: int = 200) -> Reply:
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    page = f'<!doctype html><html lang="en"><head>{head}<style>{STYLE}</style></head>'
    page += f"<body><h1>{title}</h1>{content}</body></html>"
    return Reply(status, page.encode(), {"content-type": "text/html; charset=utf-8"})
