"""SQLite, as a database for secrets: ``DATABASES["default"]["ENGINE"] = "server.sqlite"``."""
