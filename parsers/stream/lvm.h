/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_STREAM_LVM_H
#define AVOUCH_PARSERS_STREAM_LVM_H

#include "parsers/stream/stream.h"

/* The logical volumes of a Linux LVM2 physical volume, through libvslvm. */
struct lvm;

/* STATUS_DECLINED when the volume is none; ERR_UNSUPPORTED when its group spans several. Borrows it. */
MUST_USE enum status lvm_open(struct stream *volume, struct lvm **ret, struct failure *why);
void lvm_close(struct lvm *lvm);
DEFINE_CLEANUP(struct lvm *, lvm_close, lvm_close_p)

size_t lvm_count(const struct lvm *lvm);
/* The n-th (from 0) logical volume; name (UTF-8) is filled. The stream borrows lvm. */
MUST_USE enum status lvm_open_volume(struct lvm *lvm, size_t n, char name[256],
				     struct stream **ret, struct failure *why);

#endif
