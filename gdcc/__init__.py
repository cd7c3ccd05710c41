"""Infrastructure as code for a Thai government cloud."""
