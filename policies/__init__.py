"""Controls as rules: one predicate each, asked at preview, by admission walls and of what is live."""
