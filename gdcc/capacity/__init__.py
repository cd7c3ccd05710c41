"""How much of the cloud is asked for, granted and free, by pool and by zone."""
