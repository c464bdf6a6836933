"""Where `pavdm` begins: an interruption while the program is still being loaded is no traceback."""


def main() -> None:
    """Load the command line and run it."""
    try:
        from pavdm_cli.cli.app import main as run
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    run()


if __name__ == "__main__":
    main()
