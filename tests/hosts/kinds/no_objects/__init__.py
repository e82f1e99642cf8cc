"""The manager has another name."""
