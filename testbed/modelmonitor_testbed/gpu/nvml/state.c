/* Reads the state file, and decides for every call whether it hangs, fails or goes through. */
#define _GNU_SOURCE
#include "state.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define HANG_POLL_MILLISECONDS 20
#define KEY_BYTES 160

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *content;
static struct stat seen;
static bool started;

static const char *state_path(void) {
    static char beside[PATH_MAX];
    const char *given = getenv("NVML_SIM_STATE");
    Dl_info self;
    if (given != NULL && *given != '\0') return given;
    if (beside[0] == '\0' && dladdr((void *)state_path, &self) != 0) {
        const char *slash = strrchr(self.dli_fname, '/');
        int length = slash == NULL ? 0 : (int)(slash - self.dli_fname) + 1;
        snprintf(beside, sizeof beside, "%.*sstate", length, self.dli_fname);
    }
    return beside;
}

static char *read_file(const char *path, struct stat *status) {
    char *text = NULL;
    FILE *file = fopen(path, "re");
    if (file == NULL) return NULL;
    if (fstat(fileno(file), status) == 0 && (text = malloc((size_t)status->st_size + 1)) != NULL)
        text[fread(text, 1, (size_t)status->st_size, file)] = '\0';
    fclose(file);
    return text;
}

/* Keeps the last content where the file is gone, as a driver keeps its hardware. Called with the lock held. */
static void refresh(void) {
    struct stat now;
    char *text;
    if (stat(state_path(), &now) != 0) return;
    if (content != NULL && now.st_ino == seen.st_ino && now.st_size == seen.st_size &&
        now.st_mtim.tv_sec == seen.st_mtim.tv_sec && now.st_mtim.tv_nsec == seen.st_mtim.tv_nsec)
        return;
    text = read_file(state_path(), &now);
    if (text == NULL) return;
    free(content);
    content = text;
    seen = now;
}

static bool find(const char *key, char *value, size_t size) {
    size_t length = strlen(key);
    for (const char *line = content; line != NULL && *line != '\0';) {
        const char *end = strchrnul(line, '\n');
        if (strncmp(line, key, length) == 0 && line[length] == '=') {
            snprintf(value, size, "%.*s", (int)(end - line - (ptrdiff_t)length - 1), line + length + 1);
            return true;
        }
        line = *end == '\0' ? end : end + 1;
    }
    return false;
}

bool sim_text(const char *key, char *value, size_t size) {
    bool found;
    pthread_mutex_lock(&lock);
    if (content == NULL) refresh();
    found = find(key, value, size);
    pthread_mutex_unlock(&lock);
    return found;
}

double sim_number(const char *key, double fallback) {
    char text[SIM_VALUE_BYTES];
    return sim_text(key, text, sizeof text) ? strtod(text, NULL) : fallback;
}

bool sim_field(sim_handle_t handle, const char *name, char *value, size_t size) {
    char key[KEY_BYTES];
    if (handle.mig >= 0)
        snprintf(key, sizeof key, "gpu.%d.mig.%d.%s", handle.slot, handle.mig, name);
    else
        snprintf(key, sizeof key, "gpu.%d.%s", handle.slot, name);
    return sim_text(key, value, size);
}

nvmlReturn_t sim_field_text(sim_handle_t handle, const char *name, char *value, unsigned int size) {
    char text[SIM_VALUE_BYTES];
    if (value == NULL) return NVML_ERROR_INVALID_ARGUMENT;
    if (!sim_field(handle, name, text, sizeof text) || strcmp(text, "unsupported") == 0)
        return NVML_ERROR_NOT_SUPPORTED;
    if (strlen(text) >= size) return NVML_ERROR_INSUFFICIENT_SIZE;
    strcpy(value, text);
    return NVML_SUCCESS;
}

nvmlReturn_t sim_field_number(sim_handle_t handle, const char *name, double *value) {
    char text[SIM_VALUE_BYTES];
    nvmlReturn_t result = sim_field_text(handle, name, text, sizeof text);
    if (result != NVML_SUCCESS) return result;
    *value = strncmp(text, "0x", 2) == 0 ? (double)strtoull(text, NULL, 16) : strtod(text, NULL);
    return NVML_SUCCESS;
}

nvmlReturn_t sim_field_uint(sim_handle_t handle, const char *name, unsigned int *value) {
    double number;
    nvmlReturn_t result;
    if (value == NULL) return NVML_ERROR_INVALID_ARGUMENT;
    result = sim_field_number(handle, name, &number);
    if (result == NVML_SUCCESS) *value = (unsigned int)number;
    return result;
}

