"""A demo user who has used Forum a little, so that the first request shows something."""

from collections.abc import Mapping
from pathlib import Path

import httpx

from local.part import PartError
from local.supabase import Supabase

WORK_ITEMS = (
    {"title": "Show the forecast offline", "type": "feature", "priority": 2},
    {"title": "Map tiles load twice after a rotation", "type": "fix", "priority": 1},
)


def add_sample_data(supabase: Supabase, token: str, marker: Path) -> None:
    """Adds it once: what the user deletes stays deleted."""
    if marker.exists():
        return
    headers = {
        "apikey": supabase.anon_key,
        "authorization": f"Bearer {token}",
        "prefer": "return=representation",
    }
    with httpx.Client(base_url=f"{supabase.url}/rest/v1/", headers=headers, timeout=60) as rest:
        product = {"name": "Havørn", "description": "Weather and charts for small boats.", "color": "#1d6fa5"}
        product_id = add(rest, "products", product)
        document = {
            "title": "How a forecast reaches the boat",
            "content": "# Forecasts\n\nFetched at the quay, kept for three days.",
            "type": "architecture",
        }
        url = {"key": "FORECAST_URL", "value": "https://forecast.example.com/v2", "category": "url"}
        for item in WORK_ITEMS:
            add(rest, "work_items", {**item, "product_id": product_id})
        add(rest, "documents", {**document, "product_id": product_id})
        add(rest, "app_info", {**url, "product_id": product_id})
    marker.touch()


def add(rest: httpx.Client, table: str, row: Mapping[str, object]) -> str:
    """Adds a row and returns its id."""
    answer = rest.post(table, json=row)
    if not answer.is_success:
        raise PartError(f"The demo user's {table} are refused with {answer.status_code}: {answer.text}")
    return str(answer.json()[0]["id"])
