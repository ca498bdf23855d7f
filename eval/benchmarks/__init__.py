"""Speed and memory, measured on synthetic documents of any number."""
