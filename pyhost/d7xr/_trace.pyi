"""The compiled readers of traces, as cffi gives them: `trace` alone imports them."""

from typing import Any

ffi: Any
lib: Any
