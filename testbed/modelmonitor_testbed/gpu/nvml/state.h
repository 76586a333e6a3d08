/* The state file: lines of key=value, read again whenever the file was replaced. */
#ifndef SIM_STATE_H
#define SIM_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "nvml.h"

#define SIM_MAX_GPUS 16
#define SIM_MAX_MIG 7
#define SIM_VALUE_BYTES 128

/* A handle is a number: the GPU's slot plus one, and the MIG instance plus one where it is one. */
typedef struct {
    int slot;
    int mig;
} sim_handle_t;

nvmlDevice_t sim_handle(int slot, int mig);
bool sim_decode(nvmlDevice_t device, sim_handle_t *handle);

/* Copies a value; false where the key is absent. Thread-safe. */
bool sim_text(const char *key, char *value, size_t size);
double sim_number(const char *key, double fallback);

/* The same for one GPU or MIG instance; NOT_SUPPORTED where the value is "unsupported" or absent without fallback. */
bool sim_field(sim_handle_t handle, const char *name, char *value, size_t size);
nvmlReturn_t sim_field_text(sim_handle_t handle, const char *name, char *value, unsigned int size);
nvmlReturn_t sim_field_number(sim_handle_t handle, const char *name, double *value);
nvmlReturn_t sim_field_uint(sim_handle_t handle, const char *name, unsigned int *value);
double sim_field_or(sim_handle_t handle, const char *name, double fallback);

int sim_gpu_slots(void);
bool sim_gpu_present(int slot);
bool sim_gpu_lost(int slot);
nvmlReturn_t sim_driver(void);
void sim_started(bool yes);

/* Every NVML call passes one of these first: reads the file again, hangs, fails, or lets it through. */
nvmlReturn_t sim_enter(const char *function);
nvmlReturn_t sim_enter_device(const char *function, nvmlDevice_t device, sim_handle_t *handle);

void sim_pause(unsigned int milliseconds);
double sim_now(void);

#define ENTER()                                        \
    do {                                               \
        nvmlReturn_t entered_ = sim_enter(__func__);   \
        if (entered_ != NVML_SUCCESS) return entered_; \
    } while (0)

#define ENTER_DEVICE(device, handle)                                            \
    sim_handle_t handle;                                                        \
    do {                                                                        \
        nvmlReturn_t entered_ = sim_enter_device(__func__, (device), &(handle)); \
        if (entered_ != NVML_SUCCESS) return entered_;                          \
    } while (0)

#define NOT_NULL(pointer)                                         \
    do {                                                          \
        if ((pointer) == NULL) return NVML_ERROR_INVALID_ARGUMENT; \
    } while (0)

#endif
