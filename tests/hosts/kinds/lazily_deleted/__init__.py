"""As in a library for soft deletion: the filter is added when the rows are fetched."""
