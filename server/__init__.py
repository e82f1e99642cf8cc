"""The reference server: what a host project of phonebind looks like, ready to run."""
