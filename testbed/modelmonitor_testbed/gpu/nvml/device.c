/* What one GPU says of itself, except MIG and events. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

#define MIB 1048576.0
#define WAVE_PERIOD_SECONDS 120.0
#define WAVE_MIDDLE 0.50
#define WAVE_SWING 0.35
#define WAVE_SPEED (2 * M_PI / WAVE_PERIOD_SECONDS)

/* A reading of the GPU itself, which a MIG instance does not have. */
#define GPU_UINT(function, name)                                        \
    nvmlReturn_t function(nvmlDevice_t device, unsigned int *value) {   \
        ENTER_DEVICE(device, handle);                                   \
        if (handle.mig >= 0) return NVML_ERROR_NOT_SUPPORTED;           \
        return sim_field_uint(handle, name, value);                     \
    }

#define GPU_ULONG(function, name)                                             \
    nvmlReturn_t function(nvmlDevice_t device, unsigned long long *value) {   \
        double number;                                                        \
        ENTER_DEVICE(device, handle);                                         \
        NOT_NULL(value);                                                      \
        if (handle.mig >= 0) return NVML_ERROR_NOT_SUPPORTED;                 \
        nvmlReturn_t result = sim_field_number(handle, name, &number);        \
        if (result == NVML_SUCCESS) *value = (unsigned long long)number;      \
        return result;                                                        \
    }

#define ANY_TEXT(function, name)                                                      \
    nvmlReturn_t function(nvmlDevice_t device, char *value, unsigned int length) {    \
        ENTER_DEVICE(device, handle);                                                 \
        return sim_field_text(handle, name, value, length);                           \
    }

ANY_TEXT(nvmlDeviceGetUUID, "uuid")
ANY_TEXT(nvmlDeviceGetName, "name")
ANY_TEXT(nvmlDeviceGetSerial, "serial")
ANY_TEXT(nvmlDeviceGetVbiosVersion, "vbios_version")
GPU_UINT(nvmlDeviceGetMinorNumber, "minor")
GPU_UINT(nvmlDeviceGetPcieReplayCounter, "pcie_replay")
GPU_UINT(nvmlDeviceGetFanSpeed, "fan_speed")
GPU_ULONG(nvmlDeviceGetCurrentClocksEventReasons, "clock_event_reasons")
GPU_ULONG(nvmlDeviceGetCurrentClocksThrottleReasons, "clock_event_reasons")
GPU_ULONG(nvmlDeviceGetSupportedClocksEventReasons, "supported_clock_event_reasons")
GPU_ULONG(nvmlDeviceGetSupportedClocksThrottleReasons, "supported_clock_event_reasons")

static bool is_wave(sim_handle_t gpu) {
    char text[SIM_VALUE_BYTES];
    return sim_field(gpu, "utilization", text, sizeof text) && strcmp(text, "wave") == 0;
}

static double utilization(sim_handle_t gpu) {
    if (is_wave(gpu)) return 100 * (WAVE_MIDDLE + WAVE_SWING * sin(WAVE_SPEED * sim_now()));
    return sim_field_or(gpu, "utilization", 0);
}

/* Milliwatts: what the file says, or idle power and a share of the rest that follows utilisation. */
static double power(sim_handle_t gpu, double busy) {
    double idle = sim_field_or(gpu, "idle_power_watts", 50);
    double limit = sim_field_or(gpu, "power_limit_watts", 300);
    return 1000 * sim_field_or(gpu, "power_watts", idle + (limit - idle) * busy);
}

/* Millijoules: watts integrated since the file last wrote the total down. */
static double energy(sim_handle_t gpu) {
    double now = sim_now(), since = sim_field_or(gpu, "energy_at", now), total;
    total = sim_field_or(gpu, "energy_millijoules", 0);
    if (is_wave(gpu)) {
        double swing = (power(gpu, 1) - power(gpu, 0)) * WAVE_SWING / WAVE_SPEED;
        total += swing * (cos(WAVE_SPEED * since) - cos(WAVE_SPEED * now));
        return total + power(gpu, WAVE_MIDDLE) * (now - since);
    }
    return total + power(gpu, utilization(gpu) / 100) * (now - since);
}

nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t device, nvmlUtilization_t *rates) {
    char text[SIM_VALUE_BYTES];
    nvmlReturn_t result;
    ENTER_DEVICE(device, handle);
    NOT_NULL(rates);
    if (handle.mig >= 0 || sim_field_or(handle, "mig_mode", 0) != 0) return NVML_ERROR_NOT_SUPPORTED;
    result = sim_field_text(handle, "utilization", text, sizeof text);
    if (result != NVML_SUCCESS) return result;
    rates->gpu = (unsigned int)utilization(handle);
    rates->memory = (unsigned int)sim_field_or(handle, "memory_utilization", rates->gpu / 2);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, nvmlMemory_v2_t *memory) {
    double total, used;
    ENTER_DEVICE(device, handle);
    NOT_NULL(memory);
    if (memory->version != nvmlMemory_v2) return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    if (sim_field_number(handle, "memory_total_mib", &total) != NVML_SUCCESS) return NVML_ERROR_NOT_SUPPORTED;
    used = sim_field_or(handle, "memory_used_mib", 0);
    memory->total = (unsigned long long)(total * MIB);
    memory->used = (unsigned long long)(used * MIB);
    memory->reserved = (unsigned long long)(sim_field_or(handle, "memory_reserved_mib", 0) * MIB);
    memory->free = memory->total - memory->used - memory->reserved;
    return NVML_SUCCESS;
}

