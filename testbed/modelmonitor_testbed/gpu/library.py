"""Compiles the simulated `libnvidia-ml.so.1`, which the real pynvml loads by name."""

import argparse
import subprocess
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

LIBRARY = "libnvidia-ml.so.1"
SOURCES = Path(__file__).with_name("nvml")


def header_directory() -> Path:
    """Return the folder of nvml.h, of the package nvidia-nvml-dev; FileNotFoundError where it is not installed."""
    try:
        found = [file for file in files("nvidia-nvml-dev") or [] if file.name == "nvml.h"]
    except PackageNotFoundError:
        found = []
    if not found:
        raise FileNotFoundError("nvml.h is not here; install the Python package nvidia-nvml-dev")
    return Path(str(found[0].locate())).parent


def compile_library(folder: Path, headers: Path | None = None, *defines: str) -> Path:
    """Compile the library into a folder and return its path; subprocess.CalledProcessError where cc fails.

    Args:
        defines: macros such as `POLL_MILLISECONDS=1000`, how often a wait for events looks at the state.
    """
    library = folder / LIBRARY
    sources = sorted(str(source) for source in SOURCES.glob("*.c"))
    flags = ["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-Wno-deprecated-declarations"]
    linking = [f"-Wl,--version-script={SOURCES / 'exports.map'}", f"-Wl,-soname,{LIBRARY}", "-lm", "-lpthread", "-ldl"]
    include = f"-I{headers or header_directory()}"
    flags += [f"-D{define}" for define in defines]
    subprocess.run(["cc", *flags, include, "-o", str(library), *sources, *linking], check=True)
    return library


def main() -> None:
    """Compile into the folder that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    print(compile_library(parser.parse_args().folder))


if __name__ == "__main__":
    main()
