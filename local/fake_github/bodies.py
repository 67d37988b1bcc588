"""The JSON that GitHub sends: each field its OpenAPI requires, and what recordings show beside them."""

from datetime import UTC, datetime
from typing import Any

from local.fake_github.account import Account, Owner, Repository

Json = dict[str, Any]

WEB = "https://github.com"

# Paths below a repository's API address, as GitHub writes them, URI templates included.
REPOSITORY_URLS = {
    "forks_url": "/forks",
    "keys_url": "/keys{/key_id}",
    "collaborators_url": "/collaborators{/collaborator}",
    "teams_url": "/teams",
    "hooks_url": "/hooks",
    "issue_events_url": "/issues/events{/number}",
    "events_url": "/events",
    "assignees_url": "/assignees{/user}",
    "branches_url": "/branches{/branch}",
    "tags_url": "/tags",
    "blobs_url": "/git/blobs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "trees_url": "/git/trees{/sha}",
    "statuses_url": "/statuses/{sha}",
    "languages_url": "/languages",
    "stargazers_url": "/stargazers",
    "contributors_url": "/contributors",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "commits_url": "/commits{/sha}",
    "git_commits_url": "/git/commits{/sha}",
    "comments_url": "/comments{/number}",
    "issue_comment_url": "/issues/comments{/number}",
    "contents_url": "/contents/{+path}",
    "compare_url": "/compare/{base}...{head}",
    "merges_url": "/merges",
    "archive_url": "/{archive_format}{/ref}",
    "downloads_url": "/downloads",
    "issues_url": "/issues{/number}",
    "pulls_url": "/pulls{/number}",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "labels_url": "/labels{/name}",
    "releases_url": "/releases{/id}",
    "deployments_url": "/deployments",
}

OWNER_URLS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}


def timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def owner_body(owner: Owner, api: str) -> Json:
    url = f"{api}/users/{owner.login}"
    return {
        "login": owner.login,
        "id": owner.id,
        "node_id": owner.node_id,
        "avatar_url": f"https://avatars.githubusercontent.com/u/{owner.id}?v=4",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{WEB}/{owner.login}",
        **{name: url + path for name, path in OWNER_URLS.items()},
        "type": owner.kind,
        "user_view_type": "public",
        "site_admin": False,
    }


def repository_body(account: Account, repository: Repository, api: str) -> Json:
    """An item of a listing: OpenAPI's `repository`."""
    url = f"{api}/repos/{repository.full_name}"
    html = f"{WEB}/{repository.full_name}"
    owns = account.affiliation(repository) == "owner"
    return {
        "id": repository.id,
        "node_id": repository.node_id,
        "name": repository.name,
        "full_name": repository.full_name,
        "private": repository.private,
        "owner": owner_body(repository.owner, api),
        "html_url": html,
        "description": repository.description,
        "fork": repository.fork,
        "url": url,
        **{name: url + path for name, path in REPOSITORY_URLS.items()},
        "created_at": timestamp(repository.created_at),
        "updated_at": timestamp(repository.updated_at),
        "pushed_at": timestamp(repository.pushed_at),
        "git_url": f"git://github.com/{repository.full_name}.git",
        "ssh_url": f"git@github.com:{repository.full_name}.git",
        "clone_url": f"{html}.git",
        "svn_url": html,
        "homepage": repository.homepage,
        "size": repository.size,
        "stargazers_count": repository.stars,
        "watchers_count": repository.stars,
        "language": repository.language,
        "has_issues": True,
        "has_projects": True,
        # Version 2026-03-10 is announced to drop this, while its published description still requires it.
        "has_downloads": True,
        "has_wiki": not repository.private,
        "has_pages": False,
        "has_discussions": False,
        "forks_count": repository.forks,
        "mirror_url": None,
        "archived": repository.archived,
        "disabled": False,
        "open_issues_count": repository.open_issues,
        "license": None,
        "allow_forking": True,
        "is_template": False,
        "web_commit_signoff_required": False,
        "topics": list(repository.topics),
        "visibility": repository.visibility,
        "forks": repository.forks,
        "open_issues": repository.open_issues,
        "watchers": repository.stars,
        "default_branch": repository.default_branch,
        "permissions": {"admin": owns, "maintain": owns, "push": True, "triage": True, "pull": True},
    }


def full_repository_body(account: Account, repository: Repository, api: str) -> Json:
    """One repository read by itself: OpenAPI's `full-repository`."""
    body = repository_body(account, repository, api) | {
        "temp_clone_token": "",
        "allow_squash_merge": True,
        "allow_merge_commit": True,
        "allow_rebase_merge": True,
        "allow_auto_merge": False,
        "delete_branch_on_merge": False,
        "allow_update_branch": False,
        "use_squash_pr_title_as_default": False,
        "network_count": repository.forks,
        "subscribers_count": 1,
    }
    if repository.owner.kind == "Organization":
        body["organization"] = owner_body(repository.owner, api)
    return body


def user_body(account: Account, api: str) -> Json:
    owned = [r for r in account.repositories.values() if account.affiliation(r) == "owner"]
    private = sum(r.private for r in owned)
    return owner_body(account.user, api) | {
        "user_view_type": "private",
        "name": account.user.name,
        "company": None,
        "blog": "",
        "location": "Tromsø",
        "email": email_of(account),
        "notification_email": None,
        "hireable": None,
        "bio": None,
        "twitter_username": None,
        "public_repos": len(owned) - private,
        "public_gists": 0,
        "followers": 41,
        "following": 12,
        "created_at": "2012-05-07T09:21:44Z",
        "updated_at": "2026-09-30T18:03:12Z",
        "private_gists": 0,
        "total_private_repos": private,
        "owned_private_repos": private,
        "disk_usage": 182_044,
        "collaborators": 3,
        "two_factor_authentication": True,
        "plan": {"name": "pro", "space": 976_562_499, "collaborators": 0, "private_repos": 9999},
    }


def email_of(account: Account) -> str:
    """The user's only address."""
    return f"{account.user.login}@example.com"


def emails_body(account: Account) -> list[Json]:
    return [{"email": email_of(account), "primary": True, "verified": True, "visibility": "public"}]


def rate_limit_body(account: Account) -> Json:
    def budget(resource: str) -> Json:
        found = account.graphql if resource == "graphql" else account.core
        return {
            "limit": found.limit,
            "used": found.limit - found.remaining,
            "remaining": found.remaining,
            "reset": found.reset_at,
        }

    return {
        "resources": {
            "core": budget("core"),
            "search": budget("core") | {"limit": 30, "used": 0, "remaining": 30},
            "graphql": budget("graphql"),
        },
        "rate": budget("core"),
    }
