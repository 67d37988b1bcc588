"""The fake's answers, each of them also held to GitHub's OpenAPI by the fixture."""

import re
from collections import Counter
from email.utils import parsedate_to_datetime

import httpx
import pytest

from local.fake_github import DEMO_TOKEN, FakeGitHub, Owner, demo_account
from local.fake_github.account import Fault, SecondaryLimit
from tests.local.fake_github.contract import COMPONENTS, operation, resolved, violations
from tests.local.fake_github.recordings import recordings

LISTING: dict[str, str | int] = {"per_page": 100, "sort": "created", "direction": "desc"}

# GitHub has begun to send these since the recordings of 2022.
NEWER_FIELDS = {"has_discussions"}
NEWER_OWNER_FIELDS = {"user_view_type"}
# What stands between a recorder and GitHub, and what a fake on loopback has no connection to say.
TRANSPORT_HEADERS = {"connection"}


def listing(browser: httpx.Client, **parameters: str | int) -> httpx.Response:
    return browser.get("/user/repos", params=parameters)


def relations(response: httpx.Response) -> dict[str, str]:
    return {
        str(relation): re.findall(r"[?&]page=(\d+)", link["url"])[0]
        for relation, link in response.links.items()
    }


def some_repository(fake: FakeGitHub, kind: str = "User") -> int:
    return next(r.id for r in fake.account.repositories.values() if r.owner.kind == kind)


def test_demo_account_of_the_local_stack_is_varied_and_the_same_every_time() -> None:
    account = demo_account()
    found = list(account.repositories.values())

    assert len(found) == 130
    assert len({r.full_name for r in found}) == 130
    assert [vars(r) | {"owner": r.owner.id} for r in found] == [
        vars(r) | {"owner": r.owner.id} for r in demo_account().repositories.values()
    ]
    assert {owner.kind for owner in account.owners().values()} == {"User", "Organization"}
    assert len([o for o in account.owners().values() if o.kind == "Organization"]) == 2
    assert sum(r.archived for r in found) == 1
    assert sum(r.fork for r in found) == 1
    assert sum(r.pushed_at == r.created_at and r.size == 0 for r in found) == 1
    assert sum(r.private for r in found) > 20
    assert len({r.language for r in found}) > 12
    assert any(r.language is None for r in found)
    assert any(not (r.description or "").isascii() for r in found)
    assert max(len(r.description or "") for r in found) > 300
    assert max(r.id for r in found) > 2**32
    assert all(r.node_id.startswith("R_kgD") for r in found)


@pytest.mark.parametrize("count", [0, 1, 994, 1500])
def test_demo_account_of_any_size_has_distinct_ids_and_names(count: int) -> None:
    account = demo_account(count)

    assert len(account.repositories) == count + 6
    assert len({r.full_name for r in account.repositories.values()}) == count + 6


def test_user_with_the_demo_token_is_described_in_full(browser: httpx.Client) -> None:
    response = browser.get("/user")

    assert response.status_code == 200
    # `oneOf` in the description lets a public user pass: the token's own user must be the private kind.
    assert violations({"$ref": "#/components/schemas/private-user"}, response.json()) == []


def test_every_answer_holds_each_field_that_the_description_requires(
    fake: FakeGitHub, browser: httpx.Client
) -> None:
    listed = listing(browser, per_page=1).json()[0]
    full = browser.get(f"/repositories/{some_repository(fake, 'Organization')}").json()

    assert set(COMPONENTS["schemas"]["repository"]["required"]) <= set(listed)
    assert set(COMPONENTS["schemas"]["full-repository"]["required"]) <= set(full)
    assert set(listed) <= set(COMPONENTS["schemas"]["repository"]["properties"])


