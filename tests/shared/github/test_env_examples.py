"""Example files by script: answers that the fake does not give, and those that nobody should trust."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.github.env_examples import EnvExample, read_env_examples
from tests.shared.github.test_graphql import Respond, answer, make_client

OID = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"


def blob(**changes: Any) -> dict[str, Any]:
    """A file as GitHub shows it."""
    file = {"oid": OID, "byteSize": 6, "isBinary": False, "isTruncated": False, "text": "PORT=\n"}
    return {"__typename": "Blob", **file, **changes}


def node(**files: Any) -> dict[str, Any]:
    """A repository without a file but those."""
    return {"id": "R_1", "example": None, "sample": None, "template": None, **files}


def read(respond: Respond) -> EnvExample:
    """What is read of the one repository of an answer."""
    return read_env_examples(make_client(respond), ["R_1"]).found["R_1"]


def refusal(*path: Any, type_: str = "FORBIDDEN", **more: Any) -> dict[str, Any]:
    """An error about the repository, or about a field of it."""
    return {"type": type_, "path": ["nodes", 0, *path], "message": "Resource not accessible", **more}


def test_text_of_a_file_does_not_show_in_its_representation() -> None:
    found = read(answer([node(example=blob(text="PORT=s3cr3t"))]))
    assert (found.state, found.file, found.oid, found.text) == ("found", ".env.example", OID, "PORT=s3cr3t")
    assert "s3cr3t" not in repr(found)


@pytest.mark.parametrize(
    ("file", "state"),
    [
        (blob(isBinary=True, text=None), "not_text"),
        # GitHub cannot tell.
        (blob(isBinary=None, text=None), "not_text"),
        (blob(isBinary=None), "found"),
        (blob(isTruncated=True), "too_large"),
        (blob(byteSize=65_537), "too_large"),
        (blob(byteSize=65_536), "found"),
        ({"__typename": "Tree"}, "not_text"),
        ({"__typename": "Commit"}, "not_text"),
        ({}, "unknown"),
        ("PORT=", "unknown"),
        (blob(oid="../../etc"), "unknown"),
        (blob(oid=OID + "\n"), "unknown"),
        (blob(byteSize="6"), "unknown"),
        (blob(text=["PORT="]), "unknown"),
    ],
)
def test_file_is_read_where_it_is_one(file: Any, state: str) -> None:
    assert read(answer([node(example=file)])).state == state


@pytest.mark.parametrize("whole", [node(), None])
def test_refusal_of_the_file_is_one_whether_or_not_it_takes_the_repository_along(whole: Any) -> None:
    found = read(answer([whole], refusal("example")))
    assert (found.state, found.reason) == ("no_permission", "Resource not accessible")


def test_refusal_of_a_file_for_want_of_a_sign_on_is_told_apart() -> None:
    error = refusal("example", extensions={"saml_failure": True})
    assert read(answer([node()], error)).state == "sso_required"


def test_refusal_of_a_file_that_does_not_count_is_none() -> None:
    found = read(answer([node(example=blob())], refusal("sample")))
    assert found.state == "found"


@pytest.mark.parametrize(
    ("errors", "state"),
    [
        ([refusal()], "forbidden"),
        ([refusal(extensions={"saml_failure": True})], "sso_required"),
        ([refusal(type_="NOT_FOUND")], "missing"),
        ([refusal("example", type_="SERVICE_UNAVAILABLE")], "unknown"),
        ([refusal("id")], "unknown"),
        ([], "unknown"),
    ],
)
def test_repository_that_is_not_shown_is_judged_as_by_a_resync(errors: list[Any], state: str) -> None:
    assert read(answer([None], *errors)).state == state


FIELDS = ["__typename", "oid", "text", "byteSize", "example", "sample"]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda some: st.lists(some) | st.dictionaries(st.sampled_from(FIELDS), some),
)


@given(ANYTHING)
def test_whatever_stands_in_place_of_a_file_ends_in_a_state(value: Any) -> None:
    for nodes in ([node(example=value)], [value], [node(sample=value)]):
        assert read(answer(nodes)).state in {"found", "no_file", "not_text", "too_large", "unknown"}
