"""The one Python-backend model behind every model of the repository; runs inside Triton's stub process."""

import json
import time
from importlib import import_module
from typing import Any

from modelmonitor_testbed.triton.control import Behaviour, BehaviourFile, Share, control_directory


class TritonPythonModel:
    """Returns its input times two, after a delay, or fails, as its control file says."""

    def initialize(self, args: dict[str, str]) -> None:
        """Read the defaults from the parameters of the model's configuration."""
        self._backend: Any = import_module("triton_python_backend_utils")
        parameters = json.loads(args["model_config"]).get("parameters", {})
        defaults = Behaviour().with_settings({name: value["string_value"] for name, value in parameters.items()})
        self._behaviour = BehaviourFile(args["model_name"], defaults, control_directory())
        self._failures = Share()
        self._errors = Share()

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer one batch; an exception here is what Triton counts as a BACKEND failure."""
        behaviour = self._behaviour.read()
        time.sleep(behaviour.delay_ms / 1000)
        if self._failures.take(behaviour.fail_ratio):
            raise RuntimeError("the model was told to fail")
        if self._errors.take(behaviour.error_ratio):
            return [self._error_response() for _ in requests]
        return [self._response(request) for request in requests]

    def _response(self, request: Any) -> Any:
        values = self._backend.get_input_tensor_by_name(request, "INPUT").as_numpy()
        return self._backend.InferenceResponse([self._backend.Tensor("OUTPUT", values * 2)])

    def _error_response(self) -> Any:
        error = self._backend.TritonError("the model was told to return an error")
        return self._backend.InferenceResponse(error=error)
