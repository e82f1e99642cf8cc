"""SQLite for data that other users must not read: ``DATABASES["default"]["ENGINE"] = "server.sqlite"``."""
