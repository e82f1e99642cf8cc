"""What each speed claim was measured with: ``make bench``, docs/performance.md."""
