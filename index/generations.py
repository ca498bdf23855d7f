"""Generations: immutable builds of the index, of which exactly one is published.

::

    INDEX/CURRENT                    names the published generation; CURRENT.copy says the same
    INDEX/generations/ID/            manifest.json and the files that it lists
    INDEX/building/                  the one being built; worthless unless its builder lives
    INDEX/lock                       held by the one writer
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpus.errors import DamagedIndexError, NoUsableIndexError
from corpus.folder import file_sha256
from index.analysis import ANALYSIS
from index.dense import DENSE_STORES, Rows, Vectors
from index.lock import Pin
from index.manifest import MANIFEST_FILE, Manifest, read_manifest
from index.noise import question_places, questions_digest
from index.pointer import Permitted, Pointer, damaged_pointers, read_pointer
from index.records import Records
from index.repairs import index_command, sync_command
from index.tokens import TokenStore, open_tokens
from index.versions import same_statements

RECORDS_FILE = "records.sqlite"
PASSAGE_VECTORS_FILE = "passages.vectors"
SENTENCE_VECTORS_FILE = "sentences.npy"
NOISE_FILE = "noise.npy"  # vectors of the foreign questions, so that a sync can do without a model
_ID = re.compile(r"\d{6,}-\w+")
# A generation can be replaced and pruned while it is being opened; more often in a row it is not.
_ATTEMPTS = 5


class Generation:
    """One generation, open for reading; its files stay those that were opened and checked.

    It is pinned: as long as this object lives, ``prune`` leaves the folder alone. ``warning`` says
    what damage was found on the way to it, and is None where there was none.
    """

    def __init__(
        self, folder: Path, permitted: Permitted | None = None, warning: str | None = None
    ) -> None:
        self._pin = _pinned(folder)
        self.folder = folder
        self.warning = warning
        self.manifest: Manifest = read_manifest(folder)
        if self.manifest.analysis != ANALYSIS:
            raise NoUsableIndexError(
                f"The index generation {folder} was built with other keyword rules "
                f"({self.manifest.analysis}). Build it anew: "
                f"{sync_command(folder.parent.parent, force=True)}"
            )
        check_files(folder, self.manifest)
        self.records = Records(folder / RECORDS_FILE, permitted)
        kind = DENSE_STORES[self.manifest.dense_store]()
        dimension = self.manifest.embedder.dimension
        self.passages = kind.open(folder / PASSAGE_VECTORS_FILE, dimension)
        self.sentences = _open_sentences(folder / SENTENCE_VECTORS_FILE, dimension)
        self.tokens: TokenStore | None = open_tokens(folder, dimension)
        self._counterparts: dict[tuple[str, str], dict[int, int]] = {}

    @property
    def id(self) -> str:
        """The generation's id, as in the manifest."""
        return self.manifest.generation

    def sentence_vectors(self, rows: Rows) -> Vectors:
        """Return the vectors of these sentence rows, shape (len(rows), dimension), float32."""
        return np.asarray(self.sentences[rows], dtype=np.float32)

    def foreign_questions(self, language: str) -> Vectors | None:
        """Return the vectors of the foreign questions in a language, shape (n, dimension).

        None where this generation has none, or those of another version.
        """
        file = self.folder / NOISE_FILE
        if self.manifest.noise_questions != questions_digest() or not file.exists():
            return None
        vectors: Vectors = np.load(file, allow_pickle=False)
        places = question_places(language)
        return vectors[places] if places else None

    def counterparts(self, one: str, other: str) -> dict[int, int]:
        """Return which sentence row of the other document says what a row of the one says.

        Both are ids of documents. All sentences are compared when it is first asked for: 1 ms
        for two documents of 40 sentences each, 40 ms for 500, 2 s for 5,000.
        """
        if (one, other) not in self._counterparts:
            mine, its = self._sentences_of(one), self._sentences_of(other)
            places = same_statements(
                list(mine.values()),
                list(its.values()),
                self.sentence_vectors(np.array(list(mine), np.int64)),
                self.sentence_vectors(np.array(list(its), np.int64)),
            )
            rows, others = list(mine), list(its)
            same = {rows[place]: others[its_place] for place, its_place in places.items()}
            self._counterparts[one, other] = same
        return self._counterparts[one, other]

    def _sentences_of(self, document_id: str) -> dict[int, str]:
        found = self.records.document(document_id)
        passages = range(found.first, found.end) if found else ()
        return {one.row: one.sentence.text for one in self.records.sentences(passages)}


def open_generation(index: Path, generation: str | None = None) -> Generation:
    """Open the published generation, or the one named, and check every file of it.

    Where the published one is damaged, the latest intact one that was published before is opened
    in its place, with a ``warning``, restricted to documents that are still published. Raises
    NoUsableIndexError when there is none, naming the command that makes one.
    """
    if generation is not None:
        return _named(index, generation)
    for _ in range(_ATTEMPTS):
        pointer = _pointer(index)
        try:
            folder = generation_folder(index, pointer.generation)
            return Generation(folder, warning=_pointer_warning(index))
        except DamagedIndexError as error:
            if _pointer(index).generation == pointer.generation:
                return _former(index, pointer, error)
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


def check_files(folder: Path, manifest: Manifest) -> None:
    """Compare every file with the size and the checksum in the manifest.

    Raises DamagedIndexError, naming the file.
    """
    for name, record in manifest.files.items():
        file = folder / name
        if not file.is_file() or file.stat().st_size != record.size:
            raise DamagedIndexError(
                f"{file} is missing or has another size than the manifest says."
            )
    names = sorted(manifest.files, key=lambda name: -manifest.files[name].size)
    with ThreadPoolExecutor(max_workers=2) as pool:  # hashing leaves the interpreter's lock
        found = pool.map(lambda name: file_sha256(folder / name), names)
    for name, sha256 in zip(names, found, strict=True):
        if sha256 != manifest.files[name].sha256:
            raise DamagedIndexError(f"{folder / name} is damaged: its checksum does not fit.")


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


def _named(index: Path, generation: str) -> Generation:
    known = generation_ids(index)
    if generation not in known:
        _pointer(index)
        raise NoUsableIndexError(
            f"The index in {index} has no generation {generation!r} "
            f"(there: {', '.join(known) or 'none'}). List them: {index_command('status', index)}"
        )
    try:
        return Generation(generation_folder(index, generation))
    except DamagedIndexError as error:
        raise DamagedIndexError(
            f"{error} Name another: {index_command('status', index)}"
        ) from error


def _former(index: Path, pointer: Pointer, damage: DamagedIndexError) -> Generation:
    """Open the latest intact generation that was published before the damaged one."""
    for former in pointer.history:
        if pointer.permitted is None or former == pointer.generation:
            continue
        warning = (
            f"{damage} Generation {former} is served in its place, without what was removed or "
            f"changed since. To repair the index: {sync_command(index)}"
        )
        try:
            return Generation(generation_folder(index, former), pointer.permitted, warning)
        except NoUsableIndexError:
            continue
    raise DamagedIndexError(
        f"{damage} Build the index anew: {sync_command(index, force=True)}"
    ) from damage


def _open_sentences(path: Path, dimension: int) -> NDArray[np.float16]:
    try:
        vectors: NDArray[np.float16] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DamagedIndexError(f"{path} is missing or damaged ({error}).") from error
    if vectors.ndim != 2 or vectors.shape[1] != dimension:  # noqa: PLR2004 - rows and columns
        raise DamagedIndexError(f"{path} has vectors of another dimension.")
    return vectors
