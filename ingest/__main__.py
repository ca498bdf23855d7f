"""``python -m ingest``: builds the index from a corpus folder, and shows what is in it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from corpus.command_line import add_json, add_settings, print_json, run, settings_of

if TYPE_CHECKING:
    from ingest.sync import SyncReport

EXIT_QUARANTINED = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m ingest", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    sync = commands.add_parser("sync", help="make the index mirror the corpus folder")
    sync.set_defaults(command=_sync)
    add_settings(sync, "corpus", "index", "embedder")
    sync.add_argument("--dry-run", action="store_true", help="say what would be done, do nothing")
    sync.add_argument("--force", action="store_true", help="read and embed everything anew")
    add_json(sync)

    listing = commands.add_parser("list", help="documents with their state and quality")
    listing.set_defaults(command=_list)
    add_settings(listing, "index")
    add_json(listing)

    status = commands.add_parser("status", help="generations, sizes, embedder, lock")
    status.set_defaults(command=_status)
    add_settings(status, "index")
    add_json(status)
    return run(parser, arguments)


def _sync(arguments: argparse.Namespace) -> int:
    from ingest.progress import progress_bar
    from ingest.sync import sync

    settings = settings_of(arguments).values
    with progress_bar() as progress:
        report = sync(settings, dry_run=arguments.dry_run, force=arguments.force, progress=progress)
    if arguments.json:
        print_json(_sync_json(report, arguments.dry_run))
    else:
        _print_sync(report, arguments.dry_run)
    return EXIT_QUARANTINED if report.quarantined else 0


def _sync_json(report: SyncReport, dry_run: bool) -> dict[str, Any]:
    plan = report.plan
    return {
        "generation": report.generation,
        "published": report.published,
        "dry_run": dry_run,
        "added": plan.added,
        "changed": plan.changed,
        "removed": plan.removed,
        "uncatalogued": plan.uncatalogued,
        "quarantined": [{"path": q.path, "reason": q.reason} for q in report.quarantined],
        "counts": report.counts,
        "embedded": report.embedded,
        "carried_over": report.carried_over,
    }


def _print_sync(report: SyncReport, dry_run: bool) -> None:
    plan = report.plan
    for word, paths in (("+", plan.added), ("~", plan.changed), ("-", plan.removed)):
        for path in paths:
            sys.stdout.write(f"{word} {path}\n")
    changes = f"{len(plan.added)} added, {len(plan.changed)} changed, {len(plan.removed)} removed"
    if dry_run:
        sys.stdout.write(f"Would be done: {changes}. Nothing was written.\n")
    elif not report.published:
        sys.stdout.write(f"Nothing changed. Generation {report.generation} stays published.\n")
    else:
        counts = ", ".join(f"{n} {what}" for what, n in report.counts.items())
        sys.stdout.write(
            f"Published generation {report.generation}: {changes}; {counts}; "
            f"{report.embedded} vectors embedded, {report.carried_over} carried over.\n"
        )
    for path in plan.uncatalogued:
        sys.stdout.write(f"Not in the catalogue: {path}\n")
    for file in report.quarantined:
        sys.stdout.write(f"Quarantined: {file.path}: {file.reason}\n")


def _list(arguments: argparse.Namespace) -> int:
    from ingest.inventory import inventory

    rows = inventory(settings_of(arguments).values.index)
    if arguments.json:
        print_json({"documents": rows})
        return 0
    for row in rows:
        sys.stdout.write(f"{row['state']:<11} {row['path']}\n")
        if row["state"] == "indexed":
            sys.stdout.write(
                f"            {row['id']}: {row['title']} ({row['language']}, "
                f"{row['pages']} pages, {row['passages']} passages, "
                f"{row['characters_per_page']} characters a page)\n"
            )
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
        counts = ", ".join(f"{n} {what}" for what, n in generation["counts"].items())
        size = f"{generation['bytes'] / 1e6:.1f} MB"
        sys.stdout.write(
            f"{mark} {generation['id']}  {generation['created']}  {size}"
            f"  {counts}  embedder {generation['embedder']}\n"
        )
    holder = status["lock_holder"]
    sys.stdout.write(f"Being written by process {holder}.\n" if holder else "No writer.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
