"""A demo user who has used Forum a little, so that the first request shows something."""

from pathlib import Path

import httpx

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
    with httpx.Client(base_url=f"{supabase.url}/rest/v1/", headers=headers, timeout=10) as rest:
        product = {"name": "Havørn", "description": "Weather and charts for small boats.", "color": "#1d6fa5"}
        answer = rest.post("products", json=product).raise_for_status()
        product_id = answer.json()[0]["id"]
        rows: dict[str, object] = {
            "work_items": [{**item, "product_id": product_id} for item in WORK_ITEMS],
            "documents": {
                "product_id": product_id,
                "title": "How a forecast reaches the boat",
                "content": "# Forecasts\n\nFetched at the quay, kept for three days.",
                "type": "architecture",
            },
            "app_info": {
                "product_id": product_id,
                "key": "FORECAST_URL",
                "value": "https://forecast.example.com/v2",
                "category": "url",
            },
        }
        for table, body in rows.items():
            rest.post(table, json=body).raise_for_status()
    marker.touch()
