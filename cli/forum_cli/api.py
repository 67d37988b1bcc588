"""Forum's HTTP API, as far as the command needs it."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from forum_cli.credentials import Credentials
from forum_cli.failures import Conflicting, Failure, NotSignedIn

if TYPE_CHECKING:
    import httpx

PAGE_SIZE = 100
# What an abbreviated id or a name is looked for in.
MAX_PAGES = 10
MIN_PREFIX = 4


class Server:
    """Requests to one address. No redirect is followed: it would take what signs somebody in elsewhere."""

    def __init__(self, address: str, headers: Mapping[str, str] | None = None) -> None:
        import httpx  # noqa: PLC0415 - it takes half of the time of `--help`, which asks nobody

        self.address = address
        self.client = httpx.Client(
            base_url=address,
            headers=headers,
            timeout=httpx.Timeout(35, connect=10),  # API Gateway answers within 30
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def send(self, method: str, path: str, **options: Any) -> "httpx.Response":
        """Send a request. Anything but success is a failure that says what the server says."""
        import httpx  # noqa: PLC0415 - as above

        try:
            answer = self.client.request(method, path, **options)
        except httpx.HTTPError as error:
            raise Failure(
                f"{self.address} does not answer ({type(error).__name__}). Is the address right?"
            ) from None
        if answer.is_success:
            return answer
        message = describe(answer)
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            raise NotSignedIn(f"{message}\nSign in again: forum login")
        if answer.status_code in {HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED}:
            raise Conflicting(message)
        raise Failure(message)


class Api(Server):
    """Requests to one Forum with one token."""

    def __init__(self, credentials: Credentials) -> None:
        super().__init__(credentials.api, {"authorization": f"Bearer {credentials.token}"})

    def fetch(self, path: str, **parameters: Any) -> Any:
        """What GET answers."""
        return self.send("GET", path, params=parameters).json()

    def list_rows(self, path: str, **parameters: Any) -> Iterator[Mapping[str, Any]]:
        """The rows of a list, page after page."""
        for _ in range(MAX_PAGES):
            page = self.fetch(path, limit=PAGE_SIZE, **parameters)
            yield from page["items"]
            if page.get("next_cursor") is None:
                return
            parameters["cursor"] = page["next_cursor"]

    def find_id(self, path: str, abbreviated: str, **parameters: Any) -> str:
        """The id of the row that begins so, among the newest 1,000 of a list."""
        try:
            return str(UUID(abbreviated))
        except ValueError:
            pass
        if len(abbreviated) < MIN_PREFIX:
            raise Failure(f"{abbreviated!r} is too short: give at least {MIN_PREFIX} characters of the id.")
        rows = self.list_rows(path, **parameters)
        found = [row for row in rows if row["id"].startswith(abbreviated.lower())]
        if not found:
            raise Failure(f"No id begins with {abbreviated!r} among the newest 1,000 here.")
        if len(found) > 1:
            choices = "\n".join(f"  {row['id']}  {row.get('title') or row.get('name')}" for row in found)
            raise Failure(f"More than one id begins with {abbreviated!r}:\n{choices}")
        return str(found[0]["id"])

    def find_product(self, name: str) -> Mapping[str, Any]:
        """The product of this NAME or id."""
        products = [row for row in self.list_rows("/api/products") if name in {row["name"], row["id"]}]
        if not products:
            raise Failure(f"There is no product {name!r} to be seen. `forum products` lists them.")
        if len(products) > 1:
            choices = "\n".join(f"  {row['id']}" for row in products)
            raise Failure(f"More than one product is named {name!r}. Give the id:\n{choices}")
        return products[0]


def describe(answer: "httpx.Response") -> str:
    """What a problem says: its title, its detail, and each field that was refused."""
    try:
        problem = answer.json()
        if "msg" in problem:  # Supabase's sign-in has a form of its own
            return f"Supabase says: {problem['msg']}"
        lines = [f"{problem['title']}: {problem['detail']}"]
        lines += [
            f"  {error.get('pointer') or error.get('parameter') or ''} {error['detail']}"
            for error in problem.get("errors", ())
            if error["detail"] not in problem["detail"]  # the first one stands there already
        ]
        return "\n".join(lines)
    except (ValueError, KeyError, TypeError, AttributeError):
        address = answer.request.url.copy_with(query=None)
        return f"{address} answered {answer.status_code}, and not as Forum does."
