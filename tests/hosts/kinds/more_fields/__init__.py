"""Further fields that are unique or required, with what Django can fill in by itself."""
