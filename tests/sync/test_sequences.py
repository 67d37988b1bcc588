"""Whatever happens in whatever order: after a run without faults the database says what GitHub says.

Until then nothing is deleted, no row of one user gets another's values, and what the owner wrote stays.
"""

from itertools import count
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from local.fake_github.account import Account, Fault, Owner, ResourceLimit, SecondaryLimit
from shared.aws.clients import get_client
from tests.sync.test_whole import assert_rows_are_as_on_github
from tests.sync.world import Context, Person, World

# As many as may vanish at once without being taken for an outage.
REPOSITORIES = 5

CHANGES = (
    "rename",
    "swap_names",
    "transfer",
    "archive",
    "unarchive",
    "make_private",
    "make_public",
    "star",
    "push",
    "describe",
    "hide",
    "show",
    "block",
    "unblock",
    "require_sso",
    "delete",
    "recreate",
    "age_ids",
)
FAULTS = ("status", "html", "broken_json", "cut")
LIMITS = ("primary", "secondary", "rest", "resources", "resources untold", "none")
TOKENS = ("revoke", "connect", "expire")
DELIVERIES = ("due", "dispatch", "poll", "poll_briefly", "repeat", "hold", "return", "kill", "drain")

_numbers = count(1)

steps = st.one_of(
    st.tuples(st.sampled_from(CHANGES), st.integers(0, 1), st.integers(1, REPOSITORIES)),
    st.tuples(st.sampled_from(FAULTS), st.integers(0, 1), st.integers(0, 3)),
    st.tuples(st.sampled_from(LIMITS), st.integers(0, 1), st.just(0)),
    st.tuples(st.sampled_from(TOKENS), st.integers(0, 1), st.just(0)),
    st.tuples(st.sampled_from(DELIVERIES), st.integers(0, 1), st.integers(0, 3)),
    # By itself a sequence seldom comes to a whole run, in which alone anything is written.
    st.tuples(st.just("sync"), st.integers(0, 1), st.just(0)),
    st.tuples(st.just("sync"), st.integers(0, 1), st.just(0)),
)


def change(account: Account, what: str, number: int) -> None:
    """Something happens on GitHub."""
    if number not in account.repositories:
        return
    value = next(_numbers)
    match what:
        case "rename":
            account.rename(number, f"renamed-{value}")
        case "swap_names":
            others = [other for other in account.repositories if other != number]
            if others:
                account.swap_names(number, others[0])
        case "transfer":
            account.transfer(number, Owner(50_000 + value, f"new-owner-{value}", "Organization"))
        case "star":
            account.star(number, value)
        case "describe":
            account.repositories[number].description = f"{account.user.login} {value}"
        case "require_sso":
            owner = account.repositories[number].owner
            if owner.kind == "Organization":
                account.require_sso(owner.login)
        case _:
            getattr(account, what)(number)


def limit(account: Account, which: str) -> None:
    """GitHub limits this person, or stops to."""
    account.graphql.remaining = 0 if which == "primary" else 5000
    account.core.remaining = 0 if which == "rest" else 5000
    account.secondary_limit = SecondaryLimit("1") if which == "secondary" else None
    account.resource_limit = None
    if which.startswith("resources"):
        account.resource_limit = ResourceLimit(1, "no path" if which.endswith("untold") else "each")


def use_token(world: World, person: Person, what: str) -> None:
    """The person's token is refused, or they connect another one."""
    if what == "connect":
        person.pair = person.account.sign_in_with_app()
        person.token = person.pair.access_token
        person.account.bad_credentials = 0
        # In the middle of a fault nobody can: GitHub has to say whose token it is.
        if (
            not person.account.faults
            and person.account.secondary_limit is None
            and person.account.core.remaining
        ):
            world.connect(person)
    elif what == "revoke":
        person.account.remove_app()
    else:
        for token in list(person.account.tokens):
            person.account.expire(token)