#undef nvmlDeviceGetMemoryInfo
nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory) {
    nvmlMemory_v2_t split = {.version = nvmlMemory_v2};
    nvmlReturn_t result = nvmlDeviceGetMemoryInfo_v2(device, &split);
    NOT_NULL(memory);
    if (result != NVML_SUCCESS) return result;
    memory->total = split.total;
    memory->used = split.used + split.reserved;
    memory->free = split.free;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t device, unsigned int *milliwatts) {
    char text[SIM_VALUE_BYTES];
    ENTER_DEVICE(device, handle);
    NOT_NULL(milliwatts);
    if (handle.mig >= 0 || sim_field_text(handle, "power_limit_watts", text, sizeof text) != NVML_SUCCESS)
        return NVML_ERROR_NOT_SUPPORTED;
    *milliwatts = (unsigned int)power(handle, utilization(handle) / 100);
    return NVML_SUCCESS;
}

static nvmlReturn_t power_limit(sim_handle_t handle, unsigned int *milliwatts) {
    if (handle.mig >= 0) return NVML_ERROR_NOT_SUPPORTED;
    nvmlReturn_t result = sim_field_uint(handle, "power_limit_watts", milliwatts);
    if (result == NVML_SUCCESS) *milliwatts *= 1000;
    return result;
}

nvmlReturn_t nvmlDeviceGetPowerManagementLimit(nvmlDevice_t device, unsigned int *milliwatts) {
    ENTER_DEVICE(device, handle);
    return power_limit(handle, milliwatts);
}

nvmlReturn_t nvmlDeviceGetEnforcedPowerLimit(nvmlDevice_t device, unsigned int *milliwatts) {
    ENTER_DEVICE(device, handle);
    return power_limit(handle, milliwatts);
}

nvmlReturn_t nvmlDeviceGetTotalEnergyConsumption(nvmlDevice_t device, unsigned long long *millijoules) {
    double base;
    ENTER_DEVICE(device, handle);
    NOT_NULL(millijoules);
    if (handle.mig >= 0 || sim_field_number(handle, "energy_millijoules", &base) != NVML_SUCCESS)
        return NVML_ERROR_NOT_SUPPORTED;
    *millijoules = (unsigned long long)energy(handle);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t device, nvmlTemperatureSensors_t sensor, unsigned int *celsius) {
    ENTER_DEVICE(device, handle);
    if (sensor != NVML_TEMPERATURE_GPU) return NVML_ERROR_INVALID_ARGUMENT;
    return handle.mig >= 0 ? NVML_ERROR_NOT_SUPPORTED : sim_field_uint(handle, "temperature", celsius);
}

nvmlReturn_t nvmlDeviceGetTemperatureV(nvmlDevice_t device, nvmlTemperature_t *temperature) {
    double celsius;
    nvmlReturn_t result;
    ENTER_DEVICE(device, handle);
    NOT_NULL(temperature);
    if (handle.mig >= 0) return NVML_ERROR_NOT_SUPPORTED;
    result = sim_field_number(handle, "temperature", &celsius);
    if (result == NVML_SUCCESS) temperature->temperature = (int)celsius;
    return result;
}

nvmlReturn_t nvmlDeviceGetTemperatureThreshold(nvmlDevice_t device, nvmlTemperatureThresholds_t kind,
                                               unsigned int *celsius) {
    static const char *names[] = {"shutdown_temperature", "slowdown_temperature", "memory_max_temperature",
                                  "gpu_max_temperature"};
    ENTER_DEVICE(device, handle);
    if (handle.mig >= 0 || (unsigned int)kind >= sizeof names / sizeof *names) return NVML_ERROR_NOT_SUPPORTED;
    return sim_field_uint(handle, names[kind], celsius);
}

static nvmlReturn_t clock_of(sim_handle_t handle, const char *prefix, nvmlClockType_t kind, unsigned int *megahertz) {
    static const char *names[] = {"graphics", "sm", "memory", "video"};
    char name[SIM_VALUE_BYTES];
    if (handle.mig >= 0 || (unsigned int)kind >= sizeof names / sizeof *names) return NVML_ERROR_NOT_SUPPORTED;
    snprintf(name, sizeof name, "%s%s_clock", prefix, names[kind]);
    return sim_field_uint(handle, name, megahertz);
}

nvmlReturn_t nvmlDeviceGetClockInfo(nvmlDevice_t device, nvmlClockType_t kind, unsigned int *megahertz) {
    ENTER_DEVICE(device, handle);
    return clock_of(handle, "", kind, megahertz);
}

nvmlReturn_t nvmlDeviceGetMaxClockInfo(nvmlDevice_t device, nvmlClockType_t kind, unsigned int *megahertz) {
    ENTER_DEVICE(device, handle);
    return clock_of(handle, "max_", kind, megahertz);
}
