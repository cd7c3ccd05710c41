"""What the baseline is, topic by topic: the expected values, written independently of the playbooks."""
