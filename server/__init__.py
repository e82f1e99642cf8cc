"""The reference server: a host project of phonebind that is ready to run."""
