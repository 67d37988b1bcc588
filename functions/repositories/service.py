"""Repositories of the caller."""

from functions.repositories.schemas import RepositoryReadFull
from shared.entities.repositories import RepositoryRead
from shared.lists import Page
from shared.resource_service import ResourceService


class RepositoryService(ResourceService[RepositoryRead, RepositoryRead, RepositoryReadFull]):
    """Reads and changes repositories. The database refuses changes to what GitHub owns."""

    table = "repositories"
    noun = "repository"
    row = RepositoryRead
    item = RepositoryRead
    page = Page[RepositoryRead]
    detail = RepositoryReadFull
