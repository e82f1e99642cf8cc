"""The primary key is a UUID."""
