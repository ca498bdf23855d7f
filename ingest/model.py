"""The embedding model of a sync, loaded only when there is something to embed."""

from __future__ import annotations

from corpus.errors import UsageError
from corpus.settings import Settings
from index.embedder import Embedder, load_embedder
from index.generations import Generation
from index.manifest import EmbedderRecord
from index.probe import same_model


class Model:
    """The embedder that the settings name; it must be the one that built ``previous``.

    Where the settings name it as they did then, that is looked at when it is loaded, and a sync
    that embeds nothing loads none. Raises UsageError, naming the repair, for another one.
    """

    def __init__(self, settings: Settings, previous: Generation | None) -> None:
        self._settings = settings
        self._previous = previous
        self.loaded: Embedder | None = None
        if previous and not named_alike(settings, previous.manifest.embedder):
            self.embedder()

    @property
    def record(self) -> EmbedderRecord:
        """What the manifest says of the model."""
        if self.loaded is None and self._previous:
            return self._previous.manifest.embedder
        return self.embedder().record

    def embedder(self) -> Embedder:
        """Return the embedder, loading it the first time."""
        if self.loaded is None:
            settings = self._settings
            loaded = load_embedder(
                settings.embedder, settings.cache, settings.query_prefix, settings.passage_prefix
            )
            self._refuse_another(loaded.record)
            self.loaded = loaded
        return self.loaded

    def _refuse_another(self, record: EmbedderRecord) -> None:
        if self._previous and not same_model(record, self._previous.manifest.embedder):
            before = self._previous.manifest.embedder
            raise UsageError(
                f"The embedding model {record.source!r} ({record.dimension} dimensions) is not the "
                f"one that built the index, {before.source!r} ({before.dimension} dimensions). "
                "Set that one, or embed everything again: run the command again with --force"
            )


def named_alike(settings: Settings, record: EmbedderRecord) -> bool:
    """Tell whether the settings name the model, and its prefixes, as a manifest does."""
    return (record.source, record.query_prefix, record.passage_prefix) == (
        settings.embedder,
        settings.query_prefix,
        settings.passage_prefix,
    )
