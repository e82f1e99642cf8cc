"""Further fields that are unique or required; Django can fill in their values itself."""
