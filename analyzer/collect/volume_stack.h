/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_COLLECT_VOLUME_STACK_H
#define AVOUCH_ANALYZER_COLLECT_VOLUME_STACK_H

#include "analyzer/collect/unlock.h"
#include "analyzer/collect/view.h"
#include "parsers/stream/lvm.h"
#include "parsers/stream/snapshot.h"

/* A volume and what it stands on, from the medium up: logical volume, encryption, shadow copy. */

/* Which volume of a medium. */
struct volume_place {
	uint64_t offset, size;   /* bytes of the medium */
	uint32_t logical;        /* n-th logical volume (LVM) there, from 1; 0: none */
	uint32_t snapshot;       /* n-th shadow copy, from 1; 0: see below */
	struct instant snapshot_created; /* the shadow copy of that time; unset: the live volume */
};

/* All zero bits: nothing is open. */
struct volume_stack {
	struct stream *window; /* the volume's part of the medium, and what stands on it: */
	struct lvm *lvm;
	struct stream *logical, *plain, *snapshot;
	struct snapshot_set *snapshots;
	struct stream *top; /* the topmost of them; borrowed */
	struct view *view;
};

/*
 * Opens the volume on the medium, which is borrowed. STATUS_DECLINED when it holds no file system
 * that is read, ERR_ENCRYPTED when no secret opens it, ERR_FORMAT when there is no such shadow
 * copy. Close the stack in any case: what was opened stays, top is how far that was.
 */
MUST_USE enum status volume_stack_open(struct volume_stack *stack, struct stream *medium,
				       const struct volume_place *place,
				       struct secret_list secrets, struct failure *why);
void volume_stack_close(struct volume_stack *stack);

#endif
