/* MIG: the mode, the instances of a GPU, and the way back to the GPU. */
#include <string.h>

#include "state.h"

static bool mig_exists(sim_handle_t handle) {
    char uuid[SIM_VALUE_BYTES];
    return handle.mig >= 0 && sim_field(handle, "uuid", uuid, sizeof uuid);
}

nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t device, unsigned int *current, unsigned int *pending) {
    nvmlReturn_t result;
    ENTER_DEVICE(device, handle);
    NOT_NULL(current);
    NOT_NULL(pending);
    if (handle.mig >= 0) return NVML_ERROR_NOT_SUPPORTED;
    result = sim_field_uint(handle, "mig_mode", current);
    *pending = *current;
    return result;
}

nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t device, unsigned int *count) {
    ENTER_DEVICE(device, handle);
    NOT_NULL(count);
    *count = handle.mig >= 0 || sim_field_or(handle, "mig_mode", -1) < 0 ? 0 : SIM_MAX_MIG;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t device, unsigned int index, nvmlDevice_t *instance) {
    ENTER_DEVICE(device, handle);
    NOT_NULL(instance);
    if (handle.mig >= 0 || index >= SIM_MAX_MIG) return NVML_ERROR_INVALID_ARGUMENT;
    if (sim_field_or(handle, "mig_mode", 0) == 0) return NVML_ERROR_NOT_SUPPORTED;
    if (!mig_exists((sim_handle_t){handle.slot, (int)index})) return NVML_ERROR_NOT_FOUND;
    *instance = sim_handle(handle.slot, (int)index);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetDeviceHandleFromMigDeviceHandle(nvmlDevice_t instance, nvmlDevice_t *device) {
    ENTER_DEVICE(instance, handle);
    NOT_NULL(device);
    if (!mig_exists(handle)) return NVML_ERROR_INVALID_ARGUMENT;
    *device = sim_handle(handle.slot, -1);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceIsMigDeviceHandle(nvmlDevice_t device, unsigned int *is_mig) {
    ENTER_DEVICE(device, handle);
    NOT_NULL(is_mig);
    *is_mig = handle.mig >= 0;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetGpuInstanceId(nvmlDevice_t device, unsigned int *id) {
    ENTER_DEVICE(device, handle);
    return mig_exists(handle) ? sim_field_uint(handle, "gpu_instance", id) : NVML_ERROR_NOT_SUPPORTED;
}

nvmlReturn_t nvmlDeviceGetComputeInstanceId(nvmlDevice_t device, unsigned int *id) {
    ENTER_DEVICE(device, handle);
    return mig_exists(handle) ? sim_field_uint(handle, "compute_instance", id) : NVML_ERROR_NOT_SUPPORTED;
}

nvmlReturn_t nvmlDeviceGetAttributes_v2(nvmlDevice_t device, nvmlDeviceAttributes_t *attributes) {
    ENTER_DEVICE(device, handle);
    NOT_NULL(attributes);
    if (!mig_exists(handle)) return NVML_ERROR_NOT_SUPPORTED;
    memset(attributes, 0, sizeof *attributes);
    attributes->gpuInstanceSliceCount = (unsigned int)sim_field_or(handle, "slices", 1);
    attributes->computeInstanceSliceCount = attributes->gpuInstanceSliceCount;
    attributes->multiprocessorCount = 14 * attributes->gpuInstanceSliceCount;
    attributes->memorySizeMB = (unsigned long long)sim_field_or(handle, "memory_total_mib", 0);
    return NVML_SUCCESS;
}
