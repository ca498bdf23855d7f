"""Questions out: retrieves passages and answers with verified citations."""
