/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sealed memfds. */

#include "common/memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

int memfd_new_sealed(const char *name, const char *text, size_t size) {
        _cleanup_close_ int fd = -1;

        fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0)
                return -errno;

        for (size_t done = 0; done < size;) {
                ssize_t n = write(fd, text + done, size - done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                done += (size_t) n;
        }

        if (fcntl(fd, F_ADD_SEALS, SEALS) < 0)
                return -errno;

        return TAKE_FD(fd);
}

int memfd_map(int fd, size_t size_max, const char **ret, size_t *ret_size) {
        struct stat st;
        int seals;
        void *p;

        seals = fcntl(fd, F_GET_SEALS);
        if (seals < 0 || (seals & SEALS) != SEALS)
                return -EBADMSG;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_size <= 0 || (size_t) st.st_size > size_max)
                return -EBADMSG;

        p = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
        if (p == MAP_FAILED)
                return -errno;
        *ret = p;
        *ret_size = (size_t) st.st_size;
        return 0;
}

void memfd_unmap(const char *text, size_t size) {
        if (text)
                (void) munmap((void *) text, size);
}
