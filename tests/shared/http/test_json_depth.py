"""The depth of a body is found out in memory that its own length bounds."""

import tracemalloc

import pytest

from shared.errors import BadRequest
from shared.http.json_depth import MAX_DEPTH, refuse_deep_json

MANY = b"[[]" + b",[]" * MAX_DEPTH + b","


@pytest.mark.parametrize(
    "text", [b"a" * 3_000_000, b"\\n" * 1_500_000, b"[{" * 1_500_000, b'\\"' * 1_500_000]
)
def test_long_text_takes_no_more_memory_than_a_few_copies_of_it(text: bytes) -> None:
    body = MANY + b'"' + text + b'"]'
    tracemalloc.start()
    refuse_deep_json(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * len(body)


@pytest.mark.parametrize("body", [b"[" * 40, b"[" * 40 + b'"', b'{"a":' * 33, b'["\\""' + b"[" * 40])
def test_depth_of_what_is_no_json_is_found_as_well(body: bytes) -> None:
    with pytest.raises(BadRequest):
        refuse_deep_json(body)