def test_repository_by_name_or_id_is_the_same_and_has_the_recorded_fields(
    fake: FakeGitHub, browser: httpx.Client
) -> None:
    recorded = recordings("get-repository")[0]
    repository = fake.account.repositories[some_repository(fake, "Organization")]

    by_name = browser.get(f"/repos/{repository.full_name}")
    by_id = browser.get(f"/repositories/{repository.id}")

    assert by_name.json() == by_id.json()
    assert set(by_name.json()) - NEWER_FIELDS == set(recorded.content)
    assert set(by_name.json()["owner"]) - NEWER_OWNER_FIELDS == set(recorded.content["owner"])
    assert set(by_name.headers) == set(recorded.headers) - TRANSPORT_HEADERS
    assert by_name.headers["content-type"] == recorded.headers["content-type"]


def test_renamed_repository_by_its_old_name_redirects_as_recorded(
    fake: FakeGitHub, browser: httpx.Client
) -> None:
    recorded = next(r for r in recordings("rename-repository") if r.status == 301)
    repository = fake.account.repositories[some_repository(fake)]
    old_name = repository.full_name
    fake.account.rename(repository.id, "another-name")

    moved = browser.get(f"/repos/{old_name}")

    assert moved.status_code == 301
    assert set(moved.json()) == set(recorded.content)
    assert moved.json()["message"] == recorded.content["message"]
    assert set(moved.headers) == set(recorded.headers) - TRANSPORT_HEADERS
    assert moved.headers["location"] == moved.json()["url"] == f"{fake.url}/repositories/{repository.id}"
    followed = browser.get(moved.headers["location"])
    assert followed.json()["name"] == "another-name"
    assert followed.json()["id"] == repository.id


def test_redirect_costs_a_request_of_its_own_as_recorded(fake: FakeGitHub, browser: httpx.Client) -> None:
    repository = fake.account.repositories[some_repository(fake)]
    old_name = repository.full_name
    fake.account.rename(repository.id, "another-name")

    browser.get(f"/repos/{old_name}", follow_redirects=True)

    assert fake.account.core.remaining == 4998


def test_name_taken_over_by_another_repository_no_longer_redirects(
    fake: FakeGitHub, browser: httpx.Client
) -> None:
    first, second = [r for r in fake.account.repositories.values() if r.owner.kind == "User"][:2]
    old_name, old_short_name = first.full_name, first.name
    fake.account.rename(first.id, "moved-away")
    fake.account.rename(second.id, old_short_name)

    assert browser.get(f"/repos/{old_name}").json()["id"] == second.id


def test_transferred_repository_keeps_its_ids_and_redirects(fake: FakeGitHub, browser: httpx.Client) -> None:
    repository = fake.account.repositories[some_repository(fake)]
    before, old_name = repository.node_id, repository.full_name
    fake.account.transfer(repository.id, Owner(99, "elsewhere", "Organization"))

    after = browser.get(f"/repos/{old_name}", follow_redirects=True).json()

    assert (after["id"], after["node_id"]) == (repository.id, before)
    assert after["full_name"] == f"elsewhere/{repository.name}"


def test_deleted_repository_and_its_old_names_are_404(fake: FakeGitHub, browser: httpx.Client) -> None:
    repository = fake.account.repositories[some_repository(fake)]
    old_name = repository.full_name
    fake.account.rename(repository.id, "another-name")
    fake.account.delete(repository.id)

    for path in (f"/repos/{old_name}", f"/repositories/{repository.id}"):
        response = browser.get(path)
        assert response.status_code == 404
        assert response.json()["message"] == "Not Found"
        assert response.json()["status"] == "404"


def test_repository_without_access_looks_deleted(fake: FakeGitHub, browser: httpx.Client) -> None:
    hidden = some_repository(fake)
    fake.account.hide(hidden)

    assert browser.get(f"/repositories/{hidden}").json() == browser.get("/repositories/1").json()
    assert hidden not in [item["id"] for item in listing(browser, **LISTING).json()]


