"""Command line of the generator."""

import argparse
import datetime as dt
import resource
import sys
import time
from collections.abc import Sequence

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from demo_data.advance import advance
from demo_data.families import write_family
from demo_data.people import World
from demo_data.reference import build_practice, write_practice
from demo_data.sink import CopySink, Keys, Sink
from demo_data.state import State, StateError, check_replaceable, read_state, write_state
from demo_data.tables import TABLES, create_table, finish_statements

MAX_PATIENTS = 1_000_000


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; every default is safe on an empty database."""
    parser = argparse.ArgumentParser(
        prog="demo_data",
        description="Fill schema raw with made-up OpenDental data. Connection: PGHOST, PGPORT, PGDATABASE, PGUSER, "
        "PGPASSWORD.",
    )
    parser.add_argument("--patients", type=int, help=f"how many patients to write, 1 to {MAX_PATIENTS:,}")
    parser.add_argument(
        "--as-of",
        type=dt.date.fromisoformat,
        metavar="YYYY-MM-DD",
        help="the morning the data stands at; days before it have happened",
    )
    parser.add_argument("--seed", type=int, default=20, help="same seed, same data (default: %(default)s)")
    parser.add_argument("--advance-days", type=int, metavar="N", help="let N days pass in the data that is there")
    parser.add_argument("--force", action="store_true", help="replace a schema raw that this program did not write")
    return parser


def write_world(sink: Sink, keys: Keys, seed: int, patients: int, as_of: int) -> None:
    """Write the practice and its patients to a sink."""
    practice = build_practice(seed, patients)
    write_practice(sink, keys, practice, seed, as_of)
    world = World(practice=practice, sink=sink, keys=keys, as_of=as_of)
    written = index = 0
    while written < patients:
        written += write_family(world, seed, index, patients - written)
        index += 1


def create(connection: Connection, seed: int, patients: int, as_of: int, *, force: bool) -> int:
    """Replace schema raw in one transaction and return the number of rows written."""
    with connection, connection.cursor() as cursor:
        check_replaceable(cursor, force=force)
        cursor.execute("drop schema if exists raw cascade")
        cursor.execute("create schema raw")
        for table in TABLES:
            cursor.execute(create_table(table))
        sink = CopySink(connection, as_of)
        write_world(sink, Keys(), seed, patients, as_of)
        sink.flush()
        for statement in finish_statements():
            cursor.execute(statement)
        write_state(cursor, State(seed=seed, patients=patients, as_of=as_of))
    return sink.rows.total()


def _check_options(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    if options.advance_days is None:
        if options.patients is None or options.as_of is None:
            parser.error("give --patients and --as-of for new data, or --advance-days to move existing data on")
        if not 1 <= options.patients <= MAX_PATIENTS:
            parser.error(f"--patients {options.patients} is out of range; give 1 to {MAX_PATIENTS:,}")
        if not 2000 <= options.as_of.year <= 2200:
            parser.error(f"--as-of {options.as_of} is out of range; give a year from 2000 to 2200")
    elif options.patients is not None or options.as_of is not None:
        parser.error("--advance-days moves the data that is there: leave out --patients and --as-of")
    elif not 1 <= options.advance_days <= 366:
        parser.error(f"--advance-days {options.advance_days} is out of range; give 1 to 366")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0, or 2 with one line on what to do."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    _check_options(parser, options)
    started = time.monotonic()
    try:
        connection = psycopg2.connect("")
    except psycopg2.OperationalError as error:
        hint = "Check PGHOST, PGPORT, PGDATABASE, PGUSER and PGPASSWORD."
        print(f"demo_data: cannot connect: {str(error).strip()} {hint}", file=sys.stderr)
        return 2
    try:
        if options.advance_days is None:
            rows = create(connection, options.seed, options.patients, options.as_of.toordinal(), force=options.force)
            what = f"{options.patients:,} patients as of {options.as_of}"
        else:
            rows = advance(connection, options.advance_days)
            what = f"{options.advance_days} days on, as of {dt.date.fromordinal(read_state(connection).as_of)}"
    except StateError as error:
        print(f"demo_data: {error}", file=sys.stderr)
        return 2
    finally:
        connection.close()
    seconds = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what}: {rows:,} rows in {seconds:.1f} s, {rows / seconds:,.0f} rows/s, peak memory {peak:.0f} MiB")
    return 0
