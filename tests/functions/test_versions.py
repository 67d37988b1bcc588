"""No lost updates, and no answer sent twice: If-Match and If-None-Match."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.functions.conftest import Client, in_own_loop
from tests.functions.events import Answer
from tests.functions.resources import Resource, every_resource


@every_resource
def test_detail_that_was_seen_is_304_without_a_body(resource: Resource, owner: Client) -> None:
    url = f"{resource.path}/{resource.create(owner)['id']}"
    seen = owner.get(url).headers["etag"]
    for tags in (seen, f"W/{seen}", f'"other", {seen}'):
        answer = owner.get(url, headers={"If-None-Match": tags})
        assert (answer.status, answer.text, answer.headers["etag"]) == (304, "", seen)
    owner.get(url, headers={"If-None-Match": '"other"'}).expect(200)


@every_resource
def test_detail_that_has_changed_since_is_sent_again(resource: Resource, owner: Client) -> None:
    url = f"{resource.path}/{resource.create(owner)['id']}"
    seen = owner.get(url).headers["etag"]
    owner.patch(url, resource.changes).expect(200)
    answer = owner.get(url, headers={"If-None-Match": seen})
    assert answer.expect(200)["version"] == 2


def test_detail_whose_nested_rows_have_changed_is_sent_again(owner: Client) -> None:
    product = owner.create_product()["id"]
    item = owner.create_work_item(product)
    url = f"/api/products/{product}"
    seen = owner.get(url).headers["etag"]
    owner.patch(f"/api/work/{item['id']}", {"title": "Other"}).expect(200)
    detail = owner.get(url, headers={"If-None-Match": seen}).expect(200)
    assert detail["version"] == 1
    assert detail["work_items"][0]["title"] == "Other"


@every_resource
def test_tag_of_a_detail_is_good_for_a_change(resource: Resource, owner: Client) -> None:
    url = f"{resource.path}/{resource.create(owner)['id']}"
    seen = owner.get(url).headers["etag"]
    owner.patch(url, resource.changes, headers={"If-Match": seen}).expect(200)
    owner.patch(url, resource.changes, headers={"If-Match": seen}).expect_problem(412, "version-mismatch")


@every_resource
def test_of_writers_with_the_same_version_exactly_one_wins(resource: Resource, owner: Client) -> None:
    url = f"{resource.path}/{resource.create(owner)['id']}"

    def change(number: int) -> Answer:
        text = {resource.text: f"WRITER_{number}"}
        return in_own_loop(lambda: owner.patch(url, text, headers={"If-Match": '"1"'}))

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(change, range(6)))
    (won,) = [answer.json for answer in answers if answer.status == 200]
    lost = [answer for answer in answers if answer.status != 200]
    assert len(lost) == 5
    for answer in lost:
        assert answer.expect_problem(412, "version-mismatch")["current"][resource.text] == won[resource.text]
    stored = owner.get(url).expect(200)
    assert (stored[resource.text], stored["version"]) == (won[resource.text], 2)


fields: dict[str, st.SearchStrategy[Any]] = {
    "title": st.text("abc \"'%ü", min_size=1, max_size=5).filter(str.strip),
    "description": st.none() | st.text("abc\\", max_size=5),
    "type": st.sampled_from(["feature", "fix", "refactor", "investigation"]),
    "priority": st.integers(0, 4),
}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(patches=st.lists(st.fixed_dictionaries({}, optional=fields), max_size=5))
def test_any_sequence_of_changes_ends_in_what_was_sent_last(
    patches: list[dict[str, Any]], owner: Client
) -> None:
    row = owner.create_work_item(owner.create_product()["id"])
    url = f"/api/work/{row['id']}"
    expected = dict(row)
    for patch in patches:
        changed = {**expected, **patch} != expected
        expected |= patch
        answered = owner.patch(url, patch).expect(200)
        expected["version"] += changed
        expected["updated_at"] = answered["updated_at"]
        assert answered == expected
