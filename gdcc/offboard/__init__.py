"""Offboarding as a path that finishes: frozen, drained, retained, deleted; each step says what comes next."""
