"""What tenants are made of, as Pulumi components: typed arguments in, Kubernetes objects and outputs out."""
