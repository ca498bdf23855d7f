"""The sample corpus: briefings built from ``corpus/sources/``. No other code imports this."""
