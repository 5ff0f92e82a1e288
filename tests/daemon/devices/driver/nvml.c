/* A driver without devices: answers as NVML does for a machine with three. 0 is whole, 1 is divided into two instances
   (handles 10 and 11), 2 has fallen off the bus. Each process that loads it hears of one fault of device 0, once. */
#include <stdio.h>
#include <string.h>

typedef unsigned long handle;
typedef unsigned long long u64;
enum { OK = 0, NOT_SUPPORTED = 3, NOT_FOUND = 6, SHORT = 7, TIMEOUT = 10, LOST = 15 };
struct memory { u64 total, free, used; };
struct memory_v2 { unsigned version; u64 total, reserved, free, used; };
struct process { unsigned pid; u64 memory; unsigned gpu_instance, compute_instance; };
struct event { handle device; u64 type, data; unsigned gpu_instance, compute_instance; };
static const u64 GIB = 1ull << 30;
static int told;

static int is_instance(handle device) { return device >= 10; }
static u64 total(handle device) { return (is_instance(device) ? 10 : 80) * GIB; }

int nvmlInitWithFlags(unsigned flags) { return OK; }
int nvmlShutdown(void) { return OK; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 3; return OK; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, handle *device) {
    if (index == 2) return LOST;
    *device = index + 1;
    return OK;
}
int nvmlDeviceGetUUID(handle device, char *text, unsigned length) {
    snprintf(text, length, is_instance(device) ? "MIG-%lu" : "GPU-%lu", device);
    return OK;
}
int nvmlDeviceGetName(handle device, char *text, unsigned length) {
    snprintf(text, length, "NVIDIA A100-SXM4-80GB%s", is_instance(device) ? " MIG 1g.10gb" : "");
    return OK;
}
int nvmlDeviceGetMemoryInfo(handle device, struct memory *out) {
    *out = (struct memory){total(device), total(device) - 600, 600};
    return OK;
}
int nvmlDeviceGetMemoryInfo_v2(handle device, struct memory_v2 *out) {
    if (is_instance(device)) return NOT_SUPPORTED;
    out->total = total(device), out->reserved = 500, out->used = 100, out->free = total(device) - 600;
    return OK;
}
int nvmlDeviceGetMigMode(handle device, unsigned *current, unsigned *pending) {
    *current = *pending = device == 2;
    return OK;
}
int nvmlDeviceGetMaxMigDeviceCount(handle device, unsigned *count) { *count = 7; return OK; }
int nvmlDeviceGetMigDeviceHandleByIndex(handle device, unsigned index, handle *instance) {
    if (index > 1) return NOT_FOUND;
    *instance = 10 + index;
    return OK;
}
int nvmlDeviceGetComputeRunningProcesses_v3(handle device, unsigned *count, struct process *out) {
    if (device != 1) { *count = 0; return OK; }
    if (*count < 2) { *count = 2; return SHORT; }
    memset(out, 0, 2 * sizeof *out);
    out[0].pid = 41, out[1].pid = 43, *count = 2;
    return OK;
}
int nvmlDeviceGetUtilizationRates(handle device, unsigned *rates) {
    if (is_instance(device)) return NOT_SUPPORTED;
    rates[0] = 87, rates[1] = 20;
    return OK;
}
int nvmlDeviceGetTemperature(handle device, unsigned sensor, unsigned *celsius) { *celsius = 61; return OK; }
int nvmlDeviceGetPowerUsage(handle device, unsigned *milliwatts) { *milliwatts = 312500; return OK; }
int nvmlDeviceGetTotalEccErrors(handle device, unsigned type, unsigned counter, u64 *count) {
    if (is_instance(device)) return NOT_SUPPORTED;
    *count = type == 1 && counter == 0 ? 4 : 999;
    return OK;
}
int nvmlEventSetCreate(handle *set) { *set = 99; return OK; }
int nvmlDeviceRegisterEvents(handle device, u64 types, handle set) { return types == 8 && set == 99 ? OK : NOT_SUPPORTED; }
int nvmlEventSetWait_v2(handle set, struct event *out, unsigned milliseconds) {
    static const u64 reports[] = {13, 79}; /* a program's own mistake, and the device's */
    if (told == 2) return TIMEOUT;
    *out = (struct event){.device = 1, .type = 8, .data = reports[told++]};
    return OK;
}
