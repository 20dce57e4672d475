"""`python -m cre_core`."""

from cre_core.cli import main

if __name__ == "__main__":
    main()
