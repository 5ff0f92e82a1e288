"""`python -m tunewright`: the same as the `tunewright` command."""

from tunewright.client.cli.main import main

if __name__ == "__main__":
    main()
