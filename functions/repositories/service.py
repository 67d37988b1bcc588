"""Repositories of the caller."""

from functions.repositories.schemas import RepositoryReadFull
from shared.entities.repositories import RepositoryListItem, RepositoryRead
from shared.resources.lists import Page
from shared.resources.service import ResourceService


class RepositoryService(ResourceService[RepositoryRead, RepositoryListItem, RepositoryReadFull]):
    """Reads and changes repositories. The database refuses changes to what GitHub owns."""

    table = "repositories"
    noun = "repository"
    row = RepositoryRead
    item = RepositoryListItem
    page = Page[RepositoryListItem]
    detail = RepositoryReadFull