def test_archived_and_private_states_show_in_both_answers(fake: FakeGitHub, browser: httpx.Client) -> None:
    changed = next(r.id for r in fake.account.repositories.values() if not r.private)
    fake.account.archive(changed)
    fake.account.make_private(changed)

    read = browser.get(f"/repositories/{changed}").json()
    listed = listing(browser, sort="updated", per_page=1).json()[0]

    for body in (read, listed):
        assert (body["id"], body["archived"], body["private"]) == (changed, True, True)
        assert body["visibility"] == "private"


@pytest.mark.parametrize("reason", ["dmca", "tos"])
def test_blocked_repository_is_451_with_the_reason(
    fake: FakeGitHub, browser: httpx.Client, reason: str
) -> None:
    blocked = some_repository(fake)
    fake.account.block(blocked, reason)

    response = browser.get(f"/repositories/{blocked}")

    assert response.status_code == 451
    assert response.json()["block"]["reason"] == reason


def test_organisation_with_sso_withholds_its_repositories(fake: FakeGitHub, browser: httpx.Client) -> None:
    withheld = some_repository(fake, "Organization")
    organisation = fake.account.repositories[withheld].owner
    fake.account.require_sso(organisation.login)

    refused = browser.get(f"/repositories/{withheld}")
    page = listing(browser, **LISTING)

    assert refused.status_code == 403
    assert refused.headers["x-github-sso"].startswith("required; url=https://github.com/orgs/")
    assert page.headers["x-github-sso"] == f"partial-results; organizations={organisation.id}"
    assert organisation.login not in {item["owner"]["login"] for item in page.json()}
    fake.account.authorise_sso(organisation.login)
    assert "x-github-sso" not in listing(browser, **LISTING).headers


def test_listing_page_links_have_the_recorded_relations_in_the_recorded_order(browser: httpx.Client) -> None:
    recorded = [r for r in recordings("paginate-issues") if r.method == "GET"]
    shapes = [re.findall(r'rel="(\w+)"', r.headers["link"]) for r in recorded]

    pages = [listing(browser, per_page=26, page=number) for number in range(1, 6)]

    assert [re.findall(r'rel="(\w+)"', page.headers["link"]) for page in pages] == shapes
    assert relations(pages[2]) == {"prev": "2", "next": "4", "last": "5", "first": "1"}
    assert "per_page=26" in pages[0].links["next"]["url"]


def test_listing_headers_are_those_of_a_recorded_page(browser: httpx.Client) -> None:
    recorded = next(r for r in recordings("paginate-issues") if r.method == "GET")

    assert set(listing(browser, per_page=5).headers) == set(recorded.headers) - TRANSPORT_HEADERS


@pytest.mark.parametrize(
    ("sent", "items"), [({}, 30), ({"per_page": 500}, 100), ({"per_page": 0}, 30), ({"per_page": "x"}, 30)]
)
def test_listing_page_size_is_capped_and_nonsense_falls_back(
    browser: httpx.Client, sent: dict[str, str | int], items: int
) -> None:
    assert len(listing(browser, **sent).json()) == items


def test_listing_on_one_page_has_no_link(fake: FakeGitHub, browser: httpx.Client) -> None:
    fake.reset(demo_account(94))

    response = listing(browser, per_page=100)

    assert len(response.json()) == 100
    assert "link" not in response.headers


def test_listing_followed_to_its_end_shows_each_repository_once(
    fake: FakeGitHub, browser: httpx.Client
) -> None:
    seen: list[int] = []
    url: str | None = "/user/repos?per_page=100&sort=created&direction=desc"
    while url is not None:
        response = browser.get(url)
        seen += [item["id"] for item in response.json()]
        url = response.links["next"]["url"] if "next" in response.links else None

    assert Counter(seen) == Counter(fake.account.repositories.keys())


