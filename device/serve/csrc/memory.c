/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that cannot be reached, or that is not what the client sees: said once for each client.
 *
 * DMA needs the client's own pages.  QEMU sends a descriptor only of memory that is a file, and sends it even if its own
 * mapping of that file is private: then we would read zeros, and nobody would see what we write.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <syslog.h>
#include <unistd.h>

#include "libvfio-user.h"
#include "mend.h"
#include "glue.h"

#define BAR_LIKE_BYTES (256u << 20) /* a VGA has 16 MiB, a large one 256 */
#define ADVICE "guest memory must be a shared memfd (QEMU: -object memory-backend-memfd,id=m,size=SIZE,share=on " \
               "-machine memory-backend=m)"

/* Whether the process at the other end maps a file, and never shared.  Unknown, as across containers: no. */
static int is_private(int sock, const struct stat *st)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    char path[32], *line = NULL;
    size_t room = 0;
    int found = 0;
    FILE *maps;

    if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 || peer.pid <= 0)
        return 0;
    snprintf(path, sizeof(path), "/proc/%d/maps", (int)peer.pid);
    maps = fopen(path, "re");
    if (maps == NULL)
        return 0;
    while (getline(&line, &room, maps) >= 0) {
        unsigned int major_no, minor_no;
        unsigned long inode;
        char mode[8];

        if (sscanf(line, "%*s %7s %*s %x:%x %lu", mode, &major_no, &minor_no, &inode) != 4 ||
            inode != st->st_ino || makedev(major_no, minor_no) != st->st_dev)
            continue;
        found = mode[3] == 'p';
        if (!found)
            break;
    }
    free(line);
    fclose(maps);
    return found;
}

int glue_memory_refused(vfu_ctx_t *ctx, uint64_t iova, uint64_t len_bytes)
{
    const struct vdev *v = vfu_get_private(ctx);

    return v->dma_reach != NULL && *v->dma_reach && iova + (len_bytes - 1) > *v->dma_reach;
}

int glue_memory_lost(vfu_ctx_t *ctx, uint64_t iova, uint64_t len_bytes)
{
    const struct vdev *v = vfu_get_private(ctx);

    return v->dma_is_lost != NULL && v->dma_is_lost(v->dma, iova, len_bytes);
}

/* QEMU also tells of other devices' memory, such as a VGA's in a BAR: as large as its alignment, and not large. */
static int is_bar_like(uint64_t iova, uint64_t len_bytes)
{
    return len_bytes <= BAR_LIKE_BYTES && (len_bytes & (len_bytes - 1)) == 0 && iova % len_bytes == 0;
}

/* Which of the client's files this is.  `is_new`: it was not seen before, and there was room to note it. */
static struct vdev_file *file_of(struct vdev *v, int fd, const struct stat *st, int *is_new)
{
    struct vdev_file *file;
    char path[32];
    ssize_t len;

    *is_new = 0;
    for (v->at_file = 0; v->at_file < v->files; v->at_file++)
        if (v->file[v->at_file].ino == st->st_ino && v->file[v->at_file].dev == st->st_dev)
            return &v->file[v->at_file];
    if (v->files == VDEV_FILES) {
        v->at_file = VDEV_FILES - 1;
    } else {
        *is_new = 1;
        v->files++;
    }
    file = &v->file[v->at_file];
    *file = (struct vdev_file){.dev = st->st_dev, .ino = st->st_ino, .seals = fcntl(fd, F_GET_SEALS)};
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    len = readlink(path, file->name, sizeof(file->name) - 1);
    if (len < 0)
        file->name[0] = 0;
    return file;
}

/* A page fault waits for the file's contents, and nothing else in this process goes on meanwhile.  Memory files (memfd,
 * tmpfs, hugetlbfs) never wait, and they alone know seals; Python looks at the others.  Nothing here may ask the file
 * system itself: fstat() and fstatfs() would wait for it, too. */
int glue_file(vfu_ctx_t *ctx, uint64_t iova, uint64_t len_bytes, int fd)
{
    struct vdev *v = vfu_get_private(ctx);
    int rc;

    if (fcntl(fd, F_GET_SEALS) >= 0 || v->on_file == NULL)
        return 0;
    rc = v->on_file(v->self, iova, len_bytes, fd);
    if (rc == 0)
        return 0;
    v->count.dma_bad_file++;
    errno = -rc;
    return -1;
}

void glue_memory(vfu_ctx_t *ctx, uint64_t iova, uint64_t len_bytes, uint32_t prot, int fd, const struct stat *st)
{
    struct vdev *v = vfu_get_private(ctx);
    int is_new = 0;

    if (st != NULL)
        (void)file_of(v, fd, st, &is_new);
    if (!(prot & PROT_WRITE))
        return;                     /* a VM's ROM comes without a file, and no NIC wants it */
    if (st == NULL && len_bytes <= v->area_bytes)
        return;                     /* QEMU tells of what it maps of our own BAR, too, as if it were memory */
    if (st == NULL && v->files && is_bar_like(iova, len_bytes)) {
        vfu_log(ctx, LOG_INFO, "client memory [%#" PRIx64 ", %#" PRIx64 "] came without a file, as a VGA's does: no NIC "
                "wants it, and DMA there is refused", iova, iova + (len_bytes - 1));
        return;
    }
    if (st == NULL) {
        if (v->count.dma_without_fd++ == v->without_fd_before)
            vfu_log(ctx, LOG_WARNING, "client memory [%#" PRIx64 ", %#" PRIx64 "] came without a file descriptor: DMA "
                    "there is refused and counted; " ADVICE, iova, iova + (len_bytes - 1));
        return;
    }
    if (!is_new || !is_private(v->conn_fd, st))
        return;
    v->count.dma_private++;
    vfu_log(ctx, LOG_WARNING, "client memory [%#" PRIx64 ", %#" PRIx64 "] is a file that the client maps privately: it "
            "will not see what DMA writes, nor DMA what it writes; " ADVICE, iova, iova + (len_bytes - 1));
}
