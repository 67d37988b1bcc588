"""A text in the person's own editor, byte for byte: click's own would change line ends."""

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from forum_cli.failures import Failure


def choose_editor() -> list[str]:
    """The command of the person's editor, as git chooses it."""
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if named:
        return shlex.split(named)
    return ["notepad" if os.name == "nt" else "vi"]


def edit_text(text: bytes, name: str) -> bytes:
    """The text as it is once the editor has ended."""
    editor = choose_editor()
    with tempfile.TemporaryDirectory(prefix="forum-") as folder:  # mode 0700
        file = Path(folder) / name
        file.write_bytes(text)
        try:
            ended = subprocess.run([*editor, str(file)], check=False)  # noqa: S603 - the person's own editor
        except OSError as error:
            raise Failure(f"{editor[0]!r} does not start: {error.strerror}. Set EDITOR.") from None
        if ended.returncode != 0:
            raise Failure(f"{editor[0]!r} has failed: nothing is changed.")
        return file.read_bytes()
