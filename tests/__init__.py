"""Mirrors src/phonebind, one file each; journeys/ goes through the reference server and the browser."""
