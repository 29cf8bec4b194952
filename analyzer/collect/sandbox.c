/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/collect/job.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* Seconds of processor time of one reader's whole life; descriptors: segments of an image. */
enum { READER_CPU_S = 4 * 3600, READER_FILES = 4096 };

static bool limit(int what, rlim_t value)
{
	const struct rlimit bound = { value, value };

	return setrlimit((__rlimit_resource_t)what, &bound) == 0;
}

static bool limit_resources(uint64_t memory)
{
	bool done = limit(RLIMIT_CORE, 0) && limit(RLIMIT_CPU, READER_CPU_S) &&
		    limit(RLIMIT_NOFILE, READER_FILES) && limit(RLIMIT_FSIZE, 0);

#ifdef AVOUCH_SANITIZED
	(void)memory; /* the sanitizer's shadow memory needs the whole address space */
#else
	if (done && memory)
		done = limit(RLIMIT_AS, memory);
#endif
	return done;
}

/*
 * Landlock (Linux 5.13): no rule allows any of these rights anywhere, so nothing can be written,
 * made or removed, whatever path is named. Kernels without it have the system call filter below.
 */
static bool forbid_writing(void)
{
	const struct landlock_ruleset_attr attr = {
		.handled_access_fs =
			LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_EXECUTE |
			LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
			LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
			LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
			LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
			LANDLOCK_ACCESS_FS_MAKE_SYM,
	};
	const long fd = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	if (fd < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP; /* this kernel has none */

	const bool done = syscall(SYS_landlock_restrict_self, (int)fd, 0) == 0;

	(void)close((int)fd); /* the rules stand without it */
	return done;
}

/* Calls that no reader makes; each fails with EPERM. */
static const int forbidden[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork),
	SCMP_SYS(socket), SCMP_SYS(socketpair), SCMP_SYS(connect),
	SCMP_SYS(bind), SCMP_SYS(listen), SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(pidfd_getfd),
	SCMP_SYS(kill), SCMP_SYS(tkill), SCMP_SYS(creat), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
	SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(link),
	SCMP_SYS(linkat), SCMP_SYS(symlink), SCMP_SYS(symlinkat), SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat), SCMP_SYS(rmdir), SCMP_SYS(mknod), SCMP_SYS(mknodat),
	SCMP_SYS(chmod), SCMP_SYS(fchmod), SCMP_SYS(fchmodat), SCMP_SYS(chown),
	SCMP_SYS(fchown), SCMP_SYS(lchown), SCMP_SYS(fchownat), SCMP_SYS(truncate),
	SCMP_SYS(ftruncate), SCMP_SYS(utimensat), SCMP_SYS(setxattr), SCMP_SYS(fsetxattr),
	SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(chroot), SCMP_SYS(pivot_root),
	SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(bpf), SCMP_SYS(perf_event_open),
	SCMP_SYS(io_uring_setup), SCMP_SYS(userfaultfd), SCMP_SYS(keyctl), SCMP_SYS(add_key),
	SCMP_SYS(request_key), SCMP_SYS(openat2), SCMP_SYS(reboot), SCMP_SYS(init_module),
	SCMP_SYS(finit_module), SCMP_SYS(kexec_load),
};

/* A file is opened for reading or not at all. */
static bool forbid_open_modes(scmp_filter_ctx filter)
{
	static const int modes[] = { O_WRONLY, O_RDWR, O_CREAT, O_TRUNC };
	const uint32_t no = SCMP_ACT_ERRNO(EPERM);
	bool done = true;

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]) && done; i++) {
		const scmp_datum_t bit = (scmp_datum_t)modes[i];

		done = seccomp_rule_add(filter, no, SCMP_SYS(open), 1,
					SCMP_A1(SCMP_CMP_MASKED_EQ, bit, bit)) == 0 &&
		       seccomp_rule_add(filter, no, SCMP_SYS(openat), 1,
					SCMP_A2(SCMP_CMP_MASKED_EQ, bit, bit)) == 0;
	}
	return done;
}

/*
 * A reader may have threads, which its sandbox holds as well, and no processes. The flags of clone3
 * cannot be looked at: without that call the C library uses clone.
 */
static bool forbid_processes(scmp_filter_ctx filter)
{
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
				SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0)) == 0 &&
	       seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
}

static bool forbid_calls(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	bool done = filter != NULL;

	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]) && done; i++)
		done = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), forbidden[i], 0) == 0;
	done = done && forbid_processes(filter) && forbid_open_modes(filter) &&
	       seccomp_load(filter) == 0;
	if (filter)
		seccomp_release(filter);
	return done;
}

enum status sandbox_enter(uint64_t memory, struct failure *why)
{
	if (limit_resources(memory) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    forbid_writing() && forbid_calls())
		return STATUS_OK;
	return failure_set(why, ERR_IO, "sandbox: %s", strerror(errno));
}
