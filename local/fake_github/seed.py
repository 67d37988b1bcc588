"""The account that the local stack shows: some hundred repositories, the same ones every time."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from local.fake_github.account import Account, Owner, Repository
from local.fake_github.repository import File

DEMO_TOKEN = "gho_demo_token_that_only_the_fake_knows"  # noqa: S105  opens nothing but this fake

USER = (31_898_107, "mira-solberg", "Mira Solberg")
ORGANISATIONS = (
    (74_312_556, "northlight-labs", "Northlight Labs"),
    (118_240_931, "tidewater-coop", "Tidewater"),
)
FRIEND = (5_210_443, "okafor-dev", "Chidi Okafor")

FAMILIES = ("harbor", "lantern", "pollen", "quill", "tidepool", "ember", "saffron", "cartograph", "mistral")
PARTS = (
    ("api", "Python", "HTTP API over Postgres, one function per resource"),
    ("web", "TypeScript", "The web client"),
    ("ios", "Swift", None),
    ("android", "Kotlin", "Android client, offline first"),
    ("infra", "HCL", "Everything that runs, as code"),
    ("docs", "MDX", "Handbook and runbooks 📚"),
    ("worker", "Go", "Consumes the queue; small on purpose"),
    ("cli", "Rust", "Command line for people who live there"),
    ("design", None, "Schriften, Farben, Abstände, für alle Oberflächen"),
    ("notebooks", "Jupyter Notebook", "分析とメモ"),
    ("schema", "PLpgSQL", "Migrations and policies"),
    ("site", "Astro", "Landing page"),
    ("legacy", "PHP", None),
    ("bench", "C++", "Numbers, and how they were measured"),
)
ENV_EXAMPLES = {
    "api": b"DATABASE_URL=\nPORT=8080\nFORECAST_URL=https://api.met.no\n# LOG_LEVEL=debug\n",
    "worker": b"DATABASE_URL=\nQUEUE_URL=\n",
    "web": b"PUBLIC_API_URL=http://localhost:8080\n",
}
LONG_DESCRIPTION = (
    "Planlegging, kart og været på ett sted for små fiskebåter: henter varsler, tegner dybder, husker hvor "
    "du var, virker uten dekning i tre dager og deler ingenting uten at du ber om det. Bygd av og for folk "
    "som faktisk er ute. Ingen sporing, ingen reklame, ingen konto nødvendig. Bidrag er velkomne, også "
    "oversettelser og gode historier. ⚓️🐟"
)

FIRST_CREATED = datetime(2013, 2, 3, 10, 0, 0, tzinfo=UTC)
FIRST_ID = 8_213_377
# The newest repositories carry ids beyond 32 bits, so that whatever stores them as int32 fails here first.
NEWEST_ID = 4_294_967_296
NEWEST_COUNT = 5
PLAIN_COUNT = 124


def demo_account(repositories: int = PLAIN_COUNT) -> Account:
    """The demo user's account: `repositories` ordinary ones (any number), and six that are special."""
    user = Owner(USER[0], USER[1], "User", USER[2])
    northlight, tidewater = (Owner(id_, login, "Organization", name) for id_, login, name in ORGANISATIONS)
    account = Account(user, {DEMO_TOKEN})
    # Two of five belong to an organisation, as with most people who keep several products.
    owners = (user, northlight, user, tidewater, user)
    for repository in _plain(repositories, owners):
        account.add(repository)
    for repository in _special(user, northlight, Owner(FRIEND[0], FRIEND[1], "User", FRIEND[2])):
        account.add(repository)
    return account


def _plain(count: int, owners: Sequence[Owner]) -> Iterator[Repository]:
    for index in range(count):
        family = FAMILIES[index // len(PARTS) % len(FAMILIES)]
        part, language, description = PARTS[index % len(PARTS)]
        round_ = index // (len(PARTS) * len(FAMILIES))
        created = FIRST_CREATED + timedelta(days=37 * index, minutes=index) / max(1, count / PLAIN_COUNT)
        first_id = NEWEST_ID if index >= count - NEWEST_COUNT else FIRST_ID
        yield Repository(
            id=first_id + index * 7_919_333 % 1_000_000_000 + index,
            owner=owners[index % len(owners)],
            name=f"{family}-{part}" + (f"-{round_ + 1}" if round_ else ""),
            description=description,
            language=language,
            default_branch="master" if index % 9 == 0 else "main",
            private=index % 3 == 1,
            stars=index * index * 31 % 977 if index % 3 != 1 else 0,
            forks=index * 17 % 23,
            open_issues=index * 5 % 13,
            size=120 + index * 941 % 50_000,
            topics=(family, part),
            created_at=created,
            updated_at=created + timedelta(days=90 + index % 40),
            pushed_at=created + timedelta(days=90 + index % 40, hours=-3),
            files={".env.example": File(ENV_EXAMPLES[part])} if part in ENV_EXAMPLES else {},
        )


def _special(user: Owner, organisation: Owner, friend: Owner) -> Iterator[Repository]:
    def repository(number: int, owner: Owner, name: str, days: int) -> Repository:
        created = datetime(2020, 6, 1, 12, 0, 0, tzinfo=UTC) + timedelta(days=days)
        pushed = created + timedelta(days=30)
        return Repository(601_200_300 + number, owner, name, created, pushed, pushed)

    archived = repository(1, user, "first-website", -2000)
    archived.archived, archived.language, archived.default_branch = True, "HTML", "gh-pages"
    archived.description = "Min første nettside. Kept for the memory."
    yield archived

    fork = repository(2, user, "postgrest", 40)
    fork.fork, fork.language, fork.description = True, "Haskell", "REST API for any Postgres database"
    yield fork

    empty = repository(3, user, "just-an-idea", 900)
    # Never pushed to: GitHub says the moment of creation, and the size 0 (recording rename-repository).
    empty.pushed_at = empty.updated_at = empty.created_at
    empty.private = True
    yield empty

    described = repository(4, organisation, "Kystlinje.Kart_2", 300)
    described.description, described.language, described.stars = LONG_DESCRIPTION, "Dart", 48_211
    described.homepage = "https://kystlinje.example"
    yield described

    shared = repository(5, friend, "two-player-chess", 500)
    shared.private, shared.language, shared.description = True, "Elixir", "For Sunday evenings"
    yield shared

    markup = repository(6, user, ".github", 600)
    markup.description = "<b>Not markup</b> & \"quotes\" 'and' a \\ backslash"
    yield markup
