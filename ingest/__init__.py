"""Documents in: reads a corpus folder and publishes one generation of the index."""