double sim_field_or(sim_handle_t handle, const char *name, double fallback) {
    double number;
    return sim_field_number(handle, name, &number) == NVML_SUCCESS ? number : fallback;
}

nvmlDevice_t sim_handle(int slot, int mig) {
    return (nvmlDevice_t)(uintptr_t)(((slot + 1) << 8) | (mig + 1));
}

bool sim_decode(nvmlDevice_t device, sim_handle_t *handle) {
    uintptr_t number = (uintptr_t)device;
    handle->slot = (int)(number >> 8) - 1;
    handle->mig = (int)(number & 0xff) - 1;
    return handle->slot >= 0 && handle->slot < sim_gpu_slots() && handle->mig < SIM_MAX_MIG;
}

int sim_gpu_slots(void) {
    int count = (int)sim_number("gpus", 0);
    return count < SIM_MAX_GPUS ? count : SIM_MAX_GPUS;
}

bool sim_gpu_present(int slot) { return sim_field_or((sim_handle_t){slot, -1}, "missing", 0) == 0; }

bool sim_gpu_lost(int slot) { return sim_field_or((sim_handle_t){slot, -1}, "lost", 0) != 0; }

nvmlReturn_t sim_driver(void) {
    char text[SIM_VALUE_BYTES];
    if (!sim_text("driver", text, sizeof text)) return NVML_ERROR_DRIVER_NOT_LOADED;
    if (strcmp(text, "loaded") == 0) return NVML_SUCCESS;
    return strcmp(text, "mismatch") == 0 ? NVML_ERROR_LIB_RM_VERSION_MISMATCH : NVML_ERROR_DRIVER_NOT_LOADED;
}

void sim_started(bool yes) { started = yes; }

/* "nvmlInit_v2" is written "nvmlInit" in the state file. */
static void plain_name(const char *function, char *name, size_t size) {
    char *version;
    snprintf(name, size, "%s", function);
    version = strrchr(name, '_');
    if (version != NULL && version[1] == 'v') *version = '\0';
}

static bool hangs(const char *name) {
    char key[KEY_BYTES], value[SIM_VALUE_BYTES];
    snprintf(key, sizeof key, "hang.%s", name);
    return sim_text("hang.all", value, sizeof value) || sim_text(key, value, sizeof value);
}

static void reread(void) {
    pthread_mutex_lock(&lock);
    refresh();
    pthread_mutex_unlock(&lock);
}

static nvmlReturn_t injected(const char *name, int slot) {
    char key[KEY_BYTES];
    double code;
    snprintf(key, sizeof key, "fail.%s.%d", name, slot);
    code = slot < 0 ? 0 : sim_number(key, 0);
    if (code == 0) {
        snprintf(key, sizeof key, "fail.%s", name);
        code = sim_number(key, 0);
    }
    return (nvmlReturn_t)code;
}

static nvmlReturn_t enter(const char *function, int slot) {
    char name[KEY_BYTES / 2];
    plain_name(function, name, sizeof name);
    reread();
    while (hangs(name)) {
        sim_pause(HANG_POLL_MILLISECONDS);
        reread();
    }
    return injected(name, slot);
}

nvmlReturn_t sim_enter(const char *function) {
    nvmlReturn_t result = enter(function, -1);
    if (result != NVML_SUCCESS) return result;
    if (strncmp(function, "nvmlInit", strlen("nvmlInit")) == 0) return sim_driver();
    return started ? sim_driver() : NVML_ERROR_UNINITIALIZED;
}

nvmlReturn_t sim_enter_device(const char *function, nvmlDevice_t device, sim_handle_t *handle) {
    nvmlReturn_t result;
    handle->slot = (int)((uintptr_t)device >> 8) - 1;
    result = enter(function, handle->slot);
    if (result != NVML_SUCCESS) return result;
    if (!started) return NVML_ERROR_UNINITIALIZED;
    result = sim_driver();
    if (result != NVML_SUCCESS) return result;
    if (!sim_decode(device, handle)) return NVML_ERROR_INVALID_ARGUMENT;
    return sim_gpu_lost(handle->slot) || !sim_gpu_present(handle->slot) ? NVML_ERROR_GPU_IS_LOST : NVML_SUCCESS;
}

void sim_pause(unsigned int milliseconds) {
    struct timespec wait = {milliseconds / 1000, (long)(milliseconds % 1000) * 1000000L};
    nanosleep(&wait, NULL);
}

double sim_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
