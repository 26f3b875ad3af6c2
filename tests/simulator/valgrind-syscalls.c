/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Loaded before libc into programs that run in valgrind, which (3.19) does not know pidfd_open(): it is not there, as
 * on an older kernel. */

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

__attribute__((visibility("default"))) long syscall(long number, ...) {
        static long (*real)(long number, ...);
        long arguments[6];
        va_list ap;

        va_start(ap, number);
        for (int i = 0; i < 6; i++)
                arguments[i] = va_arg(ap, long);
        va_end(ap);

        if (number == SYS_pidfd_open) {
                errno = ENOSYS;
                return -1;
        }

        if (!real)
                real = (long (*)(long, ...)) dlsym(RTLD_NEXT, "syscall");
        return real(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}
