"""``python -m ingest``: builds the index from a corpus folder, and shows what is in it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from corpus.command_line import add_json, add_settings, print_json, run, settings_of

EXIT_HELD_BACK = 1
EXIT_QUARANTINED = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m ingest", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    sync = commands.add_parser("sync", help="make the index mirror the corpus folder")
    sync.set_defaults(command=_sync)
    add_settings(sync, "corpus", "index", "embedder")
    sync.add_argument("--dry-run", action="store_true", help="say what would be done, do nothing")
    sync.add_argument(
        "--force",
        action="store_true",
        help="read and embed everything again, and publish in spite of lost golden questions",
    )
    sync.add_argument(
        "--retry-quarantined", action="store_true", help="read quarantined files once more"
    )
    add_json(sync)

    for name, command, text in (
        ("list", _list, "documents with their state and quality"),
        ("status", _status, "generations, sizes, embedder, lock"),
    ):
        shown = commands.add_parser(name, help=text)
        shown.set_defaults(command=command)
        add_settings(shown, "index")
        add_json(shown)

    verify = commands.add_parser("verify", help="every checksum and count of a generation")
    verify.set_defaults(command=_verify)
    verify.add_argument(
        "generation", nargs="?", metavar="GENERATION", help="one of `status` (default: all)"
    )
    rollback = commands.add_parser("rollback", help="serve an earlier generation")
    rollback.set_defaults(command=_rollback)
    rollback.add_argument(
        "generation",
        nargs="?",
        metavar="GENERATION",
        help="one of `status` (default: the one published before)",
    )
    rollback.add_argument(
        "--force", action="store_true", help="even if documents are for other readers there"
    )
    prune = commands.add_parser("prune", help="drop damaged and old generations")
    prune.set_defaults(command=_prune)
    prune.add_argument(
        "--keep",
        type=int,
        required=True,
        metavar="N",
        help="how many, with the published one",
    )
    for parser_ in (verify, rollback, prune):
        add_settings(parser_, "index")
        add_json(parser_)
    return run(parser, arguments)


def _sync(arguments: argparse.Namespace) -> int:
    from ingest.progress import progress_bar
    from ingest.summary import print_summary, summary_json
    from ingest.sync import sync

    settings = settings_of(arguments).values
    with progress_bar() as progress:
        report = sync(
            settings,
            dry_run=arguments.dry_run,
            force=arguments.force,
            retry=arguments.retry_quarantined,
            progress=progress,
        )
    sys.stderr.write("".join(f"Warning: {warning}\n" for warning in report.warnings))
    if arguments.json:
        print_json(summary_json(report, dry_run=arguments.dry_run))
    else:
        print_summary(report, settings.index, dry_run=arguments.dry_run)
    if report.held_back:
        return EXIT_HELD_BACK
    return EXIT_QUARANTINED if report.quarantined else 0


def _list(arguments: argparse.Namespace) -> int:
    from index.generations import open_generation
    from ingest.inventory import inventory

    generation = open_generation(settings_of(arguments).values.index)
    if generation.warning:
        sys.stderr.write(f"Warning: {generation.warning}\n")
    rows = inventory(generation)
    if arguments.json:
        print_json({"documents": rows})
        return 0
    for row in rows:
        sys.stdout.write(f"{row['state']:<11} {row['path']} (for {row['audience']})\n")
        if row["state"] == "indexed":
            sys.stdout.write(
                f"            {row['id']}: {row['title']} ({row['language']}, "
                f"{row['pages']} pages, {row['passages']} passages, "
                f"{row['characters_per_page']} characters a page)\n"
            )
        elif row["state"] == "duplicate":
            sys.stdout.write(f"            the same content as {row['of']}\n")
        else:
            sys.stdout.write(f"            {row['reason']}\n")
    return 0


def _status(arguments: argparse.Namespace) -> int:
    from ingest.inventory import index_status

    status = index_status(settings_of(arguments).values.index)
    if arguments.json:
        print_json(status)
        return 0
    for generation in status["generations"]:
        mark = "*" if generation["published"] else " "
        if generation["state"] == "damaged":
            sys.stdout.write(f"{mark} {generation['id']}  damaged: {generation['reason']}\n")
            continue
        counts = ", ".join(f"{n} {what}" for what, n in generation["counts"].items())
        size = f"{generation['bytes'] / 1e6:.1f} MB"
        sys.stdout.write(
            f"{mark} {generation['id']}  {generation['created']}  {size}"
            f"  {counts}  embedder {generation['embedder']}  {generation['state']}\n"
        )
    sys.stdout.write("".join(f"DAMAGED {problem}\n" for problem in status["problems"]))
    holder = status["lock_holder"]
    sys.stdout.write(f"Being written by process {holder}.\n" if holder else "No writer.\n")
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from ingest.inventory import verified

    found = verified(settings_of(arguments).values.index, arguments.generation)
    if arguments.json:
        print_json(found)
    else:
        for name, problems in found["generations"].items():
            sys.stdout.write(f"{'sound  ' if not problems else 'DAMAGED'} {name}\n")
            sys.stdout.write("".join(f"        {problem}\n" for problem in problems))
        sys.stdout.write("".join(f"DAMAGED {problem}\n" for problem in found["pointer"]))
        if not found["ok"]:
            sys.stdout.write(f"To repair: {found['repair']}\n")
    return 0 if found["ok"] else 1


def _rollback(arguments: argparse.Namespace) -> int:
    from ingest.housekeeping import rollback

    index = settings_of(arguments).values.index
    done = rollback(index, arguments.generation, force=arguments.force)
    if arguments.json:
        print_json(done)
        return 0
    sys.stdout.write(f"Generation {done['generation']} is served, {done['before']} was before.\n")
    for word, paths in (("+", done["returned"]), ("-", done["gone"])):
        sys.stdout.write("".join(f"{word} {path}\n" for path in paths))
    return 0


def _prune(arguments: argparse.Namespace) -> int:
    from ingest.housekeeping import prune_index

    removed, in_use = prune_index(settings_of(arguments).values.index, arguments.keep)
    if arguments.json:
        print_json({"removed": removed, "in_use": in_use})
        return 0
    sys.stdout.write("".join(f"Removed {name}\n" for name in removed) or "Nothing to remove.\n")
    for name in in_use:
        sys.stdout.write(f"Kept {name}: a reader has it open.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
