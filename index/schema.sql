-- One audience's documents, pages, passages, sentences and keyword terms in a generation. Immutable
-- once built.
-- Passage and sentence rows count from 0, as do the rows of their vectors.

CREATE TABLE documents (
    id TEXT PRIMARY KEY,
    record TEXT NOT NULL,          -- corpus.documents.Document as JSON, what is not known left out
    own_title TEXT NOT NULL,       -- its first heading, whatever the catalogue; may be empty
    own_language TEXT NOT NULL,
    path TEXT NOT NULL UNIQUE,
    sha256 TEXT NOT NULL,
    language TEXT NOT NULL,
    published TEXT,
    number TEXT,
    edition TEXT,
    audience TEXT NOT NULL,
    title_terms TEXT NOT NULL,     -- for the keyword search: every passage may be found by its title
    first_passage INTEGER NOT NULL, -- its passages are the rows first_passage .. end_passage - 1
    end_passage INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE pages (
    document_id TEXT NOT NULL REFERENCES documents (id),
    number INTEGER NOT NULL,
    printed_number TEXT,
    text TEXT NOT NULL,
    PRIMARY KEY (document_id, number)
) WITHOUT ROWID;

CREATE TABLE passages (
    row INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    document_id TEXT NOT NULL REFERENCES documents (id),
    first_page INTEGER NOT NULL,
    last_page INTEGER NOT NULL,
    section TEXT NOT NULL,         -- heading path as a JSON list
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    text TEXT NOT NULL,
    digest TEXT NOT NULL,          -- of what was embedded, to carry the vector over
    terms TEXT NOT NULL            -- for the keyword search, separated by spaces
);

CREATE TABLE sentences (
    row INTEGER PRIMARY KEY,
    passage INTEGER NOT NULL REFERENCES passages (row),
    text TEXT NOT NULL,
    spans TEXT NOT NULL,           -- [[page, start, end], …]
    kind TEXT NOT NULL,
    lead TEXT NOT NULL,
    digest TEXT NOT NULL
);
CREATE INDEX sentences_passage ON sentences (passage);

CREATE TABLE quarantine (
    path TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL,
    reason TEXT NOT NULL,
    audience TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE duplicates (
    path TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL,
    of TEXT NOT NULL,              -- the path of the document with the same content
    audience TEXT NOT NULL
) WITHOUT ROWID;

-- Terms come from index.analysis, and lie beside the passages: the next generation copies them. Those
-- of the title are the catalogue's, which may change without the passages.
CREATE VIEW keyword_texts AS
    SELECT passages.row, documents.title_terms || ' ' || passages.terms AS terms
    FROM passages JOIN documents ON documents.id = passages.document_id;
CREATE VIRTUAL TABLE keywords USING fts5 (
    terms, content='keyword_texts', content_rowid='row', columnsize=1,
    tokenize="unicode61 remove_diacritics 0"
);
CREATE VIRTUAL TABLE keyword_counts USING fts5vocab (keywords, 'row');

-- How many passages and terms the keyword search knows: one row, for scores over several shards.
CREATE TABLE keyword_size (
    passages INTEGER NOT NULL,
    terms INTEGER NOT NULL
);