@pytest.mark.parametrize("sort", ["created", "updated", "pushed", "full_name"])
def test_listing_sorts_both_ways(browser: httpx.Client, sort: str) -> None:
    def ids(direction: str) -> list[int]:
        return [
            item["id"]
            for page in (1, 2)
            for item in listing(browser, sort=sort, direction=direction, per_page=100, page=page).json()
        ]

    assert ids("asc") == ids("desc")[::-1]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"visibility": "private"}, 43),
        ({"visibility": "public"}, 87),
        ({"affiliation": "owner"}, 78),
        ({"affiliation": "organization_member"}, 51),
        ({"affiliation": "collaborator"}, 1),
        ({"affiliation": "owner,collaborator"}, 79),
        ({"type": "owner"}, 78),
        ({"type": "member"}, 52),
        ({"type": "private"}, 43),
    ],
)
def test_listing_filters_choose_repositories(
    browser: httpx.Client, filters: dict[str, str], expected: int
) -> None:
    pages = [listing(browser, per_page=100, page=page, **filters).json() for page in (1, 2)]

    assert len(pages[0]) + len(pages[1]) == expected


def test_listing_since_and_before_split_the_account(browser: httpx.Client) -> None:
    moment = "2020-01-01T00:00:00Z"

    later = listing(browser, since=moment, per_page=100).json()
    earlier = listing(browser, before=moment, per_page=100).json()

    assert len(later) + len(earlier) == 130
    assert min(item["updated_at"] for item in later) > moment > max(item["updated_at"] for item in earlier)


@pytest.mark.parametrize(
    "parameters",
    [
        {"type": "owner", "visibility": "all"},
        {"type": "all", "affiliation": "owner"},
        {"sort": "stars"},
        {"visibility": "internal"},
        {"affiliation": "owner,friend"},
        {"direction": "up"},
        {"type": "mine"},
        {"since": "yesterday"},
    ],
)
def test_listing_with_parameters_github_refuses_is_422(
    browser: httpx.Client, parameters: dict[str, str]
) -> None:
    assert listing(browser, **parameters).status_code == 422


def test_validation_error_has_the_recorded_fields(browser: httpx.Client) -> None:
    recorded = next(r for r in recordings("errors") if r.status == 422)

    body = listing(browser, sort="stars").json()

    assert set(body) == set(recorded.content)
    assert set(body["errors"][0]) == set(recorded.content["errors"][0])


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"authorization": "Bearer gho_unknown"}, "Bad credentials"),
        ({"authorization": "Basic bWlyYTpzZWNyZXQ="}, "Bad credentials"),
        ({}, "Requires authentication"),
    ],
)
def test_call_without_a_known_token_is_401(fake: FakeGitHub, headers: dict[str, str], message: str) -> None:
    response = httpx.get(f"{fake.url}/user", headers=headers)

    assert response.status_code == 401
    assert response.json()["message"] == message
    assert fake.account.core.remaining == 5000


def test_revoked_token_is_401(fake: FakeGitHub, browser: httpx.Client) -> None:
    fake.account.revoke(DEMO_TOKEN)

    assert browser.get("/user").json()["message"] == "Bad credentials"


def test_call_without_user_agent_is_403_html(browser: httpx.Client) -> None:
    response = browser.get("/user", headers={"user-agent": ""})

    assert response.status_code == 403
    assert "User-Agent header" in response.text


@pytest.mark.parametrize(
    ("version", "status"), [("2026-03-10", 200), ("2022-11-28", 200), ("2021-01-01", 400)]
)
def test_api_version_is_known_or_refused(browser: httpx.Client, version: str, status: int) -> None:
    response = browser.get("/user", headers={"x-github-api-version": version})

    assert response.status_code == status


@pytest.mark.parametrize(
    "path", ["/user/", "/user/repos/", "/repositories/abc", "/repos/a%2Fb/c", "/nowhere"]
)
def test_unknown_path_or_trailing_slash_is_404(browser: httpx.Client, path: str) -> None:
    assert browser.get(path).status_code == 404


