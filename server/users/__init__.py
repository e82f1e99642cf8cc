"""The reference server's own user model."""
