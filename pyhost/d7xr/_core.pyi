"""The compiled firmware, as cffi gives it: `ecu` alone imports it and puts types on it."""

from typing import Any

ffi: Any
lib: Any
