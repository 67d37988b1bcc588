"""The history of the caller's rows. Nobody writes it: the database does, with each change."""

from typing import cast

from functions.activity.schemas import ActivityRead
from shared.auth.sign_in import Caller
from shared.database.rest_client import RestClient
from shared.entities.activity import ActivityLine
from shared.resources.lists import Page
from shared.resources.service import ResourceService


class ActivityService(ResourceService[ActivityRead, ActivityRead, ActivityRead]):
    """Reads history."""

    table = "activity_lines"
    noun = "line of history"
    row = ActivityRead
    item = ActivityRead
    page = Page[ActivityRead]
    detail = ActivityRead

    def __init__(self, caller: Caller, supabase: RestClient) -> None:
        super().__init__(caller, supabase)
        if caller.kind == "token":
            # The rest is for people (650_activity_lines): a token's page has null in its place.
            self.item = cast("type[ActivityRead]", ActivityLine)