def test_rate_limit_counts_calls_and_is_free_itself(browser: httpx.Client) -> None:
    answers = [browser.get("/user"), browser.get("/rate_limit"), browser.get("/rate_limit")]

    assert [a.headers["x-ratelimit-remaining"] for a in answers] == ["4999", "4999", "4999"]
    assert answers[2].json()["resources"]["core"]["used"] == 1
    assert [a.headers["x-ratelimit-used"] for a in answers] == ["1", "1", "1"]


@pytest.mark.parametrize("status", [403, 429])
def test_primary_limit_used_up_refuses_until_the_reset(
    fake: FakeGitHub, browser: httpx.Client, status: int
) -> None:
    fake.account.limited_status = 403 if status == 403 else 429
    fake.account.core.remaining = 1

    allowed, refused = browser.get("/user"), browser.get("/user")

    assert (allowed.status_code, refused.status_code) == (200, status)
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert refused.json()["message"].startswith("API rate limit exceeded")
    assert browser.get("/rate_limit").status_code == 200
    fake.account.core.reset_at = 0
    assert browser.get("/user").headers["x-ratelimit-remaining"] == "4999"


@pytest.mark.parametrize("status", [403, 429])
def test_secondary_limit_refuses_with_retry_after(
    fake: FakeGitHub, browser: httpx.Client, status: int
) -> None:
    fake.account.secondary_limit = SecondaryLimit(retry_after="17", status=403 if status == 403 else 429)

    refused = browser.get("/user/repos")

    assert refused.status_code == status
    assert refused.headers["retry-after"] == "17"
    assert "secondary rate limit" in refused.json()["message"]
    assert refused.headers["x-ratelimit-remaining"] != "0"


def test_etag_sent_back_is_304_and_free_until_something_changes(
    fake: FakeGitHub, browser: httpx.Client
) -> None:
    path = f"/repositories/{some_repository(fake)}"
    tag = browser.get(path).headers["etag"]

    unchanged = browser.get(path, headers={"if-none-match": tag})
    fake.account.archive(some_repository(fake))
    changed = browser.get(path, headers={"if-none-match": tag})

    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["x-ratelimit-remaining"] == "4999"
    assert changed.status_code == 200


def test_etag_of_one_token_is_unknown_to_another(fake: FakeGitHub, browser: httpx.Client) -> None:
    fake.account.grant("gho_second")
    tag = browser.get("/user").headers["etag"]

    other = browser.get("/user", headers={"authorization": "token gho_second", "if-none-match": tag})

    assert other.status_code == 200


def test_faults_come_after_as_many_answers_as_asked(fake: FakeGitHub, browser: httpx.Client) -> None:
    fake.account.fail_next(Fault(status=502), times=2, after=1)

    assert [browser.get("/user").status_code for _ in range(4)] == [200, 502, 502, 200]


def test_cut_connection_ends_in_the_middle_of_the_body(fake: FakeGitHub, browser: httpx.Client) -> None:
    fake.account.fail_next(Fault(kind="cut"))

    with pytest.raises(httpx.RemoteProtocolError):
        browser.get("/user")


def test_latency_outlasts_a_shorter_read_timeout(fake: FakeGitHub, browser: httpx.Client) -> None:
    fake.account.latency_seconds = 5

    with pytest.raises(httpx.ReadTimeout):
        browser.get("/user", timeout=0.05)


def test_dates_of_answers_are_http_dates(fake: FakeGitHub, browser: httpx.Client) -> None:
    response = browser.get(f"/repositories/{some_repository(fake)}")

    assert parsedate_to_datetime(response.headers["date"]).tzinfo is not None
    assert parsedate_to_datetime(response.headers["last-modified"]).tzinfo is not None


def test_description_file_holds_what_the_checks_need() -> None:
    listing_operation = operation("/user/repos")

    assert listing_operation is not None
    assert {resolved(p)["name"] for p in listing_operation["parameters"]} >= {"page", "per_page", "sort"}
    assert violations({"$ref": "#/components/schemas/repository"}, {"id": 1}) != []
