"""What the demo user keeps in Forum: four products, as somebody has them who runs several at once."""

from dataclasses import dataclass
from typing import Any

JSON = dict[str, Any]


@dataclass(frozen=True)
class Work:
    """A work item, and how far it has come. `repository` is a name on GitHub."""

    title: str
    type: str
    priority: int = 0
    status: str = "todo"
    repository: str | None = None
    description: str | None = None


@dataclass(frozen=True)
class SampleProduct:
    """A product with what belongs to it. `repositories` are names on GitHub, imported from there."""

    product: JSON
    repositories: tuple[str, ...]
    work: tuple[Work, ...]
    documents: tuple[JSON, ...] = ()
    app_info: tuple[JSON, ...] = ()


HAVORN = SampleProduct(
    {
        "name": "Havørn",
        "description": "Weather and charts for small boats.",
        "color": "#1d6fa5",
        "icon": "⛵",
        "commitment": "must",
        "next_note": "Finish the tile fix before the weekend: the regatta sails on it.",
    },
    ("harbor-api", "harbor-web", "harbor-ios", "harbor-android", "Kystlinje.Kart_2"),
    (
        Work("Map tiles load twice after a rotation", "fix", 1, "in_progress", "harbor-ios"),
        Work(
            *("Show the forecast offline", "feature", 2, "in_progress", "harbor-api"),
            description="Three days without coverage are usual north of the circle.",
        ),
        Work("Depth contours flicker at zoom 14", "fix", 2, repository="Kystlinje.Kart_2"),
        Work("Which tide model is good enough for a harbour?", "investigation", 3),
        Work("Share a position by link", "feature", 4, repository="harbor-web"),
        Work("Move the tile cache off the main thread", "refactor", 3, "done", "harbor-android"),
        Work("Sign in with a boat's call sign", "feature", 0),
    ),
    (
        {
            "title": "How a forecast reaches the boat",
            "content": "# Forecasts\n\nFetched at the quay, kept for three days.\n\n"
            "1. `harbor-api` reads the model runs at 00, 06, 12 and 18 UTC.\n"
            "2. The app asks for the tiles around the last track.\n"
            "3. Without coverage the newest run on the device is shown, with its age.\n",
            "type": "architecture",
            "is_pinned": True,
        },
        {
            "title": "Season 2027",
            "content": "# Season 2027\n\n- [ ] tides\n- [ ] offline charts for Svalbard\n- [x] a dark map\n",
            "type": "plan",
        },
    ),
    (
        {"key": "FORECAST_URL", "value": "https://forecast.example.com/v2", "category": "url"},
        {"key": "FORECAST_API_KEY", "value": "fc_live_3f9a1c77d2", "category": "env_var", "is_secret": True},
        {"key": "TILE_CACHE_MB", "value": "512", "category": "env_var"},
        {"key": "App Store account", "value": "appstore@example.com", "category": "note"},
    ),
)

LANTERN = SampleProduct(
    {
        "name": "Lantern",
        "description": "Status pages that stay up.",
        "color": "#d97706",
        "icon": "🔦",
        "commitment": "support",
    },
    ("lantern-api", "lantern-web", "lantern-worker", "lantern-infra"),
    (
        Work("Incidents are mailed twice", "fix", 1, repository="lantern-worker"),
        Work("Webhooks with a signature", "feature", 2, "in_progress", "lantern-api"),
        Work("Move to one cluster", "refactor", 3, repository="lantern-infra"),
        Work("Uptime as a badge", "feature", 4, "done", "lantern-web"),
    ),
    (
        {
            "title": "When everything is down",
            "content": "# Runbook\n\nThe status page is served from another region than what it watches.\n",
            "type": "note",
            "is_pinned": True,
        },
    ),
    (
        {"key": "SMTP_URL", "value": "smtps://mail.example.com", "category": "env_var"},
        {"key": "SMTP_PASSWORD", "value": "lantern-smtp-pw", "category": "env_var", "is_secret": True},
        {"key": "Dashboard", "value": "https://status.example.com/admin", "category": "url"},
    ),
)

QUILL = SampleProduct(
    {
        "name": "Quill",
        "description": "Letters on paper, sent from the browser.",
        "color": "#7c3aed",
        "icon": "🪶",
        "commitment": "want",
    },
    ("quill-api", "quill-web", "quill-docs"),
    (
        Work("Which printers take PDF/X-4?", "investigation", 2, "in_progress"),
        Work("Preview the fold", "feature", 3, repository="quill-web"),
        Work("Addresses with two house numbers", "fix", 2, "done", "quill-api"),
    ),
    (
        {
            "title": "What Quill is for",
            "content": "# Quill\n\nWrite in the browser, hold it in your hand two days later.\n",
            "type": "blueprint",
        },
    ),
    ({"key": "PRINTER_TOKEN", "value": "prn_7c1de0", "category": "credential", "is_secret": True},),
)

EMBER = SampleProduct(
    {
        "name": "Ember",
        "description": "An idea: how warm is this flat, and why?",
        "color": "#b91c1c",
        "icon": "🔥",
        "commitment": "parked",
    },
    ("ember-api", "just-an-idea"),
    (
        Work("Does the landlord's meter have an API?", "investigation", 3),
        Work("One week of readings by hand", "feature", 0, "done"),
    ),
)

SAMPLE_WORLD = (HAVORN, LANTERN, QUILL, EMBER)
