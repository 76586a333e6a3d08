/* Start, stop, versions, error texts, and the ways to a handle. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "state.h"

static int users;

nvmlReturn_t nvmlInitWithFlags(unsigned int flags) {
    (void)flags;
    ENTER();
    __atomic_add_fetch(&users, 1, __ATOMIC_SEQ_CST);
    sim_started(true);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlInit_v2(void) { return nvmlInitWithFlags(0); }

nvmlReturn_t nvmlShutdown(void) {
    if (users == 0) return NVML_ERROR_UNINITIALIZED;
    if (__atomic_sub_fetch(&users, 1, __ATOMIC_SEQ_CST) == 0) sim_started(false);
    return NVML_SUCCESS;
}

const char *nvmlErrorString(nvmlReturn_t result) {
    switch (result) {
        case NVML_SUCCESS: return "The operation was successful";
        case NVML_ERROR_UNINITIALIZED: return "Uninitialized";
        case NVML_ERROR_INVALID_ARGUMENT: return "Invalid Argument";
        case NVML_ERROR_NOT_SUPPORTED: return "Not Supported";
        case NVML_ERROR_NO_PERMISSION: return "Insufficient Permissions";
        case NVML_ERROR_NOT_FOUND: return "Not Found";
        case NVML_ERROR_DRIVER_NOT_LOADED: return "Driver Not Loaded";
        case NVML_ERROR_TIMEOUT: return "Timeout";
        case NVML_ERROR_IRQ_ISSUE: return "Interrupt Request Issue";
        case NVML_ERROR_LIBRARY_NOT_FOUND: return "NVML Shared Library Not Found";
        case NVML_ERROR_GPU_IS_LOST: return "GPU is lost";
        case NVML_ERROR_RESET_REQUIRED: return "GPU requires restart";
        case NVML_ERROR_LIB_RM_VERSION_MISMATCH: return "Driver/library version mismatch";
        case NVML_ERROR_GPU_NOT_FOUND: return "GPU Not Found";
        default: return "Unknown Error";
    }
}

static nvmlReturn_t version(const char *key, char *text, unsigned int length) {
    char value[SIM_VALUE_BYTES];
    NOT_NULL(text);
    if (!sim_text(key, value, sizeof value)) return NVML_ERROR_NOT_SUPPORTED;
    if (strlen(value) >= length) return NVML_ERROR_INSUFFICIENT_SIZE;
    strcpy(text, value);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlSystemGetDriverVersion(char *text, unsigned int length) {
    ENTER();
    return version("driver_version", text, length);
}

nvmlReturn_t nvmlSystemGetNVMLVersion(char *text, unsigned int length) {
    ENTER();
    return version("nvml_version", text, length);
}

nvmlReturn_t nvmlSystemGetCudaDriverVersion_v2(int *number) {
    ENTER();
    NOT_NULL(number);
    *number = (int)sim_number("cuda_version", 0);
    return NVML_SUCCESS;
}

#undef nvmlSystemGetCudaDriverVersion
nvmlReturn_t nvmlSystemGetCudaDriverVersion(int *number) { return nvmlSystemGetCudaDriverVersion_v2(number); }

nvmlReturn_t nvmlDeviceGetCount_v2(unsigned int *count) {
    ENTER();
    NOT_NULL(count);
    *count = 0;
    for (int slot = 0; slot < sim_gpu_slots(); slot++)
        if (sim_gpu_present(slot)) ++*count;
    return NVML_SUCCESS;
}

static nvmlReturn_t hand_out(int slot, int mig, nvmlDevice_t *device) {
    if (sim_gpu_lost(slot)) return NVML_ERROR_GPU_IS_LOST;
    *device = sim_handle(slot, mig);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvmlDevice_t *device) {
    ENTER();
    NOT_NULL(device);
    for (int slot = 0; slot < sim_gpu_slots(); slot++)
        if (sim_gpu_present(slot) && index-- == 0) return hand_out(slot, -1, device);
    return NVML_ERROR_INVALID_ARGUMENT;
}

static nvmlReturn_t by_field(const char *name, const char *wanted, int instances, nvmlDevice_t *device) {
    char value[SIM_VALUE_BYTES];
    if (wanted == NULL || device == NULL) return NVML_ERROR_INVALID_ARGUMENT;
    for (int slot = 0; slot < sim_gpu_slots(); slot++)
        for (int mig = -1; sim_gpu_present(slot) && mig < instances; mig++)
            if (sim_field((sim_handle_t){slot, mig}, name, value, sizeof value) && strcasecmp(value, wanted) == 0)
                return hand_out(slot, mig, device);
    return NVML_ERROR_NOT_FOUND;
}

nvmlReturn_t nvmlDeviceGetHandleByUUID(const char *uuid, nvmlDevice_t *device) {
    ENTER();
    return by_field("uuid", uuid, SIM_MAX_MIG, device);
}

nvmlReturn_t nvmlDeviceGetHandleByPciBusId_v2(const char *bus_id, nvmlDevice_t *device) {
    ENTER();
    return by_field("pci_bus_id", bus_id, 0, device);
}

nvmlReturn_t nvmlDeviceGetIndex(nvmlDevice_t device, unsigned int *index) {
    ENTER_DEVICE(device, handle);
    NOT_NULL(index);
    *index = 0;
    if (handle.mig >= 0) {
        *index = (unsigned int)handle.mig;
        return NVML_SUCCESS;
    }
    for (int slot = 0; slot < handle.slot; slot++)
        if (sim_gpu_present(slot)) ++*index;
    return NVML_SUCCESS;
}
