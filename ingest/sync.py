"""A document's way in: read → pages → passages → vectors → a generation → published."""

from __future__ import annotations

import datetime
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from corpus.errors import AssistantError, NoUsableIndexError, UsageError
from corpus.folder import file_sha256
from corpus.settings import Settings
from index.analysis import ANALYSIS
from index.foreign_questions import questions_digest
from index.generations import (
    Generation,
    generation_folder,
    generation_ids,
    open_generation,
    published_generation,
)
from index.lock import writer_lock
from index.manifest import FORMAT, FileRecord, Manifest, ShardRecord, read_manifest
from index.pointer import damaged_pointers
from index.publishing import building_folder, known_pointer, next_generation_id, publish, settle
from index.reader_files import fingerprint
from index.records import Quarantined
from index.records_writer import COUNTED
from index.repairs import index_command
from index.verification import problems_of
from ingest.content import write_content
from ingest.formats import FORMATS, refusal
from ingest.gate import lost_golden_questions
from ingest.model import Model, named_alike
from ingest.passages import CHUNKING
from ingest.plan import Plan, make_plan
from ingest.stages import Progress, Stage, Stages
from ingest.vector_check import check_sample
from ingest.vectors import DENSE_STORE, VectorSource, embed_all, write_foreign_questions


@dataclass(frozen=True)
class SyncReport:
    """What a sync did.

    ``generation`` is the published one, ``published`` says if it is new. ``held_back`` is a
    generation that was built and not published, as it loses the golden questions ``lost``;
    ``warnings`` say what was published in spite of them, and what the catalogue leaves open.
    """

    generation: str | None
    published: bool
    plan: Plan
    quarantined: list[Quarantined]
    counts: dict[str, int]
    embedded: int = 0
    carried_over: int = 0
    held_back: str | None = None
    lost: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)


@dataclass(frozen=True)
class _Built:
    """A complete generation that nobody is served yet, and how its vectors came about."""

    generation: Generation
    embedded: int = 0
    carried_over: int = 0


def sync(
    settings: Settings,
    *,
    dry_run: bool = False,
    force: bool = False,
    retry: bool = False,
    progress: Progress,
) -> SyncReport:
    """Make the index mirror the corpus folder, and publish one new generation if it changed.

    ``force`` reads and embeds everything again, publishes what the promotion gate would hold back,
    with a warning, and lets an index become empty; ``retry`` reads quarantined files once more.
    Whatever goes wrong, the generation that was published before stays published. Raises UsageError
    for a folder without documents, a faulty catalogue, and an index that was built by another
    embedder or other rules; AssistantError when no document at all could be read;
    IndexLockedError when another process writes this index.
    """
    stages = Stages(progress)
    _refuse_nested(settings)
    if dry_run:
        published = _published(settings.index, force)
        plan = _plan(settings, published, retry=retry, anew=force)
        _refuse_empty(plan, settings, force)
        if published and not force:
            _refuse_other_rules(published)
        return replace(_unchanged(plan, published, stages), quarantined=_foreseen(plan))
    with writer_lock(settings.index):
        published = _published(settings.index, force)
        plan = _plan(settings, published, retry=retry, anew=force)
        stages.done("compare", len(plan.files))
        _refuse_empty(plan, settings, force)
        if published and not force:
            _refuse_other_rules(published)
            if _is_up_to_date(plan, published, settings, retry):
                _repair_pointers(settings.index, published)
                return _unchanged(plan, published, stages)
        previous = None if force else published
        built = _waiting(settings, plan) or _build(settings, plan, previous, stages)
        lost, warnings = _lost_questions(settings, published, built, stages, force)
        if force or not lost:
            publish(settings.index, built.generation)
        report = _report(plan, published if lost and not force else None, built, stages)
        return replace(report, lost=lost, warnings=[*report.warnings, *warnings])


