"""Printing: tables for people, JSON for programs, errors on stderr with what to do next.

What must never happen here: anything but the one JSON document on stdout when a program asked for it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn, ParamSpec, TypeVar

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pilothouse.surfaces.plain import plain
from pilothouse.vocabulary.errors import InvalidInput, PilothouseError, WrongUse

P = ParamSpec("P")
R = TypeVar("R")
WIDE = 240
"""Columns when nobody's terminal sets them: what goes into a pipe or a file is not folded to a screen."""
CONTROLS = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\n\t"} | dict.fromkeys(
    range(127, 160), "�"
)
"""Control characters to what is printed in their place: data from a file must not steer a terminal."""
console = Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else WIDE)
errors = Console(stderr=True, highlight=False, emoji=False)


def emit(value: Any) -> None:
    """Print a value as JSON."""
    sys.stdout.write(orjson.dumps(plain(value), option=orjson.OPT_INDENT_2).decode() + "\n")


def emit_line(value: Any) -> None:
    """Print a value as JSON on one line, at once: whoever reads it waits for it while the command goes on."""
    sys.stdout.write(orjson.dumps(plain(value)).decode() + "\n")
    sys.stdout.flush()


def told(json: bool, value: Any, *lines: str) -> None:
    """Tell what was done: the value for programs, or the lines for people."""
    if json:
        emit(value)
        return
    for line in lines:
        say(line)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table; cells are shown as they are, never read as markup."""
    grid = Table(header_style="bold", box=None, pad_edge=False)
    for number, column in enumerate(columns):
        # The first column is what people copy: an identifier in three pieces is none.
        grid.add_column(column, overflow="fold", no_wrap=number == 0)
    count = 0
    for row in rows:
        grid.add_row(*(_shown("" if cell is None else str(cell)) for cell in row))
        count += 1
    if count:
        console.print(f"[italic]{escape(title)}[/italic]", soft_wrap=True)
        console.print(grid)
    else:
        console.print(f"{title}: none.")


def say(text: str) -> None:
    """Print a line."""
    console.print(_shown(text), soft_wrap=True)


def write_text(path: Path, text: str) -> None:
    """Write a file; raises `InvalidInput` when that cannot be done."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}.", hint="Name another file.") from None


def note(text: str) -> None:
    """Print a line beside the result, on stderr."""
    errors.print(_shown(text), soft_wrap=True)


def fail(message: str, code: int = 1) -> NoReturn:
    """Print what is wrong and end with an exit code: 1, or 2 for a command put together wrongly."""
    errors.print(f"[red]✗[/red] {_shown(message)}", soft_wrap=True)
    raise typer.Exit(code)


def _shown(text: str) -> str:
    """Return text as it is printed: no markup in it, and no control character that would move the cursor."""
    return escape(text.translate(CONTROLS))


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Turn the errors Pilothouse raises on purpose, and files that cannot be used, into a sentence and an exit code."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except PilothouseError as error:
            fail(f"{error} ({error.code})", 2 if isinstance(error, WrongUse) else 1)
        except OSError as error:
            if error.filename is None:
                raise  # no file of somebody's choice: what happened is for whoever mends the program
            fail(f"{_path(error)} cannot be used: {error.strerror}. Name another. (invalid_input)")

    return run


def _path(error: OSError) -> str:
    """Return the path that an error is about; where it names two, the one that was to be written."""
    named = error.filename2 or error.filename
    return named.decode(errors="replace") if isinstance(named, bytes) else str(named)
