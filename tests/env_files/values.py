"""Values that people store, and values that break files."""

from hypothesis import strategies as st

from functions.app_info.env_files import CannotWrite, Format, write_env_file

PEM = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIHfY2m1Zb0q+8r3t/9Qk1sXo4vUe5w6yTzAaBbCcDdEe
q83vEjRWeJA=
-----END PRIVATE KEY-----
"""

ORDINARY = {
    "empty": "",
    "word": "debug",
    "number": "8080",
    "sentence": "Forum, the backend",
    "sentence with an apostrophe": "it's here",
    "sentence with both quotes": 'it\'s the "best" one',
    "URL": "https://user:p%40ss@example.com:8443/a/b?x=1&y=a+b#part",
    "database": "postgresql://forum:s3cr$t@db.example.com:5432/forum?sslmode=require",
    "PEM": PEM,
    "PEM from Windows": PEM.replace("\n", "\r\n"),
    "PEM on one line": PEM.replace("\n", "\\n"),
    "JSON on one line": '{"type": "service_account", "key": "-----BEGIN-----\\nabc\\n", "n": [1, null]}',
    "JSON on one line with an apostrophe": '{"name": "Ada\'s", "key": "a\\nb"}',
    "JSON on many lines": '{\n  "name": "Ada",\n  "key": "a\\nb",\n  "n": [1, null]\n}\n',
    "Windows path": r"C:\Users\ada\new\table",
    "Windows path with a backslash at its end": "C:\\Users\\ada\\",
    "Windows path on a server": r"\\server\share\folder",
    "password with '": "pa'ss$word#1",
    'password with "': 'pa"ss$word#1',
    "password with `": "pa`ss`$word#1",
    "password in single quotes": "'secret'",
    "password in double quotes": '"secret"',
    "password in backticks": "`secret`",
    "password with a backslash": "pa\\ss\\",
    "hash first": "#ffcc00",
    "shell": "$(touch ran) `touch ran` ${HOME} $HOME",
    "template": "Hello ${NAME:-you}, it is $DAY",
    "regular expression": r"^\d+\.\d*\s$",
    "base64": "aGVsbG8gd29ybGQ+Pz8/Cg==",
    "umlauts": "Grüße aus Köln",
    "Chinese": "你好世界",
    "emoji": "🚀 👩‍👩‍👧 ✅",
    "blanks around": "  padded\t",
    "Unicode blanks around": "\u00a0\u3000padded\ufeff",
    "lines": "one\ntwo\n\nfour\n",
    "line separators": "one\u2028two\u2029three",
    "tabs": "a\tb\tc",
    "cron": "*/5 * * * *",
    "flags": "--name='a b' --level=3",
    "HTML": '<a href="/x?y=1&z=2">link</a>',
    "list": "a,b;c|d",
    "equals": "=a==b=",
}

HOSTILE = [
    *(
        "'",
        '"',
        "`",
        "\\",
        "\\\\",
        "\\n",
        "\\r",
        "\\'",
        '\\"',
        "$",
        "${X}",
        "$(touch ran)",
        "`touch ran`",
        "#",
    ),
    *(
        "\n",
        "\r",
        "\r\n",
        "\t",
        " ",
        "\v",
        "\f",
        "\x1c",
        "\x85",
        "\xa0",
        "\u2028",
        "\u2029",
        "\u3000",
        "\ufeff",
    ),
    *(
        "=",
        ":",
        ";",
        "&",
        "|",
        "!",
        "~",
        "*",
        "%",
        "(",
        ")",
        "{",
        "}",
        "export ",
        "KEY=",
        "n",
        "r",
        "t",
        "b",
        "x",
    ),
    *("\x01", "\x1b", "\x7f", "é", "Á", "😀", "\u0301"),
]
pieces = st.sampled_from(HOSTILE) | st.characters(exclude_categories=["Cs"], exclude_characters="\0")
values = st.lists(pieces, max_size=12).map("".join)
many_values = st.lists(values, min_size=1, max_size=12).map(
    lambda found: {f"KEY_{number}": value for number, value in enumerate(found)}
)


def keep_carried(entries: dict[str, str], format: Format) -> dict[str, str]:  # noqa: A002 - as `write_env_file`
    """Without the entries that the format refuses."""
    try:
        write_env_file(entries, format)
    except CannotWrite as refused:
        keys = {refusal.key for refusal in refused.refusals}
        return {key: value for key, value in entries.items() if key not in keys}
    return entries


def refused_keys(entries: dict[str, str], format: Format) -> list[str]:  # noqa: A002 - as `write_env_file`
    """The keys that the format refuses, in order."""
    try:
        write_env_file(entries, format)
    except CannotWrite as refused:
        return [refusal.key for refusal in refused.refusals]
    return []