def _plan(settings: Settings, published: Generation | None, *, retry: bool, anew: bool) -> Plan:
    audience = settings.default_audience
    return make_plan(settings.corpus, published, audience, retry=retry, anew=anew)


def _build(settings: Settings, plan: Plan, previous: Generation | None, stages: Stages) -> _Built:
    """Build a generation beside the published one: complete, verified, on disk, not published."""
    model = Model(settings, previous)
    with building_folder(settings.index) as folder:
        content = write_content(folder, plan, previous, stages)
        _refuse_all_quarantined(plan, content.quarantined)

        sources = [
            VectorSource(audience, records, model, previous)
            for audience, records in content.records.items()
        ]
        embed_all(sources, folder, stages)
        write_foreign_questions(folder, model, previous)
        shards = {
            audience: source.write(folder)
            for audience, source in zip(content.records, sources, strict=True)
        }
        manifest = _manifest(settings, plan, folder, model, shards)
        manifest.write(folder)
        stages.done("write", manifest.counts["passages"])

        _refuse_unsound(folder)
        check_sample(Generation(folder), model, previous)
        place = settle(settings.index, folder, manifest.generation)
        stages.done("verify", manifest.counts["passages"])
    return _Built(
        Generation(place),
        sum(source.embedded for source in sources),
        sum(source.carried_over for source in sources),
    )


def _waiting(settings: Settings, plan: Plan) -> _Built | None:
    """Return a generation that was built of the same corpus, but not published.

    The promotion gate held it back, or the writer died before the last step.
    """
    pointer = known_pointer(settings.index)
    newest = pointer.generation if pointer else ""
    earlier = {newest, *(pointer.history if pointer else ())}
    for name in reversed(generation_ids(settings.index)):
        folder = generation_folder(settings.index, name)
        if name <= newest or name in earlier or problems_of(folder):
            continue
        manifest = read_manifest(folder)
        if manifest.corpus_digest == plan.digest and _by_these_rules(manifest, settings):
            return _Built(Generation(folder))
    return None


def _published(index: Path, force: bool) -> Generation | None:
    try:
        if published_generation(index) is None:
            return None
        return open_generation(index)
    except NoUsableIndexError:
        if force:
            return None
        raise


def _foreseen(plan: Plan) -> list[Quarantined]:
    """Return the files that are known to be unreadable without opening them."""
    found = dict(plan.quarantined)
    for file in plan.files:
        reason = refusal(file.file)
        if reason and file.path not in found:
            found[file.path] = Quarantined(file.path, file.sha256, reason, file.audience)
    return [found[path] for path in sorted(found)]


def _refuse_nested(settings: Settings) -> None:
    if settings.index.resolve().is_relative_to(settings.corpus.resolve()):
        raise UsageError(
            f"The index folder {settings.index} lies in the corpus folder {settings.corpus}, where "
            "it would be read as documents. Name another with --index DIR."
        )


def _refuse_empty(plan: Plan, settings: Settings, force: bool) -> None:
    if not plan.files and not force:
        raise UsageError(
            f"There are no documents in {settings.corpus}. Put documents there "
            f"({', '.join(sorted(FORMATS))}), or name another folder with --corpus DIR. "
            "To publish an empty index, add --force."
        )


def _refuse_other_rules(published: Generation) -> None:
    manifest = published.manifest
    if (manifest.chunking, manifest.dense_store) != (CHUNKING, DENSE_STORE):
        raise UsageError(
            f"The index was built by other rules ({manifest.chunking}, {manifest.dense_store}) "
            f"than those of this version ({CHUNKING}, {DENSE_STORE}). "
            "Read and embed everything again: run the command again with --force"
        )


def _refuse_all_quarantined(plan: Plan, quarantined: list[Quarantined]) -> None:
    if plan.files and len(quarantined) == len(plan.files):
        reasons = "\n".join(f"  {q.path}: {q.reason}" for q in quarantined)
        raise AssistantError(
            f"None of the documents could be read, so nothing was published:\n{reasons}"
        )


