"""What was written in a document is kept, and an edit of one passage changes no other."""

from collections.abc import Iterator

from tests.database.actors import Connection, acting_as, one, refused_code
from tests.database.tokens import agent, make_token
from tests.database.world import insert, make_world

KEPT = "select content from public.document_revisions where document_id = %s order by number"
EDIT = "select id from public.edit_document(%s, 'replace_passage', 'x', %s)"
MOST_KEPT = 50


def documents_lose_nothing(connection: Connection) -> Iterator[str]:
    """Who edits after somebody else has edited leaves what that was; the newest fifty are kept."""
    owner = make_world(connection).owner
    _, token_id = make_token(connection, owner.id, None, "docs")
    actors = (owner.actor, agent(owner.id, token_id, None, "docs"))
    with acting_as(connection, owner.actor):
        document = insert(
            connection, "documents", product_id=owner.rows["products"], title="Plan", content="0"
        )

    def write(turn: int, content: str) -> None:
        with acting_as(connection, actors[turn % 2]):
            connection.execute("update public.documents set content = %s where id = %s", (content, document))

    def kept() -> list[str]:
        return [content for (content,) in connection.execute(KEPT, (document,))]

    write(0, "1")
    write(0, "2")
    if kept() != ["0"]:
        yield f"after two edits of one session {kept()} is kept"
    write(1, "3")
    if kept() != ["0", "2"]:
        yield f"after an edit of a token {kept()} is kept"
    for turn in range(MOST_KEPT):
        write(turn, str(turn + 4))
    if len(kept()) != MOST_KEPT or kept()[-1] != str(MOST_KEPT + 2):
        yield f"of {MOST_KEPT + 2} states {len(kept())} are kept, up to {kept()[-1]}"


def passages_are_replaced_where_they_are_one(connection: Connection) -> Iterator[str]:
    """A passage that the document has more than once changes nothing, however its places overlap."""
    owner = make_world(connection).owner
    for content, passage, becomes in (("abab", "ab", None), ("aaa", "aa", None), ("abc", "b", "axc")):
        with acting_as(connection, owner.actor):
            document = insert(
                connection, "documents", product_id=owner.rows["products"], title="Plan", content=content
            )
        if becomes is None:
            refused = refused_code(connection, owner.actor, EDIT, (document, passage))
            if refused != "PT409":
                yield f"{passage} in {content} is replaced: {refused}"
            continue
        with acting_as(connection, owner.actor):
            one(connection, EDIT, (document, passage))
        found = one(connection, "select content from public.documents where id = %s", (document,))
        if found != becomes:
            yield f"{passage} in {content} makes {found}"
