"""The secrets of a local project over its life."""

import base64
import json
from pathlib import Path

from local.keys import load_keys


def test_keys_are_made_once(tmp_path: Path) -> None:
    assert load_keys(tmp_path / "keys") == load_keys(tmp_path / "keys")


def test_the_encryption_key_has_the_length_of_aes_256(tmp_path: Path) -> None:
    assert len(base64.b64decode(load_keys(tmp_path / "keys").encryption_key, validate=True)) == 32


def test_a_key_that_came_with_an_update_is_added_and_the_others_stay(tmp_path: Path) -> None:
    before = load_keys(tmp_path)
    path = tmp_path / "keys.json"
    older = json.loads(path.read_text())
    del older["encryption_key"]
    path.write_text(json.dumps({**older, "of_an_even_newer_version": "x"}))
    after = load_keys(tmp_path)
    assert after.import_key == before.import_key
    assert after.encryption_key != before.encryption_key
    assert load_keys(tmp_path) == after
