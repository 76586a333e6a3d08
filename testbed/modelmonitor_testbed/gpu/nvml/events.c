/* Event sets: an Xid is a line `xid.SEQUENCE=SLOT CODE`; a set delivers what came after its registration. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>

#include "state.h"

#ifndef POLL_MILLISECONDS
#define POLL_MILLISECONDS 100
#endif
#define ALL_INSTANCES 0xFFFFFFFF

struct nvmlEventSet_st {
    bool registered[SIM_MAX_GPUS];
    long delivered[SIM_MAX_GPUS];
};

static long newest(void) { return (long)sim_number("xids", 0); }

nvmlReturn_t nvmlEventSetCreate(nvmlEventSet_t *set) {
    ENTER();
    NOT_NULL(set);
    *set = calloc(1, sizeof **set);
    return *set == NULL ? NVML_ERROR_MEMORY : NVML_SUCCESS;
}

nvmlReturn_t nvmlEventSetFree(nvmlEventSet_t set) {
    free(set);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetSupportedEventTypes(nvmlDevice_t device, unsigned long long *types) {
    ENTER_DEVICE(device, handle);
    NOT_NULL(types);
    *types = nvmlEventTypeXidCriticalError;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceRegisterEvents(nvmlDevice_t device, unsigned long long types, nvmlEventSet_t set) {
    ENTER_DEVICE(device, handle);
    NOT_NULL(set);
    if (handle.mig >= 0 || (types & ~(unsigned long long)nvmlEventTypeXidCriticalError) != 0)
        return NVML_ERROR_NOT_SUPPORTED;
    set->registered[handle.slot] = true;
    set->delivered[handle.slot] = newest();
    return NVML_SUCCESS;
}

static bool next_event(nvmlEventSet_t set, nvmlEventData_t *data) {
    for (long sequence = (long)sim_number("first_xid", 1); sequence <= newest(); sequence++) {
        char key[SIM_VALUE_BYTES], value[SIM_VALUE_BYTES];
        int slot = 0;
        unsigned int code = 0;
        snprintf(key, sizeof key, "xid.%ld", sequence);
        if (!sim_text(key, value, sizeof value) || sscanf(value, "%d %u", &slot, &code) != 2) continue;
        if (slot < 0 || slot >= SIM_MAX_GPUS || !set->registered[slot] || set->delivered[slot] >= sequence) continue;
        set->delivered[slot] = sequence;
        *data = (nvmlEventData_t){sim_handle(slot, -1), nvmlEventTypeXidCriticalError, code, ALL_INSTANCES,
                                  ALL_INSTANCES};
        return true;
    }
    return false;
}

static bool any_lost(nvmlEventSet_t set) {
    for (int slot = 0; slot < sim_gpu_slots(); slot++)
        if (set->registered[slot] && (sim_gpu_lost(slot) || !sim_gpu_present(slot))) return true;
    return false;
}

nvmlReturn_t nvmlEventSetWait_v2(nvmlEventSet_t set, nvmlEventData_t *data, unsigned int timeout_milliseconds) {
    double deadline = sim_now() + timeout_milliseconds / 1000.0;
    NOT_NULL(set);
    NOT_NULL(data);
    for (;;) {
        ENTER();
        if (next_event(set, data)) return NVML_SUCCESS;
        if (any_lost(set)) return NVML_ERROR_GPU_IS_LOST;
        if (sim_now() >= deadline) return NVML_ERROR_TIMEOUT;
        sim_pause(POLL_MILLISECONDS);
    }
}
