/* Loaded before libfaketime. The start of jemalloc asks for the time and makes condition variables while it holds its lock,
 * libfaketime's own start comes with the first of these and allocates: each would wait for the other. Until memory can be had,
 * this answers in the place of libfaketime. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int ready;

int clock_gettime(clockid_t clock, struct timespec *time)
{
    static int (*faked)(clockid_t, struct timespec *);
    if (!ready)
        return syscall(SYS_clock_gettime, clock, time);
    if (!faked)
        faked = dlsym(RTLD_NEXT, "clock_gettime");
    return faked(clock, time);
}

int pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes)
{
    static int (*faked)(pthread_cond_t *, const pthread_condattr_t *);
    if (!ready) {
        *condition = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
        return 0;
    }
    if (!faked)
        faked = dlsym(RTLD_NEXT, "pthread_cond_init");
    return faked(condition, attributes);
}

__attribute__((constructor)) static void start(void)
{
    free(malloc(1));
    ready = 1;
}
