"""A browser with a person before it, for `forum login`: `python browser.py LOGIN ADDRESS`.

LOGIN is who they are at GitHub. `nobody` refuses there; `forger` has a code of its own and never goes there.
"""

import sys

import httpx

_, login, address = sys.argv
landing = httpx.URL(address).params["redirect_to"]

assert httpx.get(f"{landing}favicon.ico").status_code == 404
assert httpx.get(landing).status_code == 404

if login == "forger":
    came_back = httpx.get(landing, params={"code": "forged"})
else:
    page = httpx.get(address).headers["location"]
    assert "Authorize as" in httpx.get(page).text
    form = dict(httpx.URL(page).params)
    choice = {"cancel": "1"} if login == "nobody" else {"login": login}
    chosen = httpx.post(page.partition("?")[0], data={**form, **choice})
    returned = httpx.get(chosen.headers["location"])
    came_back = httpx.get(returned.headers["location"])

assert "Go back to the terminal" in came_back.text
assert "code" not in came_back.text.partition("<code>")[0]
