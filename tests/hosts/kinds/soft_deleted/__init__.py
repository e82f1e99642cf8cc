"""The default manager hides who was deleted; they stay active, and keep their mobile."""
