"""Work items: their status, their repository."""

import pytest

from tests.functions.conftest import Client

MOVES = {"todo": ["in_progress"], "in_progress": ["done", "todo"], "done": ["todo"]}
PATHS = {"todo": [], "in_progress": ["in_progress"], "done": ["in_progress", "done"]}
ALL_MOVES = [(old, new) for old in MOVES for new in MOVES]


def create_with_status(owner: Client, status: str) -> str:
    """The path of a work item that has moved to a status."""
    item = owner.create_work_item(owner.create_product()["id"])
    url = f"/api/work/{item['id']}"
    for step in PATHS[status]:
        owner.post(f"{url}/status", {"status": step}).expect(200)
    return url


def test_work_item_starts_as_todo_and_nothing_else(owner: Client) -> None:
    product = owner.create_product()["id"]
    assert owner.create_work_item(product)["status"] == "todo"
    assert owner.create_work_item(product, status="todo")["status"] == "todo"
    body = {"product_id": product, "title": "x", "status": "done"}
    problem = owner.post("/api/work", body).expect_problem(422, "invalid")
    assert problem["errors"][0]["pointer"] == "/status"


@pytest.mark.parametrize(("old", "new"), [(old, new) for old, new in ALL_MOVES if new in MOVES[old]])
def test_allowed_move_changes_the_status_and_the_version(old: str, new: str, owner: Client) -> None:
    url = create_with_status(owner, old)
    before = owner.get(url).expect(200)
    answer = owner.post(f"{url}/status", {"status": new}, headers={"If-Match": f'"{before["version"]}"'})
    after = answer.expect(200)
    assert (after["status"], after["version"]) == (new, before["version"] + 1)
    assert answer.headers["etag"] == f'"{after["version"]}"'


@pytest.mark.parametrize(
    ("old", "new"), [(old, new) for old, new in ALL_MOVES if new not in MOVES[old] and new != old]
)
def test_other_move_is_409_and_names_the_allowed_ones(old: str, new: str, owner: Client) -> None:
    url = create_with_status(owner, old)
    before = owner.get(url).expect(200)
    for answer in (owner.post(f"{url}/status", {"status": new}), owner.patch(url, {"status": new})):
        problem = answer.expect_problem(409, "status-transition")
        assert sorted(problem["allowed"]) == sorted(MOVES[old])
        assert problem["errors"][0]["pointer"] == "/status"
    assert owner.get(url).expect(200) == before


@pytest.mark.parametrize("status", list(MOVES))
def test_move_to_the_same_status_changes_nothing(status: str, owner: Client) -> None:
    url = create_with_status(owner, status)
    before = owner.get(url).expect(200)
    after = owner.post(f"{url}/status", {"status": status}).expect(200)
    assert after["version"] == before["version"]


def test_move_with_a_stale_version_is_412(owner: Client) -> None:
    url = create_with_status(owner, "in_progress")
    answer = owner.post(f"{url}/status", {"status": "done"}, headers={"If-Match": '"1"'})
    assert answer.expect_problem(412, "version-mismatch")["current"]["status"] == "in_progress"


def test_move_of_a_strangers_work_item_is_404(owner: Client, stranger: Client) -> None:
    url = create_with_status(owner, "todo")
    stranger.post(f"{url}/status", {"status": "in_progress"}).expect_problem(404, "not-found")
    assert owner.get(url).expect(200)["status"] == "todo"


@pytest.mark.parametrize("body", [{}, {"status": "blocked"}, {"status": None}, {"status": "done", "x": 1}])
def test_move_without_a_status_that_exists_is_422(body: dict[str, object], owner: Client) -> None:
    url = create_with_status(owner, "todo")
    owner.post(f"{url}/status", body).expect_problem(422, "invalid")


def test_detail_shows_the_product_and_the_repository(owner: Client) -> None:
    product = owner.create_product(name="Atlas")
    repository = owner.create_repository(product["id"], url="https://example.com/atlas")
    item = owner.create_work_item(product["id"], repository_id=repository["id"])
    detail = owner.get(f"/api/work/{item['id']}").expect(200)
    assert detail["product"] == {"id": product["id"], "name": "Atlas"}
    assert detail["repository"] == {name: repository[name] for name in ("id", "name", "full_name", "url")}


def test_repository_of_another_product_is_refused(owner: Client, stranger: Client) -> None:
    product = owner.create_product()["id"]
    item = owner.create_work_item(product)
    elsewhere = owner.create_repository(owner.create_product()["id"])["id"]
    foreign = stranger.create_repository(stranger.create_product()["id"])["id"]
    for repository_id in (elsewhere, foreign):
        answer = owner.patch(f"/api/work/{item['id']}", {"repository_id": repository_id})
        problem = answer.expect_problem(409, "reference")
        assert problem["errors"][0]["pointer"] == "/repository_id"


def test_move_to_a_product_without_the_repository_is_refused_unless_the_link_goes(owner: Client) -> None:
    product, other = (owner.create_product()["id"] for _ in range(2))
    repository = owner.create_repository(product)["id"]
    url = f"/api/work/{owner.create_work_item(product, repository_id=repository)['id']}"
    problem = owner.patch(url, {"product_id": other}).expect_problem(409, "reference")
    assert problem["errors"][0]["pointer"] == "/repository_id"
    moved = owner.patch(url, {"product_id": other, "repository_id": None}).expect(200)
    assert (moved["product_id"], moved["repository_id"]) == (other, None)


def test_deleted_repository_leaves_its_work_items_without_one(owner: Client) -> None:
    product = owner.create_product()["id"]
    repository = owner.create_repository(product)["id"]
    item = owner.create_work_item(product, repository_id=repository)
    assert owner.delete(f"/api/repositories/{repository}").status == 204
    assert owner.get(f"/api/work/{item['id']}").expect(200)["repository_id"] is None
