"""`python -m pytempo`: the command line."""

from pytempo.cli import main

if __name__ == "__main__":
    main()
