"""An entry as it is looked at before a change of its values."""

from typing import Annotated

from functions.app_info.stored_values import EntryPlaces
from shared.entities.app_info import OVERRIDES, AppInfoRead, Environment, EnvironmentValue


class StoredEnvironment(EnvironmentValue):
    """What an entry holds in an environment, with the number of its value."""

    secret_number: int | None


class StoredEntry(AppInfoRead):
    """An entry with the numbers of its values, from which the place of the next one follows."""

    secret_number: int | None
    environments: Annotated[list[StoredEnvironment], OVERRIDES]  # type: ignore[assignment]  # of the same shape

    @property
    def plain_overrides(self) -> dict[Environment, str]:
        """The values for environments that are no secrets."""
        return {each.environment: each.value for each in self.environments if each.value is not None}

    @property
    def has_overrides(self) -> bool:
        """Whether it has a value for an environment."""
        return any(each.has_value for each in self.environments)

    @property
    def secret_numbers(self) -> set[int]:
        """The numbers of the secrets that it holds now."""
        numbers = [self.secret_number, *(each.secret_number for each in self.environments)]
        return {number for number in numbers if number is not None}

    def guess_places(self) -> EntryPlaces:
        """Where its next value most likely belongs. The database knows, and refuses another."""
        next_number = max(self.secret_numbers, default=0) + 1
        return EntryPlaces(
            id=self.id, product_id=self.product_id, key=self.key, next_number=next_number, values=[]
        )

    def to_read(self) -> AppInfoRead:
        """The entry as its owner sees it."""
        return AppInfoRead.model_validate(self.model_dump())
