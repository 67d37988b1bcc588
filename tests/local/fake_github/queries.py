"""GraphQL as a test asks it, and both of GitHub's answers about one repository in the same words."""

from collections.abc import Sequence
from typing import Any

import httpx

FIELDS = """
  id databaseId name nameWithOwner description url isPrivate visibility isArchived archivedAt isDisabled
  isLocked lockReason stargazerCount forkCount primaryLanguage { name } defaultBranchRef { name } updatedAt
  pushedAt viewerPermission
"""
REPOSITORIES = f"""
  query($ids: [ID!]!) {{
    nodes(ids: $ids) {{ __typename ... on Repository {{ {FIELDS} }} }}
    rateLimit {{ cost remaining resetAt limit used }}
  }}
"""


def ask(browser: httpx.Client, query: str, **variables: Any) -> httpx.Response:
    return browser.post("/graphql", json={"query": query, "variables": variables})


def read_nodes(browser: httpx.Client, ids: Sequence[str]) -> dict[str, Any]:
    """The whole answer to one query for these ids."""
    response = ask(browser, REPOSITORIES, ids=ids)
    assert response.status_code == 200
    content: dict[str, Any] = response.json()
    return content


def from_rest(body: dict[str, Any]) -> dict[str, Any]:
    return {
        "node_id": body["node_id"],
        "name": body["name"],
        "full_name": body["full_name"],
        "description": body["description"],
        "url": body["html_url"],
        "private": body["private"],
        "visibility": body["visibility"],
        "archived": body["archived"],
        "language": body["language"],
        "stars": body["stargazers_count"],
        "forks": body["forks_count"],
        "pushed_at": body["pushed_at"],
        "updated_at": body["updated_at"],
    }


def from_graphql(node: dict[str, Any]) -> dict[str, Any]:
    return {
        "node_id": node["id"],
        "name": node["name"],
        "full_name": node["nameWithOwner"],
        "description": node["description"],
        "url": node["url"],
        "private": node["isPrivate"],
        "visibility": node["visibility"].lower(),
        "archived": node["isArchived"],
        "language": node["primaryLanguage"] and node["primaryLanguage"]["name"],
        "stars": node["stargazerCount"],
        "forks": node["forkCount"],
        "pushed_at": node["pushedAt"],
        "updated_at": node["updatedAt"],
    }