def _refuse_unsound(folder: Path) -> None:
    problems = problems_of(folder)
    if problems:
        raise AssistantError(
            f"The new generation is not sound, so it was not published: {' '.join(problems)} "
            "Run the command again; if this comes back, look at the disk."
        )


def _is_up_to_date(plan: Plan, published: Generation, settings: Settings, retry: bool) -> bool:
    return (
        not published.records.restricted
        and published.manifest.corpus_digest == plan.digest
        and _by_these_rules(published.manifest, settings)
        and not (retry and published.records.quarantined())
    )


def _by_these_rules(manifest: Manifest, settings: Settings) -> bool:
    return (manifest.format, manifest.chunking, manifest.dense_store, manifest.analysis) == (
        FORMAT,
        CHUNKING,
        DENSE_STORE,
        ANALYSIS,
    ) and named_alike(settings, manifest.embedder)


def _repair_pointers(index: Path, published: Generation) -> None:
    if damaged_pointers(index):
        publish(index, published)


def _lost_questions(
    settings: Settings, published: Generation | None, built: _Built, stages: Stages, force: bool
) -> tuple[list[str], list[str]]:
    """Return the golden questions that are lost, and the warnings where they do not count."""
    if published is None:
        return [], []
    try:
        lost = lost_golden_questions(settings, published.id, built.generation.id)
    except AssistantError as error:
        if force:
            return [], [f"Published without knowing what is lost. {error}"]
        raise AssistantError(
            f"Generation {built.generation.id} is built but not published. {error} Correct this "
            "and run the command again; nothing will be read or embedded twice."
        ) from error
    stages.done("golden questions", 2)
    return lost, [_published_in_spite(lost, published, settings)] if force and lost else []


def _published_in_spite(lost: list[str], before: Generation, settings: Settings) -> str:
    questions = "".join(f"\n  {question}" for question in lost)
    return (
        "Published, as --force was given, although these golden questions are not answered any "
        f"more:{questions}\nTo serve the generation before again: "
        f"{index_command(f'rollback {before.id}', settings.index)}"
    )


def _unchanged(plan: Plan, published: Generation | None, stages: Stages) -> SyncReport:
    return SyncReport(
        generation=published.id if published else None,
        published=False,
        plan=plan,
        quarantined=published.records.quarantined() if published else [],
        counts=published.manifest.counts if published else {},
        warnings=plan.warnings,
        stages=stages.finished,
    )


def _report(plan: Plan, kept: Generation | None, built: _Built, stages: Stages) -> SyncReport:
    """Report what was built, and published unless a generation before it was ``kept``."""
    return SyncReport(
        generation=kept.id if kept else built.generation.id,
        published=kept is None,
        plan=plan,
        quarantined=built.generation.records.quarantined(),
        counts=built.generation.manifest.counts,
        embedded=built.embedded,
        carried_over=built.carried_over,
        held_back=built.generation.id if kept else None,
        warnings=plan.warnings,
        stages=stages.finished,
    )


def _manifest(
    settings: Settings,
    plan: Plan,
    folder: Path,
    model: Model,
    shards: dict[str, ShardRecord],
) -> Manifest:
    counts = Counter(dict.fromkeys(COUNTED, 0))
    for shard in shards.values():
        counts.update(shard.counts)
    return Manifest(
        format=FORMAT,
        generation=next_generation_id(settings.index, plan.digest),
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        embedder=model.record,
        dense_store=DENSE_STORE,
        chunking=CHUNKING,
        analysis=ANALYSIS,
        corpus_digest=plan.digest,
        counts=dict(counts),
        shards=shards,
        files={
            file.relative_to(folder).as_posix(): FileRecord(file.stat().st_size, file_sha256(file))
            for file in sorted(folder.rglob("*"))
            if file.is_file()
        },
        foreign_questions=questions_digest(),
        reader=fingerprint(),
    )
