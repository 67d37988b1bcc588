"""Work items of the caller."""

from functions.work_items.schemas import WorkItemReadFull
from shared.entities.work_items import WorkItemListItem, WorkItemRead
from shared.resources.lists import Page
from shared.resources.service import ResourceService


class WorkItemService(ResourceService[WorkItemRead, WorkItemListItem, WorkItemReadFull]):
    """Reads and changes work items. The database decides which moves of a status are allowed."""

    table = "work_items"
    noun = "work item"
    row = WorkItemRead
    item = WorkItemListItem
    page = Page[WorkItemListItem]
    detail = WorkItemReadFull
