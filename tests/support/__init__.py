"""Helpers that tests share: real services, the reference server as a process, a visitor."""
