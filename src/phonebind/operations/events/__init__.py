"""What happened, as rows that can be searched, for as long as they are kept."""
