"""A database backend: Django's own for PostgreSQL, that asks no question before each request."""
