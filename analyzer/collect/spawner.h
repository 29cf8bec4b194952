/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_COLLECT_SPAWNER_H
#define AVOUCH_ANALYZER_COLLECT_SPAWNER_H

#include <sys/types.h>

#include "analyzer/collect/options.h"

/*
 * A small process, forked before the case is opened and before any evidence is, that forks readers
 * on request and hands their sockets back. It dies with its supervisor, readers with it.
 */
struct spawner {
	int fd; /* -1: none */
	pid_t pid;
};

MUST_USE enum status spawner_start(const struct collect_options *options,
				   const struct wanted *wanted, struct spawner *ret,
				   struct failure *why);
/* A new reader: its process and the supervisor's end of its socket. */
MUST_USE enum status spawner_fork(struct spawner *spawner, pid_t *ret_pid, int *ret_fd,
				  struct failure *why);
/* Kills a reader if it still runs, and gives its wait status (as wait(2)). */
MUST_USE enum status spawner_end(struct spawner *spawner, pid_t pid, bool kill_it,
				 int *ret_wait_status, struct failure *why);
void spawner_stop(struct spawner *spawner);

#endif
