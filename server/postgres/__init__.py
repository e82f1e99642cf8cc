"""A database backend: Django's backend for PostgreSQL, without a check query before each request."""
