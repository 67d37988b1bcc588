"""The folder that an account is exported into: a file of JSON lines for each table, and a progress note."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from forum_cli.failures import Failure
from forum_cli.files import write_private_file

MANIFEST = "manifest.json"
PROGRESS = "progress.json"
SECRETS = "secrets.age"
FORMAT = 1
# In the order in which each finds what it belongs to.
TABLES = ("products", "repositories", "work_items", "documents", "app_info", "document_revisions", "activity")


class Archive:
    """An export in a folder. What is written page by page stands under its name once all of it is there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file_of(self, table: str) -> Path:
        """Where the rows of a table are."""
        return self.folder / f"{table}.ndjson"

    def begin(self, source: Mapping[str, Any]) -> dict[str, Any]:
        """How far an export into this folder has come; a new one, if none has begun."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (self.folder / MANIFEST).exists():
            raise Failure(f"{self.folder} has an export already. Name another folder.")
        try:
            progress: dict[str, Any] = json.loads((self.folder / PROGRESS).read_text(encoding="utf-8"))
        except FileNotFoundError:
            if any(self.folder.iterdir()):
                raise Failure(f"{self.folder} is not empty. Name a new folder.") from None
            return {"source": source, "next": None, "manifest": None, "sizes": {}, "rows": 0, "left_out": []}
        except ValueError:
            raise Failure(f"{self.folder / PROGRESS} is damaged. Name a new folder.") from None
        if progress["source"] != source:
            raise Failure(f"{self.folder} has begun with another account. Name a new folder.")
        for table in TABLES:
            self.cut(table, progress["sizes"].get(table, 0))
        return progress

    def cut(self, table: str, size: int) -> None:
        """Take away what was written of a page that has not been noted."""
        if self.file_of(table).exists():
            os.truncate(self.file_of(table), size)

    def append(self, progress: dict[str, Any], lines: Mapping[str, list[str]]) -> None:
        """Write a page, and note only then how far one has come: what is cut short begins with it again."""
        for table, rows in lines.items():
            descriptor = os.open(self.file_of(table), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "ab") as file:
                file.write("".join(rows).encode())
                file.flush()
                os.fsync(file.fileno())
                progress["sizes"][table] = file.tell()
        write_private_file(self.folder / PROGRESS, json.dumps(progress).encode())

    def finish(self, progress: Mapping[str, Any]) -> dict[str, Any]:
        """Keep the newest of each row, and say that all of it is there."""
        counts = {table: self.keep_newest(table) for table in TABLES}
        manifest = {**progress["manifest"], **progress["source"], "counts": counts}
        if progress["left_out"]:
            manifest["left_out"] = progress["left_out"]
        write_private_file(self.folder / MANIFEST, json.dumps(manifest, indent=2).encode() + b"\n")
        (self.folder / PROGRESS).unlink()
        return manifest

    def keep_newest(self, table: str) -> int:
        """Leave the last line of each row, where a row has changed during the export; how many there are."""
        count = 0
        newest: dict[str, int] = {}
        for number, (_, row) in enumerate(self.read_lines(table)):
            newest[row["id"]] = number
            count += 1
        if len(newest) < count or not self.file_of(table).exists():
            lines = enumerate(self.read_lines(table))
            kept = [line for number, (line, row) in lines if newest[row["id"]] == number]
            write_private_file(self.file_of(table), "".join(kept).encode())
        return len(newest)

    def read_lines(self, table: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The lines of a table, as they are and as rows."""
        if not self.file_of(table).exists():
            return
        with self.file_of(table).open(encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(file, 1):
                try:
                    row = json.loads(line)
                    row["id"]
                except (ValueError, KeyError, TypeError):
                    raise Failure(f"{self.file_of(table)}, line {number}: this is no row.") from None
                yield line, row
