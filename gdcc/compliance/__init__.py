"""Controls, their checks, and evidence that a reviewer can trust: one record feeds every report."""
