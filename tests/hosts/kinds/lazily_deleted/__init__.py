"""As a library for soft deletion does it: the filter is added when the rows are fetched."""
