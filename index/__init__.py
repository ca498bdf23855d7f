"""The index: immutable generations that ingest writes and the assistant reads."""
