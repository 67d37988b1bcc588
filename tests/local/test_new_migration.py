"""`make migration`: what the schemas have changed becomes a migration that makes it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.postgres import ROOT
from tests.patience import PATIENCE_SECONDS

NOTHING = "Nothing to write: the migrations make what the schemas say."


@pytest.fixture
def supabase(tmp_path: Path) -> Path:
    """A copy of the schemas and the migrations, which agree."""
    copy = tmp_path / "supabase"
    shutil.copytree(ROOT / "supabase", copy)
    return copy


def run(supabase: Path, name: str = "tidy") -> subprocess.CompletedProcess[str]:
    """Runs the command as `make migration` does, on the copy."""
    return subprocess.run(  # noqa: S603 - this checkout's own command
        [sys.executable, "-m", "local", "migration", name, "--supabase", supabase],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def edit(supabase: Path, schema: str, old: str, new: str) -> None:
    """Changes what stands once in one file of the schemas."""
    path = supabase / "schemas" / schema
    text = path.read_text()
    assert text.count(old) == 1, f"{text.count(old)} times in {schema}: {old}"
    path.write_text(text.replace(old, new))


def written(supabase: Path) -> Path:
    """The migration that has come to the copy."""
    there = {path.name for path in (ROOT / "supabase" / "migrations").iterdir()}
    (path,) = (path for path in (supabase / "migrations").iterdir() if path.name not in there)
    return path


def test_migration_of_changed_functions_policies_triggers_grants_and_comments_makes_what_the_schemas_say(
    supabase: Path,
) -> None:
    # A line of a function, a function with another result, and one with a text beyond ASCII.
    edit(
        supabase, "010_foundation.sql", "  new.user_id := old.user_id;", "  new.user_id := old.user_id; -- ü"
    )
    edit(supabase, "330_ping.sql", "returns text\nlanguage sql", "returns varchar\nlanguage sql")
    # A function that is new, with its grant and comment, and a trigger that calls it.
    edit(
        supabase,
        "220_work_items.sql",
        "-- triggers --",
        "create function private.log_priority() returns trigger language plpgsql set search_path = '' as $$\n"
        "begin return null; end; $$;\n"
        "comment on function private.log_priority() is 'It''s new.';\n"
        "grant execute on function private.log_priority() to service_role;\n"
        "create trigger log_priority after insert on public.work_items\n"
        "  for each row execute function private.log_priority();\n\n-- triggers --",
    )
    # A policy with another condition, which keeps what is said of it, one that is new and one that is gone.
    edit(
        supabase,
        "200_products.sql",
        'create policy "Owners can delete their products"',
        "comment on policy \"Owners can read their products\" on public.products is 'Said.';\n"
        'create policy "Nobody can copy products" on public.products as restrictive for insert\n'
        "  to anon with check (false);\n"
        'create policy "Owners can remove their products"',
    )
    # A trigger of fewer changes.
    trigger = "create trigger guard_github_columns\n  before update on public.repositories\n  for each row\n"
    edit(supabase, "210_repositories.sql", trigger, trigger.replace("before update", "before update of name"))
    # Columns that clients may write, or may not any more.
    edit(
        supabase,
        "230_documents.sql",
        "grant insert (product_id, repository_id, title, content, type, is_pinned, external_id)\n"
        "  on table public.documents to authenticated;",
        "grant insert (product_id, repository_id, title, content, type, created_at, updated_at)\n"
        "  on table public.documents to authenticated;",
    )
    edit(
        supabase,
        "230_documents.sql",
        "comment on column public.documents.version is 'Starts at 1 and rises with each real change.';",
        "",
    )
    assert run(supabase).returncode == 0
    path = written(supabase)
    text = path.read_text()
    assert re.fullmatch(r"[0-9]{14}_tidy\.sql", path.name)
    assert text.startswith("-- Purpose: …\n-- Tables: public.")
    assert "\nset local lock_timeout = '4s';\nset local statement_timeout = '5s';\n" in text
    assert "create or replace function private.keep_owner()" in text
    assert "drop function public.ping();\n\ncreate function public.ping()" in text
    assert "grant insert (created_at, updated_at) on table public.documents to authenticated;" in text
    assert "revoke insert (external_id, is_pinned) on table public.documents from authenticated;" in text
    assert "comment on column public.documents.version is null;" in text
    assert "by hand" not in text
    again = run(supabase)
    assert (again.stdout.strip(), again.stderr) == (NOTHING, "")


def test_migration_of_what_is_taken_out_of_the_schemas_drops_it(supabase: Path) -> None:
    path = supabase / "schemas" / "300_counts.sql"
    text = path.read_text()
    start = text.index("create function public.documents_count(public.repositories)")
    path.write_text(text[:start])
    edit(
        supabase,
        "210_repositories.sql",
        "create trigger keep_owner\n  before update on public.repositories\n  for each row\n"
        "  execute function private.keep_owner();",
        "",
    )
    assert run(supabase).returncode == 0
    text = written(supabase).read_text()
    assert "drop function public.documents_count(public.repositories);" in text
    assert "drop trigger keep_owner on public.repositories;" in text
    # What was said of the function goes with it.
    assert "revoke" not in text
    assert "comment" not in text
    assert run(supabase).stdout.strip() == NOTHING


def test_what_alters_a_table_is_left_to_a_person_and_named(supabase: Path) -> None:
    edit(supabase, "200_products.sql", "  color text,", "  color text,\n  motto text,")
    edit(
        supabase,
        "200_products.sql",
        "comment on column public.products.color is",
        "comment on column public.products.motto is 'A line.';\ncomment on column public.products.color is",
    )
    finished = run(supabase)
    assert "By hand: column public.products.motto: only in the schemas" in finished.stdout
    path = written(supabase)
    text = path.read_text()
    assert "--   column public.products.motto: only in the schemas" in text
    assert "alter table" not in text
    assert text.index("by hand") < text.index("comment on column public.products.motto is 'A line.';")


def test_migration_that_a_person_completes_makes_what_the_schemas_say(supabase: Path) -> None:
    edit(
        supabase,
        "200_products.sql",
        "  adds_renewal_work boolean not null default false,\n",
        "  adds_renewal_work boolean not null default false,\n  motto text,\n",
    )
    edit(
        supabase,
        "200_products.sql",
        "grant insert (name, description, icon, color, next_note, commitment, adds_renewal_work)",
        "grant insert (name, description, icon, color, next_note, commitment, adds_renewal_work, motto)",
    )
    run(supabase)
    path = written(supabase)
    text = path.read_text()
    by_hand = re.compile(r"-- What alters tables .+?\n\n", re.DOTALL)
    path.write_text(by_hand.sub("alter table public.products add column motto text;\n\n", text))
    assert run(supabase).stdout.strip() == NOTHING


def test_nothing_is_written_where_nothing_differs(supabase: Path) -> None:
    finished = run(supabase)
    assert (finished.returncode, finished.stdout.strip()) == (0, NOTHING)
    assert len(list((supabase / "migrations").iterdir())) == len(
        list((ROOT / "supabase" / "migrations").iterdir())
    )


@pytest.mark.parametrize("name", ["../escape", "Leases", "two words", "20261201"])
def test_name_that_no_file_should_have_is_refused(supabase: Path, name: str) -> None:
    finished = run(supabase, name)
    assert finished.returncode == 1
    assert f"`{name}` cannot be part of a file's name" in finished.stderr
