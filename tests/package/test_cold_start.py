"""What a new process loads and asks for until its first answer, in counts. `make bench` measures the time."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local.supabase import Supabase
from tests.functions.events import make_event
from tests.package.test_running import FUNCTIONS

SCRIPT = Path(__file__).with_name("first_answers.py")

# What is large and what no function, or no first answer of products, has a use for.
NOT_LOADED = {
    *("boto3", "botocore"),  # 100 ms, for the queue and KMS only
    *("h2", "hpack", "hyperframe"),  # HTTP/2
    *("supabase", "supabase_auth", "supabase_functions", "realtime", "storage3", "websockets"),
    *("aws_xray_sdk", "email_validator", "pycparser"),
}
NOT_LOADED_BY_PRODUCTS = {"dotenv", "shared.github", "shared.sync", "shared.encryption"}

# Without Python's own, of which each version has others. Hello world loads 202, a list of products 473, 52 of
# them ours. The rest, 15 %, is room for a release of a library that splits a module: it is not ours to spend.
MAX_MODULES = 544


def start(
    artifact: Path, function: str, settings: dict[str, str], event: dict[str, Any] | None = None
) -> Any:
    """What a new process tells of a function."""
    interpreter = Path(sys.base_prefix) / "bin" / "python3"
    module = f"functions.{function}.handler"
    ended = subprocess.run(  # noqa: S603 - what this test has built
        [interpreter, "-I", "-S", "-B", SCRIPT, artifact, module, json.dumps(event) if event else ""],
        env={**settings, "AWS_LAMBDA_FUNCTION_NAME": f"forum-test-{function}"},
        cwd=artifact,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(ended.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def products(unpacked: Path, settings: dict[str, str], supabase: Supabase) -> Any:
    """The function of products, after two lists."""
    headers = {"authorization": f"Bearer {supabase.create_user().access_token}"}
    told = start(unpacked, "products", settings, make_event("GET", "/api/products", headers, None))
    assert told["statuses"] == [200, 200]
    return told


def find_loaded(told: Any, names: set[str]) -> list[str]:
    return [module for module in told["modules"] if any(f"{module}.".startswith(f"{n}.") for n in names)]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_function_loads_what_it_has_no_use_for(
    function: str, unpacked: Path, settings: dict[str, str]
) -> None:
    assert find_loaded(start(unpacked, function, settings), NOT_LOADED) == []


def test_list_of_products_loads_nothing_that_only_others_need(products: Any) -> None:
    assert find_loaded(products, NOT_LOADED | NOT_LOADED_BY_PRODUCTS) == []


def test_list_of_products_loads_few_modules(products: Any) -> None:
    packaged = [name for name in products["modules"] if name.partition(".")[0] not in sys.stdlib_module_names]
    assert len(packaged) <= MAX_MODULES, (
        f"A cold start loads {len(packaged)} modules. Compare them with those of the commit before. If each"
        " new one is needed and `make bench` holds the bound, set MAX_MODULES to the new number and 15 %."
    )


def test_first_list_asks_for_the_keys_and_the_rows_and_the_next_keeps_the_connection(products: Any) -> None:
    assert products["connections"] == [2, 0]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_collector_rests_while_a_function_loads_and_works_afterwards(
    function: str, unpacked: Path, settings: dict[str, str]
) -> None:
    told = start(unpacked, function, settings)
    assert told["collections"] == 0
    assert told["collects_after"] == 10_000
    assert told["frozen"] > 0
