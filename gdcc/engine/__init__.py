"""The embedded engine: runs the Pulumi program in this process and applies what it registers (docs/decisions/0001)."""
