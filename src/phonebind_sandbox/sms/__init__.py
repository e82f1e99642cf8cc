"""SMS vendors, emulated: one file for each, which knows how that vendor is asked and how it answers."""
