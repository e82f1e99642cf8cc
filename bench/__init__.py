"""What each speed claim was measured with: ``make bench``, docs/en/explanation/performance.md."""
