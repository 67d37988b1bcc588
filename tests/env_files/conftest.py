"""One Node for all tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.env_files.readers import NodeDotenv, run_node_dotenv


@pytest.fixture(scope="session")
def node_dotenv() -> Iterator[NodeDotenv]:
    with run_node_dotenv() as running:
        yield running
