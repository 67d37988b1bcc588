"""`.env` files: text in, entries out, and back again, without I/O.

Four formats, each read and written. `.env` itself is read by python-dotenv's parser without interpolation:
`${NAME}` is stored as it stands. Writing promises that what a reader of the format reads back is the value,
or the key is refused; never a damaged file, never a value that runs. What a format cannot say is refused by
its line when it is read.

Where a value holds `${NAME}`, python-dotenv replaces it by default, in single quotes too: only
`dotenv_values(..., interpolate=False)` reads such a value as it is. It is not refused for that, since Node's
dotenv reads it well, and a file that was imported with it must come out again.
"""

from functions.app_info.env_files.lines import CannotRead, Line
from functions.app_info.env_files.reading import read_env_file
from functions.app_info.env_files.refusals import CannotWrite, Refusal
from functions.app_info.env_files.writing import Format, find_name_fault, write_env_file

__all__ = [
    "CannotRead",
    "CannotWrite",
    "Format",
    "Line",
    "Refusal",
    "find_name_fault",
    "read_env_file",
    "write_env_file",
]
