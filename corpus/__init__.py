"""What the assistant knows about documents: records, catalogue, folder, settings.

The lowest floor. It imports the standard library only, so that every other floor can
build on it.
"""
