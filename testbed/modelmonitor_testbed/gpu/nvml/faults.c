/* Error counters, remapped rows, the bus, modes and processes of a GPU. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

static nvmlReturn_t ecc_count(sim_handle_t handle, nvmlMemoryErrorType_t type, nvmlEccCounterType_t counter,
                              unsigned long long *count) {
    char name[SIM_VALUE_BYTES];
    double number;
    nvmlReturn_t result;
    NOT_NULL(count);
    if (handle.mig >= 0 || sim_field_or(handle, "ecc_mode", 0) == 0) return NVML_ERROR_NOT_SUPPORTED;
    snprintf(name, sizeof name, "ecc_%s_%s", type == NVML_MEMORY_ERROR_TYPE_CORRECTED ? "corrected" : "uncorrected",
             counter == NVML_VOLATILE_ECC ? "volatile" : "aggregate");
    result = sim_field_number(handle, name, &number);
    if (result == NVML_SUCCESS) *count = (unsigned long long)number;
    return result;
}

nvmlReturn_t nvmlDeviceGetTotalEccErrors(nvmlDevice_t device, nvmlMemoryErrorType_t type, nvmlEccCounterType_t counter,
                                         unsigned long long *count) {
    ENTER_DEVICE(device, handle);
    return ecc_count(handle, type, counter, count);
}

nvmlReturn_t nvmlDeviceGetMemoryErrorCounter(nvmlDevice_t device, nvmlMemoryErrorType_t type,
                                             nvmlEccCounterType_t counter, nvmlMemoryLocation_t location,
                                             unsigned long long *count) {
    ENTER_DEVICE(device, handle);
    if (location != NVML_MEMORY_LOCATION_DEVICE_MEMORY) return NVML_ERROR_NOT_SUPPORTED;
    return ecc_count(handle, type, counter, count);
}

static nvmlReturn_t mode(sim_handle_t handle, const char *name, nvmlEnableState_t *state) {
    unsigned int number = 0;
    nvmlReturn_t result = handle.mig >= 0 ? NVML_ERROR_NOT_SUPPORTED : sim_field_uint(handle, name, &number);
    if (result == NVML_SUCCESS) *state = number != 0 ? NVML_FEATURE_ENABLED : NVML_FEATURE_DISABLED;
    return result;
}

nvmlReturn_t nvmlDeviceGetEccMode(nvmlDevice_t device, nvmlEnableState_t *current, nvmlEnableState_t *pending) {
    nvmlReturn_t result;
    ENTER_DEVICE(device, handle);
    NOT_NULL(current);
    NOT_NULL(pending);
    result = mode(handle, "ecc_mode", current);
    *pending = *current;
    return result;
}

nvmlReturn_t nvmlDeviceGetPersistenceMode(nvmlDevice_t device, nvmlEnableState_t *state) {
    ENTER_DEVICE(device, handle);
    NOT_NULL(state);
    return mode(handle, "persistence_mode", state);
}

nvmlReturn_t nvmlDeviceGetComputeMode(nvmlDevice_t device, nvmlComputeMode_t *compute) {
    ENTER_DEVICE(device, handle);
    NOT_NULL(compute);
    *compute = (nvmlComputeMode_t)sim_field_or(handle, "compute_mode", 0);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetPerformanceState(nvmlDevice_t device, nvmlPstates_t *state) {
    ENTER_DEVICE(device, handle);
    NOT_NULL(state);
    *state = (nvmlPstates_t)sim_field_or(handle, "performance_state", 0);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetCudaComputeCapability(nvmlDevice_t device, int *major, int *minor) {
    double number;
    ENTER_DEVICE(device, handle);
    NOT_NULL(major);
    NOT_NULL(minor);
    number = sim_field_or((sim_handle_t){handle.slot, -1}, "compute_capability", 8.0) * 10 + 0.5;
    *major = (int)number / 10;
    *minor = (int)number % 10;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetRemappedRows(nvmlDevice_t device, unsigned int *corrected, unsigned int *uncorrected,
                                       unsigned int *pending, unsigned int *failed) {
    nvmlReturn_t result;
    ENTER_DEVICE(device, handle);
    if (handle.mig >= 0) return NVML_ERROR_NOT_SUPPORTED;
    result = sim_field_uint(handle, "remapped_corrected", corrected);
    if (result == NVML_SUCCESS) result = sim_field_uint(handle, "remapped_uncorrected", uncorrected);
    if (result == NVML_SUCCESS) result = sim_field_uint(handle, "remap_pending", pending);
    if (result == NVML_SUCCESS) result = sim_field_uint(handle, "remap_failed", failed);
    return result;
}

nvmlReturn_t nvmlDeviceGetRetiredPagesPendingStatus(nvmlDevice_t device, nvmlEnableState_t *pending) {
    ENTER_DEVICE(device, handle);
    NOT_NULL(pending);
    return mode(handle, "retired_pages_pending", pending);
}

nvmlReturn_t nvmlDeviceGetPcieThroughput(nvmlDevice_t device, nvmlPcieUtilCounter_t counter, unsigned int *kilobytes) {
    ENTER_DEVICE(device, handle);
    if (handle.mig >= 0) return NVML_ERROR_NOT_SUPPORTED;
    return sim_field_uint(handle, counter == NVML_PCIE_UTIL_TX_BYTES ? "pcie_tx_kb" : "pcie_rx_kb", kilobytes);
}

nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t device, nvmlPciInfo_t *pci) {
    unsigned int function;
    nvmlReturn_t result;
    ENTER_DEVICE(device, handle);
    NOT_NULL(pci);
    memset(pci, 0, sizeof *pci);
    handle.mig = -1;
    result = sim_field_text(handle, "pci_bus_id", pci->busId, sizeof pci->busId);
    if (result != NVML_SUCCESS) return result;
    if (sscanf(pci->busId, "%x:%x:%x.%x", &pci->domain, &pci->bus, &pci->device, &function) != 4)
        return NVML_ERROR_UNKNOWN;
    snprintf(pci->busIdLegacy, sizeof pci->busIdLegacy, "%04X:%02X:%02X.%X", pci->domain & 0xffffu, pci->bus & 0xffu,
             pci->device & 0xffu, function & 0xfu);
    pci->pciDeviceId = (unsigned int)sim_field_or(handle, "pci_device_id", 0x20B210DE);
    return NVML_SUCCESS;
}

/* The file says `processes=pid:mib,pid:mib`. */
nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t device, unsigned int *count, nvmlProcessInfo_t *infos) {
    char text[SIM_VALUE_BYTES] = "", *rest = NULL;
    unsigned int room, found = 0;
    ENTER_DEVICE(device, handle);
    NOT_NULL(count);
    room = infos == NULL ? 0 : *count;
    sim_field(handle, "processes", text, sizeof text);
    for (char *word = strtok_r(text, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest), found++) {
        unsigned long mib = 0;
        if (found >= room) continue;
        memset(&infos[found], 0, sizeof infos[found]);
        if (sscanf(word, "%u:%lu", &infos[found].pid, &mib) < 1) return NVML_ERROR_UNKNOWN;
        infos[found].usedGpuMemory = mib * 1048576ULL;
        infos[found].gpuInstanceId = infos[found].computeInstanceId = 0xFFFFFFFF;
    }
    *count = found;
    return found > room ? NVML_ERROR_INSUFFICIENT_SIZE : NVML_SUCCESS;
}
