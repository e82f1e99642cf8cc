"""The default manager hides deleted users. They stay active, and keep their mobile."""
