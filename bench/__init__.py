"""The measurements behind each speed claim: ``make bench``, docs/en/explanation/performance.md."""
