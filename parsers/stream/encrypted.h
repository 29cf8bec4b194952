/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_STREAM_ENCRYPTED_H
#define AVOUCH_PARSERS_STREAM_ENCRYPTED_H

#include "parsers/stream/stream.h"

/* What may open an encrypted volume; each NULL when not given. UTF-8. */
struct secrets {
	const char *password;
	const char *recovery_password; /* BitLocker: eight groups of six digits */
	const char *startup_key_path;  /* BitLocker: a .BEK file */
};

/*
 * An encrypted volume (BitLocker through libbde, LUKS 1 through libluksde) as its plain content.
 * STATUS_DECLINED when the volume bears no mark of either; ERR_ENCRYPTED when none of the secrets
 * (nor a clear key) opens it; ERR_UNSUPPORTED for variants these libraries cannot read. Borrows
 * the volume.
 */
MUST_USE enum status encrypted_open(struct stream *volume, const struct secrets *secrets,
				    struct stream **ret, struct failure *why);

#endif
