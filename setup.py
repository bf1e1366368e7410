"""Build firmware and trace readers into the package; all else is said in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

BUS = "firmware/bus/d7xr.dbc"


class BuildWithBus(build_py):  # type: ignore[misc] # distutils has no types
    """Lay the bus description beside the modules: it is written once, in the firmware.

    An editable install reads it there, so that it is never out of date.
    """

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            self._bus.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(BUS, self._bus)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        own = [] if self.editable_mode else [str(self._bus)]
        return [*super().get_outputs(include_bytecode), *own]

    @property
    def _bus(self) -> Path:
        return Path(self.build_lib, "d7xr", "data", "d7xr.dbc")


setup(
    cffi_modules=["pyhost/build_core.py:make_core", "pyhost/build_core.py:make_trace"],
    cmdclass={"build_py": BuildWithBus},
)
