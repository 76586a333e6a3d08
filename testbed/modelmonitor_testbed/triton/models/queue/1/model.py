"""The model of this folder: the shared one, set by config.pbtxt."""

from modelmonitor_testbed.triton.served_model import TritonPythonModel

__all__ = ["TritonPythonModel"]
