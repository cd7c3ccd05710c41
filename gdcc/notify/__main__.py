"""`python -m gdcc.notify`."""

from gdcc.notify.commands import main

if __name__ == "__main__":
    main()
