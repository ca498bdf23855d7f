"""Generations: immutable builds of the index, of which exactly one is published.

::

    INDEX/CURRENT                    names the published generation; CURRENT.copy says the same
    INDEX/generations/ID/            manifest.json, foreign_questions.npy, and a folder for each
                                     audience
    INDEX/building/                  the one being built; worthless unless its builder lives
    INDEX/lock                       held by the one writer
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from corpus.errors import DamagedIndexError, NoUsableIndexError
from index.analysis import ANALYSIS
from index.checksums import check_files
from index.dense import DenseStore, Rows, Vectors
from index.foreign_questions import question_places, questions_digest
from index.joined_dense import DensePart, JoinedDense
from index.lock import Pin
from index.manifest import MANIFEST_FILE, Manifest, read_manifest
from index.pointer import Permitted, Pointer, damaged_pointers, read_pointer
from index.records import Records, RecordsPart
from index.repairs import index_command, sync_command
from index.shards import joined_tokens, open_shards
from index.tokens import TokenStore
from index.versions import same_statements

# Vectors of the foreign questions, kept so that a sync can do without a model.
FOREIGN_FILE = "foreign_questions.npy"
_ID = re.compile(r"\d{6,}-\w+")
# A generation can be replaced and pruned while it is being opened; more often in a row it is not.
_ATTEMPTS = 5


class Generation:
    """One generation, open for some audiences; its files stay those that were opened and checked.

    ``audiences`` None means all of them. Only the shards of these are opened and checked, and what
    the generation offers is computed from them alone: ``records``, ``passages``, ``tokens`` and
    the rows in them are those of all opened ``shards`` together. An audience without documents has
    no shard; a generation that is open for such ones only finds nothing. What the manifest counts
    is for staff, as it counts all shards.

    It is pinned: as long as this object lives, ``prune`` leaves the folder alone. ``warning`` says
    what damage was found on the way to it, and is None where there was none.
    """

    def __init__(
        self,
        folder: Path,
        permitted: Permitted | None = None,
        warning: str | None = None,
        audiences: Sequence[str] | None = None,
    ) -> None:
        self._pin = _pinned(folder)
        self.folder = folder
        self.warning = warning
        self.manifest: Manifest = read_manifest(folder)
        if self.manifest.analysis != ANALYSIS:
            raise NoUsableIndexError(
                f"The index generation {folder} was built with other keyword rules "
                f"({self.manifest.analysis}). Rebuild it: "
                f"{sync_command(folder.parent.parent, force=True)}"
            )
        self.audiences = None if audiences is None else frozenset(audiences)
        check_files(folder, self.manifest, self.audiences)
        self.shards = open_shards(folder, self.manifest, self.audiences, permitted)
        self.records = Records(
            [
                RecordsPart(
                    shard.records,
                    shard.first_passage,
                    shard.passages.size,
                    shard.first_sentence,
                    len(shard.sentences),
                )
                for shard in self.shards
            ]
        )
        parts = [DensePart(s.passages, s.records, s.first_passage) for s in self.shards]
        self.passages: DenseStore = JoinedDense(parts, self.manifest.embedder.dimension)
        self.tokens: TokenStore | None = joined_tokens(self.shards)
        self._counterparts: dict[tuple[str, str], dict[int, int]] = {}

    @property
    def id(self) -> str:
        """The generation's id, as in the manifest."""
        return self.manifest.generation

    @property
    def counts(self) -> dict[str, int]:
        """What the opened shards hold: documents, pages, passages, sentences, quarantined."""
        counts = Counter(dict.fromkeys(self.manifest.counts, 0))
        for shard in self.shards:
            counts.update(shard.counts)
        return dict(counts)

    def sentence_vectors(self, rows: Rows) -> Vectors:
        """Return the vectors of these sentence rows, shape (len(rows), dimension), float32."""
        if len(self.shards) == 1:
            return np.asarray(self.shards[0].sentences[rows], dtype=np.float32)
        vectors = np.zeros((len(rows), self.manifest.embedder.dimension), np.float32)
        for shard in self.shards:
            own = rows - shard.first_sentence
            inside = (own >= 0) & (own < len(shard.sentences))
            vectors[inside] = shard.sentences[own[inside]]
        return vectors

    def foreign_questions(self, language: str) -> Vectors | None:
        """Return the vectors of the foreign questions in a language, shape (n, dimension).

        None where this generation has none, or those of another version.
        """
        file = self.folder / FOREIGN_FILE
        if self.manifest.foreign_questions != questions_digest() or not file.exists():
            return None
        vectors: Vectors = np.load(file, allow_pickle=False)
        places = question_places(language)
        return vectors[places] if places else None

    def counterparts(self, document_id: str, version_id: str) -> dict[int, int]:
        """Return by sentence row of a document the row of a version of it that says the same.

        Both are ids of documents. All sentences are compared when it is first asked for: 1 ms
        for two documents of 40 sentences each, 40 ms for 500, 2 s for 5,000.
        """
        key = (document_id, version_id)
        if key not in self._counterparts:
            texts, version_texts = self._sentences_of(document_id), self._sentences_of(version_id)
            rows, version_rows = list(texts), list(version_texts)
            places = same_statements(
                list(texts.values()),
                list(version_texts.values()),
                self.sentence_vectors(np.array(rows, np.int64)),
                self.sentence_vectors(np.array(version_rows, np.int64)),
            )
            self._counterparts[key] = {
                rows[place]: version_rows[version_place] for place, version_place in places.items()
            }
        return self._counterparts[key]

    def _sentences_of(self, document_id: str) -> dict[int, str]:
        document = self.records.document(document_id)
        passages = range(document.first, document.end) if document else ()
        return {stored.row: stored.sentence.text for stored in self.records.sentences(passages)}


