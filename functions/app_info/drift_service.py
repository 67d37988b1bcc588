"""How a product's keys differ from the examples in its repositories on GitHub."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from functions.app_info.drift import Asked, KnownKey, Look, compare, look
from functions.app_info.drift_schemas import DriftReport
from shared.aws.deployment_secrets import read_secret
from shared.database.client import Supabase
from shared.database.rest_client import RestClient
from shared.errors import Forbidden, NotFound
from shared.github.env_examples import read_env_examples
from shared.github.graphql import GraphQL
from shared.github.problems import as_problems
from shared.github_tokens.callers import CallersGraphQL
from shared.settings import get_settings

# What is known of the file for certain, so that it can be kept.
KEPT = {"read", "no_file", "no_keys"}


class _Places(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    repositories: list[Asked]
    repositories_count: int
    keys: list[KnownKey]


class DriftService:
    """Asks GitHub with the caller's token and the database as the caller."""

    def __init__(self, supabase: RestClient, graphql: GraphQL) -> None:
        self._supabase = supabase
        self._graphql = graphql

    @classmethod
    async def for_caller(cls, supabase: Supabase, graphql: CallersGraphQL) -> Self:
        """The service of one request of a person."""
        return cls(supabase, graphql)

    def get_report(self, product_id: UUID) -> DriftReport:
        """The report, by one request to GitHub.

        Raises `NotFound`, and `Forbidden` where the token may not read the contents of any repository.
        """
        found = self._call("env_drift", target_product_id=str(product_id))
        if found is None:
            raise NotFound("There is no such product.")
        places = _Places.model_validate(found)
        left_out = places.repositories_count - len(places.repositories)
        if not places.repositories:
            return DriftReport(items=[], left_out=left_out)
        node_ids = list(dict.fromkeys(each.node_id for each in places.repositories))
        with as_problems():
            answer = read_env_examples(self._graphql, node_ids)
        looks = {node_id: look(answer.found[node_id]) for node_id in node_ids}
        _check_permission(list(looks.values()))
        self._keep(places.repositories, looks)
        items = compare(places.repositories, looks, places.keys, answer.sso_url, datetime.now(UTC))
        return DriftReport(items=items, left_out=left_out)

    def _keep(self, asked: Sequence[Asked], looks: dict[str, Look]) -> None:
        """Keep the names of files that have changed since the last look."""
        items = [
            _to_item(repository, looks[repository.node_id])
            for repository in asked
            if looks[repository.node_id].state in KEPT
            and looks[repository.node_id].oid != repository.env_example_oid
        ]
        if items:
            key = read_secret(get_settings().github_import_key)
            self._call("save_env_examples", items=items, import_key=key)

    def _call(self, function: str, **arguments: Any) -> Any:
        return self._supabase.rpc(function, arguments).execute().data


def _to_item(repository: Asked, seen: Look) -> dict[str, Any]:
    keys = None if seen.oid is None else sorted(seen.example.names)
    return {"id": str(repository.id), "oid": seen.oid, "keys": keys}


def _check_permission(looks: Sequence[Look]) -> None:
    """Raises `Forbidden` where the token reads the contents of none of the repositories that it sees."""
    states = {each.state for each in looks}
    if "no_permission" in states and states.isdisjoint(KEPT | {"not_text", "too_large"}):
        raise Forbidden(
            "The GitHub token may not read the contents of these repositories. Give it the permission"
            " “Contents: read”, or send another one as `X-GitHub-Token`.",
            type="github-contents-permission",
        )
