"""The serial link: bytes in, bytes out, and the session behind them."""