def open_generation(
    index: Path, generation: str | None = None, audiences: Sequence[str] | None = None
) -> Generation:
    """Open the published generation, or the one named, for some audiences; None means all.

    Every file that is for them is checked. Where the published one is damaged, the latest intact
    one that was published before is opened in its place, with a ``warning``, restricted to
    documents that are still published. Raises NoUsableIndexError when there is none, naming the
    command that makes one.
    """
    if generation is not None:
        return _named(index, generation, audiences)
    for _ in range(_ATTEMPTS):
        pointer = _pointer(index)
        try:
            folder = generation_folder(index, pointer.generation)
            return Generation(folder, warning=_pointer_warning(index), audiences=audiences)
        except DamagedIndexError as error:
            if _pointer(index).generation == pointer.generation:
                return _previous(index, pointer, error, audiences)
    raise NoUsableIndexError(f"The index in {index} changes faster than it can be opened.")


def published_generation(index: Path) -> str | None:
    """Return the id of the published generation, or None when nothing is published."""
    pointer = read_pointer(index)
    return pointer.generation if pointer else None


def generation_ids(index: Path) -> list[str]:
    """Return the ids of all complete generations, oldest first."""
    folders = (path for path in (index / "generations").glob("*") if path.is_dir())
    return sorted(path.name for path in folders if _ID.fullmatch(path.name))


def generation_folder(index: Path, generation: str) -> Path:
    """Return the folder of a generation, whether it exists or not."""
    return index / "generations" / generation


def no_index(index: Path) -> NoUsableIndexError:
    """Return the error for a folder without an index, with the command that makes one."""
    if generation_ids(index):
        return NoUsableIndexError(
            f"None of the generations in {index} is published. Serve one: "
            f"{index_command('rollback GENERATION', index)}; these are there: "
            f"{', '.join(generation_ids(index))}"
        )
    return NoUsableIndexError(f"There is no index in {index}. Make one: {sync_command(index)}")


def _pinned(folder: Path) -> Pin:
    try:
        return Pin(folder / MANIFEST_FILE)
    except OSError as error:
        raise DamagedIndexError(f"{folder / MANIFEST_FILE} is missing or being removed.") from error


def _pointer(index: Path) -> Pointer:
    pointer = read_pointer(index)
    if pointer is None:
        raise no_index(index)
    return pointer


def _pointer_warning(index: Path) -> str | None:
    problems = damaged_pointers(index)
    if not problems:
        return None
    return f"{' '.join(problems)} The copy of it is used. To repair it: {sync_command(index)}"


def _named(index: Path, generation: str, audiences: Sequence[str] | None) -> Generation:
    known = generation_ids(index)
    if generation not in known:
        _pointer(index)
        raise NoUsableIndexError(
            f"The index in {index} has no generation {generation!r} "
            f"(there: {', '.join(known) or 'none'}). List them: {index_command('status', index)}"
        )
    try:
        return Generation(generation_folder(index, generation), audiences=audiences)
    except DamagedIndexError as error:
        raise DamagedIndexError(
            f"{error} Name another: {index_command('status', index)}"
        ) from error


def _previous(
    index: Path,
    pointer: Pointer,
    damage: DamagedIndexError,
    audiences: Sequence[str] | None,
) -> Generation:
    """Open the latest intact generation that was published before the damaged one."""
    for previous in pointer.history:
        if previous == pointer.generation:
            continue
        warning = (
            f"{damage} Generation {previous} is served in its place, without what was removed or "
            f"changed since. To repair the index: {sync_command(index)}"
        )
        try:
            folder = generation_folder(index, previous)
            return Generation(folder, pointer.permitted, warning, audiences)
        except NoUsableIndexError:
            continue
    raise DamagedIndexError(
        f"{damage} Rebuild the index: {sync_command(index, force=True)}"
    ) from damage
