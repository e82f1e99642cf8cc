"""Mirrors src/phonebind: one test file for each module. journeys/ tests the reference server with a browser."""
