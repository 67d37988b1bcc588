"""Everything of an account, as the database brings it: supabase/schemas/655_account_export.sql."""

from typing import Any, NamedTuple, Self, cast

from functions.export.lines import compose
from functions.export.places import Place, begin, read_place, read_time
from functions.export.schemas import ExportQuery
from shared.database.client import CallersClient, Supabase

LAST_STEP = 13


class ExportedPage(NamedTuple):
    """A page, and where the next one begins; None behind the last."""

    content: bytes
    next: Place | None


class ExportService:
    """Reads the account of a person, page by page."""

    def __init__(self, supabase: CallersClient) -> None:
        self.supabase = supabase

    @classmethod
    async def for_caller(cls, supabase: Supabase) -> Self:
        """The service of one request."""
        return cls(supabase)

    def get_page(self, query: ExportQuery) -> ExportedPage:
        """The rows behind a place. Raises `Invalid`."""
        manifest: dict[str, Any] | None = None
        if query.cursor is None:
            manifest = cast("dict[str, Any]", self.supabase.rpc("start_export", {}).execute().data)
            place = begin(manifest["started_at"])
        else:
            place = read_place(query.cursor)
        asked: Any = {
            "step": place.step,
            "after_time": place.time and place.time.isoformat(),
            "after_id": place.id and str(place.id),
            "after_number": place.number,
            "changed_since": place.started_at.isoformat(),
        }
        found: Any = self.supabase.rpc("export_page", asked).execute().data
        rows = [(line["entity"], line["content"]) for line in found if line["entity"] is not None]
        last = found[-1]
        following = None
        if last["at_step"] <= LAST_STEP:
            following = Place(
                started_at=place.started_at,
                step=last["at_step"],
                time=read_time(last["place_time"]),
                id=last["place_id"],
                number=last["place_number"],
            )
        return ExportedPage(compose(manifest, rows), following)