class Deliveries:
    """The queue, with all that SQS and Lambda may do to its messages."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.held: list[str] = []
        self.seen: list[str] = []

    def do(self, what: str, person: Person, number: int) -> None:
        match what:
            case "due":
                self.world.make_due(person)
            case "dispatch":
                self.world.dispatch()
            case "poll":
                self.world.queue.poll()
            case "poll_briefly":
                left = iter([120_000] * number)
                self.world.queue.poll(Context(lambda: next(left, 0)))
            case "repeat":
                self.world.queue.send(*self.seen[-1:])
            case "hold":
                self._hold()
            case "return":
                self.world.queue.send(*reversed(self.held))
                self.held.clear()
            case "kill":
                self.world.expire_leases()
            case "drain":
                self.world.queue.drain()
            case _:
                self.world.sync(person)

    def _hold(self) -> None:
        sqs, url = get_client("sqs"), self.world.queue.main.url
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            self.held.append(message["Body"])
            self.seen.append(message["Body"])


def step(world: World, deliveries: Deliveries, what: str, person: Person, number: int) -> None:
    """One thing that happens."""
    if what in CHANGES:
        change(person.account, what, number)
    elif what in FAULTS:
        person.account.fail_next(Fault(kind=what), after=number)  # type: ignore[arg-type]  # one of its kinds
    elif what in LIMITS:
        limit(person.account, what)
    elif what in TOKENS:
        use_token(world, person, what)
    else:
        deliveries.do(what, person, number)


def assert_nothing_is_lost(
    world: World, people: list[Person], ids: list[dict[int, Any]], vanished: list[set[int]]
) -> None:
    for person, known, absent in zip(people, ids, vanished, strict=True):
        rows = world.rows(person)
        # Whatever GitHub could not tell is no absence.
        assert {number for number, row in rows.items() if row["missing_count"]} <= absent
        assert {number: row["id"] for number, row in rows.items()} == known
        for number, row in rows.items():
            assert row["notes"] == f"Of {person.account.user.login}: {number}"
            assert row["description"].startswith(person.account.user.login), row["description"]


def heal(world: World, deliveries: Deliveries, person: Person) -> None:
    """All faults are over, and the person has a good token."""
    person.account.faults.clear()
    person.account.refresh_faults.clear()
    limit(person.account, "none")
    use_token(world, person, "connect")
    deliveries.held.clear()


def add_person(world: World) -> Person:
    """Somebody whose every row says whose it is."""
    person = world.add_person(0, uses_app=True)
    login = person.account.user.login
    for index in range(REPOSITORIES):
        person.account.create(f"repo-{index}", description=f"{login} {index}", size=3)
    world.import_all(person)
    world.connection.execute(
        "update public.repositories set notes = %s || github_id where user_id = %s",
        (f"Of {login}: ", person.id),
    )
    return person


@settings(
    max_examples=20,
    deadline=None,
    # Without shrinking: one example takes half a second, and a thousand of them nobody waits for.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(steps, min_size=5, max_size=40))
def test_database_is_as_github_after_any_sequence_and_a_run_without_faults(
    world: World, sequence: list[tuple[str, int, int]]
) -> None:
    world.connection.execute("delete from private.github_connections")
    world.queue.clear()
    world.fake.accounts.clear()
    world.people.clear()
    people = [add_person(world), add_person(world)]
    ids = [{number: row["id"] for number, row in world.rows(person).items()} for person in people]
    vanished: list[set[int]] = [set(), set()]
    deliveries = Deliveries(world)

    for what, who, number in sequence:
        if what in {"hide", "delete", "recreate"}:
            vanished[who].add(number)
        step(world, deliveries, what, people[who], number)
        assert_nothing_is_lost(world, people, ids, vanished)

    world.queue.clear()
    for person in people:
        heal(world, deliveries, person)
    # What an interrupted run has seen before the faults it keeps: the next run is the one without.
    for _ in range(2):
        world.make_due()
        world.expire_leases()
        world.dispatch()
        world.queue.drain()

    assert_nothing_is_lost(world, people, ids, vanished)
    for person in people:
        run = world.last_run(person)
        expected = "partial" if find_closed(person) - person.account.hidden else "succeeded"
        assert (run["state"], run["error"]) == (expected, None), run
        assert_person_is_as_on_github(world, person)


def find_closed(person: Person) -> set[int]:
    """What GitHub refuses of what was imported: a run that meets it is partial."""
    account = person.account
    return {
        number
        for number, repository in account.repositories.items()
        if number <= REPOSITORIES
        and (repository.block is not None or account.sso_url(repository.owner) is not None)
    }


def assert_person_is_as_on_github(world: World, person: Person) -> None:
    account, rows = person.account, world.rows(person)
    closed = find_closed(person)
    for number, row in rows.items():
        shown = account.repositories.get(number)
        if shown is None or number in account.hidden:
            assert row["sync_state"] in {"inaccessible", "gone"}
        elif number in closed:
            assert row["sync_state"] in {"blocked", "sso_required"}
        else:
            assert row["sync_state"] in ({"archived"} if shown.archived else {"active", "moved"})
    hidden = set(account.hidden)
    account.hidden |= closed
    assert_rows_are_as_on_github(world, person)
    account.hidden = hidden
